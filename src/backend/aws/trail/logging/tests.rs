//! Whether the trail records.

use serde_json::json;

use super::*;
use crate::backend::aws::testing::{ScriptedServer, absent_only_by, data, empty, look, retried_on};

fn logging() -> TrailLogging {
    TrailLogging::on("acme".to_owned())
}

#[tokio::test]
async fn present_absent_and_started() {
    for (answer, on) in [
        (json!({"IsLogging": true}), true),
        (json!({"IsLogging": false}), false),
        (json!({}), false),
    ] {
        let script = ScriptedServer::new().on("GetTrailStatus", data(answer));
        assert_eq!(
            look(&script, &logging()).await.unwrap().unwrap().spec,
            TrailLogging { on, ..logging() }
        );
        assert_eq!(script.sent(), r#"GetTrailStatus {"Name":"acme"}"#);
    }
    absent_only_by(&logging(), "GetTrailStatus", ABSENT, |script| script).await;
    let script = ScriptedServer::new().on("StartLogging", empty());
    logging().write(&script.aws(), None).await.unwrap();
    assert_eq!(script.sent(), r#"StartLogging {"Name":"acme"}"#);
    retried_on(
        &logging(),
        None,
        "StartLogging",
        &["TrailNotFoundException"],
        |script| script.always("StartLogging", empty()),
    )
    .await;
}

#[tokio::test]
async fn what_could_not_be_delivered_is_told_and_is_nothing_to_write() {
    for (answer, error) in [
        (
            json!({"IsLogging": true, "LatestDeliveryError": "AccessDenied", "LatestDigestDeliveryError": ""}),
            Some("AccessDenied"),
        ),
        (
            json!({"IsLogging": true, "LatestDeliveryError": "", "LatestDigestDeliveryError": "NoSuchBucket"}),
            Some("NoSuchBucket"),
        ),
        (json!({"IsLogging": true, "LatestDeliveryError": ""}), None),
    ] {
        let found = look(
            &ScriptedServer::new().on("GetTrailStatus", data(answer)),
            &logging(),
        )
        .await
        .unwrap()
        .unwrap()
        .spec;
        assert_eq!(found.delivery_error.as_deref(), error);
        assert_eq!(logging().merge_onto(&found), found);
    }
}
