//! Which locks are of this run, and how long it waits for the processes that hold them.

use std::{cell::Cell, time::Instant};

use jiff::SignedDuration;

use super::*;

fn run() -> ThisRun {
    ThisRun {
        who: "ci@runner-7".to_owned(),
        started: "2026-11-30T09:00:00Z".parse().unwrap(),
    }
}

fn info(who: &str, created: Option<&str>) -> LockInfo {
    LockInfo {
        who: who.to_owned(),
        created: created.map(|text| text.parse().unwrap()),
        ..LockInfo::default()
    }
}

#[test]
fn only_what_this_user_acquired_on_this_host_since_the_start_is_of_this_run() {
    let of = |who, created| run().relation(Some(&info(who, created)));
    let after = Some("2026-11-30T09:00:00Z");
    assert_eq!(of("ci@runner-7", after), RunLock::Ours);
    assert_eq!(
        of("ci@runner-7", Some("2026-11-30T08:59:59.999Z")),
        RunLock::Earlier
    );
    assert_eq!(of("ci@runner-7", None), RunLock::Earlier);
    for who in [
        "ci@runner-8",
        "ops@runner-7",
        "ci@runner-7 ",
        "CI@runner-7",
        "",
    ] {
        assert_eq!(of(who, after), RunLock::Other, "{who}");
    }
    assert_eq!(run().relation(None), RunLock::Other);
}

fn terraform(started: &str) -> EngineProcess {
    EngineProcess {
        pid: 42,
        name: "terraform".to_owned(),
        started: started.parse().unwrap(),
    }
}

#[tokio::test]
async fn a_process_that_may_hold_the_lock_is_waited_for() {
    let lock = [run().started];
    let looks = Cell::new(0);
    let ends = || {
        looks.set(looks.get() + 1);
        if looks.get() < 4 {
            vec![terraform("2026-11-30T08:59:00Z")]
        } else {
            vec![]
        }
    };
    assert_eq!(wait_for_end(&lock, GRACE, ends).await, (true, vec![]));
    assert_eq!(looks.get(), 4);

    let stays = || vec![terraform("2026-11-30T08:59:00Z")];
    let (since, grace) = (Instant::now(), 2 * INTERVAL);
    assert_eq!(wait_for_end(&lock, grace, stays).await, (true, stays()));
    assert!(since.elapsed() >= grace);
}

#[tokio::test]
async fn other_processes_are_not_waited_for() {
    let since = Instant::now();
    let later = || vec![terraform("2026-11-30T09:00:10Z")];
    assert_eq!(
        wait_for_end(&[run().started], GRACE, later).await,
        (false, vec![])
    );
    let any = || vec![terraform("2026-11-30T08:00:00Z")];
    assert_eq!(wait_for_end(&[], GRACE, any).await, (false, vec![]));
    let before_all = run().started - SignedDuration::from_hours(1);
    assert_eq!(
        wait_for_end(&[before_all], GRACE, later).await,
        (false, vec![])
    );
    assert!(since.elapsed() < INTERVAL);
}

#[test]
fn what_still_runs_is_named() {
    assert!(still_running(&[]).is_none());
    let other = EngineProcess {
        pid: 43,
        name: "tofu".to_owned(),
        ..terraform("2026-11-30T08:59:00Z")
    };
    let both = [terraform("2026-11-30T08:59:00Z"), other];
    let failure = still_running(&both).unwrap();
    assert_eq!(failure.code, crate::exit::REFUSED);
    assert_eq!(
        failure.message,
        "terraform (process 42) and tofu (process 43) are still running on this machine, and may \
         hold the lock; no lock was released"
    );
    assert!(failure.hints[0].ends_with("`kill -INT 42`"));
    let one = still_running(&both[..1]).unwrap().message;
    assert!(
        one.starts_with("terraform (process 42) is still running"),
        "{one}"
    );
}
