//! What a demolition lifts, empties and detaches first.

use std::sync::Mutex;

use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    aws::{
        bucket::ENFORCED,
        ownership::Tags,
        policies,
        policy::{Document, Statement},
        testing::{Script, empty as nothing, error, text},
    },
    plan::Change,
};

const NO_VERSIONS: &str = "<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>";
const NO_UPLOADS: &str = "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>";
const GET_POLICY: &str = "GET ?policy";
const PUT_POLICY: &str = "PUT ?policy";
const DELETE_POLICY: &str = "DELETE ?policy";
const DELETE_BUCKET: &str = "DELETE";

fn bucket() -> Bucket {
    Bucket {
        name: "states".to_owned(),
        region: "eu-west-1".to_owned(),
        account_regional: false,
        ownership: ENFORCED.to_owned(),
        grants: vec![],
        tags: Tags::new(),
    }
}

async fn down(script: &Script, spec: AwsSpec, detach: bool) -> Result<Done, DemolitionError> {
    let aws = script.aws();
    let cancel = CancellationToken::new();
    let demolition = Demolition { aws: &aws, bucket: "states", key_days: 30, detach, until: None, cancel, done: Mutex::default() };
    demolition.write(&Address::new("it"), &Change::Delete { from: spec }).await?;
    Ok(demolition.done.into_inner().expect("nobody panicked"))
}

fn emptied(script: Script) -> Script {
    script.always("GET ?versions&encoding-type=url", text(NO_VERSIONS)).always("GET ?uploads&encoding-type=url", text(NO_UPLOADS))
}

fn policy(statements: Vec<Statement>) -> String {
    Document::new(statements).to_json()
}

fn history() -> Statement {
    Statement::deny(policies::HISTORY).everybody().actions(&["s3:DeleteBucket"])
}

/// Of all statements the one that forbids it, and the one that keeps others from writing stays to the end.
#[tokio::test]
async fn what_keeps_the_history_is_lifted_and_nothing_else() {
    let (freeze, theirs) = (policies::freeze("arn:aws:s3:::states"), Statement::deny("x").actions(&["s3:GetObject"]));
    let before = policy(vec![theirs.clone(), history(), freeze.clone()]);
    let script = emptied(Script::new()).on(GET_POLICY, text(before.clone())).on(PUT_POLICY, nothing()).on(DELETE_BUCKET, nothing());
    down(&script, AwsSpec::Bucket(bucket()), false).await.expect("it goes");
    let sent = script.sent();
    assert!(sent.contains(&policy(vec![theirs, freeze])) && !sent.contains(policies::HISTORY), "{sent}");
}

#[tokio::test]
async fn a_policy_that_is_nothing_else_goes() {
    let script =
        emptied(Script::new()).on(GET_POLICY, text(policy(vec![history()]))).on(DELETE_POLICY, nothing()).on(DELETE_BUCKET, nothing());
    down(&script, AwsSpec::Bucket(bucket()), false).await.expect("it goes");
}

/// Logs come in for hours: it is emptied again, and not for ever.
#[tokio::test]
async fn a_bucket_that_fills_up_again_is_emptied_again() {
    let full = || error(409, "BucketNotEmpty");
    let start = || emptied(Script::new()).on(GET_POLICY, error(404, "NoSuchBucketPolicy"));
    let script = start().on(DELETE_BUCKET, full()).on(DELETE_BUCKET, nothing());
    down(&script, AwsSpec::Bucket(bucket()), false).await.expect("it goes");
    let script = start().always(DELETE_BUCKET, full());
    let failed = down(&script, AwsSpec::Bucket(bucket()), false).await.expect_err("it does not");
    assert!(failed.to_string().contains("BucketNotEmpty"), "{failed}");
    assert_eq!(script.sent().lines().filter(|call| call.starts_with("DELETE https://states.s3.eu-west-1.amazonaws.com/")).count(), TRIES);
}

#[tokio::test]
async fn a_bucket_that_somebody_removed_is_gone() {
    let gone = || error(404, "NoSuchBucket");
    let script = Script::new()
        .on(GET_POLICY, gone())
        .always("GET ?versions&encoding-type=url", gone())
        .always("GET ?uploads&encoding-type=url", gone())
        .on(DELETE_BUCKET, gone());
    down(&script, AwsSpec::Bucket(bucket()), false).await.expect("there is nothing to do");
}
