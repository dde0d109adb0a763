//! A probe that is killed, interrupted or cut off: nothing is left after the next one.

use std::{
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use jiff::{SignedDuration, Timestamp};
use tfbackend::{
    backend::aws::{
        probe::{BackendProbe, ProbeEncryption, ProbeFacts, ProbeName, ProbeTarget},
        store::StoreAddress,
    },
    state::layout::StateLayout,
};
use tokio_util::sync::CancellationToken;

use super::{super::verify, BUCKET, PYTHON, left, made};
use crate::support::{
    aws::aws,
    emulator::Emulator,
    parts::{Part, in_parts},
    program::Place,
    proxy::{Gate, Proxy, Reply},
};

const WRITES: [&str; 4] = ["PutObject", "DeleteObject", "PutItem", "DeleteItem"];
/// Each write, and how much is left after it at least: object, without headers, three that are
/// refused, three for each lock and its release (one more for a file), two that go. In the end that
/// is two objects and a lock in each place.
const LEFT: [(usize, usize); 14] = [
    (0, 1),
    (1, 1),
    (2, 1),
    (3, 1),
    (4, 1),
    (5, 1),
    (6, 1),
    (7, 1),
    (8, 1),
    (9, 1),
    (10, 1),
    (11, 1),
    (12, 4),
    (13, 4),
];

in_parts! { fn killed_at_any_point_nothing_is_left_after_the_next: killed_at in first second third }

/// Starts a probe whose write of this number waits.
fn waiting(emulator: &Emulator, line: &str, number: usize) -> (Place, Child, Gate, Proxy) {
    let gate = Gate::default();
    let there = gate.clone();
    let count = Arc::new(AtomicUsize::new(0));
    let proxy = Proxy::start(Some(emulator), move |call, _| {
        let is_the_one =
            WRITES.contains(&&*call.operation) && count.fetch_add(1, Ordering::SeqCst) == number;
        if is_the_one {
            Reply::Wait(there.clone())
        } else {
            Reply::Forward
        }
    });
    let mut place = Place::with(emulator);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let words = format!("verify {line} --probe --usage=false");
    let mut command = place.command(&words.split_whitespace().collect::<Vec<_>>());
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    gate.wait_for_a_caller();
    (place, child, gate, proxy)
}

/// A probe that is begun so much later.
async fn later(emulator: &Emulator, by: SignedDuration) -> ProbeFacts {
    let aws = aws(emulator).await;
    let address = StoreAddress {
        bucket: BUCKET.to_owned(),
        owner: emulator.account().to_owned(),
        table: Some("acme-tfstate-prod-locks".to_owned()),
        layout: StateLayout {
            key: None,
            workspace_prefix: "env:".to_owned(),
        },
    };
    let target = ProbeTarget {
        address,
        lock_files: true,
        key: ProbeEncryption::Unknown,
    };
    let now = Timestamp::now() + by;
    let probe = BackendProbe {
        tried: &aws,
        cleaner: &aws,
        role: None,
        target: &target,
        name: ProbeName::new(now),
        who: "me@here".to_owned(),
        now,
        cancel: CancellationToken::new(),
    };
    probe.run().await
}

/// Killed at each write, whose call still arrives: the worst that can be left.
async fn killed_at(part: Part) {
    let (emulator, _, line) = made("--lock both --ephemeral").await;
    for (number, least) in part.of(&LEFT) {
        let (_place, mut child, gate, proxy) = waiting(&emulator, &line, *number);
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        gate.open();
        proxy.wait_until_answered();
        let there = left(&emulator);
        assert!(there.len() >= *least, "write {number}: {there:?}");

        // One that began a moment ago may still be under way.
        later(&emulator, SignedDuration::from_mins(30)).await;
        assert_eq!(left(&emulator), there, "write {number}");
        let facts = later(&emulator, SignedDuration::from_mins(70)).await;
        assert!(
            facts.swept.errors.is_empty() && facts.left.errors.is_empty(),
            "{facts:?}"
        );
        let current = there.iter().any(|line| line.starts_with("current "));
        assert_eq!(
            facts.swept.probes,
            usize::from(current),
            "write {number}: {there:?}"
        );
        assert_eq!(left(&emulator), Vec::<String>::new(), "write {number}");
    }
}

/// Ctrl-C ends the trying, and not the cleaning up.
#[tokio::test]
async fn interrupted_it_cleans_up_itself() {
    let (emulator, _, line) = made("--lock both --ephemeral").await;
    for number in [0, 5, 6, 9, 11] {
        let (place, child, gate, _proxy) = waiting(&emulator, &line, number);
        assert!(
            Command::new("kill")
                .arg(child.id().to_string())
                .status()
                .expect("kill")
                .success()
        );
        std::thread::sleep(std::time::Duration::from_millis(300));
        gate.open();
        let said = place.said(&child.wait_with_output().expect("it ends"));
        assert_eq!(said.code, Some(130), "{}", said.all());
        assert!(
            said.err
                .contains("interrupted during the probe; all written objects"),
            "{}",
            said.all()
        );
        assert_eq!(left(&emulator), Vec::<String>::new(), "write {number}");
    }
}

/// What is not a probe's stays, whatever it is called, and so does what another one is at.
#[tokio::test]
async fn only_what_an_old_probe_wrote_is_deleted() {
    let (emulator, place, line) = made("--lock both --ephemeral").await;
    let id = "5e2d4b6e-7d3f-4b0c-9a51-3c1a6a2c5f10";
    let old = format!("20260101T000000Z-{id}");
    let young = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string() + "-" + id;
    let theirs = [
        "tfbackend-probe/mine.tfstate",
        "env:/tfbackend-probe/shop/terraform.tfstate",
        "tfbackend-probe/20260101T000000Z-x/a.tfstate",
    ];
    let of = |name: &str| {
        [
            format!("env:/tfbackend-probe/{name}/terraform.tfstate"),
            format!("tfbackend-probe/{name}/terraform.tfstate.tflock"),
        ]
    };
    let (old_ones, young_ones) = (of(&old), of(&young));
    let all: Vec<&str> = theirs
        .into_iter()
        .chain(old_ones.iter().chain(&young_ones).map(String::as_str))
        .collect();
    emulator.python(PYTHON, &[&["plant"], &all[..]].concat());
    let locks = [
        format!("tfbackend-probe/{old}/terraform.tfstate"),
        format!("tfbackend-probe/{young}/terraform.tfstate"),
    ];
    emulator.python(
        PYTHON,
        &["lock", &locks[0], &locks[1], "tfbackend-probe/mine.tfstate"],
    );

    let (_, document, _) = super::probe(&place, &line);
    let said = emulator.python(PYTHON, &["left"]);
    let mut there: Vec<&str> = said.lines().collect();
    there.sort_unstable();
    let mut expected: Vec<String> = theirs.iter().map(|key| format!("current {key}")).collect();
    expected.extend(young_ones.iter().map(|key| format!("current {key}")));
    expected.extend(
        [&*locks[1], "tfbackend-probe/mine.tfstate"].map(|path| format!("item {BUCKET}/{path}")),
    );
    expected.sort_unstable();
    assert_eq!(there, expected);
    assert_eq!(
        super::notes(&document)[0],
        "1 earlier probe did not finish; the remaining objects were deleted"
    );

    // Live use is that of others: the lock of a probe is no lock that is stale, and its object no
    // state.
    let (_, document) = verify(&place, &format!("{line} --min-severity info"));
    let findings = document["findings"].to_string();
    assert!(
        findings.contains("stale-lock") && findings.contains("tfbackend-probe/mine.tfstate"),
        "{document:#}"
    );
    // Ids differ from run to run, and are shown as one.
    assert!(!findings.contains("Z-UUID"), "{document:#}");
}
