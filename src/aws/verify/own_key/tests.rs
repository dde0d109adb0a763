//! What is said of a key that was there before.

use serde_json::json;

use super::*;

fn policy(statement: &serde_json::Value) -> Document {
    serde_json::from_value(json!({ "Version": "2012-10-17", "Statement": [statement] })).expect("a policy")
}

#[test]
fn a_key_that_can_be_gone_in_a_week() {
    let root = json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"});
    assert!(matches!(window(&policy(&root)), Verdict::Fails { .. }));
    for action in [json!("kms:ScheduleKeyDeletion"), json!(["kms:DisableKey", "KMS:scheduleKeyDeletion"]), json!("kms:Schedule*")] {
        let deny = json!({"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*"});
        assert_eq!(window(&policy(&deny)), Verdict::Holds, "{action}");
    }
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "kms:DisableKey", "Resource": "*"});
    assert!(matches!(window(&policy(&deny)), Verdict::Fails { .. }));
}

#[test]
fn a_key_that_others_may_use() {
    let allow = |who: &str| json!({"Sid": "Use", "Effect": "Allow", "Principal": {"AWS": who}, "Action": "kms:Decrypt", "Resource": "*"});
    let Verdict::Fails { what, .. } = opened(&policy(&allow("arn:aws:iam::999999999999:root")), "111122223333") else { panic!("open") };
    assert_eq!(what, "statement Use allows arn:aws:iam::999999999999:root");
    assert_eq!(opened(&policy(&allow("arn:aws:iam::111122223333:role/terraform")), "111122223333"), Verdict::Holds);
}
