//! Event notifications: ours beside those of others, and those that S3 would not have at once.

use insta::assert_snapshot;

use super::*;
use crate::backend::aws::{
    error::ServiceErrorKind,
    testing::{ScriptedServer, absent_only_by, empty, error, look, retried_on, text},
};

fn target(id: &str, suffix: &str) -> NotificationTarget {
    NotificationTarget {
        id: id.to_owned(),
        kind: TargetKind::Topic,
        arn: "arn:aws:sns:eu-west-1:111122223333:acme".to_owned(),
        events: vec!["s3:ObjectRemoved:*".to_owned()],
        filter: vec![("suffix".to_owned(), suffix.to_owned())],
    }
}

fn ours() -> BucketNotifications {
    BucketNotifications {
        bucket: "acme".to_owned(),
        event_bridge: false,
        targets: vec![target("tfbackend-state-removed", ".tfstate")],
    }
}

const THEIRS: &str = "<QueueConfiguration><Id>new</Id><Queue>arn:aws:sqs:eu-west-1:111122223333:\
                      q</Queue><Event>s3:ObjectCreated:Put</Event><Event>s3:ObjectCreated:Copy</\
                      Event></QueueConfiguration><CloudFunctionConfiguration><Id>scan</\
                      Id><CloudFunction>arn:aws:lambda:eu-west-1:111122223333:function:f</\
                      CloudFunction><Event>s3:ObjectRemoved:*</\
                      Event><Filter><S3Key><FilterRule><Name>Suffix</Name><Value>.jpg</Value></\
                      FilterRule><FilterRule><Name>Prefix</Name><Value>img/</Value></FilterRule></\
                      S3Key></Filter></CloudFunctionConfiguration><EventBridgeConfiguration/>";

async fn seen(inner: &str) -> BucketNotifications {
    let script = ScriptedServer::new().on(
        "GET ?notification",
        text(format!(
            "<NotificationConfiguration>{inner}</NotificationConfiguration>"
        )),
    );
    let found = look(&script, &ours()).await.unwrap().unwrap();
    assert_eq!(
        script.sent(),
        "GET https://acme.s3.eu-west-1.amazonaws.com/?notification\nx-amz-expected-bucket-owner: \
         111122223333"
    );
    found.spec
}

async fn sent(notifications: &BucketNotifications) -> String {
    let script = ScriptedServer::new().on("PUT ?notification", empty());
    notifications.write(&script.aws(), None).await.unwrap();
    script.sent()
}

