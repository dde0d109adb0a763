//! Access logs: off is a setting like any other, and the target's policy may be seen late.

use insta::assert_snapshot;

use super::*;
use crate::backend::aws::testing::{ScriptedServer, absent_only_by, empty, look, retried_on, text};

fn logging() -> AccessLogging {
    AccessLogging {
        bucket: "acme".to_owned(),
        target: Some("acme-logs".to_owned()),
        prefix: Some("s3/".to_owned()),
    }
}

#[tokio::test]
async fn present() {
    let xml = "<BucketLoggingStatus><LoggingEnabled><TargetBucket>acme-logs</\
               TargetBucket><TargetPrefix>s3/</TargetPrefix></LoggingEnabled></\
               BucketLoggingStatus>";
    let script = ScriptedServer::new().on("GET ?logging", text(xml));
    assert_eq!(
        look(&script, &logging()).await.unwrap().unwrap().spec,
        logging()
    );
    assert_snapshot!(script.sent(), @"
    GET https://acme.s3.eu-west-1.amazonaws.com/?logging
    x-amz-expected-bucket-owner: 111122223333
    ");
    let script = ScriptedServer::new().on("GET ?logging", text("<BucketLoggingStatus/>"));
    assert_eq!(
        look(&script, &logging()).await.unwrap().unwrap().spec,
        AccessLogging {
            target: None,
            prefix: None,
            ..logging()
        }
    );
}

#[tokio::test]
async fn absent() {
    absent_only_by(&logging(), "GET ?logging", &["NoSuchBucket"], |script| {
        script
    })
    .await;
}

#[tokio::test]
async fn put() {
    let script = ScriptedServer::new().on("PUT ?logging", empty());
    logging().write(&script.aws(), None).await.unwrap();
    assert_snapshot!(script.sent(), @"
    PUT https://acme.s3.eu-west-1.amazonaws.com/?logging
    x-amz-expected-bucket-owner: 111122223333
    <BucketLoggingStatus><LoggingEnabled><TargetBucket>acme-logs</TargetBucket><TargetPrefix>s3/</TargetPrefix></LoggingEnabled></BucketLoggingStatus>
    ");
    let codes = [
        "OperationAborted",
        "NoSuchBucket",
        "InvalidTargetBucketForLogging",
    ];
    retried_on(&logging(), None, "PUT ?logging", &codes, |script| {
        script.always("PUT ?logging", empty())
    })
    .await;
}

#[test]
fn logs_of_others_are_not_taken_away() {
    let theirs = AccessLogging {
        target: Some("theirs".to_owned()),
        ..logging()
    };
    let why = logging().adoption_blocked_by(&theirs).expect("blocked");
    assert!(
        why.contains("to theirs") && why.contains("--access-logs=false"),
        "{why}"
    );
    for observed in [
        logging(),
        AccessLogging {
            target: None,
            prefix: None,
            ..logging()
        },
        AccessLogging {
            prefix: Some("old/".to_owned()),
            ..logging()
        },
    ] {
        assert_eq!(
            logging().adoption_blocked_by(&observed),
            None,
            "{observed:?}"
        );
    }
}
