//! The key that states are under is kept, and a change of it locks no runner out.

use std::{fs, path::Path};

use super::{SMALL, nothing_to_do, terraform, unsaid, words};
use crate::{
    support::{backend::Backend, emulator::Emulator, program::Said},
    terraform::running::{HEAD, apply, initialized, nothing_to_change},
};

fn make_key(emulator: &Emulator) -> String {
    let said = emulator.python("tests/it/hardening/make_key.py", &["default"]);
    said.split_once(' ').expect("a key").0.to_owned()
}

/// The keys that the runner policy allows for states.
fn allowed(backend: &Backend) -> String {
    backend.emulator.python("tests/it/kept/runner_keys.py", &[])
}

#[tokio::test]
async fn key_of_the_user_is_kept_and_changed_in_order() {
    let backend = initialized(&SMALL).await;
    let (emulator, dir) = (&backend.emulator, backend.dir());
    apply(&backend, &[]);
    let first = backend.conf("kms_key_id");
    let second = make_key(emulator);

    // Said: the states stay readable under the first key, for the runner who has the policy and no
    // more.
    let planned = unsaid(emulator, dir, &["plan", "--kms-key", &second]);
    let all = words(&planned);
    assert!(
        all.contains(&format!("1 state remains encrypted with {first}")),
        "{all}"
    );
    assert!(
        all.contains("not in the settings any more, kept: key"),
        "{all}"
    );
    let changed = unsaid(emulator, dir, &["bootstrap", "-y", "--kms-key", &second]);
    assert_eq!(changed.code, Some(0), "{}", changed.all());
    assert_eq!(allowed(&backend), format!("{second}\n{first}\n"));
    let init = terraform(
        &backend,
        dir,
        &["init", "-reconfigure", "-backend-config=backend.conf"],
    );
    assert_eq!(init.code, Some(0), "{}", init.all());
    nothing_to_change(&backend, &[]);

    // Unsaid: the second key is kept, here and from an empty folder, and so is what runs use by
    // now.
    for _ in 0..2 {
        still_waits(&unsaid(emulator, dir, &["bootstrap"]));
    }
    assert_eq!(backend.conf("kms_key_id"), second);
    let empty = tempfile::tempdir().expect("a folder");
    still_waits(&unsaid(
        emulator,
        empty.path(),
        &["bootstrap", "--use-existing-state"],
    ));
    assert!(super::conf(empty.path()).contains(&second));
    nothing_to_change(&backend, &[]);

    // Once no state is under it, the first key is taken from the policy.
    apply(&backend, &["-var", "blocks=2"]);
    let head = emulator.python(HEAD, &[&backend.conf("bucket"), "terraform.tfstate"]);
    assert!(head.contains(&second), "{head}");
    let last = unsaid(emulator, dir, &["bootstrap", "-y"]);
    assert_eq!(last.code, Some(0), "{}", last.all());
    assert_eq!(allowed(&backend), format!("{second}\n"));
    nothing_to_change(&backend, &["-var", "blocks=2"]);
}

#[track_caller]
fn still_waits(said: &Said) {
    assert!(
        said.code == Some(0) && said.err.contains("nothing to do except what is deferred"),
        "{}",
        said.all()
    );
}

