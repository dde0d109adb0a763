//! What a user who bootstraps must be allowed: nothing of it makes an administrator, and nothing of
//! it reaches what belongs to others.

use serde_json::Value;
use tfbackend::{
    backend::aws::permissions::needed,
    engine::spec::{Address, KnownOutputs},
};

use crate::support::{made_up, page};

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
    let page = page::read("docs/reference/permissions.md");
    let actions: Vec<&str> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| word.contains(':') && !word.contains(' '))
        .collect();
    assert!(actions.len() > 60, "{actions:?}");
    for action in actions {
        let condition = [
            "kms:ViaService",
            "kms:GrantIsForAWSResource",
            "iam:PolicyARN",
        ]
        .contains(&action);
        let too_much = CLIMBS.contains(&action)
            || action.ends_with(":*")
            || action.starts_with("iam:") && action.contains('*');
        assert!(condition || !too_much, "{action}");
    }
}

/// Judged by resources and conditions, not by the names of actions alone.
#[test]
fn threat_19_printed_policies_reach_nothing_of_others() {
    let page = page::read("docs/reference/permissions.md");
    let block = page
        .split("<!-- made: policy -->")
        .nth(1)
        .and_then(|rest| rest.split("```json").nth(1)?.split("```").next());
    let documented: Value = serde_json::from_str(block.expect("a policy")).expect("JSON");
    assert!(
        reaching(&documented).is_empty(),
        "{:#?}",
        reaching(&documented)
    );

    const SETTINGS: &str = "project = 'acme'\nregion = 'eu-west-1'\n[env.prod]\n";
    for line in [
        "--lock both --attach-to role/terraform --attach-to user/a --attach-to group/b",
        "--encryption sse-s3",
        "--lock s3",
    ] {
        let environment = made_up::environment("prod", line, SETTINGS);
        let plan = made_up::plan(&environment);
        let key = KnownOutputs::from([(
            Address::new("key"),
            "arn:aws:kms:eu-west-1:123456789012:key/1".to_owned(),
        )]);
        for known in [KnownOutputs::new(), key] {
            let policy = needed(
                &environment.provider.blueprint,
                &plan,
                &known,
                &environment.provider.aws,
            )
            .policy();
            let policy = serde_json::to_value(policy).expect("plain data");
            assert!(
                reaching(&policy).is_empty(),
                "{line}: {:#?}",
                reaching(&policy)
            );
        }
    }
}

/// Each statement is wrong once.
#[test]
fn threat_19_the_judge_of_policies_has_teeth() {
    let via = |service: &str| serde_json::json!({ "StringEquals": { "kms:ViaService": service } });
    let statement = |action: &str, resource: &str, condition: Value| {
        let mut statement =
            serde_json::json!({ "Effect": "Allow", "Action": action, "Resource": resource });
        if !condition.is_null() {
            statement["Condition"] = condition;
        }
        serde_json::json!({ "Statement": [statement] })
    };
    let any = "arn:aws:kms:eu-west-1:123456789012:key/*";
    let grant = serde_json::json!({ "StringEquals": { "kms:ViaService": "dynamodb.eu-west-1.amazonaws.com" } });
    let request =
        serde_json::json!({ "StringEquals": { "aws:RequestTag/ManagedBy": "tfbackend" } });
    for bad in [
        statement("kms:Decrypt", any, Value::Null),
        statement("kms:Decrypt", any, via("s3.eu-west-1.amazonaws.com")),
        statement("kms:Decrypt", "*", Value::Null),
        statement("kms:CreateGrant", any, grant),
        statement("kms:PutKeyPolicy", any, request.clone()),
        statement("kms:TagResource", any, Value::Null),
        statement("kms:EnableKeyRotation", any, request),
        statement("kms:*", any, Value::Null),
        statement(
            "iam:AttachRolePolicy",
            "arn:aws:iam::123456789012:role/terraform",
            Value::Null,
        ),
        statement("iam:CreatePolicyVersion", "*", Value::Null),
        statement("s3:PutBucketPolicy", "arn:aws:s3:::*", Value::Null),
    ] {
        assert_eq!(reaching(&bad).len(), 1, "{bad:#}");
    }
}

/// The actions of a policy that reach beyond the environment `prod` of `acme`, each with its
/// statement.
fn reaching(policy: &Value) -> Vec<String> {
    let list = |value: &Value| match value {
        Value::Array(items) => items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect::<Vec<_>>(),
        item => vec![item.as_str().expect("a text").to_owned()],
    };
    let mut found = vec![];
    for statement in policy["Statement"].as_array().expect("statements") {
        let condition = |operator: &str, key: &str| {
            statement["Condition"][operator][key]
                .as_str()
                .unwrap_or_default()
        };
        let tagged = |kind: &str| {
            condition("StringEquals", &format!("{kind}/tfbackend:env")) == "prod"
                && condition("StringEquals", &format!("{kind}/tfbackend:project")) == "acme"
                && condition("StringEquals", &format!("{kind}/ManagedBy")) == "tfbackend"
        };
        let for_the_table =
            condition("StringEquals", "kms:ViaService") == "dynamodb.eu-west-1.amazonaws.com";
        let runner_policy =
            condition("ArnEquals", "iam:PolicyARN").contains(":policy/acme-tfstate-prod-runner");
        for action in list(&statement["Action"]) {
            let (service, verb) = action.split_once(':').expect("a service");
            let reads = ["Get", "List", "Describe"]
                .iter()
                .any(|read| verb.starts_with(read));
            for resource in list(&statement["Resource"]) {
                let any_key = resource.ends_with(":key/*");
                let named = resource.contains("acme-tfstate-prod")
                    || service == "kms" && resource.contains(":key/") && !any_key;
                let holds = match (service, verb) {
                    ("kms", "CreateKey") => tagged("aws:RequestTag"),
                    _ if reads => true,
                    ("iam", _) if verb.starts_with("Attach") || verb.starts_with("Detach") => {
                        runner_policy
                    }
                    _ if named => true,
                    ("kms", "CreateGrant") => {
                        for_the_table && condition("Bool", "kms:GrantIsForAWSResource") == "true"
                    }
                    ("kms", "Decrypt" | "Encrypt" | "GenerateDataKey*" | "ReEncrypt*") => {
                        for_the_table && any_key
                    }
                    ("kms", "TagResource") => tagged("aws:RequestTag") && any_key,
                    ("kms", "CreateAlias" | "EnableKeyRotation") => {
                        tagged("aws:ResourceTag") && any_key
                    }
                    _ => false,
                };
                if !holds {
                    found.push(format!("{action} on {resource}: {statement}"));
                }
            }
        }
    }
    found
}
