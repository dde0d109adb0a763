//! What a demolition lifts, empties and detaches first.

use std::{sync::Mutex, time::Instant};

use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    backend::aws::{
        bucket::ENFORCED,
        ownership::Tags,
        policies,
        policy::{PolicyDocument, Statement},
        testing::{ScriptedServer, data, empty as nothing, error, error_saying, text},
    },
    engine::plan::PlannedChange,
};

const NO_VERSIONS: &str =
    "<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>";
const LIST_VERSIONS: &str = "GET ?versions&encoding-type=url";
const LIST_BUCKETS: &str = "GET ?x-id=ListBuckets&prefix=states";
const DELETE_OBJECTS: &str = "POST ?delete";
const NO_UPLOADS: &str =
    "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>";
const GET_POLICY: &str = "GET ?policy";
const PUT_POLICY: &str = "PUT ?policy";
const DELETE_POLICY: &str = "DELETE ?policy";
const DELETE_BUCKET: &str = "DELETE";
/// The time when the bucket was deleted, in the HTTP format, and the second before.
const DELETED: &str = "Sun, 29 Nov 2026 12:00:00 GMT";
const BEFORE: &str = "2026-11-29T11:59:59Z";
/// In the place of two minutes.
const SHORT: Duration = Duration::from_secs(1);

fn bucket() -> BucketSpec {
    BucketSpec {
        name: "states".to_owned(),
        region: "eu-west-1".to_owned(),
        account_regional: false,
        ownership: ENFORCED.to_owned(),
        grants: vec![],
        tags: Tags::new(),
    }
}

async fn down(
    script: &ScriptedServer,
    spec: AwsSpec,
    detach: bool,
) -> Result<DestroyReport, DemolitionError> {
    all_down(script, vec![spec], detach).await
}

/// One after the other.
async fn all_down(
    script: &ScriptedServer,
    specs: Vec<AwsSpec>,
    detach: bool,
) -> Result<DestroyReport, DemolitionError> {
    let aws = script.aws();
    let cancel = CancellationToken::new();
    let done = Mutex::default();
    let demolition = DestroyTasks {
        aws: &aws,
        bucket: "states",
        key_days: 30,
        detach,
        until: None,
        patience: SHORT,
        cancel,
        done,
    };
    for spec in specs {
        demolition
            .write(&Address::new("it"), &PlannedChange::Delete { from: spec })
            .await?;
    }
    Ok(demolition.done.into_inner().expect("no panic"))
}

fn emptied(script: ScriptedServer) -> ScriptedServer {
    let script = script.always("GET ?versions&encoding-type=url", text(NO_VERSIONS));
    script.always("GET ?uploads&encoding-type=url", text(NO_UPLOADS))
}

fn policy(statements: Vec<Statement>) -> String {
    PolicyDocument::new(statements).to_json()
}

fn history() -> Statement {
    Statement::deny(policies::HISTORY)
        .everybody()
        .actions(&["s3:DeleteBucket"])
}

/// Only the statement that denies deleting is removed, and the one that denies writes remains until
/// the end.
#[tokio::test]
async fn what_keeps_the_history_is_lifted_and_nothing_else() {
    let (freeze, theirs) = (
        policies::freeze("arn:aws:s3:::states"),
        Statement::deny("x").actions(&["s3:GetObject"]),
    );
    let before = policy(vec![theirs.clone(), history(), freeze.clone()]);
    let script = emptied(ScriptedServer::new())
        .on(GET_POLICY, text(before.clone()))
        .on(PUT_POLICY, nothing())
        .on(DELETE_BUCKET, nothing());
    down(&script, AwsSpec::Bucket(bucket()), false)
        .await
        .expect("it goes");
    let sent = script.sent();
    assert!(
        sent.contains(&policy(vec![theirs, freeze])) && !sent.contains(policies::HISTORY),
        "{sent}"
    );
}

