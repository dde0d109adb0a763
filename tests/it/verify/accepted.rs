//! Findings that somebody accepts: written down with a reason, shown as accepted, until their day.

use std::fs;

use super::{HEARD, findings, verify};
use crate::support::{emulator::Emulator, ports::free_port, program::Place};

const DRIFT: &str = "tests/it/idempotence/drift.py";

#[tokio::test]
async fn an_accepted_finding_is_kept_in_the_file_and_shown() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let line = format!("--env prod {HEARD}");
    assert_eq!(place.bootstrap(&format!("{line} -y")).code, Some(0));
    emulator.python(DRIFT, &["no bucket key", "no rotation"]);

    let accept = |id: &str, more: &[&str]| {
        let mut args = vec!["verify", "--output", "json", "--ignore", id];
        args.extend(more);
        args.extend(line.split_whitespace());
        place.run(&args)
    };
    let said = accept(
        "bucket-key@state_bucket/encryption",
        &["--reason", "KMS is \"cheap\" here", "--until", "2999-01-31"],
    );
    assert_eq!(said.code, Some(2), "the other one is left: {}", said.all());
    let said = accept("key-rotation", &["--reason", "by hand"]);
    assert_eq!(said.code, Some(0), "{}", said.all());
    insta::assert_snapshot!(fs::read_to_string(place.path().join("tfbackend.toml")).expect("written"), @r#"
    [[env.prod.ignore]]
    id = "bucket-key"
    at = "state_bucket/encryption"
    reason = 'KMS is "cheap" here'
    until = "2999-01-31"

    [[env.prod.ignore]]
    id = "key-rotation"
    reason = "by hand"
    "#);
    // Said again, it is there already.
    let written = fs::read(place.path().join("tfbackend.toml")).expect("written");
    let said = accept(
        "key-rotation",
        &["--reason", "by hand", "--ignore", "key-rotation"],
    );
    assert_eq!(
        (said.code, said.err.contains("written")),
        (Some(0), false),
        "{}",
        said.all()
    );
    assert_eq!(
        fs::read(place.path().join("tfbackend.toml")).expect("there"),
        written
    );

    let (said, document) = verify(&place, &line);
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert_eq!(
        findings(&document),
        [
            "key-rotation at key/rotation: accepted",
            "bucket-key at state_bucket/encryption: accepted"
        ]
    );
    assert_eq!(
        document["findings"][1]["accepted"]["reason"],
        "KMS is \"cheap\" here"
    );
    assert_eq!(document["counts"]["accepted"], 2);

    // Its day passes.
    let file = place.path().join("tfbackend.toml");
    fs::write(
        &file,
        fs::read_to_string(&file)
            .expect("there")
            .replace("2999-01-31", "2020-01-31"),
    )
    .expect("written");
    let (said, document) = verify(&place, &line);
    assert_eq!(said.code, Some(2));
    assert_eq!(
        findings(&document)[1],
        "bucket-key at state_bucket/encryption: open"
    );
    assert_eq!(
        document["notes"][0],
        "bucket-key was accepted until 2020-01-31"
    );
    // Elsewhere it is not accepted.
    fs::write(
        &file,
        "[[ignore]]\nid = \"bucket-key\"\nat = \"log_bucket/encryption\"\nreason = \
         \"x\"\n[[ignore]]\nid = \"key-rotation\"\nreason = \"y\"",
    )
    .expect("written");
    assert_eq!(
        findings(&verify(&place, &line).1),
        [
            "key-rotation at key/rotation: accepted",
            "bucket-key at state_bucket/encryption: open"
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_accepted() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let refused = |args: &[&str]| {
        let mut all = vec![
            "verify",
            "--env",
            "prod",
            "--project",
            "acme",
            "--region",
            "eu-west-1",
        ];
        all.extend(args);
        place.run(&all).refusal()
    };
    insta::assert_snapshot!(refused(&["--ignore", "bucket-keys", "--reason", "x"]), @r#"
    1
    error: there is no check "bucket-keys"
      hint: did you mean bucket-key?
    "#);
    insta::assert_snapshot!(refused(&["--ignore", "\u{1b}[2J", "--reason", "x"]), @r#"
    1
    error: there is no check "\u{1b}[2J"
      hint: each finding starts with its ID
    "#);
    insta::assert_snapshot!(refused(&["--ignore", "bucket-key", "--reason", " "]), @"
    1
    error: --reason is empty
    ");
    insta::assert_snapshot!(refused(&["--ignore", "bucket-key", "--reason", "x", "--until", "tomorrow"]), @r#"
    1
    error: --until "tomorrow" is not a valid day such as 2027-01-31
    "#);
    assert!(refused(&["--ignore", "bucket-key"]).contains("--reason"));
    assert!(!place.path().join("tfbackend.toml").exists());
}

/// Where nobody answers, nothing was looked at that could be accepted.
#[test]
fn nothing_is_written_without_a_connection() {
    let place = Place::at(&format!("http://127.0.0.1:{}", free_port()));
    for of in [
        &["--env", "prod", "--project", "acme"][..],
        &["--bucket", "states"],
    ] {
        let args = [
            &[
                "verify",
                "--region",
                "eu-west-1",
                "--ignore",
                "bucket-key",
                "--reason",
                "x",
            ][..],
            of,
        ]
        .concat();
        let said = place.run(&args);
        assert_eq!(said.code, Some(1), "{}", said.all());
        assert!(
            !place.path().join("tfbackend.toml").exists(),
            "{of:?}: {}",
            said.all()
        );
    }
}
