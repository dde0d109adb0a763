//! What the state store says of states and locks that the real Terraform wrote.

use insta::assert_snapshot;
use jiff::{SignedDuration, Timestamp};
use tfbackend::{
    backend::aws::{
        AwsProvider,
        store::{
            S3Store, StoreAddress,
            objects::ObjectChange,
            scan::{LiveLock, LiveState, LockPlace, ScanItem, ScanScope, StoredDigest},
        },
        verify::usage::{self, ExpectedUsage},
    },
    checks::{CheckResult, Verdict},
    settings::layer::LockMechanism,
    state::{
        digest,
        layout::StateLayout,
        lock::LockInfo,
        snapshot::{MAX_BYTES, SnapshotDetail, StateFile, StateSnapshot},
    },
};

use super::running::{Holder, apply, initialized};
use crate::support::{aws::aws, backend::Backend};

pub(super) const TABLE: &str = "acme-tfstate-prod-locks";
/// More than any of these states has.
const BYTES: usize = 1 << 20;

pub(super) fn address(backend: &Backend, lock: LockMechanism) -> StoreAddress {
    StoreAddress {
        bucket: backend.conf("bucket"),
        owner: backend.emulator.account().to_owned(),
        table: (lock != LockMechanism::S3).then(|| TABLE.to_owned()),
        layout: StateLayout {
            key: Some(backend.conf("key")),
            workspace_prefix: "env:".to_owned(),
        },
    }
}

fn expected(backend: &Backend, lock: LockMechanism) -> ExpectedUsage {
    ExpectedUsage {
        bucket: backend.conf("bucket"),
        key: Some(backend.conf("kms_key_id")),
        lock: Some(lock),
        stale_after: SignedDuration::from_hours(2),
        contents: false,
        now: Timestamp::now(),
    }
}

/// What there is, a line for each, with what differs from run to run left out.
async fn listing(backend: &Backend, aws: &AwsProvider, lock: LockMechanism) -> String {
    let address = address(backend, lock);
    let store = S3Store::new(aws, &address);
    let mut seen = vec![];
    store.walk(ScanScope::All, 8, |one| seen.push(one)).await;
    let mut lines = vec![];
    for one in seen {
        lines.push(match one {
            ScanItem::State(state) => state_line(backend, &store, state).await,
            ScanItem::Lock(lock) => lock_line(&address.bucket, &lock),
            ScanItem::Orphan { located, unsure } => {
                format!("a digest of {} without it ({unsure:?})", located.path)
            }
            ScanItem::Elsewhere { lock_id, .. } => panic!("{lock_id}"),
            ScanItem::NoTable(error) | ScanItem::NoListing(error) => {
                panic!("{error}\n{}", backend.emulator.log())
            }
        });
    }
    lines.join("\n")
}

async fn state_line(backend: &Backend, store: &S3Store<'_>, state: LiveState) -> String {
    let path = &state.located.path;
    let head = state.head.expect("it can be read");
    assert!(
        head.modified.is_some() && head.version.is_some() && head.size == state.size,
        "{head:?}"
    );
    let key = head.encryption.key.map_or("no key", |key| {
        if key == backend.conf("kms_key_id") {
            "our key"
        } else {
            "another key"
        }
    });
    let content = store
        .get(path, None, BYTES)
        .await
        .expect("read")
        .expect("there");
    let digest = match &state.digest {
        StoredDigest::Unknown => "unknown",
        StoredDigest::Absent => "absent",
        StoredDigest::Digest(stored) if *stored == digest::of(&content.bytes) => "right",
        StoredDigest::Digest(_) => "wrong",
    };
    let snapshot =
        StateSnapshot::parse(&content.bytes, SnapshotDetail::Addresses).expect("a state");
    assert_eq!(
        snapshot,
        StateSnapshot::read(&*content.bytes, MAX_BYTES, SnapshotDetail::Addresses)
            .expect("a state")
    );
    assert!(snapshot.lineage.is_some_and(|lineage| lineage.len() == 36));
    let version = snapshot.terraform_version.expect("a version");
    assert!(version.starts_with("1."), "{version}");
    let StateFile::Known(counts) = snapshot.contents else {
        panic!("Terraform does not encrypt")
    };
    let addresses: Vec<String> = counts.addresses.iter().map(ToString::to_string).collect();
    let (workspace, algorithm) = (
        &state.located.workspace,
        head.encryption.algorithm.expect("encrypted"),
    );
    let serial = snapshot.serial.expect("a serial");
    format!(
        "{path} ({workspace}): {algorithm}, {key}, digest {digest}, serial {serial}, {addresses:?}"
    )
}

