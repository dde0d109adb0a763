//! Point-in-time recovery: a switch, which comes a while after the table.

use insta::assert_snapshot;
use serde_json::json;

use super::*;
use crate::aws::testing::{Answer, Script, absent_only_by, data, empty, look, retried_on};

fn recovery() -> Recovery {
    Recovery { table: "locks".to_owned(), enabled: true }
}

fn status(status: &str) -> Answer {
    data(json!({"ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": status},
    }}))
}

#[tokio::test]
async fn present() {
    for (answer, enabled) in [(status("ENABLED"), true), (status("DISABLED"), false), (data(json!({})), false)] {
        let script = Script::new().on("DescribeContinuousBackups", answer);
        assert_eq!(look(&script, &recovery()).await.unwrap().unwrap().spec, Recovery { enabled, ..recovery() });
        assert_eq!(script.sent(), r#"DescribeContinuousBackups {"TableName":"locks"}"#);
    }
}

#[tokio::test]
async fn absent() {
    let codes = ["TableNotFoundException", "ResourceNotFoundException"];
    absent_only_by(&recovery(), "DescribeContinuousBackups", &codes, |script| script).await;
}

#[tokio::test]
async fn put() {
    let script = Script::new().on("UpdateContinuousBackups", empty());
    recovery().write(&script.aws(), None).await.unwrap();
    assert_snapshot!(script.sent(), @r#"UpdateContinuousBackups {"TableName":"locks","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true}}"#);
    let codes = ["ContinuousBackupsUnavailableException", "TableNotFoundException", "ResourceInUseException"];
    retried_on(&recovery(), None, "UpdateContinuousBackups", &codes, |script| script.always("UpdateContinuousBackups", empty())).await;
}
