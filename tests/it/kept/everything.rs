//! An environment with settings of its own, run again from an empty folder with no more than its
//! names.

use super::{conf, findings, nothing_to_do, unsaid, words};
use crate::support::{backend::Backend, emulator::Emulator};

async fn again(args: &[&str]) -> Backend {
    let backend = Backend::make(args).await;
    let empty = tempfile::tempdir().expect("a folder");
    nothing_to_do(&unsaid(&backend.emulator, empty.path(), &["bootstrap"]));
    assert_eq!(conf(empty.path()), conf(backend.dir()), "{args:?}");
    assert_eq!(
        findings(&backend.emulator, empty.path(), &[]),
        Vec::<String>::new(),
        "{args:?}"
    );
    assert_eq!(
        findings(&backend.emulator, backend.dir(), args),
        Vec::<String>::new(),
        "{args:?}"
    );
    backend
}

#[tokio::test]
async fn settings_of_a_whole_environment_are_kept() {
    let names = [
        "--bucket",
        "states-of-the-shop",
        "--table",
        "locks-of-the-shop",
        "--workspace-key-prefix",
        "stages",
        "--lock",
        "both",
    ];
    let numbers = [
        "--noncurrent-days",
        "180",
        "--keep-versions",
        "80",
        "--rotation-days",
        "180",
        "--log-days",
        "800",
    ];
    let more = [
        "--alarm-bucket-size",
        "5",
        "--alarm-object-count",
        "5000",
        "--table-encryption",
        "aws-owned",
        "--delete-events=false",
    ];
    again(
        &[
            &names[..],
            &numbers,
            &more,
            &["--ephemeral", "--tag", "Team=platform"],
        ]
        .concat(),
    )
    .await;
}

#[tokio::test]
async fn settings_of_a_bare_environment_are_kept() {
    again(&[
        "--namespace",
        "account-regional",
        "--lock",
        "s3",
        "--trail",
        "off",
        "--alarms=false",
        "--access-logs=false",
    ])
    .await;
    again(&[
        "--encryption",
        "sse-s3",
        "--bucket",
        "states-of-the-shop",
        "--trail",
        "off",
        "--table",
        "locks-of-the-shop",
    ])
    .await;
}

#[tokio::test]
async fn settings_of_what_the_user_brought_along_are_kept() {
    let emulator = Emulator::start().await;
    let key = emulator.python("tests/it/hardening/make_key.py", &["services"]);
    let topic = emulator
        .python("tests/it/hardening/make_topic.py", &["s3"])
        .trim()
        .to_owned();
    let dir = tempfile::tempdir().expect("a folder");
    let key = key.split_once(' ').expect("a key").0;
    let made = unsaid(
        &emulator,
        dir.path(),
        &["bootstrap", "-y", "--kms-key", key, "--alarm-topic", &topic],
    );
    assert_eq!(made.code, Some(0), "{}", made.all());
    let empty = tempfile::tempdir().expect("a folder");
    nothing_to_do(&unsaid(&emulator, empty.path(), &["bootstrap"]));
    assert_eq!(conf(empty.path()), conf(dir.path()));
}