fn lock_line(bucket: &str, lock: &LiveLock) -> String {
    let half = |half: &LockPlace| match half {
        LockPlace::Unknown => "not looked at".to_owned(),
        LockPlace::Free => "free".to_owned(),
        LockPlace::Held(held) => {
            let info = held.info.as_ref().expect("a lock");
            assert_eq!(
                info.to_go_json(),
                held.raw,
                "byte for byte as Terraform wrote it"
            );
            assert_eq!(info.path, digest::lock_id(bucket, &lock.located.path));
            assert!(info.age(Timestamp::now()).expect("since when") < SignedDuration::from_mins(5));
            format!(
                "{} by {}",
                info.operation,
                if info.who.contains('@') {
                    "somebody"
                } else {
                    "nobody"
                }
            )
        }
    };
    format!(
        "a lock on {} ({}): item {}, file {}",
        lock.located.path,
        lock.located.workspace,
        half(&lock.item),
        half(&lock.file)
    )
}

/// The findings, with the key as `KEY`.
async fn findings(backend: &Backend, aws: &AwsProvider, lock: LockMechanism) -> String {
    let address = address(backend, lock);
    let checked = usage::check(&S3Store::new(aws, &address), expected(backend, lock)).await;
    let line = |checked: &CheckResult| match &checked.verdict {
        Verdict::Holds | Verdict::Untold { .. } | Verdict::FailsWith { .. } => None,
        Verdict::Fails { found, .. } => Some(format!(
            "{} at {}: {found}\n",
            checked.check.id,
            checked.place.shown()
        )),
        Verdict::Unreadable { error } => panic!("{error}"),
    };
    let said: String = checked.iter().filter_map(line).collect();
    said.replace(&backend.conf("kms_key_id"), "KEY")
        .replace(&backend.conf("bucket"), "BUCKET")
}

/// A default and a named workspace, before, during and after a run that holds the lock.
async fn lived_in(mechanism: &str, lock: LockMechanism, digest: &str, halves: &str) {
    let backend = initialized(&["--lock", mechanism]).await;
    apply(&backend, &[]);
    backend.terraform_ok(&["workspace", "new", "blue"]);
    let aws = aws(&backend.emulator).await;
    let states = format!(
        "env:/blue/terraform.tfstate (blue): aws:kms, our key, digest {digest}, serial 1, \
         []\nterraform.tfstate (default): aws:kms, our key, digest {digest}, serial 1, \
         [\"terraform_data.content\"]"
    );
    assert_eq!(listing(&backend, &aws, lock).await, states);
    let mut holder = Holder::start(&backend);
    let held = listing(&backend, &aws, lock).await;
    let in_use = findings(&backend, &aws, lock).await;
    assert!(holder.finish().status.success());
    assert_eq!(
        held,
        format!("{states}\na lock on env:/blue/terraform.tfstate (blue): {halves}")
    );
    assert_eq!(in_use, "", "a lock that is held is no fault");
    assert_eq!(findings(&backend, &aws, lock).await, "");
}

#[tokio::test]
async fn states_and_locks_of_both_mechanisms() {
    let halves = "item OperationTypeApply by somebody, file OperationTypeApply by somebody";
    lived_in("both", LockMechanism::Both, "right", halves).await;
}

#[tokio::test]
async fn states_and_locks_of_a_table() {
    lived_in(
        "dynamodb",
        LockMechanism::Dynamodb,
        "right",
        "item OperationTypeApply by somebody, file free",
    )
    .await;
}

#[tokio::test]
async fn states_and_locks_in_files() {
    lived_in(
        "s3",
        LockMechanism::S3,
        "unknown",
        "item not looked at, file OperationTypeApply by somebody",
    )
    .await;
}

