//! Each check, held and broken, over what a store may have seen.

use crate::store::state_store::UnknownHolder;
use insta::assert_snapshot;

use super::{tally::NAMED, *};
use crate::{
    backend::aws::{
        error::{ApiOperation, AwsError},
        store::content::AtRestEncryption,
        testing::KEY_ARN,
    },
    state::{
        layout::{LocatedObject, StateLayout},
        lock::{LockError, LockInfo},
        snapshot::SnapshotDetail,
    },
};

const NOW: &str = "2026-11-21T12:00:00Z";
const ETAG: &str = "\"900150983cd24fb0d6963f7d28e17f72\"";

fn expected(lock: LockMechanism) -> ExpectedUsage {
    ExpectedUsage {
        bucket: "states".to_owned(),
        key: Some(KEY_ARN.to_owned()),
        lock: Some(lock),
        stale_after: SignedDuration::from_hours(2),
        contents: false,
        now: NOW.parse().unwrap(),
    }
}

fn located(path: &str) -> LocatedObject {
    StateLayout {
        key: None,
        workspace_prefix: "env:".to_owned(),
    }
    .locate(path)
}

fn state(path: &str, algorithm: &str, key: Option<&str>, digest: StoredDigest) -> ScanItem {
    let encryption = AtRestEncryption {
        algorithm: Some(algorithm.to_owned()),
        key: key.map(str::to_owned),
        bucket_key: true,
    };
    let head = ObjectHeaders {
        size: 3,
        modified: None,
        version: None,
        etag: ETAG.to_owned(),
        encryption,
    };
    ScanItem::State(LiveState {
        located: located(path),
        size: 3,
        modified: None,
        head: Ok(head),
        digest,
    })
}

fn good(path: &str) -> ScanItem {
    state(
        path,
        "aws:kms",
        Some(KEY_ARN),
        StoredDigest::Digest("0123456789abcdef0123456789abcdef".to_owned()),
    )
}

fn info(created: &str, version: &str) -> LockInfo {
    LockInfo {
        id: "5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10".to_owned(),
        operation: "OperationTypeApply".to_owned(),
        who: "ci@runner".to_owned(),
        version: version.to_owned(),
        created: created.parse().ok(),
        ..LockInfo::default()
    }
}

fn held(info: LockInfo) -> LockPlace {
    LockPlace::held(HeldLock {
        raw: info.to_go_json(),
        info: Ok(info),
        etag: None,
        modified: None,
    })
}

fn fresh(version: &str) -> LockPlace {
    held(info("2026-11-21T11:50:00Z", version))
}

fn lock(item: LockPlace, file: LockPlace) -> ScanItem {
    ScanItem::Lock(Box::new(LiveLock {
        located: located("env:/blue/a.tfstate"),
        item,
        file,
    }))
}

fn denied() -> AwsError {
    AwsError::nonsense(ApiOperation::new("s3:Some"), "states", "denied")
}

fn findings(expected: ExpectedUsage, seen: &[ScanItem]) -> String {
    let mut usage = UsageScan::new(expected);
    seen.iter().for_each(|seen| usage.see(seen));
    let checked = usage.finish();
    for check in CHECKS {
        assert!(
            checked.iter().any(|checked| checked.check == check),
            "{} says something",
            check.id
        );
    }
    shown(checked.iter().filter(|checked| checked.is_finding()))
}

fn shown<'a>(checked: impl Iterator<Item = &'a CheckResult>) -> String {
    let line = |checked: &CheckResult| match &checked.verdict {
        Verdict::Holds => format!("{} at {}: holds\n", checked.check.id, checked.place.shown()),
        Verdict::Fails { found, remediation } => format!(
            "{} at {}:\n  {found}\n  {remediation}\n",
            checked.check.id,
            checked.place.shown()
        ),
        Verdict::Unreadable { error } => format!(
            "{} at {}: unreadable: {error}\n",
            checked.check.id,
            checked.place.shown()
        ),
        Verdict::FailsWith { check, .. } => format!(
            "{} at {}: fails with {}\n",
            checked.check.id,
            checked.place.shown(),
            check.id
        ),
        Verdict::Untold { why } => {
            format!("{} at {}: {why}\n", checked.check.id, checked.place.shown())
        }
    };
    checked.map(line).collect()
}

