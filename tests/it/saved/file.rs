//! The file itself: what is written, over what, and what is read back.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::LazyLock};

use proptest::prelude::*;
use tfbackend::{
    cli::{
        environment::ConnectedEnvironment,
        failure::CliError,
        saved::{
            SavedPlan,
            file::{LARGEST, read, write},
        },
    },
    engine::plan::{BlockReason, KeepReason, PlannedChange},
};

use super::forge;
use crate::support::made_up;

const TOML: &str = "project = \"acme\"\nregion = \"eu-west-1\"\n[env.prod]\n";

fn environment(line: &str) -> ConnectedEnvironment {
    made_up::environment("prod", line, TOML)
}

fn plan() -> SavedPlan {
    let environment = environment(
        "--lock both --alarm-email ops@example.com --attach-to role/terraform --out infra",
    );
    SavedPlan::of(&made_up::plan(&environment), &environment, false).expect("a plan")
}

/// What is refused, and that it is refused with 3.
fn refusal(result: Result<SavedPlan, CliError>) -> String {
    let failure = result.expect_err("refused");
    assert_eq!(failure.code, 3, "{failure:?}");
    failure.message
}

#[test]
fn what_is_read_is_what_was_saved() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a plan.json");
    write(&path, &plan()).expect("written");
    let back = read(&path).expect("read");
    assert_eq!(
        SavedPlan {
            sha256: plan().sha256,
            ..back.clone()
        },
        plan()
    );
    assert_ne!(back.sha256, plan().sha256);
    let old = dir.path().join("old.json");
    let unnamed = SavedPlan {
        backend: None,
        ..plan()
    };
    write(&old, &unnamed).expect("written");
    let text = fs::read_to_string(&old).expect("a plan");
    assert!(!text.contains("\"backend\": {\n"), "{text}");
    assert_eq!(read(&old).expect("read").steps, back.steps);
    fs::remove_file(&old).expect("removed");
    let text = fs::read_to_string(&path).expect("a plan");
    assert!(
        text.starts_with("{\n  \"saved_plan\": 1,\n  \"sha256\": \""),
        "{}",
        &text[..100]
    );
    assert!((text.len() as u64) < LARGEST / 20, "{} bytes", text.len());
    assert_eq!(
        fs::metadata(&path).expect("there").permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        fs::read_dir(dir.path()).expect("a folder").count(),
        1,
        "no temporary file is left"
    );
}

#[test]
fn only_a_saved_plan_is_written_over() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |name: &str| dir.path().join(name);
    let says = |name: &str| match write(&path(name), &plan()) {
        Ok(()) => "written".to_owned(),
        Err(failure) => format!(
            "{} {}",
            failure.code,
            failure
                .message
                .replace(&dir.path().display().to_string(), "~")
        ),
    };
    write(
        &path("plan"),
        &SavedPlan {
            adopt: true,
            ..plan()
        },
    )
    .expect("written");
    fs::set_permissions(path("plan"), fs::Permissions::from_mode(0o644)).expect("set");
    assert_eq!(says("plan"), "written");
    assert!(
        !read(&path("plan")).expect("read").adopt,
        "the old one was replaced"
    );
    assert_eq!(
        fs::metadata(path("plan"))
            .expect("there")
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    // Of another version, and changed by hand: still a plan.
    fs::write(path("older"), "{ \"saved_plan\": 0 }").expect("written");
    assert_eq!(says("older"), "written");

    fs::write(path("state"), "{ \"version\": 4 }").expect("written");
    fs::write(path("text"), "precious").expect("written");
    fs::write(path("bytes"), [0xff, 0xfe]).expect("written");
    fs::create_dir(path("folder")).expect("made");
    std::os::unix::fs::symlink(path("plan"), path("link")).expect("a link");
    std::os::unix::fs::symlink(path("nowhere"), path("loose")).expect("a link");
    for (name, says_what) in [
        ("state", "is not a saved plan"),
        ("text", "is not a saved plan"),
        ("bytes", "is not a saved plan"),
        ("folder", "is a folder"),
        ("link", "is not a regular file"),
        ("loose", "is not a regular file"),
    ] {
        assert_eq!(
            says(name),
            format!("3 ~/{name} {says_what}; nothing was written")
        );
    }
    assert_eq!(fs::read_to_string(path("text")).expect("there"), "precious");
    assert!(
        fs::symlink_metadata(path("link"))
            .expect("there")
            .is_symlink()
    );
    assert!(
        says("none/plan").starts_with("1 cannot save the plan as ~/none/plan"),
        "{}",
        says("none/plan")
    );
    assert_eq!(
        fs::read_dir(dir.path()).expect("a folder").count(),
        8,
        "no temporary file is left"
    );
}

