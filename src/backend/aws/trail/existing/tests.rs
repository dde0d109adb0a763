//! A trail of the account that covers the states: every condition that may leave an event out
//! counts.

use serde_json::{Value, json};

use super::*;
use crate::backend::aws::testing::{
    ScriptedAnswer, ScriptedServer, absent_only_by, data, error, look,
};

const OURS: &str = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/t";

fn wanted() -> ExistingTrail {
    ExistingTrail::new("arn:aws:s3:::states/".to_owned(), None)
}

fn trails(arns: &[&str]) -> ScriptedAnswer {
    let list: Vec<_> = arns.iter().map(|arn| json!({ "TrailARN": arn })).collect();
    data(json!({ "trailList": list }))
}

fn advanced(fields: &Value) -> ScriptedAnswer {
    data(json!({"AdvancedEventSelectors": [{ "FieldSelectors": fields }]}))
}

fn objects() -> Vec<Value> {
    vec![
        json!({"Field": "eventCategory", "Equals": ["Data"]}),
        json!({"Field": "resources.type", "Equals": ["AWS::S3::Object"]}),
    ]
}

fn with(field: Value) -> ScriptedAnswer {
    let mut fields = objects();
    fields.push(field);
    advanced(&json!(fields))
}

fn basic(kind: &str, values: &[&str]) -> ScriptedAnswer {
    data(
        json!({"EventSelectors": [{"ReadWriteType": kind, "DataResources": [{"Type": "AWS::S3::Object", "Values": values}]}]}),
    )
}

async fn covered(selectors: ScriptedAnswer, logs: bool) -> bool {
    let script = ScriptedServer::new()
        .on("DescribeTrails", trails(&[OURS]))
        .on("GetEventSelectors", selectors)
        .on("GetTrailStatus", data(json!({ "IsLogging": logs })));
    let found = look(&script, &wanted()).await.unwrap();
    script.sent();
    if let Some(found) = &found {
        assert_eq!(
            (
                found.output.as_deref(),
                found.spec.trail.as_deref(),
                &found.owner
            ),
            (Some(OURS), Some(OURS), &ResourceOwner::Unmanaged)
        );
    }
    found.is_some()
}

#[tokio::test]
async fn what_covers() {
    assert!(
        covered(advanced(&json!(objects())), true).await,
        "all objects of the account"
    );
    assert!(covered(with(json!({"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::other/", "arn:aws:s3:::states/"]})), true).await);
    assert!(
        covered(
            with(json!({"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::sta"]})),
            true
        )
        .await
    );
    assert!(covered(basic("All", &["arn:aws:s3"]), true).await);
    assert!(covered(basic("All", &["arn:aws:s3:::states/"]), true).await);
}

#[tokio::test]
async fn what_does_not() {
    assert!(
        !covered(advanced(&json!(objects())), false).await,
        "it is off"
    );
    for field in [
        json!({"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::states/app/"]}),
        json!({"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::states/"], "NotEndsWith": [".tflock"]}),
        json!({"Field": "resources.ARN", "Equals": ["arn:aws:s3:::states/x"], "StartsWith": ["arn:aws:s3:::states/"]}),
        json!({"Field": "readOnly", "Equals": ["false"]}),
        json!({"Field": "eventName", "Equals": ["PutObject"]}),
    ] {
        assert!(!covered(with(field.clone()), true).await, "{field}");
    }
    assert!(
        !covered(
            advanced(&json!([{"Field": "eventCategory", "Equals": ["Management"]}])),
            true
        )
        .await
    );
    assert!(!covered(basic("WriteOnly", &["arn:aws:s3"]), true).await);
    assert!(!covered(basic("All", &["arn:aws:s3:::states/app/"]), true).await);
    assert!(!covered(data(json!({})), true).await);
}

#[tokio::test]
async fn one_that_may_not_be_looked_at_matters_only_if_no_other_covers() {
    let script = |second: ScriptedAnswer| {
        ScriptedServer::new()
            .on(
                "DescribeTrails",
                trails(&[
                    "arn:aws:cloudtrail:eu-west-1:111122223333:trail/organization",
                    OURS,
                ]),
            )
            .about(
                "GetEventSelectors",
                "organization",
                error(400, "AccessDeniedException"),
            )
            .always("GetEventSelectors", second)
            .always("GetTrailStatus", data(json!({ "IsLogging": true })))
    };
    let found = look(&script(advanced(&json!(objects()))), &wanted())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.output.as_deref(), Some(OURS));
    assert!(
        look(&script(data(json!({}))), &wanted())
            .await
            .unwrap_err()
            .is(&["AccessDeniedException"])
    );
}

