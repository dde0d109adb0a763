//! Backends as other tools and modules make them, with real Terraform on what becomes of them.

use std::fs;

use super::{MAKE, world::Taker};
use crate::support::{backend::said, emulator::Emulator};

/// Runs Terraform on the files that bootstrap wrote; the error of the first command that fails.
fn terraform(emulator: &Emulator, taker: &Taker<'_>) -> Result<(), String> {
    fs::write(
        taker.path().join("main.tf"),
        "resource \"terraform_data\" \"one\" {\n  input = timestamp()\n}\n",
    )
    .expect("written");
    for args in [
        &[
            "init",
            "-no-color",
            "-reconfigure",
            "-backend-config=backend.conf",
        ][..],
        &["apply", "-no-color", "-auto-approve"],
    ] {
        let output = emulator.terraform(&taker.path(), args);
        if !output.status.success() {
            return Err(said(&output));
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_other_tools_made_is_taken_over_as_it_is() {
    let emulator = Emulator::start().await;
    emulator.python(MAKE, &["terragrunt", "atmos", "cloudposse"]);
    for line in [
        "--env terragrunt --bucket terragrunt-states --table terragrunt-locks",
        "--env atmos --bucket atmos-states --lock s3",
        "--env cloudposse --bucket cloudposse-states --table cloudposse-locks --lock both",
    ] {
        let taker = Taker::new(&emulator, line);
        let why = taker.refused("");
        assert!(
            why.contains("exists, but was not created by tfbackend; pass `--adopt`"),
            "{why}"
        );
        assert_eq!(taker.adopts(), [""; 0], "{line}");
        terraform(&emulator, &taker)
            .unwrap_or_else(|error| panic!("{line}: {error}\n{}", emulator.log()));
    }
}

/// Bootstrap says so before it makes anything, verify says so of what is there, and Terraform shows
/// that they are right.
#[tokio::test]
async fn a_statement_that_denies_terraform_is_named_before_it_does() {
    let emulator = Emulator::start().await;
    emulator.python(MAKE, &["classic"]);
    let taker = Taker::new(
        &emulator,
        "--env classic --bucket classic-states --table classic-locks",
    );
    insta::assert_snapshot!(taker.refused("--adopt"), @"error: state_bucket/policy: with the policy of bucket classic-states, every apply would fail: statement DenyIncorrectEncryptionHeader denies writing states, writing lock files: it requires AES256, but Terraform sends aws:kms; use --encryption sse-s3, or change the statement; nothing was changed");

    // What would become of it.
    emulator.python(MAKE, &["without_the_header"]);
    assert_eq!(taker.adopts(), [""; 0]);
    terraform(&emulator, &taker).expect("an apply");
    emulator.python(MAKE, &["with_the_header"]);
    assert_eq!(taker.found(), ["terraform-denied state_bucket/policy"]);
    taker.refused("");
    let error = terraform(&emulator, &taker).expect_err("the state cannot be written");
    assert!(
        error.contains("AccessDenied") && error.contains("PutObject"),
        "{error}"
    );
}

#[tokio::test]
async fn what_others_wrote_does_nothing_to_a_terminal() {
    let emulator = Emulator::start().await;
    emulator.python(MAKE, &["hostile"]);
    let taker = Taker::new(&emulator, "--env hostile --bucket hostile-states --lock s3");
    let why = taker.refused("--adopt");
    assert!(
        why.contains("denies writing states") && why.contains("${path.module}"),
        "{why}"
    );
    let args = [
        "verify",
        "--bucket",
        "hostile-states",
        "--region",
        emulator.region(),
        "--output",
        "json",
    ];
    let found = taker.place.run(&args).out;
    assert!(
        found.contains("deletes states 1 day after they were written")
            && found.contains("denies writing states"),
        "{found}"
    );
    for text in [why, found] {
        let unsafe_ones: Vec<char> = text
            .chars()
            .filter(|c| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c))
            .collect();
        assert!(unsafe_ones.is_empty(), "{text:?}");
    }
}

/// With the header that the statement wants, all is well.
#[tokio::test]
async fn what_is_said_about_such_a_statement_helps() {
    let emulator = Emulator::start().await;
    emulator.python(MAKE, &["classic"]);
    let taker = Taker::new(
        &emulator,
        "--env classic --bucket classic-states --lock s3 --encryption sse-s3",
    );
    taker.refused("");
    assert_eq!(taker.adopts(), [""; 0]);
    terraform(&emulator, &taker).expect("an apply");
}

/// A lock file that can be made and never deleted keeps all runs out. With a lock table the same
/// statement is in no one's way.
#[tokio::test]
async fn a_statement_that_keeps_lock_files_is_named_before_one_is_left() {
    let emulator = Emulator::start().await;
    emulator.python(MAKE, &["classic", "without_the_header"]);
    let keep = r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::classic-states/*"}"#;
    emulator.python("tests/it/verify/let_in.py", &["classic-states", "no"]);
    let taker = Taker::new(&emulator, "--env classic --bucket classic-states --lock s3");
    assert_eq!(taker.adopts(), [""; 0]);
    emulator.python("tests/it/verify/let_in.py", &["classic-states", keep]);
    let why = taker.refused("");
    assert!(
        why.contains(
            "runs could not create and release lock files: statement Partner denies deleting lock \
             files"
        ),
        "{why}"
    );
    assert_eq!(taker.found(), ["terraform-denied state_bucket/policy"]);
    // What would become of it: the first run leaves its lock, and keeps the next one out.
    let error = terraform(&emulator, &taker).expect_err("the lock cannot be released");
    assert!(error.contains("Error releasing the state lock"), "{error}");
}