#[test]
fn what_is_no_whole_plan_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("plan");
    let says = |bytes: &[u8]| {
        fs::write(&path, bytes).expect("written");
        refusal(read(&path)).replace(&path.display().to_string(), "plan")
    };
    assert_eq!(
        says(b""),
        "plan is not a saved plan, or is truncated; nothing was changed"
    );
    assert_eq!(
        says(b"{}"),
        "plan is not a saved plan, or is truncated; nothing was changed"
    );
    assert_eq!(
        says(&b"[".repeat(100_000)),
        "plan is not a saved plan, or is truncated; nothing was changed"
    );
    assert_eq!(
        says(&[0xff]),
        "plan is not a saved plan; nothing was changed"
    );
    assert_eq!(
        says(b"{\"saved_plan\": 1}"),
        "plan was changed after it was saved; nothing was changed"
    );
    let large = vec![b' '; usize::try_from(LARGEST).expect("it fits") + 1];
    assert_eq!(
        says(&large),
        "plan is too large for a saved plan; nothing was changed"
    );
    assert!(
        says(b"{\"saved_plan\": 2}")
            .starts_with("plan has version 2 of the format, and this is tfbackend ")
    );

    write(&path.with_extension("good"), &plan()).expect("written");
    fs::rename(path.with_extension("good"), &path).expect("moved");
    forge(&path, |text| {
        text.replacen("\"adopt\": false", "\"adopt\": 7", 1)
    });
    assert_eq!(
        refusal(read(&path)).replace(&path.display().to_string(), "plan"),
        "plan cannot be understood; nothing was changed"
    );

    let pipe = dir.path().join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .expect("mkfifo")
            .success()
    );
    assert!(
        refusal(read(&pipe)).contains("is not a regular file"),
        "it does not wait for somebody to write"
    );
    assert!(refusal(read(dir.path())).contains("is not a regular file"));
    assert_eq!(
        read(Path::new("/nowhere/plan"))
            .expect_err("nothing there")
            .code,
        1
    );
}

#[test]
fn a_plan_fits_one_account_and_one_blueprint() {
    let says = |saved: &SavedPlan, environment: &ConnectedEnvironment| match saved
        .must_be_for(environment)
        .and_then(|()| saved.must_fit(environment))
    {
        Ok(()) => "fits".to_owned(),
        Err(failure) => format!("{} {}", failure.code, failure.message),
    };
    let same = environment(
        "--lock both --alarm-email ops@example.com --attach-to role/terraform --out elsewhere",
    );
    let plan = plan();
    assert_eq!(says(&plan, &same), "fits");
    assert_eq!(
        says(
            &SavedPlan {
                account: "999999999999".into(),
                ..plan.clone()
            },
            &same
        ),
        "3 the plan is for account 999999999999 (aws), and these credentials are for account \
         123456789012 (aws); nothing was changed"
    );
    assert!(
        says(
            &SavedPlan {
                partition: "aws-cn".into(),
                ..plan.clone()
            },
            &same
        )
        .contains("(aws-cn)")
    );
    // One setting of one resource; the name of a file; a file's text alone.
    for line in [
        "--noncurrent-days 91",
        "--conf-file other.conf",
        "--key other.tfstate",
    ] {
        let other = environment(&format!(
            "--lock both --alarm-email ops@example.com --attach-to role/terraform {line}"
        ));
        assert_eq!(
            says(&plan, &other),
            "3 the plan does not match its own settings; nothing was changed",
            "{line}"
        );
    }
    // A plan of before does not name the backend, and no plan names another one.
    let unnamed = SavedPlan {
        backend: None,
        ..plan.clone()
    };
    assert_eq!(says(&unnamed, &same), "fits");
    let mut elsewhere = plan.clone();
    let backend = elsewhere.backend.as_mut().expect("a backend");
    assert_eq!(
        backend.location["bucket"],
        "acme-tfstate-prod-123456789012-eu-west-1"
    );
    backend.location.insert("bucket".into(), "other".into());
    assert_eq!(
        says(&elsewhere, &same),
        "3 the plan does not match its own settings; nothing was changed"
    );
    let newer = SavedPlan {
        tool_version: "9.9.9".into(),
        ..plan
    };
    assert_eq!(
        says(&newer, &same),
        "fits",
        "another version that would make the same"
    );
    let why = says(&newer, &environment("--lock s3"));
    assert!(
        why.starts_with("3 the plan was made by tfbackend 9.9.9, and "),
        "{why}"
    );
    assert!(
        why.ends_with(" would plan something else from the same settings; nothing was changed"),
        "{why}"
    );
}