/// Kept, but no less a finding than before.
#[tokio::test]
async fn settings_that_protect_less_are_found_until_they_are_said() {
    let backend = Backend::make(&[&super::SMALL[..], &["--noncurrent-days", "30"]].concat()).await;
    let empty = tempfile::tempdir().expect("a folder");
    nothing_to_do(&unsaid(&backend.emulator, empty.path(), &["bootstrap"]));
    assert_eq!(
        findings(&backend.emulator, empty.path(), &[]),
        ["bucket-history at state_bucket/lifecycle"]
    );
    let all = words(&unsaid(&backend.emulator, empty.path(), &["verify"]));
    assert!(
        all.contains("--noncurrent-days=90") && all.contains("set it in tfbackend.toml"),
        "{all}"
    );
    assert_eq!(
        findings(
            &backend.emulator,
            empty.path(),
            &["--noncurrent-days", "30"]
        ),
        Vec::<String>::new()
    );
    let raised = unsaid(
        &backend.emulator,
        empty.path(),
        &["bootstrap", "-y", "--noncurrent-days", "90"],
    );
    assert_eq!(raised.code, Some(0), "{}", raised.all());
    assert_eq!(
        findings(&backend.emulator, empty.path(), &[]),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn settings_that_are_kept_have_their_source_named() {
    let backend = Backend::make(
        &[
            &super::SMALL[..],
            &["--key", "app/x.tfstate", "--lock", "s3"],
        ]
        .concat(),
    )
    .await;
    let shown = unsaid(&backend.emulator, backend.dir(), &["config", "show"]);
    let rows: Vec<String> = shown
        .out
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for row in [
        "key app/x.tfstate existing value",
        "lock s3 existing value",
        "namespace global default",
    ] {
        assert!(
            rows.iter().any(|line| line == row),
            "{row}: {}",
            shown.all()
        );
    }
    // It does not look at AWS, and says which command does.
    let (_, plan) = shown
        .err
        .split_once("to see them: tfbackend ")
        .expect("a command");
    let planned = super::printed(&backend.emulator, backend.dir(), plan.trim());
    assert!(
        planned.code == Some(0)
            && words(&planned).contains("existing values kept: key = app/x.tfstate"),
        "{}",
        planned.all()
    );
    let planned = unsaid(
        &backend.emulator,
        backend.dir(),
        &["plan", "--output", "json"],
    );
    let document: serde_json::Value = serde_json::from_str(&planned.out).expect("a document");
    let names: Vec<&str> = document["kept"]
        .as_array()
        .expect("kept")
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert!(
        ["key", "lock", "trail", "alarms"]
            .iter()
            .all(|name| names.contains(name)),
        "{names:?}"
    );
}

const DRIFT: &str = "tests/it/idempotence/drift.py";

/// What was left out stays out; what was switched off by hand is repaired.
#[tokio::test]
async fn recovery_that_was_left_out_is_kept_and_found() {
    let backend = Backend::make(&[&super::SMALL[..], &["--table-recovery=false"]].concat()).await;
    let (emulator, empty) = (&backend.emulator, tempfile::tempdir().expect("a folder"));
    nothing_to_do(&unsaid(emulator, empty.path(), &["bootstrap"]));
    let all = words(&unsaid(emulator, empty.path(), &["plan"]));
    assert!(all.contains("table-recovery = false"), "{all}");
    assert_eq!(
        findings(emulator, empty.path(), &[]),
        ["table-recovery at lock_table/recovery"]
    );
    assert_eq!(
        findings(emulator, empty.path(), &["--table-recovery=false"]),
        Vec::<String>::new()
    );

    let raised = unsaid(
        emulator,
        empty.path(),
        &["bootstrap", "-y", "--table-recovery"],
    );
    assert_eq!(raised.code, Some(0), "{}", raised.all());
    nothing_to_do(&unsaid(emulator, empty.path(), &["bootstrap"]));
    emulator.python(DRIFT, &["no point-in-time recovery"]);
    assert_eq!(
        findings(emulator, empty.path(), &[]),
        ["table-recovery at lock_table/recovery"]
    );
    let repaired = unsaid(emulator, empty.path(), &["bootstrap", "-y"]);
    assert_eq!(repaired.code, Some(0), "{}", repaired.all());
    assert_eq!(findings(emulator, empty.path(), &[]), Vec::<String>::new());
}

/// A topic of the user's that S3 may not publish to would block the plan, and one that it may
/// publish to would be told.
#[tokio::test]
async fn deletions_without_a_notification_are_kept_so() {
    let emulator = Emulator::start().await;
    for publishers in [vec![], vec!["s3"]] {
        let topic = emulator
            .python("tests/it/hardening/make_topic.py", &publishers)
            .trim()
            .to_owned();
        let (dir, empty) = (
            tempfile::tempdir().expect("a folder"),
            tempfile::tempdir().expect("a folder"),
        );
        let less = [
            "--trail",
            "off",
            "--access-logs=false",
            "--alarm-topic",
            &topic,
            "--delete-events=false",
        ];
        let made = unsaid(
            &emulator,
            dir.path(),
            &[&["bootstrap", "-y"], &less[..]].concat(),
        );
        assert_eq!(made.code, Some(0), "{publishers:?}: {}", made.all());
        nothing_to_do(&unsaid(&emulator, empty.path(), &["bootstrap"]));
        let all = words(&unsaid(&emulator, empty.path(), &["plan"]));
        assert!(all.contains("delete-events = false"), "{all}");
    }
    // Said again, it is a change like any other, and undone by hand it is repaired.
    let empty = tempfile::tempdir().expect("a folder");
    let said = unsaid(
        &emulator,
        empty.path(),
        &["bootstrap", "-y", "--delete-events"],
    );
    assert_eq!(said.code, Some(0), "{}", said.all());
    emulator.python(DRIFT, &["nobody hears of deletions"]);
    assert_eq!(
        findings(&emulator, empty.path(), &[]),
        ["bucket-delete-events at state_bucket/notifications"]
    );
}
