//! What runs made of a backend, as `verify` sees it.

use super::{HEARD, findings, verify};
use crate::support::{emulator::Emulator, program::Place};

#[tokio::test]
async fn states_digests_and_locks() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let line = format!("--env prod {HEARD}");
    assert_eq!(
        place.bootstrap(&format!("{line} --lock both -y")).code,
        Some(0)
    );
    emulator.python("tests/it/verify/states.py", &[]);

    let (said, document) = verify(&place, &line);
    assert_eq!(said.code, Some(2));
    insta::assert_snapshot!(findings(&document).join("\n"), @"
    state-encryption at s3://acme-tfstate-prod-000000000000-eu-west-1/team/terraform.tfstate: open
    stale-lock at s3://acme-tfstate-prod-000000000000-eu-west-1/team/terraform.tfstate: open
    half-lock at s3://acme-tfstate-prod-000000000000-eu-west-1/team/terraform.tfstate: open
    ");
    let found = document;
    // One of the two digests is wrong: without reading, that is not known, and it is said.
    let digest = |document: &serde_json::Value| {
        let checks = document["checks"].as_array().expect("checks");
        let status = checks
            .iter()
            .find(|check| check["id"] == "state-digest")
            .expect("one")["status"]
            .clone();
        let notes = document["notes"]
            .as_array()
            .expect("notes")
            .iter()
            .filter_map(|note| note.as_str());
        (
            status,
            notes
                .filter(|note| note.starts_with("state-digest at"))
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    };
    let note = "state-digest at s3://acme-tfstate-prod-000000000000-eu-west-1: the digest of 1 \
                state was not compared: S3 has no MD5 of it (KMS, or uploaded in parts); \
                --read-states compares it";
    assert_eq!(
        digest(&found),
        (serde_json::json!("untold"), vec![note.to_owned()])
    );
    let all = found["findings"].as_array().expect("findings");
    let encryption = all
        .iter()
        .find(|finding| finding["id"] == "state-encryption")
        .expect("found");
    assert!(
        encryption["found"]
            .as_str()
            .is_some_and(|found| found.contains("AES256")),
        "{encryption:#}"
    );

    // Only if it was asked for: what the bytes say.
    let (said, document) = verify(&place, &format!("{line} --read-states"));
    let read = findings(&document)
        .into_iter()
        .filter(|finding| finding.starts_with("state-digest") || finding.contains("version"));
    insta::assert_snapshot!(read.collect::<Vec<_>>().join("\n"), @"
    state-digest at s3://acme-tfstate-prod-000000000000-eu-west-1/terraform.tfstate: open
    lock-mechanism-version at s3://acme-tfstate-prod-000000000000-eu-west-1/team/terraform.tfstate: open
    ");
    assert!(
        !said.all().contains("hunter2"),
        "nothing in a state is shown"
    );
    assert_eq!(digest(&document), (serde_json::json!("open"), vec![]));
    let number =
        |document: &serde_json::Value| document["checks"].as_array().expect("checks").len();
    assert_eq!(
        number(&document),
        number(&found) + 1,
        "only `state-unreadable` is added"
    );

    assert_eq!(
        findings(&verify(&place, &format!("{line} --usage=false")).1),
        [""; 0]
    );
    let patient = findings(&verify(&place, &format!("{line} --stale-after 999999h")).1);
    assert!(
        !patient
            .iter()
            .any(|finding| finding.starts_with("stale-lock")),
        "{patient:?}"
    );

    // One key of a bucket that tfbackend knows nothing of.
    let unknown =
        "--bucket acme-tfstate-prod-000000000000-eu-west-1 --table acme-tfstate-prod-locks";
    let everything = findings(&verify(&place, unknown).1);
    let one = findings(&verify(&place, &format!("{unknown} --key terraform.tfstate")).1);
    let of_team = |all: &[String]| {
        all.iter()
            .filter(|finding| finding.contains("team/"))
            .count()
    };
    assert!(
        of_team(&everything) > 0 && of_team(&one) == 0,
        "{everything:?} {one:?}"
    );

    // The commands in fixes run as they are printed, also those of an environment that only flags
    // name.
    let command = |id: &str, name: &str| {
        let finding = all
            .iter()
            .find(|finding| finding["id"] == id)
            .expect("found");
        let fix = finding["remediation"].as_str().expect("a fix").to_owned();
        let command = fix
            .split('`')
            .find(|piece| piece.starts_with(name))
            .unwrap_or_else(|| panic!("{fix}"));
        // The support of the tests hides IDs.
        command
            .strip_prefix("tfbackend ")
            .expect("our own")
            .replace("UUID", "00000000-0000-4000-8000-000000000001")
            + " -y"
    };
    for (command, done) in [
        (
            command("stale-lock", "tfbackend lock release"),
            "item of the table deleted",
        ),
        (
            command(
                "state-encryption",
                "tfbackend state check --env prod --repair",
            ),
            "repaired team/terraform.tfstate: ",
        ),
    ] {
        let said = place.run(&command.split_whitespace().collect::<Vec<_>>());
        assert!(
            said.all().contains(done) && said.code == Some(0),
            "{command}: {}",
            said.all()
        );
    }
    let mended = findings(&verify(&place, &line).1).join("\n");
    assert!(
        !mended.contains("state-encryption") && !mended.contains("stale-lock"),
        "{mended}"
    );
}

#[tokio::test]
async fn an_environment_that_is_not_there_says_so() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    std::fs::write(
        place.path().join("tfbackend.toml"),
        "project = \"acme\"\nregion = \"eu-west-1\"\n[env.prod]\n",
    )
    .expect("written");
    // One that the file does not have is refused, unless it is meant.
    let refused = place.run(&["verify", "--env=prdo"]);
    assert!(
        refused.code == Some(1) && refused.err.contains("did you mean `prod`?"),
        "{}",
        refused.all()
    );
    for line in ["--env prod", "--env prdo --new-env"] {
        let (said, document) = verify(&place, line);
        assert_eq!(said.code, Some(2));
        let command = format!("tfbackend bootstrap {line}");
        assert_eq!(
            document["notes"],
            serde_json::json!([format!(
                "this environment does not exist; `{command}` creates it"
            )])
        );
    }
}
