//! `verify --probe`: what works is proved, what must be refused is proved, and nothing is left
//! behind.

mod cut_off;
mod rights;

use serde_json::Value;

use super::{LINE, verify};
use crate::support::{
    emulator::Emulator,
    program::{Place, Said},
};

const PYTHON: &str = "tests/it/verify/probe.py";
/// What no emulator can show: it does not say whether a bucket key is in use, and where it speaks
/// plain HTTP nobody knows.
const UNSEEN: [&str; 2] = ["probe-bucket-key: untold", "probe-plain-http: untold"];
const QUIET: &str = "--trail off --alarms=false --access-logs=false";
const BUCKET: &str = "acme-tfstate-prod-000000000000-eu-west-1";

/// The environment `prod`, made.
async fn made(how: &str) -> (Emulator, Place, String) {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let line = format!("--env prod {LINE} {QUIET} {how}");
    let said = place.bootstrap(&format!("{line} -y"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    (emulator, place, line)
}

/// Tries it out; `id: status` of each check of the probe that does not hold.
fn probe(place: &Place, line: &str) -> (Said, Value, Vec<String>) {
    let (said, document) = verify(place, &format!("{line} --probe"));
    let bad = bad(&document);
    (said, document, bad)
}

fn bad(document: &Value) -> Vec<String> {
    let all = document["checks"].as_array().expect("checks").iter();
    let bad = all.filter(|check| {
        check["status"] != "holds"
            && check["id"]
                .as_str()
                .is_some_and(|id| id.starts_with("probe-"))
    });
    let shown = |check: &Value| {
        format!(
            "{}: {}",
            check["id"].as_str().expect("an id"),
            check["status"].as_str().expect("a status")
        )
    };
    let mut bad: Vec<String> = bad.map(shown).collect();
    bad.sort();
    bad
}

/// All that does not hold is also what no emulator shows, and this.
#[track_caller]
fn only(bad: &[String], more: &[&str], document: &Value) {
    let named = |id: &str| {
        more.iter()
            .any(|one| one.split(':').next() == id.split(':').next())
    };
    let mut all: Vec<&str> = UNSEEN
        .iter()
        .copied()
        .filter(|unseen| !named(unseen))
        .chain(more.iter().copied())
        .collect();
    all.sort_unstable();
    assert_eq!(bad, all, "{document:#}");
}

/// What is to be known, but for what no emulator can show.
fn notes(document: &Value) -> Vec<&str> {
    let all = document["notes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    all.filter(|note| !note.contains("an endpoint outside AWS"))
        .collect()
}

/// What a finding says is the case.
fn what<'a>(document: &'a Value, id: &str) -> &'a str {
    let mut all = document["findings"].as_array().expect("findings").iter();
    all.find(|finding| finding["id"] == id)
        .and_then(|finding| finding["found"].as_str())
        .unwrap_or_default()
}

fn held(document: &Value) -> String {
    let all = document["checks"].as_array().expect("checks").iter();
    let held = all
        .filter(|check| check["status"] == "holds")
        .filter_map(|check| check["id"].as_str());
    held.filter(|id| id.starts_with("probe-"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// What is in bucket and table, without what differs from run to run.
fn left(emulator: &Emulator) -> Vec<String> {
    let said = emulator.python(PYTHON, &["left"]);
    let plain = |line: &str| match line.split_once("tfbackend-probe/") {
        Some((before, rest)) => format!(
            "{before}tfbackend-probe/…/{}",
            rest.split_once('/').map_or(rest, |(_, rest)| rest)
        ),
        None => line.to_owned(),
    };
    let mut all: Vec<String> = said.lines().map(plain).collect();
    all.sort();
    all
}

#[tokio::test]
async fn both_locks_under_a_key_and_nothing_is_left() {
    let (emulator, place, line) = made("--lock both --ephemeral").await;
    let (said, document, bad) = probe(&place, &line);
    // What an emulator cannot show is no finding.
    assert_eq!(
        (said.code, document["passed"].as_bool()),
        (Some(0), Some(true)),
        "{}",
        said.all()
    );
    only(&bad, &[], &document);
    insta::assert_snapshot!(held(&document), @"
    probe-write
    probe-read
    probe-delete
    probe-encryption
    probe-default-encryption
    probe-other-algorithm
    probe-customer-key
    probe-other-key
    probe-lock-item
    probe-lock-item-held
    probe-lock-item-release
    probe-lock-file
    probe-lock-file-held
    probe-lock-file-overwrite
    probe-lock-file-release
    ");
    assert_eq!(left(&emulator), Vec::<String>::new());
    assert_eq!(
        notes(&document),
        Vec::<&str>::new(),
        "there is nothing to be known"
    );

    let said = place.run(
        &[
            &["verify", "--probe"],
            &line.split_whitespace().collect::<Vec<_>>()[..],
        ]
        .concat(),
    );
    assert_eq!(said.code, Some(0), "{}", said.all());

    // Of a backend that nobody knows, and of each environment of a file.
    let (_, document, bad) = probe(
        &place,
        &format!("--bucket {BUCKET} --table acme-tfstate-prod-locks --region eu-west-1"),
    );
    assert!(
        bad.iter().all(|one| one.ends_with(": untold"))
            && held(&document).contains("probe-lock-item-held"),
        "{bad:?} {document:#}"
    );
    let (_, document, _) = probe(&place, &format!("--bucket {BUCKET} --region eu-west-1"));
    assert!(
        held(&document).contains("probe-lock-file-overwrite"),
        "{document:#}"
    );
    let head = "project = \"acme\"\nregion = \"eu-west-1\"\ntrail = \"off\"\nalarms = \
                false\naccess-logs = false\nlock = \"both\"\nephemeral = true\n";
    std::fs::write(
        place.path().join("tfbackend.toml"),
        format!("{head}[env.prod]\n"),
    )
    .expect("written");
    let (_, all) = verify(&place, "--all --probe");
    assert!(
        held(&all["environments"][0]).contains("probe-lock-file-held"),
        "{all:#}"
    );
    assert_eq!(left(&emulator), Vec::<String>::new());
}

#[tokio::test]
async fn files_alone_under_the_key_of_s3() {
    let (emulator, place, line) = made("--lock s3 --encryption sse-s3 --ephemeral").await;
    let (_, document, bad) = probe(&place, &line);
    assert_eq!(bad, ["probe-plain-http: untold"], "{document:#}");
    let held = held(&document);
    assert!(
        held.contains("probe-lock-file-overwrite")
            && !held.contains("probe-lock-item")
            && !held.contains("probe-other-key"),
        "{held}"
    );
    assert_eq!(left(&emulator), Vec::<String>::new());
    // Under another algorithm it is KMS that would be asked.
    emulator.python(PYTHON, &["without", "TfbackendDenyOtherEncryption"]);
    let (_, document, bad) = probe(&place, &line);
    assert_eq!(
        bad,
        ["probe-other-algorithm: open", "probe-plain-http: untold"],
        "{document:#}"
    );
}

/// Nobody may delete versions of a protected bucket: they stay, and it is said.
#[tokio::test]
async fn the_table_alone_in_a_protected_bucket() {
    let (emulator, place, line) = made("--lock dynamodb").await;
    let (_, document, bad) = probe(&place, &line);
    only(&bad, &[], &document);
    assert!(!held(&document).contains("probe-lock-file"));
    insta::assert_snapshot!(left(&emulator).join("\n"), @"
    marker env:/tfbackend-probe/…/terraform.tfstate
    marker env:/tfbackend-probe/…/without-headers
    version env:/tfbackend-probe/…/terraform.tfstate
    version env:/tfbackend-probe/…/without-headers
    ");
    let notes = notes(&document);
    assert!(
        notes.len() == 1
            && notes[0].starts_with(
                "of the probe, 2 old versions and 2 delete markers remain below tfbackend-probe/"
            ),
        "{notes:?}"
    );
}

/// Each thing that keeps a backend safe is missed by the check that is about it, and by no other.
#[tokio::test]
async fn what_is_missing_is_what_fails() {
    let (emulator, place, line) = made("--lock both --ephemeral").await;
    let weaknesses: [(&[&str], &str); 5] = [
        (
            &["without", "TfbackendDenyOtherEncryption"],
            "probe-other-algorithm",
        ),
        (&["without", "TfbackendDenyOtherKey"], "probe-other-key"),
        (
            &["without", "TfbackendDenyCustomerKeys"],
            "probe-customer-key",
        ),
        (
            &["without", "TfbackendDenyOverwritingLocks"],
            "probe-lock-file-overwrite",
        ),
        (
            &["default_encryption", "AES256"],
            "probe-default-encryption",
        ),
    ];
    for (weakness, id) in weaknesses {
        emulator.python(PYTHON, weakness);
        let (said, document, bad) = probe(&place, &line);
        only(&bad, &[&format!("{id}: open")], &document);
        assert_eq!(left(&emulator), Vec::<String>::new(), "{id}");
        let finding = document["findings"]
            .as_array()
            .expect("findings")
            .iter()
            .find(|finding| finding["id"] == id)
            .expect("a finding");
        assert!(
            finding["remediation"]
                .as_str()
                .expect("a command")
                .starts_with("tfbackend bootstrap --env prod"),
            "{}",
            said.all()
        );
        assert_eq!(place.bootstrap(&format!("{line} -y")).code, Some(0));
    }
    only(&probe(&place, &line).2, &[], &Value::Null);
}

#[tokio::test]
async fn what_is_wrong_with_the_question() {
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
    let role = "arn:aws:iam::000000000000:role/nobody";
    assert!(
        refused(&["--runner", role]).contains("--probe"),
        "{}",
        refused(&["--runner", role])
    );
    for text in [
        "terraform",
        "arn:aws:iam::000000000000:user/a",
        "arn:aws:iam::1:role/a",
        "arn:aws:iam::000000000000:role/\u{1b}[2J",
        "arn:aws:iam::000000000000:role/${a}",
        "",
    ] {
        let refusal = refused(&["--probe", "--runner", text]);
        assert!(
            refusal.starts_with("1\n")
                && refusal.contains("a role is given by its ARN")
                && !refusal.contains('\u{1b}'),
            "{refusal}"
        );
    }
    // Nothing is there: nothing is tried.
    let (said, document, bad) = probe(&place, &format!("--env prod {LINE} {QUIET}"));
    assert_eq!((said.code, bad.len()), (Some(2), 0), "{document:#}");
}
