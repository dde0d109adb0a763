//! Which trails record who changes anything.

use serde_json::{Value, json};

use super::*;
use crate::backend::aws::{
    error::ServiceErrorKind,
    testing::{ScriptedAnswer, ScriptedServer, data, error},
};

fn trails(multi_region: bool) -> ScriptedAnswer {
    data(
        json!({"trailList": [{"TrailARN": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/t", "IsMultiRegionTrail": multi_region}]}),
    )
}

async fn recorded(multi_region: bool, selectors: Value, logs: bool) -> bool {
    let script = ScriptedServer::new()
        .on("DescribeTrails", trails(multi_region))
        .always("GetEventSelectors", data(selectors))
        .always("GetTrailStatus", data(json!({ "IsLogging": logs })));
    is_recorded(&script.aws()).await.unwrap() == ManagementEvents::Yes
}

fn basic(kind: &str, management: bool) -> Value {
    json!({"EventSelectors": [{"ReadWriteType": kind, "IncludeManagementEvents": management}]})
}

fn advanced(fields: Value) -> Value {
    json!({"AdvancedEventSelectors": [{"FieldSelectors": fields}]})
}

#[tokio::test]
async fn what_counts() {
    assert!(recorded(true, basic("All", true), true).await);
    assert!(
        recorded(
            true,
            advanced(json!([{"Field": "eventCategory", "Equals": ["Management"]}])),
            true
        )
        .await
    );
}

#[tokio::test]
async fn what_does_not() {
    assert!(
        !recorded(false, basic("All", true), true).await,
        "one region only"
    );
    assert!(
        !recorded(true, basic("WriteOnly", true), true).await,
        "writes only"
    );
    assert!(
        !recorded(true, basic("All", false), true).await,
        "no management events"
    );
    assert!(!recorded(true, basic("All", true), false).await, "stopped");
    let some = json!([{"Field": "eventCategory", "Equals": ["Management"]}, {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}]);
    assert!(
        !recorded(true, advanced(some), true).await,
        "some are left out"
    );
    let script = ScriptedServer::new().on("DescribeTrails", data(json!({"trailList": []})));
    assert_eq!(
        is_recorded(&script.aws()).await.unwrap(),
        ManagementEvents::No,
        "there is none"
    );
}

#[tokio::test]
async fn what_could_not_be_seen() {
    let script = ScriptedServer::new()
        .on("DescribeTrails", trails(true))
        .on("GetEventSelectors", error(400, "AccessDeniedException"))
        .on("GetTrailStatus", data(json!({ "IsLogging": true })));
    assert_eq!(
        is_recorded(&script.aws()).await.unwrap_err().kind,
        ServiceErrorKind::Denied
    );
}

/// Without selectors of its own it records all management events; what they are, a member account
/// may not ask.
#[tokio::test]
async fn trail_of_the_organization() {
    const THEIRS: &str = "arn:aws:cloudtrail:eu-west-1:444455556666:trail/organization";
    let recorded = async |custom: Value, logs: bool| {
        let mut trail =
            json!({"TrailARN": THEIRS, "IsMultiRegionTrail": true, "IsOrganizationTrail": true});
        trail["HasCustomEventSelectors"] = custom;
        let script = ScriptedServer::new()
            .on("DescribeTrails", data(json!({"trailList": [trail]})))
            .always("GetEventSelectors", error(400, "TrailNotFoundException"))
            .always("GetTrailStatus", data(json!({ "IsLogging": logs })));
        is_recorded(&script.aws()).await.unwrap()
    };
    assert_eq!(recorded(json!(false), true).await, ManagementEvents::Yes);
    assert_eq!(
        recorded(json!(true), true).await,
        ManagementEvents::Untold(THEIRS.to_owned())
    );
    assert_eq!(
        recorded(json!(false), false).await,
        ManagementEvents::No,
        "it is stopped"
    );
}
