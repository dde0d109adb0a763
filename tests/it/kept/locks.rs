//! The lock mechanism of a live backend is not switched by a bootstrap, whether it is said or not.

use super::{SMALL, conf, findings, nothing_to_do, refused, unsaid, words};
use crate::support::backend::Backend;

#[tokio::test]
async fn lock_files_are_kept() {
    let backend = Backend::make(&[&SMALL[..], &["--lock", "s3"]].concat()).await;
    let (emulator, before) = (&backend.emulator, conf(backend.dir()));
    nothing_to_do(&unsaid(emulator, backend.dir(), &["bootstrap"]));
    assert_eq!(conf(backend.dir()), before);
    let empty = tempfile::tempdir().expect("a folder");
    nothing_to_do(&unsaid(emulator, empty.path(), &["bootstrap"]));
    assert_eq!(conf(empty.path()), before, "the same from an empty folder");
    for lock in ["dynamodb", "both"] {
        let said = unsaid(emulator, empty.path(), &["bootstrap", "-y", "--lock", lock]);
        refused(
            &said,
            &[
                "lock_mechanism",
                "runs lock with `s3`",
                "tfbackend lock migrate --env prod --to both",
            ],
        );
    }
    assert_eq!(conf(empty.path()), before);
}

#[tokio::test]
async fn lock_table_is_kept() {
    let backend = Backend::make(&SMALL).await;
    let (emulator, before) = (&backend.emulator, conf(backend.dir()));
    for lock in ["s3", "both"] {
        let said = unsaid(
            emulator,
            backend.dir(),
            &["bootstrap", "-y", "--lock", lock],
        );
        refused(
            &said,
            &[
                "lock_mechanism",
                "runs lock with `dynamodb`",
                "tfbackend lock migrate --env prod --to both",
            ],
        );
        let planned = unsaid(emulator, backend.dir(), &["plan", "--lock", lock]);
        let all = words(&planned);
        assert!(
            planned.code == Some(3)
                && all.contains("blocked lock_mechanism")
                && all.contains("refuses this plan"),
            "{all}"
        );
        let planned = unsaid(
            emulator,
            backend.dir(),
            &[
                "plan",
                "--lock",
                lock,
                "--output",
                "json",
                "--detailed-exitcode",
            ],
        );
        assert!(
            planned.code == Some(3) && planned.out.contains("\"blocked\": 1"),
            "{}",
            planned.all()
        );
    }
    assert_eq!(conf(backend.dir()), before);
    nothing_to_do(&unsaid(
        emulator,
        backend.dir(),
        &["bootstrap", "--lock", "dynamodb"],
    ));

    // Neither advises to write the other mechanism.
    let found = findings(emulator, backend.dir(), &["--lock", "s3"]);
    assert_eq!(found, ["settings-live at "]);
    let checked = unsaid(
        emulator,
        backend.dir(),
        &["render", "--check", "--lock", "s3"],
    );
    assert!(
        checked.code == Some(2) && !checked.out.contains("use_lockfile"),
        "{}",
        checked.all()
    );
}

#[tokio::test]
async fn lock_mechanisms_are_both_kept() {
    let backend = Backend::make(&[&SMALL[..], &["--lock", "both"]].concat()).await;
    let before = conf(backend.dir());
    let empty = tempfile::tempdir().expect("a folder");
    nothing_to_do(&unsaid(&backend.emulator, empty.path(), &["bootstrap"]));
    assert_eq!(conf(empty.path()), before);
    for lock in ["s3", "dynamodb"] {
        let said = unsaid(
            &backend.emulator,
            empty.path(),
            &["bootstrap", "-y", "--lock", lock],
        );
        refused(
            &said,
            &[
                "runs lock with `both`",
                &format!("tfbackend lock migrate --env prod --to {lock}"),
            ],
        );
    }
}

/// What the trail records of the table moves with the locks.
#[tokio::test]
async fn moved_locks_leave_nothing_to_do() {
    let backend = Backend::make(&["--lock", "both"]).await;
    let (emulator, dir) = (&backend.emulator, backend.dir());
    for line in [
        "--to both",
        "--to s3",
        "--to both",
        "--to s3",
        "--to s3 --drop-table",
    ] {
        let moved = unsaid(
            emulator,
            dir,
            &[
                &["lock", "migrate", "-y"],
                &line.split(' ').collect::<Vec<_>>()[..],
            ]
            .concat(),
        );
        assert_eq!(moved.code, Some(0), "{line}: {}", moved.all());
        nothing_to_do(&unsaid(emulator, dir, &["bootstrap"]));
        let again = unsaid(
            emulator,
            dir,
            &[
                &["lock", "migrate", "-y"],
                &line.split(' ').collect::<Vec<_>>()[..],
            ]
            .concat(),
        );
        assert!(
            again.code == Some(0) && again.err.contains("nothing to do"),
            "{line}: {}",
            again.all()
        );
    }
}

/// The lock of a run with the files of before, which died after `lock migrate --to s3`.
#[tokio::test]
async fn lock_in_a_table_that_is_no_longer_used_is_shown_and_released() {
    let backend = Backend::make(&[&SMALL[..], &["--lock", "both"]].concat()).await;
    let (emulator, dir) = (&backend.emulator, backend.dir());
    for to in ["both", "s3"] {
        let moved = unsaid(emulator, dir, &["lock", "migrate", "--to", to, "-y"]);
        assert_eq!(moved.code, Some(0), "{to}: {}", moved.all());
    }
    let id = "5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10";
    let info = format!(
        r#"{{"ID":"{id}","Operation":"OperationTypeApply","Info":"","Who":"ops@home","Version":"1.11.4","Created":"2026-11-28T10:00:00Z","Path":"x"}}"#
    );
    let empty = tempfile::tempdir().expect("a folder");
    for said in [&["--lock", "s3"][..], &[]] {
        let run = |line: &str| {
            unsaid(
                emulator,
                empty.path(),
                &[&line.split(' ').collect::<Vec<_>>(), said].concat(),
            )
        };
        let free = run("lock list");
        assert!(
            free.code == Some(0) && words(&free).contains("No lock is held"),
            "{}",
            free.all()
        );
        emulator.python(
            "tests/it/idempotence/states.py",
            &[
                "lock-table",
                &backend.conf("bucket"),
                "acme-tfstate-prod-locks",
                &info,
            ],
        );
        for line in ["lock list", "lock show --workspace default"] {
            let shown = run(line);
            assert!(
                shown.out.contains(id) && shown.out.contains("ops@home"),
                "{line}: {}",
                shown.all()
            );
        }
        let released = run(&format!("lock release --id {id} -y"));
        assert!(
            released.code == Some(0) && !released.all().contains("gone already"),
            "{}",
            released.all()
        );
        assert!(words(&run("lock list")).contains("No lock is held"));
    }
}
