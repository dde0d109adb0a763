//! An optional part that fails for good leaves the bucket policy, with what it denies, in place.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use super::{LINE, ONE_OF_EVERYTHING, all, world};
use crate::support::{
    aws,
    proxy::{Proxy, Reply},
};

/// Longer than a bootstrap takes on a busy machine, and shorter than what fails is tried again.
const PATIENCE: Duration = Duration::from_secs(100);

#[tokio::test]
async fn bucket_policy_stands_where_notifications_fail() {
    stands_without("s3:PutBucketNotificationConfiguration", "InvalidArgument").await;
}

#[tokio::test]
async fn bucket_policy_stands_where_access_logs_fail() {
    stands_without("s3:PutBucketLogging", "InvalidTargetBucketForLogging").await;
}

async fn stands_without(optional: &'static str, code: &'static str) {
    let (emulator, place) = world().await;
    let proxy = Proxy::start(Some(&emulator), move |call, _| {
        if call.name() == optional {
            Reply::s3(400, code, "injected by a test")
        } else {
            Reply::Forward
        }
    });
    let s3 = aws::aws(&emulator).await.clients.s3;
    let mut command = place.command_at(proxy.endpoint(), &format!("bootstrap {LINE} -y"));
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program");
    let until = Instant::now() + PATIENCE;
    let policy = loop {
        let answer = s3
            .get_bucket_policy()
            .bucket("acme-tfstate-prod-000000000000-eu-west-1")
            .send()
            .await;
        match answer.ok().and_then(|answer| answer.policy) {
            Some(policy) => break policy,
            None => assert!(
                Instant::now() < until,
                "there is no policy while {optional} fails"
            ),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    // What fails is tried again for two minutes: as long as that, and afterwards, the policy is
    // there.
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    for statement in [
        "DenyPlaintext",
        "DenyOtherAccounts",
        "DenyOtherKey",
        "DenyDestroyingHistory",
    ] {
        assert!(
            policy.contains(&format!("Tfbackend{statement}")),
            "{statement}: {policy}"
        );
    }
    // The same command continues where that one stopped.
    let said = place.bootstrap(&format!("{LINE} -y"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert_eq!(all(&emulator), ONE_OF_EVERYTHING);
}

/// A bucket policy and no log bucket: somebody else has its name, or the run was cut off. It was
/// not left out.
#[tokio::test]
async fn log_bucket_that_could_not_be_made_was_not_left_out() {
    let (emulator, place) = world().await;
    let proxy = Proxy::start(Some(&emulator), |call, request| {
        if call.name() == "s3:CreateBucket" && request.uri().contains("-logs-") {
            Reply::s3(403, "AccessDenied", "injected by a test")
        } else {
            Reply::Forward
        }
    });
    let output = place
        .command_at(proxy.endpoint(), &format!("bootstrap {LINE} -y"))
        .output()
        .expect("the program");
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let said = place.bootstrap(&format!("{LINE} -y"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert_eq!(all(&emulator), ONE_OF_EVERYTHING);
}