/// A runner with the files of before, as one that was checked out yesterday: it would change
/// resources, and could not save the state.
#[tokio::test]
async fn runs_with_the_files_of_before_go_on_until_they_are_told_not_to() {
    let backend = initialized(&SMALL).await;
    let (emulator, dir) = (&backend.emulator, backend.dir());
    apply(&backend, &[]);
    let (first, second) = (backend.conf("kms_key_id"), make_key(emulator));
    let yesterday = tempfile::tempdir().expect("a folder");
    copy(dir, yesterday.path());
    let applies = |size: &str| {
        terraform(
            &backend,
            yesterday.path(),
            &["apply", "-auto-approve", "-var", size],
        )
    };
    let under = |key: &str| {
        let head = emulator.python(HEAD, &[&backend.conf("bucket"), "terraform.tfstate"]);
        assert!(head.contains(key), "{head}, and not {key}");
    };

    let changed = unsaid(emulator, dir, &["bootstrap", "-y", "--kms-key", &second]);
    assert_eq!(changed.code, Some(0), "{}", changed.all());
    let all = words(&changed);
    assert!(
        all.contains(&format!("refuses runs whose `kms_key_id` is {first}"))
            && all.contains("--enforce"),
        "{all}"
    );
    let applied = applies("blocks=2");
    assert_eq!(applied.code, Some(0), "{}", applied.all());
    under(&first);
    // What that run has to read stays under the key that it may use.
    let check = unsaid(emulator, dir, &["state", "check", "--repair", "-y"]);
    assert!(
        check.code == Some(2)
            && words(&check).contains(
                "terraform.tfstate keeps its encryption: the bucket policy still allows runs with"
            ),
        "{}",
        check.all()
    );
    under(&first);
    // So does a run with the new files; both are allowed.
    let init = terraform(
        &backend,
        dir,
        &["init", "-reconfigure", "-backend-config=backend.conf"],
    );
    assert_eq!(init.code, Some(0), "{}", init.all());
    apply(&backend, &["-var", "blocks=3"]);
    under(&second);
    let applied = applies("blocks=4");
    assert_eq!(applied.code, Some(0), "{}", applied.all());
    under(&first);

    let enforced = unsaid(emulator, dir, &["bootstrap", "-y", "--enforce"]);
    assert_eq!(enforced.code, Some(0), "{}", enforced.all());
    let refused = applies("blocks=5");
    assert!(
        refused.code == Some(1) && refused.all().contains("403"),
        "{}",
        refused.all()
    );
    let check = unsaid(emulator, dir, &["state", "check", "--repair", "-y"]);
    assert_eq!(check.code, Some(0), "{}", check.all());
    under(&second);
}

/// Files only.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from)
        .expect("a folder")
        .map(|entry| entry.expect("an entry"))
    {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).expect("a folder");
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("a copy");
        }
    }
}

/// The first key has the environment's alias still.
#[tokio::test]
async fn commands_take_the_key_that_the_bucket_has_by_now() {
    let backend = initialized(&SMALL).await;
    let (emulator, dir) = (&backend.emulator, backend.dir());
    apply(&backend, &[]);
    let second = make_key(emulator);
    let changed = unsaid(
        emulator,
        dir,
        &["bootstrap", "-y", "--kms-key", &second, "--enforce"],
    );
    assert_eq!(changed.code, Some(0), "{}", changed.all());

    let empty = tempfile::tempdir().expect("a folder");
    let check = unsaid(
        emulator,
        empty.path(),
        &["state", "check", "--lock", "dynamodb"],
    );
    assert!(check.out.contains("wrong-key"), "{}", check.all());
    let repaired = unsaid(
        emulator,
        empty.path(),
        &["state", "check", "--lock", "dynamodb", "--repair", "-y"],
    );
    assert_eq!(repaired.code, Some(0), "{}", repaired.all());
    let head = emulator.python(HEAD, &[&backend.conf("bucket"), "terraform.tfstate"]);
    assert!(head.contains(&second), "{head}");
    let check = unsaid(
        emulator,
        empty.path(),
        &["state", "check", "--lock", "dynamodb"],
    );
    assert!(
        check.code == Some(0) && !check.out.contains("wrong-key"),
        "{}",
        check.all()
    );

    let bucket = backend.conf("bucket");
    let flags = [
        "teardown",
        "--attach-to",
        "user/terraform",
        "--unprotect",
        "--purge-states",
        "--purge-logs",
        "--confirm",
        &bucket,
    ];
    let taken = unsaid(emulator, dir, &flags);
    assert_eq!(taken.code, Some(0), "{}", taken.all());
}

#[tokio::test]
async fn key_of_amazon_s3_is_kept() {
    let backend = Backend::make(&[&SMALL[..], &["--encryption", "sse-s3"]].concat()).await;
    let empty = tempfile::tempdir().expect("a folder");
    // Nothing shows that the alarms were left out.
    nothing_to_do(&unsaid(
        &backend.emulator,
        empty.path(),
        &["bootstrap", "--alarms=false"],
    ));
    assert_eq!(super::conf(empty.path()), super::conf(backend.dir()));
}
