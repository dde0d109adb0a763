//! Somebody is at work while a backend is taken down; or it is interrupted, and goes on.

use std::{
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crate::support::{
    emulator::Emulator,
    program::Place,
    proxy::{Gate, Proxy, Reply},
};

const LINE: &str = "--env dev --project acme --region eu-west-1 --lock both --ephemeral";
const BUCKET: &str = "acme-tfstate-dev-000000000000-eu-west-1";
const INVENTORY: &str = "tests/it/support/inventory.py";
const SET: &str = "tests/it/teardown/set.py";
/// All that stays, by default.
const LEFT: &str =
    "alias/acme-tfstate-dev\nbucket acme-tfstate-dev-logs-000000000000-eu-west-1\nkey Enabled\n";

fn words() -> Vec<&'static str> {
    let mut words: Vec<&str> = ["teardown"].into_iter().chain(LINE.split(' ')).collect();
    words.extend(["--confirm", BUCKET]);
    words
}

fn bootstrap(place: &Place) {
    let said = place.bootstrap(&format!("{LINE} -y"));
    assert_eq!(said.code, Some(0), "{}", said.all());
}

/// A state written, or a lock taken, while the last lock of the freeze is on its way: all is as it
/// was, and names it.
#[tokio::test]
async fn what_comes_in_meanwhile_stops_it() {
    let emulator = Emulator::start().await;
    let gate: Arc<Mutex<Gate>> = Arc::default();
    let here = Arc::clone(&gate);
    let proxy = Proxy::start(Some(&emulator), move |call, request| {
        let freezes = call.operation == "PutBucketPolicy"
            && String::from_utf8_lossy(request.body().bytes().expect("a body"))
                .contains("DuringTeardown");
        if freezes {
            Reply::Wait(here.lock().expect("a gate").clone())
        } else {
            Reply::Forward
        }
    });
    let mut place = Place::with(&emulator);
    bootstrap(&place);
    emulator.python(SET, &["state", "empty", BUCKET]);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    for (change, said) in [
        (
            ["state", "in-use"],
            "another client wrote terraform.tfstate",
        ),
        (["lock", "other"], "another client locked other.tfstate"),
    ] {
        *gate.lock().expect("a gate") = Gate::default();
        let before = emulator.python(SET, &["now", BUCKET]);
        let child = place
            .command(&[&words()[..], &["--purge-states"]].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("runs");
        let waits = gate.lock().expect("a gate").clone();
        waits.wait_for_a_caller();
        let there = emulator.python(SET, &[&change[..], &[BUCKET]].concat());
        let after = there.split_once("----\n").expect("before and after").1;
        waits.open();
        let ended = place.said(&child.wait_with_output().expect("it ends"));
        assert_eq!(ended.code, Some(3), "{}", ended.all());
        assert!(
            ended.refusal().contains(&format!("{said} "))
                && ended.refusal().contains("nothing was deleted"),
            "{}",
            ended.all()
        );
        let now = emulator.python(SET, &["now", BUCKET]);
        assert!(
            !now.contains("DuringTeardown") && !now.contains("tfbackend teardown"),
            "the locks are released: {now}"
        );
        assert!(
            after.contains("DuringTeardown") || after.contains("tfbackend teardown"),
            "it was frozen when it came: {after}"
        );
        assert_ne!(before, now);
    }
    emulator.python(SET, &["unlock", "other", BUCKET]);
    let said = place.run(&[&words()[..], &["--purge-states"]].concat());
    assert_eq!(
        (said.code, &*emulator.python(INVENTORY, &[])),
        (Some(0), LEFT),
        "{}",
        said.all()
    );
}

/// The first was killed after it had locked everything; the second finds its locks, and then
/// somebody takes another one.
#[tokio::test]
async fn a_run_that_goes_on_and_has_to_stop_leaves_no_lock_of_the_one_that_died() {
    let emulator = Emulator::start().await;
    let (dies, looked) = (Gate::default(), Gate::default());
    let (first, second) = (dies.clone(), looked.clone());
    let (policies, stop) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(usize::MAX)));
    let stops = Arc::clone(&stop);
    let proxy = Proxy::start(Some(&emulator), move |call, _| match &*call.operation {
        "StopLogging" | "DeleteTrail" => Reply::Wait(first.clone()),
        "GetBucketPolicy"
            if policies.fetch_add(1, Ordering::SeqCst) == stops.load(Ordering::SeqCst) =>
        {
            Reply::Wait(second.clone())
        }
        _ => Reply::Forward,
    });
    let mut place = Place::with(&emulator);
    bootstrap(&place);
    emulator.python(SET, &["state", "empty", BUCKET]);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let start = |args: &[&str]| {
        place
            .command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("runs")
    };
    let mut killed = start(&words());
    dies.wait_for_a_caller();
    killed.kill().expect("it runs");
    killed.wait().expect("it ends");
    let frozen = emulator.python(SET, &["now", BUCKET]);
    assert!(
        frozen.contains("DuringTeardown") && frozen.contains("tfbackend teardown"),
        "{frozen}"
    );

    let policies = |calls: Vec<String>| {
        calls
            .iter()
            .filter(|call| *call == "s3:GetBucketPolicy")
            .count()
    };
    let before = policies(proxy.take());
    let mut plan = words();
    plan.push("--plan");
    assert_eq!(place.run(&plan).code, Some(0));
    // The first that follows the looks.
    stop.store(before + 2 * policies(proxy.take()), Ordering::SeqCst);
    let child = start(&words());
    looked.wait_for_a_caller();
    emulator.python(SET, &["lock", "other item", BUCKET]);
    looked.open();
    let ended = place.said(&child.wait_with_output().expect("it ends"));
    assert_eq!(ended.code, Some(3), "{}", ended.all());
    assert!(
        ended
            .refusal()
            .contains("another client locked other.tfstate "),
        "{}",
        ended.all()
    );
    let now = emulator.python(SET, &["now", BUCKET]);
    assert!(
        !now.contains("DuringTeardown") && !now.contains("tfbackend teardown"),
        "the locks are released: {now}"
    );
    dies.open();
}