#[test]
fn a_plan_that_is_blocked_is_refused_whatever_became_of_that() {
    let mut saved = plan();
    assert!(saved.must_not_be_blocked().is_ok());
    saved.steps[0].change = PlannedChange::Blocked {
        reason: BlockReason::Unmanaged,
    };
    let failure = saved.must_not_be_blocked().expect_err("blocked");
    assert_eq!(
        (failure.code, &*failure.message),
        (3, "1 step is blocked in this plan; nothing was changed")
    );
    assert_eq!(
        failure.causes,
        ["key: exists, but was not created by tfbackend; pass `--adopt` to adopt it"]
    );
}

/// Whoever writes the file can write a sum that is right: a plan to take things down is no plan for
/// bootstrap.
#[test]
fn a_plan_that_deletes_or_keeps_is_refused() {
    let spec = environment("").provider.blueprint.nodes()[0].spec.clone();
    for change in [
        PlannedChange::Delete { from: spec.clone() },
        PlannedChange::Keep {
            spec: spec.clone(),
            why: KeepReason::Unmanaged,
        },
    ] {
        let mut saved = plan();
        assert!(saved.must_not_delete().is_ok());
        saved.steps[0].change = change;
        let failure = saved.must_not_delete().expect_err("refused");
        assert_eq!(
            (failure.code, &*failure.message),
            (3, "this plan deletes key; nothing was changed")
        );
    }
}

/// As it stands in the file.
static SAVED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a folder");
    write(&dir.path().join("plan"), &plan()).expect("written");
    fs::read(dir.path().join("plan")).expect("a plan")
});

proptest! {
    /// Whatever is changed in the file, and wherever: it is refused, and nothing panics.
    #[test]
    fn no_changed_plan_is_taken(at: prop::sample::Index, length in 0usize..200, put in prop::collection::vec(any::<u8>(), 0..20), to_the_end: bool) {
        let mut bytes = SAVED.clone();
        let at = at.index(bytes.len());
        let end = if to_the_end { bytes.len() } else { (at + length).min(bytes.len()) };
        bytes.splice(at..end, put);
        prop_assume!(bytes != *SAVED);
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("plan");
        fs::write(&path, &bytes).expect("written");
        let failure = read(&path).expect_err("it was changed");
        prop_assert_eq!(failure.code, 3, "{:?}", failure);
    }

    /// Also with a sum that is right: what cannot be understood is refused, and nothing panics.
    #[test]
    fn no_forged_plan_makes_it_panic(at: prop::sample::Index, put in "[\\PC\n]{0,12}", length in 0usize..40) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("plan");
        fs::write(&path, &*SAVED).expect("written");
        let text = String::from_utf8(SAVED.clone()).expect("text");
        // After the sum, and at the start of a character.
        let at = text.char_indices().map(|(at, _)| at).filter(|at| *at > 120).nth(at.index(text.len() - 400)).expect("a place");
        let end = (at..text.len()).filter(|end| text.is_char_boundary(*end)).nth(length).expect("a place");
        let forged = [&text[..at], &put, &text[end..]].concat();
        prop_assume!(forged != text);
        forge(&path, |_| forged);
        match read(&path) {
            Err(failure) => prop_assert_eq!(failure.code, 3),
            Ok(saved) => drop(saved.must_not_be_blocked()),
        }
    }
}
