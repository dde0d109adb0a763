//! Key rotation: on, often enough, and never less often than it is.

use insta::assert_snapshot;
use serde_json::json;

use super::*;
use crate::backend::aws::testing::{
    KEY_ARN, ScriptedAnswer, ScriptedServer, absent_only_by, data, empty, error, json_tags, look,
    retried_on, tags,
};

fn rotation() -> KeyRotation {
    KeyRotation {
        alias: "alias/acme".to_owned(),
        key: KEY_ARN.to_owned(),
        enabled: true,
        days: 365,
    }
}

fn with_key(script: ScriptedServer) -> ScriptedServer {
    script
        .always(
            "DescribeKey",
            data(json!({"KeyMetadata": { "KeyId": "id", "Arn": KEY_ARN }})),
        )
        .always("ListKeys", data(json!({ "Keys": [] })))
        .always(
            "ListResourceTags",
            data(json!({ "Tags": json_tags("TagKey", "TagValue", &tags()) })),
        )
}

async fn seen(answer: ScriptedAnswer) -> KeyRotation {
    let script = with_key(ScriptedServer::new()).on("GetKeyRotationStatus", answer);
    let found = look(&script, &rotation()).await.unwrap().unwrap().spec;
    assert!(
        script
            .sent()
            .contains(&format!(r#"GetKeyRotationStatus {{"KeyId":"{KEY_ARN}"}}"#))
    );
    found
}

#[tokio::test]
async fn present() {
    assert_eq!(
        seen(data(
            json!({ "KeyRotationEnabled": true, "RotationPeriodInDays": 365 })
        ))
        .await,
        rotation()
    );
    assert_eq!(
        seen(data(json!({ "KeyRotationEnabled": true }))).await,
        rotation(),
        "a year where nothing is said"
    );
    assert_eq!(
        seen(data(json!({ "KeyRotationEnabled": false }))).await,
        KeyRotation {
            enabled: false,
            days: 0,
            ..rotation()
        }
    );
}

#[tokio::test]
async fn absent() {
    absent_only_by(
        &rotation(),
        "DescribeKey",
        &["NotFoundException"],
        |script| script.always("ListKeys", data(json!({ "Keys": [] }))),
    )
    .await;
    // Absent without its key only: an asymmetric key, or one that hides it, is another matter.
    absent_only_by(&rotation(), "GetKeyRotationStatus", &[], with_key).await;
    let script = with_key(ScriptedServer::new()).on(
        "GetKeyRotationStatus",
        error(400, "UnsupportedOperationException"),
    );
    assert!(
        look(&script, &rotation())
            .await
            .unwrap_err()
            .is(&["UnsupportedOperationException"])
    );
}

#[tokio::test]
async fn put() {
    let script = ScriptedServer::new().on("EnableKeyRotation", empty());
    rotation().write(&script.aws(), None).await.unwrap();
    assert_snapshot!(script.sent(), @r#"EnableKeyRotation {"KeyId":"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab","RotationPeriodInDays":365}"#);
    retried_on(
        &rotation(),
        None,
        "EnableKeyRotation",
        &["NotFoundException", "DisabledException"],
        |script| script.always("EnableKeyRotation", empty()),
    )
    .await;
    let script =
        ScriptedServer::new().on("EnableKeyRotation", error(400, "KMSInvalidStateException"));
    assert!(
        rotation()
            .write(&script.aws(), None)
            .await
            .unwrap_err()
            .is(&["KMSInvalidStateException"])
    );
}

#[test]
fn a_key_that_is_rotated_more_often_stays_so() {
    let often = KeyRotation {
        days: 90,
        ..rotation()
    };
    assert_eq!(rotation().merge_onto(&often), often);
    assert_eq!(
        rotation().merge_onto(&KeyRotation {
            days: 700,
            ..rotation()
        }),
        rotation()
    );
    assert_eq!(
        rotation().merge_onto(&KeyRotation {
            enabled: false,
            days: 0,
            ..rotation()
        }),
        rotation()
    );
}