#[tokio::test]
async fn absent_and_never_written() {
    assert_eq!(
        look(
            &ScriptedServer::new().on("DescribeTrails", trails(&[])),
            &wanted()
        )
        .await
        .unwrap(),
        None
    );
    absent_only_by(&wanted(), "DescribeTrails", &[], |script| script).await;
    let one = |script: ScriptedServer| script.always("DescribeTrails", trails(&[OURS]));
    let on = |script: ScriptedServer| {
        one(script).always("GetTrailStatus", data(json!({ "IsLogging": true })))
    };
    absent_only_by(&wanted(), "GetEventSelectors", ABSENT, on).await;
    absent_only_by(&wanted(), "GetTrailStatus", ABSENT, |script| {
        one(script).always("GetEventSelectors", advanced(&json!(objects())))
    })
    .await;
    assert!(wanted().data_source().unwrap().contains("--trail new"));
    let script = ScriptedServer::new();
    wanted().write(&script.aws(), None).await.unwrap_err();
    assert_eq!(script.sent(), "");
}

/// A member account cannot read what an organization trail records: it is neither reported as
/// existing nor as missing.
#[tokio::test]
async fn trail_of_the_organization() {
    const THEIRS: &str = "arn:aws:cloudtrail:eu-west-1:444455556666:trail/organization";
    let script = |custom: bool, logs: bool| {
        let trail = json!({"TrailARN": THEIRS, "IsOrganizationTrail": true, "HasCustomEventSelectors": custom});
        ScriptedServer::new()
            .always("DescribeTrails", data(json!({"trailList": [trail]})))
            .always(
                "GetEventSelectors",
                error(400, "CloudTrailARNInvalidException"),
            )
            .always("GetTrailStatus", data(json!({ "IsLogging": logs })))
    };
    let found = look(&script(true, true), &wanted())
        .await
        .unwrap()
        .unwrap()
        .spec;
    assert_eq!(
        (found.trail.as_deref(), found.untold.as_deref()),
        (None, Some(THEIRS))
    );
    let why = wanted().blocked_by(&found).expect("it is not known");
    assert!(
        why.contains("this account cannot read whether it records")
            && why.contains(&format!("--trail existing={THEIRS}")),
        "{why}"
    );
    // Data events take selectors of its own.
    assert_eq!(look(&script(false, true), &wanted()).await.unwrap(), None);
    assert_eq!(
        look(&script(true, false), &wanted()).await.unwrap(),
        None,
        "it is stopped"
    );
    // Asserted by the user, it has to be there and on.
    let asserted = ExistingTrail::new("arn:aws:s3:::states/".to_owned(), Some(THEIRS.to_owned()));
    let found = look(&script(true, true), &asserted)
        .await
        .unwrap()
        .unwrap()
        .spec;
    assert_eq!(
        (asserted.blocked_by(&found), found.trail.as_deref()),
        (None, Some(THEIRS))
    );
    assert_eq!(look(&script(true, false), &asserted).await.unwrap(), None);
    let gone = ScriptedServer::new().on("GetTrailStatus", error(400, "TrailNotFoundException"));
    assert_eq!(look(&gone, &asserted).await.unwrap(), None);
}

/// A trail of this account is read, regardless of what the user specified.
#[tokio::test]
async fn trail_of_this_account_is_not_taken_on_trust() {
    let asserted = ExistingTrail::new("arn:aws:s3:::states/".to_owned(), Some(OURS.to_owned()));
    let script = |selectors: ScriptedAnswer| {
        ScriptedServer::new()
            .on("GetEventSelectors", selectors)
            .on("GetTrailStatus", data(json!({ "IsLogging": true })))
    };
    assert_eq!(
        look(&script(data(json!({}))), &asserted).await.unwrap(),
        None
    );
    let found = look(&script(advanced(&json!(objects()))), &asserted)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.output.as_deref(), Some(OURS));
}
