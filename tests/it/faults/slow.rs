//! What AWS shows, allows or takes only after a while: it is waited for by the clock, and the
//! command says for what.

use std::time::{Duration, Instant};

use tfbackend::{
    backend::aws::store::{
        S3Store, StoreAddress,
        write::{WriteCondition, WriteEncryption},
    },
    state::layout::StateLayout,
};

use super::{LINE, ONE_OF_EVERYTHING, all, world};
use crate::support::{
    aws,
    emulator::Emulator,
    proxy::{Faults, Proxy, Reply, Which, written::Written},
    s3,
};

const BUCKET: &str = "acme-tfstate-prod-000000000000-eu-west-1";

fn faults(rules: &[&str]) -> Faults {
    rules.iter().fold(Faults::seeded(0), |faults, rule| {
        rule.parse::<Written>().expect("a rule").add_to(faults)
    })
}

fn count(calls: &[String], name: &str) -> usize {
    calls.iter().filter(|call| *call == name).count()
}

/// Longer than eight looks take.
#[tokio::test]
async fn what_is_shown_late_is_looked_at_again_and_nothing_else() {
    const LATE: Duration = Duration::from_secs(25);
    let (emulator, mut place) = world().await;
    assert_eq!(place.bootstrap(&format!("{LINE} -y")).code, Some(0));
    let proxy = Proxy::with(
        &emulator,
        faults(&["s3:GetBucketLifecycleConfiguration stale-answer=25s"]),
    );
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let begun = Instant::now();
    let said = place.bootstrap(&format!("{LINE} --noncurrent-days 200 -y"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert!(
        begun.elapsed() > LATE,
        "it says that all is well before AWS shows it: {}",
        said.all()
    );
    assert!(
        said.err
            .contains("waiting until AWS shows state_bucket/lifecycle (up to 3 minutes)"),
        "{}",
        said.all()
    );
    assert_eq!(
        said.err.matches("waiting until").count(),
        1,
        "{}",
        said.all()
    );
    let calls = proxy.take();
    let (late, other) = (
        count(&calls, "s3:GetBucketLifecycleConfiguration"),
        count(&calls, "s3:GetBucketVersioning"),
    );
    assert!(
        late >= other + 6,
        "{late} looks at the lifecycle, and {other} at what is as it should be"
    );
    place.set("AWS_ENDPOINT_URL", emulator.endpoint());
    assert!(
        place
            .bootstrap(&format!("{LINE} --noncurrent-days 200 -y"))
            .err
            .contains("nothing to do")
    );
}

/// The Deny that was lifted holds for a while, and the deleted bucket is seen for a while.
#[tokio::test]
async fn a_teardown_waits_for_what_it_lifted_and_for_what_it_deleted() {
    let (emulator, mut place) = world().await;
    assert_eq!(place.bootstrap(&format!("{LINE} -y")).code, Some(0));
    emulator.python("tests/it/teardown/set.py", &["state", "empty", BUCKET]);
    let rules = [
        "s3:DeleteObjects for=6s deny-objects",
        "s3:DeleteBucket nth=1 fail=AccessDenied",
        "s3:HeadBucket stale-answer=25s",
    ];
    let proxy = Proxy::with(&emulator, faults(&rules));
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let begun = Instant::now();
    let words = format!(
        "teardown {LINE} --confirm {BUCKET} --unprotect --purge-logs --purge-states --detach"
    );
    let gone = place.run(
        &words
            .split(' ')
            .filter(|word| !word.starts_with("--attach") && !word.starts_with("user/"))
            .collect::<Vec<_>>(),
    );
    assert_eq!(gone.code, Some(0), "{}", gone.all());
    assert!(
        begun.elapsed() > Duration::from_secs(20),
        "the bucket was still seen: {}",
        gone.all()
    );
    let calls = proxy.take();
    assert!(
        count(&calls, "s3:DeleteObjects") >= 4 && count(&calls, "s3:DeleteBucket") == 3,
        "{calls:?}"
    );
    assert_eq!(
        emulator.python("tests/it/support/inventory.py", &[]),
        "key PendingDeletion\n",
        "{}",
        gone.all()
    );
}

/// One that an earlier run deletes cannot be looked at.
#[tokio::test]
async fn a_teardown_says_that_it_waits_for_a_table_that_is_being_deleted() {
    let (emulator, mut place) = world().await;
    let line = "--env prod --project acme --region eu-west-1 --lock both --encryption sse-s3 \
                --trail off --alarms=false --policy=false";
    assert_eq!(place.bootstrap(&format!("{line} -y")).code, Some(0));
    let deleting = || Reply::Edit(|answer| answer.replace("\"ACTIVE\"", "\"DELETING\""));
    let slow = Faults::seeded(0).rule(
        "dynamodb:DescribeTable",
        Which::For(Duration::from_secs(8)),
        deleting,
    );
    let proxy = Proxy::with(&emulator, slow);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let planned = place.run(
        &format!("teardown {line} --plan")
            .split(' ')
            .collect::<Vec<_>>(),
    );
    assert!(
        planned.code == Some(0) && planned.out.contains("- delete  lock_table"),
        "{}",
        planned.all()
    );
    assert!(
        planned
            .err
            .contains("waiting until AWS has deleted lock_table (up to 20 minutes)"),
        "{}",
        planned.all()
    );
    assert_eq!(
        planned.err.matches("waiting until").count(),
        1,
        "{}",
        planned.all()
    );
}

/// As in `aws-eusc`.
#[tokio::test]
async fn buckets_are_made_without_tags_and_tagged_where_s3_takes_none_with_the_creation() {
    let (emulator, mut place) = world().await;
    let proxy = Proxy::start(Some(&emulator), |call, request| {
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default());
        if call.operation == "CreateBucket" && body.contains("<Tags>") {
            return Reply::s3(
                400,
                "UnsupportedArgument",
                "The request contained an unsupported argument",
            );
        }
        Reply::Forward
    });
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let said = place.bootstrap(&format!("{LINE} -y"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    let calls = proxy.take();
    assert_eq!(
        (
            count(&calls, "s3:CreateBucket"),
            count(&calls, "s3:PutBucketTagging")
        ),
        (4, 2),
        "{calls:?}"
    );
    place.set("AWS_ENDPOINT_URL", emulator.endpoint());
    let again = place.bootstrap(&format!("{LINE} -y"));
    assert!(again.err.contains("nothing to do"), "{}", again.all());
    assert_eq!(all(&emulator), ONE_OF_EVERYTHING);
}

/// 1 Mbit/s is enough for a state of 2 MiB, which takes longer than any other call may.
#[tokio::test]
async fn a_large_state_is_written_over_a_slow_line() {
    const SLOW: Duration = Duration::from_secs(33);
    let emulator = Emulator::start().await;
    let slow = Faults::seeded(0).rule("s3:PutObject", Which::All, || {
        Reply::Delay(SLOW, Box::new(Reply::Forward))
    });
    let proxy = Proxy::with(&emulator, slow);
    let aws = aws::at(&emulator, proxy.endpoint()).await;
    s3::make(&aws.clients.s3, "states", emulator.region()).await;
    let address = StoreAddress {
        bucket: "states".to_owned(),
        owner: aws.account().to_owned(),
        table: None,
        layout: StateLayout {
            key: None,
            workspace_prefix: "env:".to_owned(),
        },
    };
    let bytes = vec![b' '; 2 << 20];
    let begun = Instant::now();
    S3Store::new(&aws, &address)
        .put_state(
            "a.tfstate",
            bytes,
            &WriteEncryption::Unsaid,
            &WriteCondition::IfNoneMatch,
        )
        .await
        .expect("it is written");
    assert!(begun.elapsed() >= SLOW);
    assert_eq!(
        count(&proxy.take(), "s3:PutObject"),
        1,
        "at the first attempt"
    );
}
