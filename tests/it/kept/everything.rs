//! An environment with settings of its own, run again from an empty folder with no more than its names.

use super::{conf, findings, nothing_to_do, unsaid, words};
use crate::support::{backend::Backend, emulator::Emulator};

async fn again(args: &[&str]) -> Backend {
    let backend = Backend::make(args).await;
    let empty = tempfile::tempdir().expect("a folder");
    nothing_to_do(&unsaid(&backend.emulator, empty.path(), &["bootstrap"]));
    assert_eq!(conf(empty.path()), conf(backend.dir()), "{args:?}");
    assert_eq!(findings(&backend.emulator, empty.path(), &[]), Vec::<String>::new(), "{args:?}");
    assert_eq!(findings(&backend.emulator, backend.dir(), args), Vec::<String>::new(), "{args:?}");
    backend
}

#[tokio::test]
async fn settings_of_a_whole_environment_are_kept() {
    let names = ["--bucket", "states-of-the-shop", "--table", "locks-of-the-shop", "--workspace-key-prefix", "stages", "--lock", "both"];
    let numbers = ["--noncurrent-days", "180", "--keep-versions", "80", "--rotation-days", "180", "--log-days", "800"];
    let more = ["--alarm-bucket-size", "5", "--alarm-object-count", "5000", "--table-encryption", "aws-owned", "--delete-events=false"];
    again(&[&names[..], &numbers, &more, &["--ephemeral", "--tag", "Team=platform"]].concat()).await;
}

#[tokio::test]
async fn settings_of_a_bare_environment_are_kept() {
    again(&["--namespace", "account-regional", "--lock", "s3", "--trail", "off", "--alarms=false", "--access-logs=false"]).await;
    again(&["--encryption", "sse-s3", "--bucket", "states-of-the-shop", "--trail", "off", "--table", "locks-of-the-shop"]).await;
}

#[tokio::test]
async fn settings_of_what_the_user_brought_along_are_kept() {
    let emulator = Emulator::start().await;
    let key = emulator.python("tests/it/hardening/make_key.py", &["services"]);
    let topic = emulator.python("tests/it/hardening/make_topic.py", &["s3"]).trim().to_owned();
    let dir = tempfile::tempdir().expect("a folder");
    let key = key.split_once(' ').expect("a key").0;
    let made = unsaid(&emulator, dir.path(), &["bootstrap", "-y", "--kms-key", key, "--alarm-topic", &topic]);
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
    assert_eq!(findings(&backend.emulator, empty.path(), &[]), ["bucket-history at state_bucket/lifecycle"]);
    let all = words(&unsaid(&backend.emulator, empty.path(), &["verify"]));
    assert!(all.contains("--noncurrent-days=90") && all.contains("say it in tfbackend.toml"), "{all}");
    assert_eq!(findings(&backend.emulator, empty.path(), &["--noncurrent-days", "30"]), Vec::<String>::new());
    let raised = unsaid(&backend.emulator, empty.path(), &["bootstrap", "-y", "--noncurrent-days", "90"]);
    assert_eq!(raised.code, Some(0), "{}", raised.all());
    assert_eq!(findings(&backend.emulator, empty.path(), &[]), Vec::<String>::new());
}

#[tokio::test]
async fn settings_that_are_kept_have_their_source_named() {
    let backend = Backend::make(&[&super::SMALL[..], &["--key", "app/x.tfstate", "--lock", "s3"]].concat()).await;
    let shown = unsaid(&backend.emulator, backend.dir(), &["config", "show"]);
    let rows: Vec<String> = shown.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for row in ["key app/x.tfstate kept as it is", "lock s3 kept as it is", "namespace global default"] {
        assert!(rows.iter().any(|line| line == row), "{row}: {}", shown.all());
    }
    let planned = unsaid(&backend.emulator, backend.dir(), &["plan", "--output", "json"]);
    let document: serde_json::Value = serde_json::from_str(&planned.out).expect("a document");
    let names: Vec<&str> = document["kept"].as_array().expect("kept").iter().filter_map(|one| one["name"].as_str()).collect();
    assert!(["key", "lock", "trail", "alarms"].iter().all(|name| names.contains(name)), "{names:?}");
}