/// Ctrl-C while it deletes: what runs is finished, the rest is named, and the next run does it.
#[tokio::test]
async fn interrupted_it_says_what_is_left() {
    let emulator = Emulator::start().await;
    let gate = Gate::default();
    let there = gate.clone();
    let proxy = Proxy::start(Some(&emulator), move |call, _| {
        if call.operation == "DeleteTrail" {
            Reply::Wait(there.clone())
        } else {
            Reply::Forward
        }
    });
    let mut place = Place::with(&emulator);
    bootstrap(&place);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let child = place
        .command(&words())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    gate.wait_for_a_caller();
    assert!(
        std::process::Command::new("kill")
            .arg(child.id().to_string())
            .status()
            .expect("kill")
            .success()
    );
    std::thread::sleep(Duration::from_millis(300));
    gate.open();
    let said = place.said(&child.wait_with_output().expect("it ends"));
    assert_eq!(said.code, Some(130), "{}", said.all());
    assert!(
        said.err.contains("not started: ")
            && said.err.contains("state_bucket")
            && said.err.contains("continues where"),
        "{}",
        said.all()
    );
    let said = place.run(&words());
    assert_eq!(
        (said.code, &*emulator.python(INVENTORY, &[])),
        (Some(0), LEFT),
        "{}",
        said.all()
    );
}

/// Ctrl-C in the last look, which asks when the bucket was made that is still seen.
#[tokio::test]
async fn interrupted_in_the_last_look_it_says_that_all_was_deleted() {
    let emulator = Emulator::start().await;
    let gate = Gate::default();
    let there = gate.clone();
    let proxy = Proxy::start(Some(&emulator), move |call, _| match &*call.operation {
        "ListBuckets" => Reply::Wait(there.clone()),
        "HeadBucket" | "GetBucketTagging" | "GetBucketOwnershipControls" => {
            Reply::Stale(Duration::from_secs(60))
        }
        _ => Reply::Forward,
    });
    let mut place = Place::with(&emulator);
    let line = "--env dev --project acme --region eu-west-1 --ephemeral --encryption sse-s3 \
                --trail off --alarms=false --policy=false";
    assert_eq!(place.bootstrap(&format!("{line} -y")).code, Some(0));
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let words: Vec<&str> = ["teardown", "--confirm", BUCKET]
        .into_iter()
        .chain(line.split(' '))
        .collect();
    let child = place
        .command(&words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    gate.wait_for_a_caller();
    let interrupted = Instant::now();
    assert!(
        std::process::Command::new("kill")
            .arg(child.id().to_string())
            .status()
            .expect("kill")
            .success()
    );
    let said = place.said(&child.wait_with_output().expect("it ends"));
    assert!(
        interrupted.elapsed() < Duration::from_secs(15),
        "{}",
        said.all()
    );
    assert!(
        said.code == Some(130)
            && said
                .err
                .contains("hint: everything was deleted before this check"),
        "{}",
        said.all()
    );
}