#[test]
fn a_backend_in_good_use() {
    let seen = [
        good("a.tfstate"),
        good("env:/blue/a.tfstate"),
        lock(fresh("1.11.4"), fresh("1.11.4")),
    ];
    assert_eq!(findings(expected(LockMechanism::Both), &seen), "");
    let mut usage = UsageScan::new(ExpectedUsage {
        contents: true,
        ..expected(LockMechanism::Both)
    });
    seen.iter().for_each(|seen| usage.see(seen));
    let checked = usage.finish();
    assert_eq!(checked.len(), CHECKS.len(), "one for each check");
    assert!(
        checked
            .iter()
            .all(|checked| checked.verdict == Verdict::Holds
                && checked.place.shown() == "s3://states")
    );
    assert_eq!(
        UsageScan::new(expected(LockMechanism::S3)).finish().len(),
        CHECKS.len(),
        "nothing was seen"
    );
}

#[test]
fn the_checks_are_told_apart() {
    let ids: std::collections::BTreeSet<_> = CHECKS.iter().map(|check| check.id).collect();
    assert_eq!(ids.len(), CHECKS.len());
}

#[test]
fn encryption_with_another_key_or_none() {
    let unknown = || StoredDigest::Unknown;
    let other = "arn:aws:kms:eu-west-1:444455556666:key/ffffffff-12ab-34cd-56ef-1234567890ab";
    let seen = [
        state("a.tfstate", "AES256", None, unknown()),
        state("b.tfstate", "aws:kms", Some(other), unknown()),
        state("c.tfstate", "aws:kms:dsse", Some(KEY_ARN), unknown()),
        state("d", "aws:fsx", None, unknown()),
        state("e.tfstate", "aws:kms", None, unknown()),
    ];
    assert_snapshot!(findings(expected(LockMechanism::S3), &seen), @r#"
    state-encryption at s3://states/a.tfstate:
      it is encrypted with an S3 managed key (AES256), not with arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab: it was written with `encrypt = true` and no `kms_key_id`
      set `kms_key_id = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"` beside `encrypt = true` in each configuration that uses this state and run `terraform init -reconfigure`; then `tfbackend state check --repair` encrypts it with that key, under the lock of the state
    state-encryption at s3://states/b.tfstate:
      it is encrypted with arn:aws:kms:eu-west-1:444455556666:key/ffffffff-12ab-34cd-56ef-1234567890ab, not with arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab: its `kms_key_id` is another key, or an alias, which points to another key in another account
      set `kms_key_id = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"` in each configuration that uses this state and run `terraform init -reconfigure`; then `tfbackend state check --repair` encrypts it with that key, under the lock of the state
    state-encryption at s3://states/d:
      it is encrypted with aws:fsx, not with arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
      find the client that writes it, and set `encrypt = true` and `kms_key_id = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"`; then `tfbackend state check --repair` encrypts it with that key, under the lock of the state
    state-encryption at s3://states/e.tfstate:
      it is encrypted with aws:kms, not with arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
      find the client that writes it, and set `encrypt = true` and `kms_key_id = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"`; then `tfbackend state check --repair` encrypts it with that key, under the lock of the state
    "#);
    // A backend with S3 managed keys accepts stronger encryption.
    assert_eq!(
        findings(
            ExpectedUsage {
                key: None,
                ..expected(LockMechanism::S3)
            },
            &seen
        ),
        ""
    );
}

#[test]
fn digests_as_far_as_they_can_be_told() {
    let digest = |text: &str| StoredDigest::Digest(text.to_owned());
    let right = "900150983cd24fb0d6963f7d28e17f72";
    let seen = [
        state("right.tfstate", "AES256", None, digest(right)),
        state(
            "wrong.tfstate",
            "AES256",
            None,
            digest("d41d8cd98f00b204e9800998ecf8427e"),
        ),
        state(
            "kms.tfstate",
            "aws:kms",
            Some(KEY_ARN),
            digest("d41d8cd98f00b204e9800998ecf8427e"),
        ),
        state(
            "none.tfstate",
            "aws:kms",
            Some(KEY_ARN),
            StoredDigest::Absent,
        ),
        state("notes.txt", "aws:kms", Some(KEY_ARN), StoredDigest::Absent),
        state(
            "unknown.tfstate",
            "aws:kms",
            Some(KEY_ARN),
            StoredDigest::Unknown,
        ),
        ScanItem::Orphan {
            located: located("gone.tfstate"),
            unsure: None,
        },
        ScanItem::Orphan {
            located: located("perhaps.tfstate"),
            unsure: Some(denied()),
        },
    ];
    let any_key = |lock| ExpectedUsage {
        key: None,
        ..expected(lock)
    };
    assert_snapshot!(findings(any_key(LockMechanism::Dynamodb), &seen), @"
    state-digest at s3://states/wrong.tfstate:
      its MD5 is 900150983cd24fb0d6963f7d28e17f72, and the lock table says d41d8cd98f00b204e9800998ecf8427e: it was last written without the table, or not by Terraform
      run `tfbackend state check`: it reports whether Terraform can read the state and which version matches the digest; `--repair` writes the digest of a correct state
    state-digest at s3://states/gone.tfstate:
      the lock table has a digest of this state, and the state does not exist: it was deleted, but not by Terraform
      if the state was deleted by mistake, `tfbackend state check` shows the command that restores it; if it was deleted on purpose, `tfbackend state check --repair --accept-deleted` deletes the digest
    state-digest at s3://states/perhaps.tfstate: unreadable: s3:Some on states: denied
    digest-missing at s3://states/none.tfstate:
      the lock table has no digest of it: it was last written without the table, or not by Terraform
      `tfbackend state check --repair` writes the digest of a state that Terraform can read, as does the next apply with changes; until then, a damaged state is not detected
    ");
    // Terraform decodes either case, ignores what is no digest, and takes no bytes for no state.
    let empty = |path: &str, digest: StoredDigest| match state(path, "AES256", None, digest) {
        ScanItem::State(LiveState {
            located,
            head: Ok(head),
            digest,
            ..
        }) => ScanItem::State(LiveState {
            located,
            size: 0,
            modified: None,
            head: Ok(ObjectHeaders { size: 0, ..head }),
            digest,
        }),
        other => other,
    };
    let odd = [
        state(
            "upper.tfstate",
            "AES256",
            None,
            digest(&right.to_uppercase()),
        ),
        state("text.tfstate", "AES256", None, digest("none")),
        empty("empty.tfstate", StoredDigest::Absent),
        empty("digest.tfstate", digest(right)),
    ];
    assert_snapshot!(findings(any_key(LockMechanism::Dynamodb), &odd), @"
    state-digest at s3://states/digest.tfstate:
      the lock table has a digest of this state, and the object is empty: Terraform does not treat it as a state, and fails on the digest
      run `tfbackend state check`: it shows the version that matches the digest; if there is none, `--repair` deletes the digest
    digest-missing at s3://states/text.tfstate:
      the lock table has no digest of it: it was last written without the table, or not by Terraform
      `tfbackend state check --repair` writes the digest of a state that Terraform can read, as does the next apply with changes; until then, a damaged state is not detected
    ");
    // Digests are the table's.
    assert!(!findings(any_key(LockMechanism::S3), &seen).contains("digest-missing"));
}

/// Whatever they say, they may be wrong.
#[test]
fn digests_that_were_not_compared_do_not_hold() {
    let of = |expected: ExpectedUsage, seen: &[ScanItem]| {
        let mut usage = UsageScan::new(expected);
        seen.iter().for_each(|seen| usage.see(seen));
        let checked = usage.finish();
        assert_eq!(checked.len(), CHECKS.len(), "no check more");
        shown(checked.iter().filter(|one| one.check == &STATE_DIGEST))
    };
    let table = || ExpectedUsage {
        key: None,
        ..expected(LockMechanism::Dynamodb)
    };
    let compared = || {
        state(
            "c.tfstate",
            "AES256",
            None,
            StoredDigest::Digest("900150983cd24fb0d6963f7d28e17f72".to_owned()),
        )
    };
    assert_snapshot!(of(table(), &[good("a.tfstate"), compared()]), @"state-digest at s3://states: the digest of 1 state was not compared: S3 has no MD5 of it (KMS, or uploaded in parts); --read-states compares it");
    assert_snapshot!(of(table(), &[good("a.tfstate"), good("b.tfstate"), compared()]), @"state-digest at s3://states: the digests of 2 states were not compared: S3 has no MD5 of them (KMS, or uploaded in parts); --read-states compares them");
    let holds = "state-digest at s3://states: holds\n";
    let kms = |digest| state("d.tfstate", "aws:kms", Some(KEY_ARN), digest);
    for seen in [
        &[] as &[ScanItem],
        &[compared()],
        &[kms(StoredDigest::Unknown)],
        &[kms(StoredDigest::Digest("none".to_owned()))],
    ] {
        assert_eq!(of(table(), seen), holds);
    }
    assert_eq!(
        of(
            ExpectedUsage {
                contents: true,
                ..table()
            },
            &[good("a.tfstate")]
        ),
        holds,
        "what is read is compared there"
    );
    let wrong = state(
        "w.tfstate",
        "AES256",
        None,
        StoredDigest::Digest("d41d8cd98f00b204e9800998ecf8427e".to_owned()),
    );
    assert!(
        of(table(), &[good("a.tfstate"), wrong])
            .starts_with("state-digest at s3://states/w.tfstate:\n  its MD5 is")
    );
}

#[test]
fn digests_of_bytes() {
    let of = |stored: Option<&str>| {
        let checked = digest_of(CheckedPlace::named("s3://states/a"), b"abc", stored);
        (checked.check.id, checked.verdict == Verdict::Holds)
    };
    assert_eq!(
        of(Some("900150983cd24fb0d6963f7d28e17f72")),
        ("state-digest", true)
    );
    assert_eq!(
        of(Some("d41d8cd98f00b204e9800998ecf8427e")),
        ("state-digest", false)
    );
    assert_eq!(
        of(Some("900150983CD24FB0D6963F7D28E17F72")),
        ("state-digest", true)
    );
    assert_eq!(of(Some("no digest")), ("digest-missing", false));
    assert_eq!(of(None), ("digest-missing", false));
}

#[test]
fn locks_that_are_too_old() {
    let old = || held(info("2026-11-18T07:30:00Z", "1.11.4"));
    assert_snapshot!(findings(expected(LockMechanism::Both), &[lock(old(), old())]), @"
    stale-lock at s3://states/env:/blue/a.tfstate:
      the state has been locked for 3 d 4 h by ci@runner since 2026-11-18T07:30:00Z (OperationTypeApply, version 1.11.4, ID 5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10)
      check whether that run is still in progress; if not: `tfbackend lock release --id 5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10`
    ");
    let at = |created: &str| {
        findings(
            expected(LockMechanism::S3),
            &[lock(LockPlace::Unknown, held(info(created, "1.11.4")))],
        )
    };
    assert_eq!(at("2026-11-21T10:00:00Z"), "", "as long as may be");
    assert!(
        at("2026-11-21T09:59:59Z")
            .contains("locked for 2 h 0 min by ci@runner since 2026-11-21T09:59:59Z"),
        "and longer"
    );
    assert_eq!(at("2027-01-01T00:00:00Z"), "", "a clock that is ahead");
    let unknown = "stale-lock at s3://states/env:/blue/a.tfstate: unreadable: the lock has no \
                   creation time; if no run holds it:";
    assert_eq!(
        at(""),
        format!("{unknown} `tfbackend lock release --id 5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10`\n")
    );
    let item = HeldLock {
        raw: "?".to_owned(),
        info: Err(UnknownHolder::NotALock(LockError::NotALock)),
        etag: None,
        modified: None,
    };
    let by_name = "release it by the name that `tfbackend lock list` shows: `tfbackend lock \
                   release --id NAME`";
    let said = findings(
        expected(LockMechanism::Dynamodb),
        &[lock(LockPlace::held(item), LockPlace::Free)],
    );
    assert!(said.contains(&format!("{unknown} {by_name}\n")), "{said}");
    let file = HeldLock {
        raw: String::new(),
        info: Err(UnknownHolder::Unreadable("denied".to_owned())),
        etag: None,
        modified: "2026-11-20T12:00:00Z".parse().ok(),
    };
    let said = findings(
        expected(LockMechanism::S3),
        &[lock(LockPlace::Unknown, LockPlace::held(file))],
    );
    assert!(
        said.contains("locked for 1 d 0 h by an unknown client"),
        "as old as the file: {said}"
    );
}

/// Any client that can lock can write arbitrary lock info.
#[test]
fn a_hostile_lock_puts_nothing_into_a_command() {
    let hostile = LockInfo {
        id: "x; rm -rf ~ #${x}`id`\u{1b}[2J".to_owned(),
        ..info("2026-11-18T07:30:00Z", "1.11.4")
    };
    let mut usage = UsageScan::new(expected(LockMechanism::S3));
    usage.see(&lock(LockPlace::Unknown, held(hostile)));
    let checked = usage.finish();
    let Some(Verdict::Fails { found, remediation }) = checked
        .iter()
        .find(|checked| checked.is_finding())
        .map(|checked| &checked.verdict)
    else {
        panic!("it is stale: {checked:?}")
    };
    assert!(
        found.contains("rm -rf") && !remediation.contains("rm -rf"),
        "{remediation}"
    );
}

#[test]
fn halves_of_locks() {
    let (one, other) = (
        fresh("1.11.4"),
        held(LockInfo {
            id: "other".to_owned(),
            ..info("2026-11-21T11:50:00Z", "1.11.4")
        }),
    );
    let seen = [
        lock(one.clone(), LockPlace::Free),
        lock(LockPlace::Free, one.clone()),
        lock(one.clone(), other),
    ];
    assert_snapshot!(findings(expected(LockMechanism::Both), &seen), @"
    half-lock at s3://states/env:/blue/a.tfstate:
      the lock is held only in the table, by ci@runner since 2026-11-21T11:50:00Z (OperationTypeApply, version 1.11.4, ID 5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10); there is no lock file
      if its run has ended: `tfbackend lock release --id 5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10` (it deletes the existing half)
    half-lock at s3://states/env:/blue/a.tfstate:
      the lock is held only as a lock file, by ci@runner since 2026-11-21T11:50:00Z (OperationTypeApply, version 1.11.4, ID 5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10); there is nothing in the table
      if its run has ended: `tfbackend lock release --id 5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10` (it deletes the existing half)
    half-lock at s3://states/env:/blue/a.tfstate:
      two runs hold one half of the lock each: by ci@runner since 2026-11-21T11:50:00Z (OperationTypeApply, version 1.11.4, ID 5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10), and by ci@runner since 2026-11-21T11:50:00Z (OperationTypeApply, version 1.11.4, ID other)
      wait for both runs to end; configure all clients of this state for both locks
    ");
    assert_eq!(
        findings(
            expected(LockMechanism::Both),
            &[lock(one.clone(), LockPlace::Unknown)]
        ),
        "",
        "states were not read"
    );
    assert_eq!(
        findings(
            expected(LockMechanism::S3),
            &[lock(LockPlace::Free, one.clone())]
        ),
        ""
    );
    assert_eq!(
        findings(
            expected(LockMechanism::Dynamodb),
            &[lock(one, LockPlace::Free)]
        ),
        ""
    );
}

#[test]
fn locks_where_nobody_looks() {
    let of = |lock: LockMechanism, seen| findings(expected(lock), &[seen]);
    assert_snapshot!(of(LockMechanism::S3, lock(fresh("1.11.4"), LockPlace::Free)), @"
    lock-mechanism at s3://states/env:/blue/a.tfstate:
      it is locked in the table by ci@runner since 2026-11-21T11:50:00Z (OperationTypeApply, version 1.11.4, ID 5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10), and this backend uses lock files: the two do not see each other
      set `use_lockfile = true` in that configuration, with Terraform or OpenTofu 1.10 or later
    ");
    assert_snapshot!(of(LockMechanism::Dynamodb, lock(LockPlace::Free, fresh("1.11.4"))), @"
    lock-mechanism at s3://states/env:/blue/a.tfstate:
      it is locked by a lock file by ci@runner since 2026-11-21T11:50:00Z (OperationTypeApply, version 1.11.4, ID 5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10), and this backend locks in the table: the two do not see each other
      set `dynamodb_table` in that configuration, or use both mechanisms (--lock both); if its run has ended: `tfbackend lock release --id 5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10`
    ");
    let nobody_knows = ExpectedUsage {
        lock: None,
        ..expected(LockMechanism::S3)
    };
    assert_eq!(
        findings(nobody_knows, &[lock(fresh("1.9.8"), LockPlace::Free)]),
        ""
    );
}

#[test]
fn versions_that_know_no_lock_files() {
    let verdict = |version: &str, lock| {
        let json = format!(r#"{{"version":4,"terraform_version":"{version}"}}"#);
        let snapshot = StateSnapshot::parse(json.as_bytes(), SnapshotDetail::Counts).unwrap();
        shown([version_of(CheckedPlace::named("a"), &snapshot, lock)].iter())
    };
    let (s3, both) = (Some(LockMechanism::S3), Some(LockMechanism::Both));
    assert_snapshot!(verdict("1.9.8", s3), @"
    lock-mechanism-version at a:
      version 1.9.8 uses this state, and lock files are supported since 1.10
      upgrade it, or lock in the table as well until then (--lock both)
    ");
    assert_snapshot!(verdict("0.12.31", both), @"
    lock-mechanism-version at a:
      version 0.12.31 uses this state, and lock files are supported since 1.10
      upgrade it before you remove the table
    ");
    assert_snapshot!(verdict("s", s3), @"lock-mechanism-version at a: unreadable: it does not contain the version of Terraform or OpenTofu that wrote it");
    for (version, lock) in [
        ("1.10.0-beta1", s3),
        ("1.11.4", both),
        ("2.0.0", s3),
        ("1.9.8", Some(LockMechanism::Dynamodb)),
        ("1.9.8", None),
    ] {
        assert_eq!(
            verdict(version, lock),
            "lock-mechanism-version at a: holds\n",
            "{version}"
        );
    }
    let old = lock(fresh("1.9.8"), fresh("1.11.4"));
    assert!(findings(expected(LockMechanism::Both), &[old]).starts_with(
        "lock-mechanism-version at s3://states/env:/blue/a.tfstate:\n  version 1.9.8"
    ));
    let strange = LockPlace::held(HeldLock {
        raw: "?".to_owned(),
        info: Err(UnknownHolder::NotALock(LockError::NotALock)),
        etag: None,
        modified: NOW.parse().ok(),
    });
    let said = findings(
        expected(LockMechanism::Both),
        &[lock(strange.clone(), strange)],
    );
    assert!(
        said.contains("lock-mechanism-version at s3://states/env:/blue/a.tfstate: unreadable"),
        "{said}"
    );
    assert!(
        said.contains(
            "tflock-left at s3://states/env:/blue/a.tfstate.tflock:\n  a lock file exists that \
             Terraform did not write"
        ),
        "{said}"
    );
}

#[test]
fn what_could_not_be_looked_at_is_never_good() {
    let head = LiveState {
        located: located("a.tfstate"),
        size: 0,
        modified: None,
        head: Err("denied".to_owned()),
        digest: StoredDigest::Unknown,
    };
    assert_snapshot!(findings(expected(LockMechanism::Both), &[ScanItem::State(head)]), @"
    state-encryption at s3://states/a.tfstate: unreadable: denied
    state-digest at s3://states/a.tfstate: unreadable: denied
    ");
    assert_snapshot!(findings(expected(LockMechanism::Both), &[ScanItem::NoTable(denied())]), @"
    state-digest at the lock table: unreadable: s3:Some on states: denied
    digest-missing at the lock table: unreadable: s3:Some on states: denied
    stale-lock at the lock table: unreadable: s3:Some on states: denied
    half-lock at the lock table: unreadable: s3:Some on states: denied
    lock-mechanism at the lock table: unreadable: s3:Some on states: denied
    lock-mechanism-version at the lock table: unreadable: s3:Some on states: denied
    ");
    let said = findings(
        expected(LockMechanism::Both),
        &[ScanItem::NoListing(denied())],
    );
    assert_eq!(
        said.matches("unreadable: s3:Some on states: denied")
            .count(),
        CHECKS.len(),
        "{said}"
    );
    let file = HeldLock {
        raw: String::new(),
        info: Err(UnknownHolder::Unreadable("denied".to_owned())),
        etag: None,
        modified: NOW.parse().ok(),
    };
    assert_snapshot!(findings(expected(LockMechanism::S3), &[lock(LockPlace::Unknown, LockPlace::held(file))]), @"tflock-left at s3://states/env:/blue/a.tfstate.tflock: unreadable: denied");
}

#[test]
fn many_faults_are_counted() {
    let mut usage = UsageScan::new(ExpectedUsage {
        lock: None,
        ..expected(LockMechanism::S3)
    });
    for n in 0..NAMED + 50 {
        usage.see(&state(
            &format!("{n}.tfstate"),
            "AES256",
            None,
            StoredDigest::Unknown,
        ));
    }
    let head = LiveState {
        located: located("a.tfstate"),
        size: 0,
        modified: None,
        head: Err("denied".to_owned()),
        digest: StoredDigest::Unknown,
    };
    usage.see(&ScanItem::State(head));
    let checked: Vec<CheckResult> = usage
        .finish()
        .into_iter()
        .filter(|checked| checked.check == &STATE_ENCRYPTION)
        .collect();
    assert_eq!(checked.len(), NAMED + 2);
    assert_snapshot!(shown(checked[NAMED..].iter()), @"
    state-encryption at s3://states:
      the same finding at 50 more places
      as for the listed places
    state-encryption at s3://states: unreadable: 1 more places cannot be read
    ");
}
