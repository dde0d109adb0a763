//! AWS is eventually consistent: what was made or deleted is not seen for a while, and is not made
//! twice for that.

use std::time::{Duration, Instant};

use super::{LINE, ONE_OF_EVERYTHING, all, world};
use crate::support::proxy::{Failure, Faults, Proxy, Reply, Stale, Which};

/// Longer than what AWS says, and than what was seen of it.
const UNSEEN: Duration = Duration::from_secs(10);
const CREATING: Duration = Duration::from_secs(20);

/// A bootstrap that takes at least so long; the calls that it made.
async fn waits(least: Duration, faults: impl FnOnce() -> Faults, stale: bool) -> Vec<String> {
    let (emulator, mut place) = world().await;
    let (faults, unseen) = (faults(), stale.then(|| Stale::lasting(UNSEEN)));
    let proxy = Proxy::start(Some(&emulator), move |call, _| {
        match unseen.as_ref().map(|unseen| unseen.reply(call)) {
            Some(Reply::Fail(failure)) => Reply::Fail(failure),
            _ => faults.reply(call),
        }
    });
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let begun = Instant::now();
    let said = place.bootstrap(&format!("{LINE} -y"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert!(
        begun.elapsed() > least,
        "it says that all is well before all can be seen: {}",
        said.all()
    );
    let calls = proxy.take();
    place.set("AWS_ENDPOINT_URL", emulator.endpoint());
    let again = place.bootstrap(&format!("{LINE} -y"));
    assert!(again.err.contains("nothing to do"), "{}", again.all());
    assert_eq!(all(&emulator), ONE_OF_EVERYTHING);
    calls
}

fn count(calls: &[String], name: &str) -> usize {
    calls.iter().filter(|call| *call == name).count()
}

#[tokio::test]
async fn what_is_not_seen_yet_is_waited_for() {
    let calls = waits(UNSEEN, || Faults::seeded(0), true).await;
    for create in [
        "kms:CreateKey",
        "kms:CreateAlias",
        "dynamodb:CreateTable",
        "sns:CreateTopic",
        "iam:CreatePolicy",
        "cloudtrail:CreateTrail",
    ] {
        assert_eq!(count(&calls, create), 1, "{create}");
    }
    assert_eq!(count(&calls, "s3:CreateBucket"), 2);
}

/// A bucket of this name was deleted a moment ago, and whoever the policies name was made a moment
/// ago.
#[tokio::test]
async fn a_name_that_is_held_and_an_unknown_principal_are_waited_for() {
    let faults = || {
        Faults::seeded(0)
            .rule("s3:CreateBucket", Which::For(UNSEEN), || {
                Reply::Fail(Failure::OperationAborted)
            })
            .rule("s3:PutBucketPolicy", Which::For(UNSEEN), || {
                Reply::Fail(Failure::UnknownPrincipal)
            })
            .rule("kms:CreateKey", Which::For(UNSEEN), || {
                Reply::Fail(Failure::UnknownPrincipal)
            })
    };
    let calls = waits(2 * UNSEEN, faults, false).await;
    for (name, least, most) in [
        ("s3:CreateBucket", 2 + 2, 2 * 12),
        ("s3:PutBucketPolicy", 2 + 2, 2 * 12),
        ("kms:CreateKey", 2, 12),
    ] {
        assert!(
            (least..=most).contains(&count(&calls, name)),
            "{name}: {calls:?}"
        );
    }
}

/// `CREATING`, and without backups for a while after that.
#[tokio::test]
async fn a_table_that_takes_its_time_is_waited_for() {
    let creating = || Reply::Edit(|answer| answer.replace("\"ACTIVE\"", "\"CREATING\""));
    let faults = || {
        Faults::seeded(0)
            .rule("dynamodb:CreateTable", Which::All, creating)
            .rule("dynamodb:DescribeTable", Which::For(CREATING), creating)
            .rule(
                "dynamodb:UpdateContinuousBackups",
                Which::For(UNSEEN),
                || Reply::Fail(Failure::NoBackupsYet),
            )
    };
    let calls = waits(CREATING + UNSEEN, faults, false).await;
    assert_eq!(count(&calls, "dynamodb:CreateTable"), 1);
    assert!(
        (2..=12).contains(&count(&calls, "dynamodb:UpdateContinuousBackups")),
        "{calls:?}"
    );
}
