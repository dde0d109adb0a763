//! What is said of a key that was there before.

use serde_json::json;

use super::*;
use crate::backend::aws::testing::{KEY_ARN, ScriptedServer, data, error};

fn policy(statement: &serde_json::Value) -> PolicyDocument {
    serde_json::from_value(json!({ "Version": "2012-10-17", "Statement": [statement] }))
        .expect("a policy")
}

#[test]
fn a_key_that_can_be_gone_in_a_week() {
    let root = json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"});
    assert!(matches!(window(&policy(&root)), Verdict::Fails { .. }));
    for action in [
        json!("kms:ScheduleKeyDeletion"),
        json!(["kms:DisableKey", "KMS:scheduleKeyDeletion"]),
        json!("kms:Schedule*"),
    ] {
        let deny = json!({"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*"});
        assert_eq!(window(&policy(&deny)), Verdict::Holds, "{action}");
    }
    let deny =
        json!({"Effect": "Deny", "Principal": "*", "Action": "kms:DisableKey", "Resource": "*"});
    assert!(matches!(window(&policy(&deny)), Verdict::Fails { .. }));
}

#[test]
fn a_key_that_others_may_use() {
    let allow = |who: &str| json!({"Sid": "Use", "Effect": "Allow", "Principal": {"AWS": who}, "Action": "kms:Decrypt", "Resource": "*"});
    let Verdict::Fails { found, .. } = opened(
        &policy(&allow("arn:aws:iam::999999999999:root")),
        "111122223333",
    ) else {
        panic!("open")
    };
    assert_eq!(found, "statement Use allows arn:aws:iam::999999999999:root");
    assert_eq!(
        opened(
            &policy(&allow("arn:aws:iam::111122223333:role/terraform")),
            "111122223333"
        ),
        Verdict::Holds
    );
}

#[tokio::test]
async fn what_may_not_be_seen_is_not_taken_for_good() {
    let root = json!({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"}]});
    let readable = ScriptedServer::new()
        .on("GetKeyPolicy", data(json!({"Policy": root.to_string()})))
        .on(
            "GetKeyRotationStatus",
            data(json!({"KeyRotationEnabled": false})),
        );
    let ids = |checked: &[CheckResult], unreadable: bool| -> Vec<&'static str> {
        let like = |one: &&CheckResult| {
            one.is_finding() && matches!(one.verdict, Verdict::Unreadable { .. }) == unreadable
        };
        checked
            .iter()
            .filter(like)
            .map(|one| one.check.id)
            .collect()
    };
    let checked = checks(&readable.aws(), KEY_ARN).await;
    assert_eq!(
        (ids(&checked, false), ids(&checked, true)),
        (vec!["key-rotation", "key-deletion-window"], vec![])
    );
    let denied = ScriptedServer::new()
        .on("GetKeyPolicy", error(400, "AccessDeniedException"))
        .on("GetKeyRotationStatus", error(400, "AccessDeniedException"));
    let checked = checks(&denied.aws(), KEY_ARN).await;
    assert_eq!(
        (ids(&checked, false), ids(&checked, true)),
        (vec![], vec!["key-rotation", "key-open"])
    );
}
