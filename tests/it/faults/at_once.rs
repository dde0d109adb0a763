//! Several first bootstraps of one environment at the same moment: one backend, whoever is ahead.

use std::{
    fs,
    process::{Child, Stdio},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use super::{LINE, ONE_OF_EVERYTHING, SEED, all, seed, soaked, world};
use crate::support::{
    program::Place,
    proxy::{Failure, Faults, Proxy, Reply, Which},
};

/// How several runs are started, and how long each of their calls takes, in milliseconds.
#[derive(Clone, Copy)]
struct Start {
    runs: usize,
    /// Each call takes a random time in this range: which run is ahead changes all the time.
    delay: (u64, u64),
    /// Each run starts a random time after the first, up to this one.
    stagger: u64,
    /// How many seeds are tried, and how many where it is soaked.
    rounds: (u64, u64),
}

#[tokio::test]
async fn threat_12_two_at_once_make_one_backend() {
    races(Start {
        runs: 2,
        delay: (0, 40),
        stagger: 0,
        rounds: (1, 20),
    })
    .await;
}

#[tokio::test]
async fn five_at_once_make_one_backend() {
    races(Start {
        runs: 5,
        delay: (0, 40),
        stagger: 0,
        rounds: (1, 20),
    })
    .await;
}

/// A run that starts later looks while another one has made its key and not named it yet.
#[tokio::test]
async fn twenty_one_after_the_other_make_one_backend() {
    races(Start {
        runs: 20,
        delay: (50, 51),
        stagger: 350,
        rounds: (1, 100),
    })
    .await;
}

/// A table that is not seen while its backups are: the look is repeated, and no run says to adopt
/// what another made.
#[tokio::test]
async fn what_is_seen_in_part_is_looked_at_again() {
    let (emulator, place) = world().await;
    let said = place.bootstrap(&format!("{LINE} -y"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    let unseen = || Reply::Fail(Failure::NotFound("ResourceNotFoundException"));
    let bootstrap = |which| {
        let proxy = Proxy::with(
            &emulator,
            Faults::seeded(0).rule("dynamodb:DescribeTable", which, unseen),
        );
        place.said(
            &place
                .command_at(proxy.endpoint(), &format!("bootstrap {LINE} -y"))
                .output()
                .expect("the program"),
        )
    };
    let said = bootstrap(Which::Nth(1));
    assert!(
        said.code == Some(0) && said.err.contains("nothing to do"),
        "{}",
        said.all()
    );
    let said = bootstrap(Which::All);
    assert!(
        said.code == Some(3)
            && said
                .refusal()
                .contains("another run may be creating or deleting it"),
        "{}",
        said.all()
    );
    assert!(!said.err.contains("--adopt"), "{}", said.all());
}

/// Another run writes the history limits all the time, too.
#[tokio::test]
async fn threat_12_another_run_with_other_settings_is_named() {
    let (emulator, place) = world().await;
    let said = place.bootstrap(&format!("{LINE} -y --noncurrent-days 60"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    let theirs =
        || Reply::Edit(|answer| answer.replace("<NoncurrentDays>120<", "<NoncurrentDays>150<"));
    let faults = Faults::seeded(0).rule("s3:GetBucketLifecycleConfiguration", Which::All, theirs);
    let proxy = Proxy::with(&emulator, faults);
    let line = format!("bootstrap {LINE} -y --noncurrent-days 120");
    let said = place.said(
        &place
            .command_at(proxy.endpoint(), &line)
            .output()
            .expect("the program"),
    );
    let text = "another run is changing this environment: state_bucket/lifecycle";
    assert!(
        said.code == Some(4) && said.refusal().contains(text),
        "{}",
        said.all()
    );
}

async fn races(start: Start) {
    let first = seed();
    let rounds = if soaked() {
        start.rounds.1
    } else {
        start.rounds.0
    };
    let mut doomed = 0;
    for seed in (0..rounds).map(|more| first.wrapping_add(more)) {
        doomed += race(start, seed).await;
    }
    println!(
        "{} at once: {rounds} rounds, one backend each time, {doomed} keys of slower runs \
         scheduled for deletion",
        start.runs
    );
}

/// How many keys were made by those who were slower.
async fn race(start: Start, seed: u64) -> usize {
    let Start {
        runs,
        delay,
        stagger,
        ..
    } = start;
    let (emulator, first) = world().await;
    let mut waits = fastrand::Rng::with_seed(seed);
    let random = Mutex::new(waits.fork());
    let proxy = Proxy::start(Some(&emulator), move |_, _| {
        let late = random.lock().expect("a number").u64(delay.0..delay.1);
        Reply::Delay(Duration::from_millis(late), Box::new(Reply::Forward))
    });
    let mut starts: Vec<u64> = (1..runs)
        .map(|_| waits.u64(0..=stagger))
        .chain([0])
        .collect();
    starts.sort_unstable();
    let mut places: Vec<Place> = (1..runs)
        .map(|_| Place::with(&emulator))
        .chain([first])
        .collect();
    places
        .iter_mut()
        .for_each(|place| place.set("AWS_ENDPOINT_URL", proxy.endpoint()));
    let args: Vec<&str> = ["bootstrap", "-y"]
        .into_iter()
        .chain(LINE.split(' '))
        .collect();
    let begun = Instant::now();
    let start = |(place, at): (&Place, &u64)| {
        thread::sleep(Duration::from_millis(*at).saturating_sub(begun.elapsed()));
        place
            .command(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program")
    };
    let children: Vec<Child> = places.iter().zip(&starts).map(start).collect();

    let mut slower = 0;
    for (place, child) in places.iter_mut().zip(children) {
        let said = place.said(&child.wait_with_output().expect("it ends"));
        assert_eq!(said.code, Some(0), "{SEED}={seed}: {}", said.all());
        slower += usize::from(said.err.contains("is scheduled for deletion"));
        place.set("AWS_ENDPOINT_URL", emulator.endpoint());
    }
    let there = all(&emulator);
    let (doomed, rest): (Vec<&str>, Vec<&str>) = there
        .lines()
        .partition(|line| line.starts_with("key PendingDeletion"));
    assert_eq!(
        doomed.len(),
        slower,
        "{SEED}={seed}: whoever made one says so: {there}"
    );
    assert!(
        doomed
            .iter()
            .all(|key| key.starts_with("key PendingDeletion [] ")),
        "{SEED}={seed}: {there}"
    );
    assert_eq!(
        rest,
        ONE_OF_EVERYTHING.lines().collect::<Vec<_>>(),
        "{SEED}={seed}"
    );
    // Everybody has the same files, and they lead to the key that is used.
    let rendered = places[0].run(
        &["render", "--check"]
            .into_iter()
            .chain(LINE.split(' '))
            .collect::<Vec<_>>(),
    );
    assert_eq!(rendered.code, Some(0), "{SEED}={seed}: {}", rendered.all());
    let files = |place: &Place| {
        ["backend.tf", "backend.conf"]
            .map(|name| fs::read_to_string(place.path().join(name)).expect("a file"))
    };
    for place in &places {
        assert_eq!(files(place), files(&places[0]), "{SEED}={seed}");
    }
    let again = places[0].bootstrap(&format!("{LINE} -y"));
    assert!(
        again.err.contains("nothing to do"),
        "{SEED}={seed}: {}",
        again.all()
    );
    let args: Vec<&str> = ["verify"].into_iter().chain(LINE.split(' ')).collect();
    let verified = places[0].run(&args);
    assert_eq!(verified.code, Some(0), "{SEED}={seed}: {}", verified.all());
    slower
}
