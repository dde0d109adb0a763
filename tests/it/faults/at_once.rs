//! Several first bootstraps of one environment at the same moment: one backend, whoever is ahead.

use std::{
    process::{Child, Stdio},
    sync::Mutex,
    time::Duration,
};

use super::{LINE, ONE_OF_EVERYTHING, SEED, all, seed, soaked, world};
use crate::support::{
    program::Place,
    proxy::{Proxy, Reply},
};

/// Where it is soaked.
const SEEDS: u64 = 20;
/// Each call takes up to so many milliseconds, as the seed has it: who is ahead changes all the time.
const LATE: u64 = 40;

#[tokio::test]
async fn threat_12_two_at_once_make_one_backend() {
    races(2).await;
}

#[tokio::test]
async fn five_at_once_make_one_backend() {
    races(5).await;
}

async fn races(runs: usize) {
    let first = seed();
    let seeds = if soaked() { SEEDS } else { 1 };
    let mut doomed = 0;
    for seed in (0..seeds).map(|more| first.wrapping_add(more)) {
        doomed += race(runs, seed).await;
    }
    println!("{runs} at once: {seeds} seeds, one backend each time, {doomed} keys of those who were slower scheduled for deletion");
}

/// How many keys were made by those who were slower.
async fn race(runs: usize, seed: u64) -> usize {
    let (emulator, first) = world().await;
    let random = Mutex::new(fastrand::Rng::with_seed(seed));
    let proxy = Proxy::start(Some(&emulator), move |_, _| {
        let late = random.lock().expect("a number").u64(..LATE);
        Reply::Delay(Duration::from_millis(late), Box::new(Reply::Forward))
    });
    let mut places: Vec<Place> = (1..runs).map(|_| Place::with(&emulator)).chain([first]).collect();
    places.iter_mut().for_each(|place| place.set("AWS_ENDPOINT_URL", proxy.endpoint()));
    let args: Vec<&str> = ["bootstrap", "-y"].into_iter().chain(LINE.split(' ')).collect();
    let start = |place: &Place| place.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program");
    let children: Vec<Child> = places.iter().map(start).collect();

    let mut slower = 0;
    for (place, child) in places.iter_mut().zip(children) {
        let said = place.said(&child.wait_with_output().expect("it ends"));
        assert_eq!(said.code, Some(0), "{SEED}={seed}: {}", said.all());
        slower += usize::from(said.err.contains("is scheduled for deletion"));
        place.set("AWS_ENDPOINT_URL", emulator.endpoint());
    }
    let there = all(&emulator);
    let (doomed, rest): (Vec<&str>, Vec<&str>) = there.lines().partition(|line| line.starts_with("key PendingDeletion"));
    assert_eq!(doomed.len(), slower, "{SEED}={seed}: whoever made one says so: {there}");
    assert!(doomed.iter().all(|key| key.starts_with("key PendingDeletion [] ")), "{SEED}={seed}: {there}");
    assert_eq!(rest, ONE_OF_EVERYTHING.lines().collect::<Vec<_>>(), "{SEED}={seed}");
    // Everybody has the same files, and they lead to the key that is used.
    for place in &places {
        let args: Vec<&str> = ["render", "--check"].into_iter().chain(LINE.split(' ')).collect();
        let rendered = place.run(&args);
        assert_eq!(rendered.code, Some(0), "{SEED}={seed}: {}", rendered.all());
    }
    let again = places[0].bootstrap(&format!("{LINE} -y"));
    assert!(again.err.contains("nothing to do"), "{SEED}={seed}: {}", again.all());
    let args: Vec<&str> = ["verify"].into_iter().chain(LINE.split(' ')).collect();
    let verified = places[0].run(&args);
    assert_eq!(verified.code, Some(0), "{SEED}={seed}: {}", verified.all());
    slower
}
