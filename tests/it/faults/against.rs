//! A bootstrap and a teardown of the same environment at the same moment: no half of a backend that
//! nobody is told of.

use std::{
    process::{Child, Stdio},
    time::Duration,
};

use super::world;
use crate::support::{
    emulator::Emulator,
    program::Place,
    proxy::{Gate, Proxy, Reply},
};

/// Without a trail no logs are under the key, and it goes with the rest.
const LINE: &str = "--env prod --project acme --region eu-west-1 --lock both --ephemeral --trail \
                    off --attach-to user/terraform --alarm-email ops@example.com";
const BUCKET: &str = "acme-tfstate-prod-000000000000-eu-west-1";
const INVENTORY: &str = "tests/it/support/inventory.py";
/// All that such a teardown leaves.
const LEFT: &str = "bucket acme-tfstate-prod-logs-000000000000-eu-west-1\nkey PendingDeletion\n";

/// A backend with a state, and a teardown of it that waits with this call.
async fn taken_down_until(held: &'static str, more: &[&str]) -> (Emulator, Place, Gate, Child) {
    let (emulator, mut place) = world().await;
    let made = place.bootstrap(&format!("{LINE} -y"));
    assert_eq!(made.code, Some(0), "{}", made.all());
    emulator.python("tests/it/teardown/set.py", &["state", "empty", BUCKET]);
    let gate = Gate::default();
    let there = gate.clone();
    let proxy = Proxy::start(Some(&emulator), move |call, _| {
        if call.operation == held {
            Reply::Wait(there.clone())
        } else {
            Reply::Forward
        }
    });
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let words: Vec<&str> = ["teardown", "--confirm", BUCKET]
        .into_iter()
        .chain(LINE.split(' '))
        .chain(more.iter().copied())
        .collect();
    let teardown = place
        .command(&words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    place.set("AWS_ENDPOINT_URL", emulator.endpoint());
    gate.wait_for_a_caller();
    (emulator, place, gate, teardown)
}

fn with(place: &Place, command: &[&str]) -> crate::support::program::Said {
    place.run(
        &command
            .iter()
            .copied()
            .chain(LINE.split(' '))
            .collect::<Vec<_>>(),
    )
}

#[tokio::test]
async fn while_the_bucket_is_there_a_bootstrap_refuses() {
    for held in ["DeleteAlarms", "DeleteBucket"] {
        let (emulator, place, gate, teardown) = taken_down_until(held, &[]).await;
        let other = Place::with(&emulator);
        let refused = other.bootstrap(&format!("{LINE} -y"));
        assert_eq!(refused.code, Some(3), "{held}: {}", refused.all());
        let refusal = refused.refusal();
        assert!(
            refusal.contains("is being torn down") && refusal.contains("teardown --cancel"),
            "{held}: {refusal}"
        );
        gate.open();
        let taken = place.said(&teardown.wait_with_output().expect("it ends"));
        assert_eq!(
            (taken.code, &*emulator.python(INVENTORY, &[])),
            (Some(0), LEFT),
            "{held}: {}",
            taken.all()
        );
    }
}

/// The key is looked after before its deletion is asked for, and everything at the end.
#[tokio::test]
async fn once_the_bucket_is_gone_the_teardown_says_what_is_there_again() {
    for (held, says) in [
        ("DeleteTable", "exists again, and may use it"),
        ("ScheduleKeyDeletion", "still exist, or exist again: "),
    ] {
        let (emulator, place, gate, teardown) = taken_down_until(held, &["--output", "json"]).await;
        // S3 tells the time of both by the second, and does not give a name away again so soon.
        std::thread::sleep(Duration::from_millis(1100));
        let other = Place::with(&emulator);
        let made = other.bootstrap(&format!("{LINE} -y"));
        assert_eq!(made.code, Some(0), "{held}: {}", made.all());
        gate.open();
        let taken = place.said(&teardown.wait_with_output().expect("it ends"));
        assert_eq!(taken.code, Some(4), "{held}: {}", taken.all());
        assert!(taken.out.contains(says), "{held}: {}", taken.all());
        assert!(
            taken.out.contains(r#""event":"partly-taken-down""#),
            "{held}: {}",
            taken.all()
        );
        let keys = emulator
            .python(INVENTORY, &[])
            .lines()
            .filter(|line| *line == "key Enabled")
            .count();
        assert_eq!(
            keys,
            usize::from(held == "DeleteTable"),
            "{held}: the key stays where it can"
        );

        // Whichever of them is run again makes it whole, or takes all of it down.
        let again = other.bootstrap(&format!("{LINE} -y"));
        assert_eq!(again.code, Some(0), "{held}: {}", again.all());
        let verified = with(&other, &["verify"]);
        assert_eq!(verified.code, Some(0), "{held}: {}", verified.all());
        let gone = with(&place, &["teardown", "--confirm", BUCKET]);
        assert_eq!(gone.code, Some(0), "{held}: {}", gone.all());
        let left = emulator.python(INVENTORY, &[]);
        assert!(
            left.lines().all(|line| LEFT.contains(line)),
            "{held}: {left}"
        );
    }
}

#[tokio::test]
async fn a_teardown_that_was_cut_off_can_be_given_up() {
    // The call that it died with never arrives.
    let (emulator, place, _gate, mut teardown) = taken_down_until("DeleteAlarms", &[]).await;
    teardown.kill().expect("it runs");
    teardown.wait().expect("it ends");
    let refused = with(&place, &["bootstrap", "-y"]);
    assert_eq!(refused.code, Some(3), "{}", refused.all());
    let held = || {
        let now = emulator.python("tests/it/teardown/set.py", &["now", BUCKET]);
        (
            now.contains("DuringTeardown"),
            now.contains("tfbackend teardown"),
        )
    };
    assert_eq!(held(), (true, true));
    let given_up = with(&place, &["teardown", "--cancel", "--output", "json"]);
    assert_eq!(given_up.code, Some(0), "{}", given_up.all());
    assert!(
        given_up
            .out
            .contains(r#""event":"cancelled","backend":{"kind":"s3","#)
            && given_up
                .out
                .contains(&format!(r#""bucket":"{BUCKET}","released":1"#)),
        "{}",
        given_up.all()
    );
    assert_eq!(held(), (false, false));
    // The files went first, and with them what says which state is this folder's.
    let unsure = with(&place, &["bootstrap", "-y"]);
    assert!(
        unsure.code == Some(3) && unsure.err.contains("--use-existing-state"),
        "{}",
        unsure.all()
    );
    let whole = with(&place, &["bootstrap", "-y", "--use-existing-state"]);
    assert_eq!(whole.code, Some(0), "{}", whole.all());
    let nothing = with(&place, &["teardown", "--cancel"]);
    assert!(
        nothing.code == Some(0) && nothing.err.contains("no teardown locks it"),
        "{}",
        nothing.all()
    );
    let again = with(&place, &["bootstrap", "-y"]);
    assert!(
        again.code == Some(0) && again.err.contains("nothing to do"),
        "{}",
        again.all()
    );
    let verified = with(&place, &["verify"]);
    let all_but =
        verified.all().contains("digest-missing") && verified.all().contains("Findings: 1 low, ");
    assert!(
        verified.code == Some(2) && all_but,
        "only what the test's own state lacks: {}",
        verified.all()
    );
}
