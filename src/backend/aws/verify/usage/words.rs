//! Texts of findings and fixes.
//!
//! External texts are part of `what`, which is shown on one line; a command to copy never contains
//! an external text that could be more than one word.

use jiff::SignedDuration;

use super::super::super::{
    store::{
        content::ObjectHeaders,
        scan::{LiveLock, LockPlace},
    },
    teardown::freeze::OPERATION,
};
use crate::{
    checks::Verdict,
    state::{
        lock::{LockError, LockInfo},
        snapshot::SnapshotError,
    },
};

fn fails(found: impl Into<String>, remediation: impl Into<String>) -> Verdict {
    Verdict::Fails {
        found: found.into(),
        remediation: remediation.into(),
    }
}

pub(super) fn encryption(head: &ObjectHeaders, key: Option<&str>) -> Verdict {
    let Some(key) = key else {
        return Verdict::Holds;
    };
    let again = "then `tfbackend state check --repair` encrypts it with that key, under the lock \
                 of the state";
    let by_kms = |algorithm: &str| algorithm == "aws:kms" || algorithm == "aws:kms:dsse";
    match (
        head.encryption.algorithm.as_deref(),
        head.encryption.key.as_deref(),
    ) {
        (Some(algorithm), Some(actual)) if by_kms(algorithm) && actual == key => Verdict::Holds,
        (Some("AES256"), _) => fails(
            format!(
                "it is encrypted with an S3 managed key (AES256), not with {key}: it was written \
                 with `encrypt = true` and no `kms_key_id`"
            ),
            format!(
                "set `kms_key_id = \"{key}\"` beside `encrypt = true` in each configuration that \
                 uses this state and run `terraform init -reconfigure`; {again}"
            ),
        ),
        (Some(algorithm), Some(actual)) if by_kms(algorithm) => fails(
            format!(
                "it is encrypted with {actual}, not with {key}: its `kms_key_id` is another key, \
                 or an alias, which points to another key in another account"
            ),
            format!(
                "set `kms_key_id = \"{key}\"` in each configuration that uses this state and run \
                 `terraform init -reconfigure`; {again}"
            ),
        ),
        (algorithm, _) => fails(
            format!(
                "it is encrypted with {}, not with {key}",
                algorithm.unwrap_or("an encryption that S3 does not report")
            ),
            format!(
                "find the client that writes it, and set `encrypt = true` and `kms_key_id = \
                 \"{key}\"`; {again}"
            ),
        ),
    }
}

const CHECK_STATE: &str = "run `tfbackend state check`: it reports whether Terraform can read the \
                           state and which version matches the digest; `--repair` writes the \
                           digest of a correct state";

pub(super) fn other_digest(stored: &str, is: &str) -> Verdict {
    fails(
        format!(
            "its MD5 is {is}, and the lock table says {stored}: it was last written without the \
             table, or not by Terraform"
        ),
        CHECK_STATE,
    )
}

/// Reports states whose digest was not compared because S3 has no MD5 of them.
pub(super) fn digest_not_compared(states: usize) -> Verdict {
    let (digests, them) = if states == 1 {
        ("the digest of 1 state was".to_owned(), "it")
    } else {
        (format!("the digests of {states} states were"), "them")
    };
    Verdict::Untold {
        why: format!(
            "{digests} not compared: S3 has no MD5 of {them} (KMS, or uploaded in parts); \
             --read-states compares {them}"
        ),
    }
}

pub(super) fn not_a_state(error: &SnapshotError) -> Verdict {
    fails(
        format!("Terraform cannot read it: {error}"),
        "run `tfbackend state check`: it shows the version that can be restored, and the command",
    )
}

pub(super) fn digest_of_nothing() -> Verdict {
    fails(
        "the lock table has a digest of this state, and the object is empty: Terraform does not \
         treat it as a state, and fails on the digest",
        "run `tfbackend state check`: it shows the version that matches the digest; if there is \
         none, `--repair` deletes the digest",
    )
}

pub(super) fn no_digest() -> Verdict {
    fails(
        "the lock table has no digest of it: it was last written without the table, or not by \
         Terraform",
        "`tfbackend state check --repair` writes the digest of a state that Terraform can read, \
         as does the next apply with changes; until then, a damaged state is not detected",
    )
}

pub(super) fn orphan() -> Verdict {
    fails(
        "the lock table has a digest of this state, and the state does not exist: it was deleted, \
         but not by Terraform",
        "if the state was deleted by mistake, `tfbackend state check` shows the command that \
         restores it; if it was deleted on purpose, `tfbackend state check --repair \
         --accept-deleted` deletes the digest",
    )
}

