//! Several first bootstraps of one environment at the same moment: one backend, whoever is ahead.

use std::{
    env,
    process::{Child, Stdio},
    sync::Mutex,
    time::Duration,
};

use insta::assert_snapshot;

use super::{LINE, SEED, seed, world};
use crate::support::{
    program::Place,
    proxy::{Proxy, Reply},
};

const ALL: &str = "tests/it/faults/one_of_everything.py";
/// Set by `make soak`: as many seeds.
const SOAK: &str = "TFBACKEND_SOAK";
const SEEDS: u64 = 20;
/// Each call takes up to so many milliseconds, as the seed has it: who is ahead changes all the time.
const LATE: u64 = 40;

#[tokio::test]
async fn two_at_once_make_one_backend() {
    races(2).await;
}

#[tokio::test]
async fn five_at_once_make_one_backend() {
    races(5).await;
}

async fn races(runs: usize) {
    let first = seed();
    let seeds = if env::var_os(SOAK).is_some() { SEEDS } else { 1 };
    let mut doomed = 0;
    for seed in (0..seeds).map(|more| first.wrapping_add(more)) {
        doomed += race(runs, seed).await;
    }
    eprintln!("{runs} at once: {seeds} seeds, one backend each time, {doomed} keys of those who were slower scheduled for deletion");
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
    let all = emulator.python(ALL, &[]);
    let (doomed, rest): (Vec<&str>, Vec<&str>) = all.lines().partition(|line| line.starts_with("key PendingDeletion"));
    assert_eq!(doomed.len(), slower, "{SEED}={seed}: whoever made one says so: {all}");
    assert!(doomed.iter().all(|key| key.starts_with("key PendingDeletion [] ")), "{SEED}={seed}: {all}");
    assert_snapshot!(rest.join("\n"), @"
    key Enabled ['alias/acme-tfstate-prod'] rotates
    bucket acme-tfstate-prod-000000000000-eu-west-1
    bucket acme-tfstate-prod-logs-000000000000-eu-west-1
    table acme-tfstate-prod-locks
    policy acme-tfstate-prod-runner 1 version, attached 1
    topic arn:aws:sns:eu-west-1:000000000000:acme-tfstate-prod-alarms ['ops@example.com']
    alarm acme-tfstate-prod-bucket-size
    alarm acme-tfstate-prod-lock-contention
    alarm acme-tfstate-prod-lock-errors
    alarm acme-tfstate-prod-lock-throttles
    alarm acme-tfstate-prod-object-count
    trail acme-tfstate-prod logs
    ");
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