#[tokio::test]
async fn present_and_put() {
    assert_eq!(
        seen("").await,
        BucketNotifications {
            targets: vec![],
            ..ours()
        }
    );
    let request = sent(&ours()).await;
    assert_snapshot!(request, @"
    PUT https://acme.s3.eu-west-1.amazonaws.com/?notification
    x-amz-expected-bucket-owner: 111122223333
    <NotificationConfiguration><TopicConfiguration><Id>tfbackend-state-removed</Id><Topic>arn:aws:sns:eu-west-1:111122223333:acme</Topic><Event>s3:ObjectRemoved:*</Event><Filter><S3Key><FilterRule><Name>suffix</Name><Value>.tfstate</Value></FilterRule></S3Key></Filter></TopicConfiguration></NotificationConfiguration>
    ");
    // S3 gives the names of the filter back in capitals.
    let answer = request
        .split_once("<NotificationConfiguration>")
        .unwrap()
        .1
        .replace(">suffix<", ">Suffix<");
    assert_eq!(
        seen(answer.trim_end_matches("</NotificationConfiguration>")).await,
        ours()
    );
}

#[tokio::test]
async fn absent_and_retried() {
    absent_only_by(&ours(), "GET ?notification", &["NoSuchBucket"], |script| {
        script
    })
    .await;
    let codes = ["OperationAborted", "NoSuchBucket", "InvalidArgument"];
    retried_on(&ours(), None, "PUT ?notification", &codes, |script| {
        script.always("PUT ?notification", empty())
    })
    .await;
}

#[tokio::test]
async fn those_of_others_are_kept() {
    let theirs = seen(THEIRS).await;
    assert_eq!(theirs.targets.len(), 2);
    assert!(theirs.event_bridge);
    assert_eq!(ours().blocked_by(&theirs), None);
    let to = ours().merge_onto(&theirs);
    let request = sent(&to).await;
    assert_snapshot!(request, @"
    PUT https://acme.s3.eu-west-1.amazonaws.com/?notification
    x-amz-expected-bucket-owner: 111122223333
    <NotificationConfiguration><TopicConfiguration><Id>tfbackend-state-removed</Id><Topic>arn:aws:sns:eu-west-1:111122223333:acme</Topic><Event>s3:ObjectRemoved:*</Event><Filter><S3Key><FilterRule><Name>suffix</Name><Value>.tfstate</Value></FilterRule></S3Key></Filter></TopicConfiguration><QueueConfiguration><Id>new</Id><Queue>arn:aws:sqs:eu-west-1:111122223333:q</Queue><Event>s3:ObjectCreated:Put</Event><Event>s3:ObjectCreated:Copy</Event></QueueConfiguration><CloudFunctionConfiguration><Id>scan</Id><CloudFunction>arn:aws:lambda:eu-west-1:111122223333:function:f</CloudFunction><Event>s3:ObjectRemoved:*</Event><Filter><S3Key><FilterRule><Name>prefix</Name><Value>img/</Value></FilterRule><FilterRule><Name>suffix</Name><Value>.jpg</Value></FilterRule></S3Key></Filter></CloudFunctionConfiguration><EventBridgeConfiguration></EventBridgeConfiguration></NotificationConfiguration>
    ");
    assert_eq!(ours().merge_onto(&to), to);
}

#[test]
fn what_ours_said_before_goes() {
    let before = BucketNotifications {
        targets: vec![target("tfbackend-own-state-removed", "old.json")],
        ..ours()
    };
    assert_eq!(ours().merge_onto(&before), ours());
    let same = BucketNotifications {
        targets: vec![target("another-name", ".tfstate")],
        ..ours()
    };
    assert_eq!(
        ours().merge_onto(&same),
        same,
        "the same under another name is enough"
    );
    assert_eq!(ours().blocked_by(&same), None);
}

#[test]
fn two_targets_of_one_event_block() {
    let with = |change: fn(&mut NotificationTarget)| {
        let mut theirs = target("theirs", ".tfstate");
        theirs.arn.push_str("-other");
        change(&mut theirs);
        ours().blocked_by(&BucketNotifications {
            targets: vec![theirs],
            ..ours()
        })
    };
    assert!(
        with(|_| {})
            .unwrap()
            .contains("arn:aws:sns:eu-west-1:111122223333:acme-other")
    );
    assert!(with(|t| t.filter.clear()).is_some());
    assert!(with(|t| t.events = vec!["s3:ObjectRemoved:Delete".to_owned()]).is_some());
    assert!(
        with(|t| t.filter = vec![
            ("prefix".to_owned(), "app/".to_owned()),
            ("suffix".to_owned(), "e".to_owned())
        ])
        .is_some()
    );
    assert!(with(|t| t.filter = vec![("suffix".to_owned(), ".json".to_owned())]).is_none());
    assert!(with(|t| t.events = vec!["s3:ObjectCreated:*".to_owned()]).is_none());
    assert!(
        with(|t| t.id = "tfbackend-old".to_owned()).is_none(),
        "ours goes anyway"
    );
}

/// Emptying the bucket must not send a message for each version; notifications of others are
/// theirs.
#[tokio::test]
async fn delete_leaves_those_of_others() {
    let theirs = seen(THEIRS).await;
    assert!(theirs.deleted_with_parent() && !ours().deleted_with_parent());
    let script = ScriptedServer::new().on("PUT ?notification", empty());
    ours()
        .merge_onto(&theirs)
        .delete(&script.aws())
        .await
        .unwrap();
    let sent = script.sent();
    assert!(
        !sent.contains(OURS)
            && sent.contains("<Id>scan</Id>")
            && sent.contains("<EventBridgeConfiguration"),
        "{sent}"
    );
    assert!(
        sent.contains("x-amz-expected-bucket-owner: 111122223333"),
        "{sent}"
    );

    let script = ScriptedServer::new().on("PUT ?notification", error(403, "AccessDenied"));
    assert_eq!(
        ours().delete(&script.aws()).await.unwrap_err().kind,
        ServiceErrorKind::Denied
    );
}