#[tokio::test]
async fn a_policy_that_is_nothing_else_goes() {
    let script = emptied(ScriptedServer::new())
        .on(GET_POLICY, text(policy(vec![history()])))
        .on(DELETE_POLICY, nothing())
        .on(DELETE_BUCKET, nothing());
    down(&script, AwsSpec::Bucket(bucket()), false)
        .await
        .expect("it goes");
}

/// Logs come in for hours: it is emptied again, and not for ever.
#[tokio::test]
async fn a_bucket_that_fills_up_again_is_emptied_again() {
    let full = || error(409, "BucketNotEmpty");
    let start = || emptied(ScriptedServer::new()).on(GET_POLICY, error(404, "NoSuchBucketPolicy"));
    let script = start()
        .on(DELETE_BUCKET, full())
        .on(DELETE_BUCKET, nothing());
    down(&script, AwsSpec::Bucket(bucket()), false)
        .await
        .expect("it goes");
    let script = start().always(DELETE_BUCKET, full());
    let begun = Instant::now();
    let failed = down(&script, AwsSpec::Bucket(bucket()), false)
        .await
        .expect_err("it does not");
    assert!(failed.to_string().contains("BucketNotEmpty"), "{failed}");
    assert!(
        begun.elapsed() >= SHORT && script.count(DELETE_BUCKET) > 2,
        "{:?}",
        begun.elapsed()
    );
}

/// `DeleteBucket` is denied by the same statement, which holds for a while although it was lifted.
#[tokio::test]
async fn a_denial_that_was_lifted_is_waited_for() {
    let denied = || {
        error_saying(
            403,
            "AccessDenied",
            "with an explicit deny in a resource-based policy",
        )
    };
    let lifted = || {
        emptied(ScriptedServer::new())
            .on(GET_POLICY, text(policy(vec![history()])))
            .on(DELETE_POLICY, nothing())
    };
    let script = lifted()
        .on(DELETE_BUCKET, denied())
        .on(DELETE_BUCKET, denied())
        .on(DELETE_BUCKET, nothing());
    down(&script, AwsSpec::Bucket(bucket()), false)
        .await
        .expect("it goes");
    script.sent();

    let of_others = "because no identity-based policy allows the s3:DeleteBucket action";
    let script = lifted().on(DELETE_BUCKET, error_saying(403, "AccessDenied", of_others));
    down(&script, AwsSpec::Bucket(bucket()), false)
        .await
        .expect_err("that does not pass");
    let script = emptied(ScriptedServer::new())
        .on(GET_POLICY, error(404, "NoSuchBucketPolicy"))
        .on(DELETE_BUCKET, denied());
    down(&script, AwsSpec::Bucket(bucket()), false)
        .await
        .expect_err("nothing was lifted");
}

/// Deletes are denied for each object, in a response with status 200.
#[tokio::test]
async fn objects_that_are_denied_though_that_was_lifted_are_waited_for() {
    let version = "<Version><Key>a.tfstate</Key><VersionId>1</VersionId><IsLatest>true</\
                   IsLatest><Size>2</Size></Version>";
    let full = || {
        text(format!(
            "<ListVersionsResult><IsTruncated>false</IsTruncated>{version}</ListVersionsResult>"
        ))
    };
    let denied = "<Error><Key>a.tfstate</Key><VersionId>1</VersionId><Code>AccessDenied</\
                  Code><Message>Access Denied</Message></Error>";
    // An emptying that takes longer than is waited.
    let takes = SHORT * 5 / 4;
    let script = emptied(ScriptedServer::new())
        .on(GET_POLICY, text(policy(vec![history()])))
        .on(DELETE_POLICY, nothing())
        .on(LIST_VERSIONS, full())
        .on(LIST_VERSIONS, full())
        .on(
            DELETE_OBJECTS,
            text(format!("<DeleteResult>{denied}</DeleteResult>")).after(takes),
        )
        .on(DELETE_OBJECTS, text("<DeleteResult></DeleteResult>"))
        .on(DELETE_BUCKET, nothing());
    let done = down(&script, AwsSpec::Bucket(bucket()), false)
        .await
        .expect("it goes");
    assert_eq!(done.emptied["states"].versions, 1);
    script.sent();
}

