//! A trail of the account that covers the states: every condition that may leave an event out counts.

use serde_json::{Value, json};

use super::*;
use crate::aws::testing::{Answer, Script, absent_only_by, data, error, look};

fn wanted() -> ExistingTrail {
    ExistingTrail { objects: "arn:aws:s3:::states/".to_owned(), trail: None }
}

fn trails(arns: &[&str]) -> Answer {
    let list: Vec<_> = arns.iter().map(|arn| json!({ "TrailARN": arn })).collect();
    data(json!({ "trailList": list }))
}

fn advanced(fields: &Value) -> Answer {
    data(json!({"AdvancedEventSelectors": [{ "FieldSelectors": fields }]}))
}

fn objects() -> Vec<Value> {
    vec![json!({"Field": "eventCategory", "Equals": ["Data"]}), json!({"Field": "resources.type", "Equals": ["AWS::S3::Object"]})]
}

fn with(field: Value) -> Answer {
    let mut fields = objects();
    fields.push(field);
    advanced(&json!(fields))
}

fn basic(kind: &str, values: &[&str]) -> Answer {
    data(json!({"EventSelectors": [{"ReadWriteType": kind, "DataResources": [{"Type": "AWS::S3::Object", "Values": values}]}]}))
}

async fn covered(selectors: Answer, logs: bool) -> bool {
    let script = Script::new()
        .on("DescribeTrails", trails(&["arn:t"]))
        .on("GetEventSelectors", selectors)
        .on("GetTrailStatus", data(json!({ "IsLogging": logs })));
    let found = look(&script, &wanted()).await.unwrap();
    script.sent();
    if let Some(found) = &found {
        assert_eq!((found.output.as_deref(), found.spec.trail.as_deref(), &found.owner), (Some("arn:t"), Some("arn:t"), &Owner::Unmanaged));
    }
    found.is_some()
}

#[tokio::test]
async fn what_covers() {
    assert!(covered(advanced(&json!(objects())), true).await, "all objects of the account");
    assert!(covered(with(json!({"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::other/", "arn:aws:s3:::states/"]})), true).await);
    assert!(covered(with(json!({"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::sta"]})), true).await);
    assert!(covered(basic("All", &["arn:aws:s3"]), true).await);
    assert!(covered(basic("All", &["arn:aws:s3:::states/"]), true).await);
}

#[tokio::test]
async fn what_does_not() {
    assert!(!covered(advanced(&json!(objects())), false).await, "it is off");
    for field in [
        json!({"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::states/app/"]}),
        json!({"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::states/"], "NotEndsWith": [".tflock"]}),
        json!({"Field": "resources.ARN", "Equals": ["arn:aws:s3:::states/x"], "StartsWith": ["arn:aws:s3:::states/"]}),
        json!({"Field": "readOnly", "Equals": ["false"]}),
        json!({"Field": "eventName", "Equals": ["PutObject"]}),
    ] {
        assert!(!covered(with(field.clone()), true).await, "{field}");
    }
    assert!(!covered(advanced(&json!([{"Field": "eventCategory", "Equals": ["Management"]}])), true).await);
    assert!(!covered(basic("WriteOnly", &["arn:aws:s3"]), true).await);
    assert!(!covered(basic("All", &["arn:aws:s3:::states/app/"]), true).await);
    assert!(!covered(data(json!({})), true).await);
}

#[tokio::test]
async fn one_that_may_not_be_looked_at_matters_only_if_no_other_covers() {
    let script = |second: Answer| {
        Script::new()
            .on("DescribeTrails", trails(&["arn:organization", "arn:t"]))
            .about("GetEventSelectors", "organization", error(400, "AccessDeniedException"))
            .always("GetEventSelectors", second)
            .always("GetTrailStatus", data(json!({ "IsLogging": true })))
    };
    let found = look(&script(advanced(&json!(objects()))), &wanted()).await.unwrap().unwrap();
    assert_eq!(found.output.as_deref(), Some("arn:t"));
    assert!(look(&script(data(json!({}))), &wanted()).await.unwrap_err().is(&["AccessDeniedException"]));
}

#[tokio::test]
async fn absent_and_never_written() {
    assert_eq!(look(&Script::new().on("DescribeTrails", trails(&[])), &wanted()).await.unwrap(), None);
    absent_only_by(&wanted(), "DescribeTrails", &[], |script| script).await;
    let one = |script: Script| script.always("DescribeTrails", trails(&["arn:t"]));
    let on = |script: Script| one(script).always("GetTrailStatus", data(json!({ "IsLogging": true })));
    absent_only_by(&wanted(), "GetEventSelectors", ABSENT, on).await;
    absent_only_by(&wanted(), "GetTrailStatus", ABSENT, |script| one(script).always("GetEventSelectors", advanced(&json!(objects()))))
        .await;
    assert!(wanted().reference().unwrap().contains("--trail new"));
    let script = Script::new();
    wanted().write(&script.aws(), None).await.unwrap_err();
    assert_eq!(script.sent(), "");
}
