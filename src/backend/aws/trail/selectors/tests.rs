//! Event selectors: exactly ours, and those of others word for word.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::*;
use crate::backend::aws::testing::{ScriptedServer, absent_only_by, data, empty, look, retried_on};

fn ours() -> EventSelectors {
    EventSelectors::of(
        "acme".to_owned(),
        "aws",
        "states",
        Some("arn:aws:dynamodb:eu-west-1:111122223333:table/locks"),
    )
}

async fn sent(selectors: &EventSelectors) -> String {
    let script = ScriptedServer::new().on("PutEventSelectors", empty());
    selectors.write(&script.aws(), None).await.unwrap();
    script.sent()
}

async fn seen(answer: Value) -> EventSelectors {
    let script = ScriptedServer::new().on("GetEventSelectors", data(answer));
    let found = look(&script, &ours()).await.unwrap().unwrap();
    assert_eq!(script.sent(), r#"GetEventSelectors {"TrailName":"acme"}"#);
    found.spec
}

fn answer(sent: &str) -> Value {
    serde_json::from_str(sent.strip_prefix("PutEventSelectors ").unwrap()).unwrap()
}

#[tokio::test]
async fn put_and_present() {
    let request = sent(&ours()).await;
    assert_snapshot!(request, @r#"PutEventSelectors {"TrailName":"acme","AdvancedEventSelectors":[{"Name":"State objects","FieldSelectors":[{"Field":"eventCategory","Equals":["Data"]},{"Field":"resources.type","Equals":["AWS::S3::Object"]},{"Field":"resources.ARN","StartsWith":["arn:aws:s3:::states/"]}]},{"Name":"Lock table","FieldSelectors":[{"Field":"eventCategory","Equals":["Data"]},{"Field":"resources.type","Equals":["AWS::DynamoDB::Table"]},{"Field":"resources.ARN","Equals":["arn:aws:dynamodb:eu-west-1:111122223333:table/locks"]}]}]}"#);
    assert_eq!(seen(answer(&request)).await, ours());
    let gov = EventSelectors::of("acme".to_owned(), "aws-us-gov", "states", None);
    assert_eq!(gov.selectors.len(), 1);
    assert_eq!(
        gov.selectors[0].fields[2].starts_with,
        ["arn:aws-us-gov:s3:::states/"]
    );
}

/// CloudTrail gives the fields in an order of its own.
#[tokio::test]
async fn the_order_means_nothing() {
    let mut there = answer(&sent(&ours()).await);
    let selectors = there["AdvancedEventSelectors"].as_array_mut().unwrap();
    selectors.reverse();
    for selector in selectors {
        selector["FieldSelectors"].as_array_mut().unwrap().reverse();
    }
    let there = seen(there).await;
    assert_eq!(ours().merge_onto(&there), there);
}

#[tokio::test]
async fn absent_and_retried() {
    absent_only_by(&ours(), "GetEventSelectors", ABSENT, |script| script).await;
    retried_on(
        &ours(),
        None,
        "PutEventSelectors",
        &["TrailNotFoundException"],
        |script| script.always("PutEventSelectors", empty()),
    )
    .await;
}

#[tokio::test]
async fn what_a_new_trail_records_is_replaced() {
    let basic = json!({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": []}]});
    let there = seen(basic).await;
    assert_eq!(
        there,
        EventSelectors {
            selectors: vec![],
            basic: true,
            ..ours()
        }
    );
    assert_eq!(ours().merge_onto(&there), ours());
}

#[tokio::test]
async fn what_others_have_recorded_still_is() {
    let theirs = json!({"AdvancedEventSelectors": [
        {"FieldSelectors": [
            {"Field": "eventCategory", "Equals": ["Data"]},
            {"Field": "resources.type", "Equals": ["AWS::Lambda::Function"]},
            {"Field": "resources.ARN", "NotStartsWith": ["arn:a", "arn:b"], "NotEndsWith": ["z"], "EndsWith": ["y"]},
            {"Field": "eventName", "NotEquals": ["Invoke"]},
        ]},
        {"Name": "State objects", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]},
        {"Name": "Lock table", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]},
    ]});
    let there = seen(theirs.clone()).await;
    let to = EventSelectors::of("acme".to_owned(), "aws", "states", None).merge_onto(&there);
    let names: Vec<_> = to
        .selectors
        .iter()
        .map(|selector| &*selector.name)
        .collect();
    assert_eq!(
        names,
        ["", "State objects"],
        "theirs stays, ours is as it should be, and what ours was goes"
    );
    let request = answer(&sent(&to).await);
    assert_eq!(
        request["AdvancedEventSelectors"][0],
        theirs["AdvancedEventSelectors"][0]
    );
    assert_eq!(seen(request).await, to);
}