/// Else what is delivered late, which goes on for hours, fills the bucket again.
#[tokio::test]
async fn the_delivery_of_logs_is_stopped_before_they_are_deleted() {
    let theirs = Statement::deny("x").actions(&["s3:GetObject"]);
    let ours = [
        policies::TRAIL_CHECKS,
        policies::TRAIL_WRITES,
        policies::ACCESS_LOG_WRITES,
    ];
    let mut before: Vec<Statement> = ours
        .iter()
        .map(|sid| Statement::allow(sid).service(policies::S3))
        .collect();
    before.push(theirs.clone());
    let script = emptied(ScriptedServer::new())
        .on(GET_POLICY, text(policy(before)))
        .on(PUT_POLICY, nothing())
        .on(DELETE_BUCKET, nothing());
    down(&script, AwsSpec::Bucket(bucket()), false)
        .await
        .expect("it goes");
    let sent = script.sent();
    assert!(sent.contains(&policy(vec![theirs])), "{sent}");
    assert!(
        sent.find("?policy") < sent.find("?versions"),
        "first the delivery: {sent}"
    );
}

fn key() -> AwsSpec {
    AwsSpec::Key(KmsKey::new(
        "alias/acme".to_owned(),
        String::new(),
        PolicyDocument::new(vec![]),
        Tags::new(),
    ))
}

/// It is neither deleted as long as the bucket is there, nor is a bucket that was made again taken
/// for the one that is gone: by its date, which S3 may have changed with the policy, up to the
/// deletion.
#[tokio::test]
async fn the_key_waits_until_the_deleted_bucket_is_no_longer_seen() {
    let there = || nothing().header("x-amz-bucket-region", "eu-west-1");
    let listed = |date: &str| {
        text(format!(
            "<ListAllMyBucketsResult><Buckets><Bucket><Name>states</\
             Name><CreationDate>{date}</CreationDate></Bucket></Buckets></\
             ListAllMyBucketsResult>"
        ))
    };
    let deleted = || {
        emptied(ScriptedServer::new())
            .on(GET_POLICY, text(policy(vec![history()])))
            .on(DELETE_POLICY, nothing())
            .on(DELETE_BUCKET, nothing().header("date", DELETED))
            .always("DescribeKey", error(400, "NotFoundException"))
            .always("ListKeys", data(serde_json::json!({ "Keys": [] })))
    };
    let all = || vec![AwsSpec::Bucket(bucket()), key()];
    let script = deleted()
        .on("HEAD", there())
        .on("HEAD", there())
        .on("HEAD", error(404, ""))
        .always(LIST_BUCKETS, listed(BEFORE));
    all_down(&script, all(), false).await.expect("it is gone");

    let script = deleted()
        .always("HEAD", there())
        .on(LIST_BUCKETS, listed("2026-11-01T12:00:00Z"))
        .always(LIST_BUCKETS, listed(BEFORE));
    let failed = all_down(&script, all(), false)
        .await
        .expect_err("it stays")
        .to_string();
    assert!(
        failed.contains("is still listed, or was created again"),
        "{failed}"
    );

    let script = deleted()
        .always("HEAD", there())
        .always(LIST_BUCKETS, listed("2026-11-29T12:00:05Z"));
    let begun = Instant::now();
    let failed = all_down(&script, all(), false)
        .await
        .expect_err("it is another")
        .to_string();
    assert!(
        failed.contains("another run created it in the meantime") && begun.elapsed() < SHORT,
        "{failed}"
    );
    assert_eq!(script.count("ScheduleKeyDeletion"), 0);
}

#[tokio::test]
async fn a_bucket_that_somebody_removed_is_gone() {
    let gone = || error(404, "NoSuchBucket");
    let script = ScriptedServer::new()
        .on(GET_POLICY, gone())
        .always("GET ?versions&encoding-type=url", gone())
        .always("GET ?uploads&encoding-type=url", gone())
        .on(DELETE_BUCKET, gone());
    down(&script, AwsSpec::Bucket(bucket()), false)
        .await
        .expect("there is nothing to do");
}
