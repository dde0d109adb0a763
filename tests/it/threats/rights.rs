//! What whoever bootstraps must be allowed: nothing of it makes an administrator.

use crate::support::page;

/// With one of these, whoever has it can give themselves the rest.
const CLIMBS: [&str; 11] = [
    "iam:PassRole",
    "iam:CreateRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:PutRolePolicy",
    "iam:PutUserPolicy",
    "iam:PutGroupPolicy",
    "iam:AddUserToGroup",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:SetDefaultPolicyVersion",
    "iam:DeleteRolePermissionsBoundary",
];

/// The page has every action that any command asks for: other tests hold it to that.
#[test]
fn threat_19_no_right_makes_an_administrator() {
    let page = page::read("docs/permissions.md");
    let actions: Vec<&str> = page.split('`').skip(1).step_by(2).filter(|word| word.contains(':') && !word.contains(' ')).collect();
    assert!(actions.len() > 60, "{actions:?}");
    for action in actions {
        let too_much = CLIMBS.contains(&action) || action.ends_with(":*") || action.starts_with("iam:") && action.contains('*');
        assert!(!too_much, "{action}");
    }
}