pub(super) fn stale(lock: &LiveLock, age: SignedDuration) -> Verdict {
    let who = lock
        .info()
        .map_or_else(|| "by an unknown client".to_owned(), holder);
    fails(
        format!("the state has been locked for {} {who}", long(age)),
        format!(
            "check whether that run is still in progress; if not: {}",
            unlock(lock)
        ),
    )
}

/// Reports a lock of unknown age, which blocks runs all the same.
pub(super) fn since_unknown(lock: &LiveLock) -> Verdict {
    Verdict::Unreadable {
        error: format!(
            "the lock has no creation time; if no run holds it: {}",
            unlock(lock)
        ),
    }
}

pub(super) fn half(lock: &LiveLock, held: &str, free: &str) -> Verdict {
    let who = lock
        .info()
        .map_or_else(String::new, |info| format!(", {}", holder(info)));
    fails(
        format!("the lock is held {held}{who}; there is {free}"),
        format!(
            "if its run has ended: {} (it deletes the existing half)",
            unlock(lock)
        ),
    )
}

pub(super) fn two_locks(lock: &LiveLock) -> Verdict {
    let holders: Vec<String> = lock
        .halves()
        .filter_map(|held| held.info.as_ref().ok())
        .map(holder)
        .collect();
    fails(
        format!(
            "two runs hold one half of the lock each: {}",
            holders.join(", and ")
        ),
        "wait for both runs to end; configure all clients of this state for both locks",
    )
}

pub(super) fn table_not_in_use(item: &LockPlace) -> Verdict {
    fails(
        format!(
            "it is locked in the table{}, and this backend uses lock files: the two do not see \
             each other",
            by(item)
        ),
        "set `use_lockfile = true` in that configuration, with Terraform or OpenTofu 1.10 or later",
    )
}

pub(super) fn files_not_in_use(file: &LockPlace) -> Verdict {
    fails(
        format!(
            "it is locked by a lock file{}, and this backend locks in the table: the two do not \
             see each other",
            by(file)
        ),
        format!(
            "set `dynamodb_table` in that configuration, or use both mechanisms (--lock both); if \
             its run has ended: {}",
            release(info(file))
        ),
    )
}

pub(super) fn too_old(version: &str, both: bool) -> Verdict {
    let remediation = if both {
        "upgrade it before you remove the table"
    } else {
        "upgrade it, or lock in the table as well until then (--lock both)"
    };
    fails(
        format!("version {version} uses this state, and lock files are supported since 1.10"),
        remediation,
    )
}

pub(super) fn no_lock(error: &LockError) -> Verdict {
    fails(
        format!("a lock file exists that Terraform did not write: {error}"),
        format!("while no run is in progress, {BY_NAME}; `terraform force-unlock` cannot"),
    )
}

fn by(half: &LockPlace) -> String {
    info(half).map_or_else(String::new, |info| format!(" {}", holder(info)))
}

fn info(half: &LockPlace) -> Option<&LockInfo> {
    match half {
        LockPlace::Held(held) => held.info.as_ref().ok(),
        LockPlace::Free | LockPlace::Unknown => None,
    }
}

fn holder(info: &LockInfo) -> String {
    let LockInfo {
        id,
        operation,
        who,
        version,
        created,
        ..
    } = info;
    let since = created.map_or_else(String::new, |created| format!(" since {created:.0}"));
    let or = |text: &str| {
        if text.is_empty() {
            "?".to_owned()
        } else {
            text.to_owned()
        }
    };
    format!(
        "by {}{since} ({}, version {}, ID {})",
        or(who),
        or(operation),
        or(version),
        or(id)
    )
}

fn unlock(lock: &LiveLock) -> String {
    if lock.info().is_some_and(|info| info.operation == OPERATION) {
        return "`tfbackend teardown --cancel` allows writes again, and `tfbackend teardown` \
                continues it"
            .to_owned();
    }
    release(lock.info())
}

/// An invalid ID could contain anything, even a second command.
fn release(info: Option<&LockInfo>) -> String {
    match info.map(|info| &info.id) {
        Some(id) if is_uuid(id) => format!("`tfbackend lock release --id {id}`"),
        Some(_) | None => BY_NAME.to_owned(),
    }
}

const BY_NAME: &str =
    "release it by the name that `tfbackend lock list` shows: `tfbackend lock release --id NAME`";

fn is_uuid(id: &str) -> bool {
    id.len() == 36
        && id
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

fn long(age: SignedDuration) -> String {
    let minutes = age.as_mins();
    match (minutes / (24 * 60), minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}