/// What people do by hand: half a lock, a state under a key of S3's own, an object deleted, a
/// digest lost.
#[tokio::test]
async fn what_others_did_by_hand_is_found() {
    let backend = initialized(&["--lock", "both"]).await;
    apply(&backend, &[]);
    for workspace in ["blue", "green", "red"] {
        backend.terraform_ok(&["workspace", "new", workspace]);
    }
    let info = LockInfo {
        id: "5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10".to_owned(),
        operation: "OperationTypeApply".to_owned(),
        who: "<ops>@\"home\"\u{1b}[2J".to_owned(),
        version: "1.9.8".to_owned(),
        created: "2026-01-02T03:04:05Z".parse().ok(),
        path: digest::lock_id(&backend.conf("bucket"), "terraform.tfstate"),
        ..LockInfo::default()
    };
    backend.emulator.python(
        "tests/it/terraform/by_hand.py",
        &[
            &backend.conf("bucket"),
            TABLE,
            "terraform.tfstate",
            &info.to_go_json(),
        ],
    );
    let aws = aws(&backend.emulator).await;
    let said = findings(&backend, &aws, LockMechanism::Both).await;
    let (days, rest) = said
        .split_once("has been locked for ")
        .and_then(|(_, rest)| rest.split_once(" by "))
        .expect("a stale lock");
    assert!(days.contains(" d ") && rest.starts_with("<ops>"), "{said}");
    let hash = |word: &str| word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let words = said.replace(days, "MANY DAYS").replace('\u{1b}', "ESC");
    let words: Vec<&str> = words
        .split(' ')
        .map(|word| {
            if hash(word.trim_end_matches([',', ':'])) {
                "MD5"
            } else {
                word
            }
        })
        .collect();
    assert_snapshot!(words.join(" "), @r#"
    state-encryption at s3://BUCKET/env:/blue/terraform.tfstate: it is encrypted with an S3 managed key (AES256), not with KEY: it was written with `encrypt = true` and no `kms_key_id`
    state-digest at s3://BUCKET/env:/blue/terraform.tfstate: its MD5 is MD5 and the lock table says MD5 it was last written without the table, or not by Terraform
    state-digest at s3://BUCKET/env:/green/terraform.tfstate: the lock table has a digest of this state, and the state does not exist: it was deleted, but not by Terraform
    digest-missing at s3://BUCKET/env:/red/terraform.tfstate: the lock table has no digest of it: it was last written without the table, or not by Terraform
    stale-lock at s3://BUCKET/terraform.tfstate: the state has been locked for MANY DAYS by <ops>@"home"ESC[2J since 2026-01-02T03:04:05Z (OperationTypeApply, version 1.9.8, ID 5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10)
    half-lock at s3://BUCKET/terraform.tfstate: the lock is held only in the table, by <ops>@"home"ESC[2J since 2026-01-02T03:04:05Z (OperationTypeApply, version 1.9.8, ID 5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10); there is no lock file
    lock-mechanism-version at s3://BUCKET/terraform.tfstate: version 1.9.8 uses this state, and lock files are supported since 1.10
    "#);

    // Terraform itself sees the lock as one of its own kind, and can release it.
    backend.terraform_ok(&["workspace", "select", "default"]);
    let refused = backend.terraform(&["plan"]);
    assert!(
        !refused.status.success()
            && String::from_utf8_lossy(&refused.stderr)
                .contains("5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10"),
        "{refused:?}"
    );
    backend.terraform(&[
        "force-unlock",
        "-force",
        "5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10",
    ]);
    assert!(
        !findings(&backend, &aws, LockMechanism::Both)
            .await
            .contains("lock at")
    );
}

#[tokio::test]
async fn every_version_of_what_was_written() {
    let backend = initialized(&["--lock", "s3"]).await;
    apply(&backend, &[]);
    backend.terraform_ok(&["destroy", "-auto-approve"]);
    let (aws, address) = (
        aws(&backend.emulator).await,
        address(&backend, LockMechanism::S3),
    );
    let store = S3Store::new(&aws, &address);
    let (mut pages, mut lines) = (store.versions(""), vec![]);
    while let Some(page) = pages.next().await.expect("listed") {
        for version in page {
            let what = match version.what {
                ObjectChange::DeleteMarker => "delete marker".to_owned(),
                ObjectChange::Data { .. } if version.key.ends_with(".tflock") => "lock".to_owned(),
                ObjectChange::Data { .. } => {
                    let content = store
                        .get(&version.key, Some(&version.id), BYTES)
                        .await
                        .expect("read")
                        .expect("there");
                    let snapshot = StateSnapshot::parse(&content.bytes, SnapshotDetail::Counts)
                        .expect("a state");
                    format!(
                        "serial {} empty {:?}",
                        snapshot.serial.expect("a serial"),
                        snapshot.is_empty()
                    )
                }
            };
            lines.push(format!(
                "{} {} {what}",
                version.key,
                if version.latest { "current" } else { "older" }
            ));
        }
    }
    assert_snapshot!(lines.join("\n"), @"
    terraform.tfstate current serial 2 empty Some(true)
    terraform.tfstate older serial 1 empty Some(false)
    terraform.tfstate.tflock current delete marker
    terraform.tfstate.tflock older lock
    terraform.tfstate.tflock older delete marker
    terraform.tfstate.tflock older lock
    ");
}
