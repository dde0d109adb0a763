//! Point-in-time recovery: a switch, which comes a while after the table.

use insta::assert_snapshot;
use serde_json::json;

use super::*;
use crate::backend::aws::testing::{
    ScriptedAnswer, ScriptedServer, absent_only_by, data, look, retried_on,
};

fn recovery() -> PointInTimeRecovery {
    PointInTimeRecovery {
        table: "locks".to_owned(),
        enabled: true,
    }
}

fn status(status: &str) -> ScriptedAnswer {
    data(json!({"ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": status},
    }}))
}

#[tokio::test]
async fn present() {
    for (answer, enabled) in [
        (status("ENABLED"), true),
        (status("DISABLED"), false),
        (data(json!({})), false),
    ] {
        let script = ScriptedServer::new().on("DescribeContinuousBackups", answer);
        assert_eq!(
            look(&script, &recovery()).await.unwrap().unwrap().spec,
            PointInTimeRecovery {
                enabled,
                ..recovery()
            }
        );
        assert_eq!(
            script.sent(),
            r#"DescribeContinuousBackups {"TableName":"locks"}"#
        );
    }
}

#[tokio::test]
async fn absent() {
    let codes = ["TableNotFoundException", "ResourceNotFoundException"];
    absent_only_by(&recovery(), "DescribeContinuousBackups", &codes, |script| {
        script
    })
    .await;
}

#[tokio::test]
async fn put() {
    let script = ScriptedServer::new().on("UpdateContinuousBackups", status("ENABLED"));
    recovery().write(&script.aws(), None).await.unwrap();
    assert_snapshot!(script.sent(), @r#"UpdateContinuousBackups {"TableName":"locks","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true}}"#);
    let codes = [
        "ContinuousBackupsUnavailableException",
        "TableNotFoundException",
        "ResourceInUseException",
    ];
    retried_on(
        &recovery(),
        None,
        "UpdateContinuousBackups",
        &codes,
        |script| script.always("UpdateContinuousBackups", status("ENABLED")),
    )
    .await;
}

#[tokio::test]
async fn a_switch_that_dynamodb_does_not_show_yet_is_waited_for() {
    let script = ScriptedServer::new()
        .on("UpdateContinuousBackups", status("DISABLED"))
        .on("DescribeContinuousBackups", status("DISABLED"))
        .on("DescribeContinuousBackups", status("ENABLED"));
    recovery().write(&script.aws(), None).await.unwrap();
    assert_eq!(
        script.operations(),
        [
            "UpdateContinuousBackups",
            "DescribeContinuousBackups",
            "DescribeContinuousBackups"
        ]
    );
    let off = PointInTimeRecovery {
        enabled: false,
        ..recovery()
    };
    let script = ScriptedServer::new()
        .on("UpdateContinuousBackups", status("ENABLED"))
        .on("DescribeContinuousBackups", status("DISABLED"));
    off.write(&script.aws(), None).await.unwrap();
    script.sent();
}

#[tokio::test]
async fn an_interrupt_ends_the_waiting() {
    let script = ScriptedServer::new()
        .always("UpdateContinuousBackups", status("DISABLED"))
        .always("DescribeContinuousBackups", status("DISABLED"));
    let (aws, to) = (script.aws(), recovery());
    aws.cancel.cancel();
    let written = to.write(&aws, None);
    let error = tokio::time::timeout(std::time::Duration::from_secs(10), written)
        .await
        .expect("soon")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("interrupted while point-in-time recovery was DISABLED"),
        "{error}"
    );
}
