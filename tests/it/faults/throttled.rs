//! Throttled: a share of the calls slows a run down, and all of them end it within a stated time.

use std::time::{Duration, Instant};

use super::{LINE, SEED, bootstrap, seed, world};
use crate::support::proxy::{Client, Failure, Faults, Reply, Which};

/// Of a run of which every third call is refused; it takes about ten seconds, and longer on a busy machine.
const SLOWLY: Duration = Duration::from_secs(120);
/// About so many are made where nothing is refused (`docs/calls.md`). Of ten calls three are made again, and again of those.
const CALLS: usize = 140;
/// What is stated (`docs/reliability.md`) are 13 seconds of pauses for a call; this is for the calls themselves, too.
const GIVES_UP: Duration = Duration::from_secs(60);

async fn slowed_down(failure: Failure) {
    let (emulator, mut place) = world().await;
    let seed = seed();
    let faults = Faults::seeded(seed).rule("", Which::Percent(30), move || Reply::Fail(failure));
    let begun = Instant::now();
    let (output, proxy) = bootstrap(&emulator, &mut place, &Client::default(), faults);
    let (said, calls) = (place.said(&output), proxy.take().len());
    assert_eq!(said.code, Some(0), "{SEED}={seed}: {}", said.all());
    assert!(begun.elapsed() < SLOWLY, "{SEED}={seed}: {:?}", begun.elapsed());
    assert!(calls < 2 * CALLS, "{SEED}={seed}: {calls} calls");
    let again = place.bootstrap(&format!("{LINE} -y"));
    assert!(again.err.contains("nothing to do"), "{SEED}={seed}: {}", again.all());
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

/// One bucket's versioning gets through, and then no other's.
#[tokio::test]
async fn where_nothing_gets_through_it_gives_up_and_the_next_run_finishes() {
    let (emulator, mut place) = world().await;
    let refused = || Reply::Fail(Failure::SlowDown);
    let faults = Faults::seeded(0).rule("s3:PutBucketVersioning", Which::From(2), refused);
    let begun = Instant::now();
    let (output, proxy) = bootstrap(&emulator, &mut place, &Client::default(), faults);
    let said = place.said(&output);
    assert!(begun.elapsed() < GIVES_UP, "{:?}", begun.elapsed());
    assert_eq!(said.code, Some(4), "{}", said.all());
    let refusal = said.refusal();
    assert!(refusal.contains("/versioning failed") && refusal.contains("s3:PutBucketVersioning on acme-tfstate-prod-"), "{refusal}");
    assert!(refusal.contains("SlowDown"), "{refusal}");
    let tries = proxy.take().iter().filter(|call| *call == "s3:PutBucketVersioning").count();
    assert_eq!(tries, 11, "one, and ten of another");
    let next = place.bootstrap(&format!("{LINE} -y"));
    assert_eq!(next.code, Some(0), "{}", next.all());
    let again = place.bootstrap(&format!("{LINE} -y"));
    assert!(again.err.contains("nothing to do"), "{}", again.all());
}
