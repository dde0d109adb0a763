//! Throttled: a share of the calls slows a run down, and all of them end it within a stated time.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{LINE, ONE_OF_EVERYTHING, SEED, all, bootstrap, seed, world};
use crate::support::{
    program::Place,
    proxy::{Client, Failure, Faults, Proxy, Reply, Which},
};

/// Of a run of which every third call is refused; it takes about ten seconds, and longer on a busy
/// machine.
const SLOWLY: Duration = Duration::from_secs(120);
/// About so many are made where nothing is refused (`docs/internals/calls.md`). Of ten calls three are made
/// again, and again of those.
const CALLS: usize = 140;
/// What is stated (`docs/internals/reliability.md`) are 13 seconds of pauses for a call; this is for the
/// calls themselves, too.
const GIVES_UP: Duration = Duration::from_secs(60);

async fn slowed_down(failure: Failure) {
    let (emulator, place) = world().await;
    let seed = seed();
    let faults = Faults::seeded(seed).rule("", Which::Percent(30), move || Reply::Fail(failure));
    let begun = Instant::now();
    let (output, proxy) = bootstrap(&emulator, &place, &Client::default(), faults);
    let (said, calls) = (place.said(&output), proxy.take().len());
    assert_eq!(said.code, Some(0), "{SEED}={seed}: {}", said.all());
    assert!(
        begun.elapsed() < SLOWLY,
        "{SEED}={seed}: {:?}",
        begun.elapsed()
    );
    assert!(calls < 2 * CALLS, "{SEED}={seed}: {calls} calls");
    let again = place.bootstrap(&format!("{LINE} -y"));
    assert!(
        again.err.contains("nothing to do"),
        "{SEED}={seed}: {}",
        again.all()
    );
}

#[tokio::test]
async fn every_third_call_is_asked_to_slow_down() {
    slowed_down(Failure::SlowDown).await;
}

#[tokio::test]
async fn every_third_call_is_throttled() {
    slowed_down(Failure::Throttling).await;
}

#[tokio::test]
async fn every_third_call_is_over_the_limit() {
    slowed_down(Failure::RequestLimitExceeded).await;
}

#[tokio::test]
async fn every_third_call_fails_on_their_side() {
    slowed_down(Failure::Internal).await;
}

/// Everything is refused, from the first call on, which says who calls.
#[test]
fn where_the_first_call_does_not_get_through_nothing_is_made() {
    thread::scope(|scope| {
        for (failure, code) in [
            (Failure::SlowDown, "SlowDown"),
            (Failure::Throttling, "ThrottlingException"),
            (Failure::RequestLimitExceeded, "RequestLimitExceeded"),
        ] {
            scope.spawn(move || {
                let proxy = Proxy::start(None, move |_, _| Reply::Fail(failure));
                let mut place = Place::at(proxy.endpoint());
                place.vars.remove("AWS_MAX_ATTEMPTS");
                let begun = Instant::now();
                let said = place.bootstrap(&format!("{LINE} -y"));
                assert!(begun.elapsed() < GIVES_UP, "{:?}", begun.elapsed());
                assert_eq!(said.code, Some(1), "nothing was made: {}", said.all());
                let refusal = said.refusal();
                assert!(
                    refusal.contains(&format!("sts:GetCallerIdentity on the caller: {code}")),
                    "{refusal}"
                );
                assert!(
                    refusal.contains("hint: AWS throttles the calls; run the same command again"),
                    "{refusal}"
                );
                assert_eq!(proxy.take().len(), 10, "{code}");
            });
        }
    });
}

/// Everything is refused from the first write on.
#[tokio::test]
async fn where_no_write_gets_through_each_is_named_and_the_next_run_finishes() {
    let (emulator, mut place) = world().await;
    let writing = AtomicBool::new(false);
    let proxy = Proxy::start(Some(&emulator), move |call, _| {
        if writing.fetch_or(call.is_write(), Ordering::SeqCst) || call.is_write() {
            Reply::Fail(Failure::Throttling)
        } else {
            Reply::Forward
        }
    });
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let begun = Instant::now();
    let said = place.bootstrap(&format!("{LINE} -y"));
    assert!(begun.elapsed() < GIVES_UP, "{:?}", begun.elapsed());
    assert_eq!(said.code, Some(4), "{}", said.all());
    let refusal = said.refusal();
    // A key is looked for again before it is made again.
    for call in [
        "key: kms:DescribeKey on alias/acme-tfstate-prod: ThrottlingException",
        "s3:CreateBucket on acme-tfstate-prod-000000000000-eu-west-1",
    ] {
        assert!(refusal.contains(call), "{call}: {refusal}");
    }
    assert!(
        refusal.contains("hint: the same command continues"),
        "{refusal}"
    );
    let calls = proxy.take();
    let tries = |name: &str| calls.iter().filter(|call| *call == name).count();
    assert_eq!(
        (tries("kms:CreateKey"), tries("s3:CreateBucket")),
        (1, 20),
        "{calls:?}"
    );
    assert!(calls.len() < CALLS + 100, "{calls:?}");

    place.set("AWS_ENDPOINT_URL", emulator.endpoint());
    let next = place.bootstrap(&format!("{LINE} -y"));
    assert_eq!(
        (next.code, &*all(&emulator)),
        (Some(0), ONE_OF_EVERYTHING),
        "{}",
        next.all()
    );
}

/// One bucket's versioning gets through, and then no other's.
#[tokio::test]
async fn where_nothing_gets_through_it_gives_up_and_the_next_run_finishes() {
    let (emulator, place) = world().await;
    let refused = || Reply::Fail(Failure::SlowDown);
    let faults = Faults::seeded(0).rule("s3:PutBucketVersioning", Which::From(2), refused);
    let begun = Instant::now();
    let (output, proxy) = bootstrap(&emulator, &place, &Client::default(), faults);
    let said = place.said(&output);
    assert!(begun.elapsed() < GIVES_UP, "{:?}", begun.elapsed());
    assert_eq!(said.code, Some(4), "{}", said.all());
    let refusal = said.refusal();
    assert!(
        refusal.contains("/versioning failed")
            && refusal.contains("s3:PutBucketVersioning on acme-tfstate-prod-"),
        "{refusal}"
    );
    assert!(refusal.contains("SlowDown"), "{refusal}");
    let tries = proxy
        .take()
        .iter()
        .filter(|call| *call == "s3:PutBucketVersioning")
        .count();
    assert_eq!(tries, 11, "one, and ten of another");
    let next = place.bootstrap(&format!("{LINE} -y"));
    assert_eq!(next.code, Some(0), "{}", next.all());
    let again = place.bootstrap(&format!("{LINE} -y"));
    assert!(again.err.contains("nothing to do"), "{}", again.all());
}
