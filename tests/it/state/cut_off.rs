//! A restore that is killed or interrupted anywhere: an old or a new state with its digest, or a lock; and the next one goes on.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::world::{KEY, World};
use crate::support::{
    backend::said,
    proxy::{Gate, Proxy, Reply},
};

const WRITES: [&str; 4] = ["PutObject", "DeleteObject", "PutItem", "DeleteItem"];

/// Lock file, lock item, state, digest, and both locks released.
const FIRST_TO_LAST: std::ops::Range<usize> = 0..6;

/// Starts a restore whose write of this number waits.
fn waiting(world: &World, number: usize, args: &[&str]) -> (std::process::Child, Gate, Proxy) {
    let gate = Gate::default();
    let there = gate.clone();
    let count = Arc::new(AtomicUsize::new(0));
    let proxy = Proxy::start(Some(&world.backend.emulator), move |call, _| {
        let is_the_one = WRITES.contains(&&*call.operation) && count.fetch_add(1, Ordering::SeqCst) == number;
        if is_the_one { Reply::Wait(there.clone()) } else { Reply::Forward }
    });
    let child = world.command_at(proxy.endpoint(), args).spawn().expect("the program");
    gate.wait_for_somebody();
    (child, gate, proxy)
}

#[tokio::test]
async fn killed_anywhere_the_next_goes_on() {
    let world = World::make("both").await;
    world.apply(&[]);
    world.apply(&["more=1"]);
    let ids: Vec<String> = world.versions().into_iter().map(|(id, _)| id).collect();
    for number in FIRST_TO_LAST {
        // Always the one that is not there.
        let args = ["restore", KEY, "--version-id", &ids[(number + 1) % 2], "-y"];
        let (mut child, gate, _proxy) = waiting(&world, number, &args);
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        // The call arrives all the same.
        gate.open();
        std::thread::sleep(std::time::Duration::from_millis(300));
        let standing = world.standing();
        assert!(standing.contains("digest right") || !standing.contains("locks none"), "{number}: {standing}");
        if !standing.contains("locks none") {
            // Once the digest is written all is as it should be, but for the lock.
            let code = if number < 3 { 3 } else { 0 };
            world.fails(&args, code, &["is locked by", "tfbackend lock release --id"]);
            world.tool("release", &[KEY]);
        }
        let output = world.state(&args);
        assert!(output.status.success(), "{number}: {}", said(&output));
        assert!(world.standing().ends_with("digest right locks none"), "{number}: {}", world.standing());
    }
    world.nothing_to_change(&["more=1"]);
}

/// Before the state is written nothing is; from then on it is all done. The lock is released either way.
#[tokio::test]
async fn interrupted_it_ends_between_two_steps() {
    let world = World::make("both").await;
    world.apply(&[]);
    let first = world.versions()[0].0.clone();
    world.apply(&["more=1"]);
    let before = world.standing();
    let args = ["restore", KEY, "--version-id", &first, "-y"];
    for (number, code) in [(0, 130), (1, 130), (2, 0)] {
        let (child, gate, _proxy) = waiting(&world, number, &args);
        let pid = child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
        std::thread::sleep(std::time::Duration::from_millis(200));
        gate.open();
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(code), "{number}: {}", said(&output));
        if code == 130 {
            assert!(said(&output).contains("the state was not changed"), "{}", said(&output));
            assert_eq!((world.standing(), world.versions().len()), (before.clone(), 2));
        }
    }
    assert!(world.standing().ends_with("digest right locks none"), "{}", world.standing());
    world.nothing_to_change(&[]);
}
