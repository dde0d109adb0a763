//! A key that was brought along: its state, its kind, and what its policy allows.

use serde_json::json;

use super::*;
use crate::backend::aws::testing::{KEY_ARN, ScriptedServer, absent_only_by, data, look};

const GRANT: &str = "cloudtrail.amazonaws.com kms:GenerateDataKey";

fn own() -> OwnKey {
    OwnKey::new(KEY_ARN.to_owned(), vec![GRANT.to_owned()])
}

fn key(state: &str, usage: &str, spec: &str) -> crate::backend::aws::testing::ScriptedAnswer {
    data(
        json!({"KeyMetadata": { "KeyId": "id", "Arn": KEY_ARN, "KeyState": state, "KeyUsage": usage, "KeySpec": spec }}),
    )
}

fn policy(action: &str) -> crate::backend::aws::testing::ScriptedAnswer {
    let document = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"Service": ["cloudtrail.amazonaws.com", "x.amazonaws.com"]}, "Action": action, "Resource": "*",
    }});
    data(json!({ "Policy": document.to_string() }))
}

async fn why(state: &str, usage: &str, spec: &str, action: &str) -> Option<String> {
    let script = ScriptedServer::new()
        .on("DescribeKey", key(state, usage, spec))
        .on("GetKeyPolicy", policy(action));
    let found = look(&script, &own()).await.unwrap().unwrap();
    assert_eq!(
        (found.output.as_deref(), found.owner),
        (Some(KEY_ARN), ResourceOwner::Unmanaged)
    );
    own().blocked_by(&found.spec)
}

#[tokio::test]
async fn a_key_that_serves_is_taken_as_it_is() {
    for action in ["kms:GenerateDataKey", "kms:generatedatakey*", "kms:*", "*"] {
        assert_eq!(
            why("Enabled", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", action).await,
            None,
            "{action}"
        );
    }
}

#[tokio::test]
async fn a_key_that_does_not_serve_says_why() {
    let symmetric = ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT");
    for (state, (usage, spec), action, says) in [
        ("Disabled", symmetric, "kms:*", "enable-key"),
        ("PendingDeletion", symmetric, "kms:*", "cancel-key-deletion"),
        ("PendingImport", symmetric, "kms:*", "PendingImport"),
        ("Enabled", ("SIGN_VERIFY", "RSA_2048"), "kms:*", "symmetric"),
        (
            "Enabled",
            ("GENERATE_VERIFY_MAC", "SYMMETRIC_DEFAULT"),
            "kms:*",
            "symmetric",
        ),
        (
            "Enabled",
            ("ENCRYPT_DECRYPT", "RSA_2048"),
            "kms:*",
            "symmetric",
        ),
        ("Enabled", symmetric, "kms:Decrypt", GRANT),
    ] {
        let why = why(state, usage, spec, action).await.unwrap();
        assert!(why.contains(says), "{why}");
    }
}

#[tokio::test]
async fn absent_and_never_written() {
    absent_only_by(&own(), "DescribeKey", &["NotFoundException"], |script| {
        script
    })
    .await;
    absent_only_by(&own(), "GetKeyPolicy", &[], |script| {
        script.always("DescribeKey", key("Enabled", "", ""))
    })
    .await;
    assert!(own().data_source().unwrap().contains(KEY_ARN));
    let script = ScriptedServer::new();
    own().write(&script.aws(), None).await.unwrap_err();
    assert_eq!(script.sent(), "");
    // Who asks for no grants needs no permission to read the policy.
    let script = ScriptedServer::new().on(
        "DescribeKey",
        key("Enabled", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"),
    );
    look(&script, &OwnKey::new(KEY_ARN.to_owned(), vec![]))
        .await
        .unwrap()
        .unwrap();
}
