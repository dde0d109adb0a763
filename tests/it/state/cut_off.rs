//! A restore that is interrupted: the old state or the new one, and no lock.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::world::{KEY, World};
use crate::support::{
    backend::said,
    proxy::{Gate, Proxy, Reply},
};

/// Lock file, lock item, state, digest, and both locks released.
const WRITES: [&str; 4] = ["PutObject", "DeleteObject", "PutItem", "DeleteItem"];

/// Starts a restore whose write of this number waits.
fn waiting(world: &World, number: usize, args: &[&str]) -> (std::process::Child, Gate, Proxy) {
    let gate = Gate::default();
    let there = gate.clone();
    let count = Arc::new(AtomicUsize::new(0));
    let proxy = Proxy::start(Some(&world.backend.emulator), move |call, _| {
        let is_the_one =
            WRITES.contains(&&*call.operation) && count.fetch_add(1, Ordering::SeqCst) == number;
        if is_the_one {
            Reply::Wait(there.clone())
        } else {
            Reply::Forward
        }
    });
    let child = world
        .command_at(proxy.endpoint(), args)
        .spawn()
        .expect("the program");
    gate.wait_for_a_caller();
    (child, gate, proxy)
}

/// Before the state is written nothing is; from then on it is all done. The lock is released either
/// way.
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
        assert!(
            std::process::Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .expect("kill")
                .success()
        );
        std::thread::sleep(std::time::Duration::from_millis(200));
        gate.open();
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(
            output.status.code(),
            Some(code),
            "{number}: {}",
            said(&output)
        );
        if code == 130 {
            assert!(
                said(&output).contains("the state was not changed"),
                "{}",
                said(&output)
            );
            assert_eq!(
                (world.standing(), world.versions().len()),
                (before.clone(), 2)
            );
        }
    }
    assert!(
        world.standing().ends_with("digest right locks none"),
        "{}",
        world.standing()
    );
    world.nothing_to_change(&[]);
}
