//! Checks of states in use: encryption, digests and locks. No state is read.
//!
//! [`Usage`] receives the items of the store one at a time and keeps only findings and counts.
//! [`check`] combines the two.
//!
//! Not checked, because it requires the content: whether the digest matches, unless S3 has the MD5
//! (single uploads with SSE-S3), whether the object is a valid state, and which version wrote it.
//! [`digest_of`], [`unreadable_state`] and [`version_of`] do this if the content was read.

use crate::store::state_store::UnknownHolder;
use jiff::{SignedDuration, Timestamp};

mod catalogue;
mod tally;
mod words;

pub use catalogue::{
    CHECKS, DIGEST_MISSING, HALF_LOCK, LOCK_MECHANISM, LOCK_MECHANISM_VERSION, STALE_LOCK,
    STATE_DIGEST, STATE_ENCRYPTION, STATE_UNREADABLE, TFLOCK_LEFT,
};
use tally::UsageTally;

use super::super::store::{
    S3Store,
    content::ObjectHeaders,
    scan::{HeldLock, LiveLock, LiveState, LockPlace, ScanItem, ScanScope, StoredDigest},
};
use crate::{
    checks::{CheckResult, CheckedPlace, Verdict},
    settings::layer::LockMechanism,
    state::{
        digest,
        engine::knows_lock_files,
        layout::{self, ObjectKind},
        snapshot::{SnapshotError, StateSnapshot},
    },
    store::migrate,
};

/// The number of objects that are read concurrently: enough to hide the latency, and far below the
/// limit of S3 for one prefix (5,500 reads a second).
pub const AT_ONCE: usize = 64;

/// The expected use of the backend.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedUsage {
    pub bucket: String,
    /// The ARN of the key that encrypts states; without it, any encryption is accepted.
    pub key: Option<String>,
    /// `None` if unknown, as for an unmanaged backend.
    pub lock: Option<LockMechanism>,
    /// The longest expected duration of a run.
    pub stale_after: SignedDuration,
    /// True if states are read, too: then their digests are compared even if S3 has no MD5.
    pub contents: bool,
    pub now: Timestamp,
}

/// The findings so far.
#[derive(Debug)]
pub struct UsageScan {
    expected: ExpectedUsage,
    encryption: UsageTally,
    digest: UsageTally,
    missing: UsageTally,
    stale: UsageTally,
    half: UsageTally,
    mechanism: UsageTally,
    version: UsageTally,
    left: UsageTally,
}

/// Walks over the store and checks each item.
pub async fn check(store: &S3Store<'_>, expected: ExpectedUsage) -> Vec<CheckResult> {
    let mut usage = UsageScan::new(expected);
    store
        .walk(ScanScope::All, AT_ONCE, |seen| usage.see(&seen))
        .await;
    usage.finish()
}

impl UsageScan {
    pub fn new(expected: ExpectedUsage) -> Self {
        Self {
            expected,
            encryption: UsageTally::new(&STATE_ENCRYPTION),
            digest: UsageTally::new(&STATE_DIGEST),
            missing: UsageTally::new(&DIGEST_MISSING),
            stale: UsageTally::new(&STALE_LOCK),
            half: UsageTally::new(&HALF_LOCK),
            mechanism: UsageTally::new(&LOCK_MECHANISM),
            version: UsageTally::new(&LOCK_MECHANISM_VERSION),
            left: UsageTally::new(&TFLOCK_LEFT),
        }
    }

    pub fn see(&mut self, seen: &ScanItem) {
        match seen {
            ScanItem::State(state) => self.state(state),
            ScanItem::Lock(lock) => self.lock(lock),
            ScanItem::Orphan { located, unsure } => {
                let verdict = match unsure {
                    None => words::orphan(),
                    Some(error) => unreadable(error),
                };
                self.digest.add(self.at(&located.path), verdict);
            }
            // It belongs to another bucket.
            ScanItem::Elsewhere { .. } => {}
            ScanItem::NoTable(error) => {
                let Self {
                    digest,
                    missing,
                    stale,
                    half,
                    mechanism,
                    version,
                    ..
                } = self;
                for tally in [digest, missing, stale, half, mechanism, version] {
                    tally.add(CheckedPlace::named("the lock table"), unreadable(error));
                }
            }
            ScanItem::NoListing(error) => {
                let place = CheckedPlace::named(format!("s3://{}", self.expected.bucket));
                for tally in self.tallies() {
                    tally.add(place.clone(), unreadable(error));
                }
            }
        }
    }

    /// Returns one result for each check that passes everywhere, and one for each place where it
    /// fails.
    pub fn finish(self) -> Vec<CheckResult> {
        let whole = CheckedPlace::named(format!("s3://{}", self.expected.bucket));
        let Self {
            expected: _,
            encryption,
            digest,
            missing,
            stale,
            half,
            mechanism,
            version,
            left,
        } = self;
        let more = [missing, stale, half, mechanism, version, left].into_iter();
        let digest = digest.finish_or(&whole, words::digest_not_compared);
        encryption
            .finish(&whole)
            .into_iter()
            .chain(digest)
            .chain(more.flat_map(|tally| tally.finish(&whole)))
            .collect()
    }

    fn tallies(&mut self) -> [&mut UsageTally; 8] {
        let Self {
            expected: _,
            encryption,
            digest,
            missing,
            stale,
            half,
            mechanism,
            version,
            left,
        } = self;
        [
            encryption, digest, missing, stale, half, mechanism, version, left,
        ]
    }

    fn at(&self, path: &str) -> CheckedPlace {
        CheckedPlace::named(format!("s3://{}/{path}", self.expected.bucket))
    }

    fn state(&mut self, state: &LiveState) {
        let place = self.at(&state.located.path);
        let head = match &state.head {
            Ok(head) => head,
            Err(error) => {
                self.encryption.add(place.clone(), unreadable(error));
                self.digest.add(place, unreadable(error));
                return;
            }
        };
        self.encryption.add(
            place.clone(),
            words::encryption(head, self.expected.key.as_deref()),
        );
        self.digest.add(place.clone(), self.digest(state, head));
        let table = matches!(
            self.expected.lock,
            Some(LockMechanism::Dynamodb | LockMechanism::Both)
        );
        let has_no_digest = match &state.digest {
            // Terraform does not treat an empty object as a state, so that it has no digest.
            StoredDigest::Absent => state.located.kind == ObjectKind::State && head.size > 0,
            StoredDigest::Digest(stored) => !digest::is_md5(stored) && head.size > 0,
            StoredDigest::Unknown => false,
        };
        if table && has_no_digest {
            self.missing.add(place, words::no_digest());
        }
    }

    fn digest(&self, state: &LiveState, head: &ObjectHeaders) -> Verdict {
        match (&state.digest, head.md5()) {
            // Terraform ignores a text that is not a digest.
            (StoredDigest::Digest(stored), _) if !digest::is_md5(stored) => Verdict::Holds,
            (StoredDigest::Digest(_), _) if head.size == 0 => words::digest_of_nothing(),
            (StoredDigest::Digest(stored), Some(md5)) if !digest::fits(stored, md5) => {
                words::other_digest(stored, md5)
            }
            (StoredDigest::Digest(_), None) if !self.expected.contents => {
                words::digest_not_compared(1)
            }
            // An unreadable table is reported once, not for each state.
            (StoredDigest::Digest(_) | StoredDigest::Absent | StoredDigest::Unknown, _) => {
                Verdict::Holds
            }
        }
    }

    fn lock(&mut self, lock: &LiveLock) {
        let path = &lock.located.path;
        self.stale.add(self.at(path), self.stale(lock));
        self.half.add(self.at(path), self.half(lock));
        self.mechanism.add(self.at(path), self.mechanism(lock));
        self.version.add(self.at(path), self.version(lock));
        if let LockPlace::Held(file) = &lock.file {
            self.left
                .add(self.at(&layout::lock_file(path)), Self::left(file));
        }
    }

    fn stale(&self, lock: &LiveLock) -> Verdict {
        // It is to stay: no run is to write a state that moved to another backend.
        if lock.info().is_some_and(migrate::is_moved) {
            return Verdict::Holds;
        }
        match lock.age(self.expected.now) {
            Some(age) if age > self.expected.stale_after => words::stale(lock, age),
            Some(_) => Verdict::Holds,
            None => words::since_unknown(lock),
        }
    }

    fn half(&self, lock: &LiveLock) -> Verdict {
        if self.expected.lock != Some(LockMechanism::Both) {
            return Verdict::Holds;
        }
        match (&lock.item, &lock.file) {
            _ if lock.is_of_two() => words::two_locks(lock),
            (LockPlace::Held(_), LockPlace::Free) => {
                words::half(lock, "only in the table", "no lock file")
            }
            (LockPlace::Free, LockPlace::Held(_)) => {
                words::half(lock, "only as a lock file", "nothing in the table")
            }
            // An unreadable place is reported once.
            _ => Verdict::Holds,
        }
    }

    fn mechanism(&self, lock: &LiveLock) -> Verdict {
        match self.expected.lock {
            Some(LockMechanism::S3) if matches!(lock.item, LockPlace::Held(_)) => {
                words::table_not_in_use(&lock.item)
            }
            Some(LockMechanism::Dynamodb) if matches!(lock.file, LockPlace::Held(_)) => {
                words::files_not_in_use(&lock.file)
            }
            Some(LockMechanism::S3 | LockMechanism::Dynamodb | LockMechanism::Both) | None => {
                Verdict::Holds
            }
        }
    }

    /// A version that writes lock files supports them; one that locks in the table may not.
    fn version(&self, lock: &LiveLock) -> Verdict {
        let LockPlace::Held(held) = &lock.item else {
            return Verdict::Holds;
        };
        match (
            &held.info,
            version(
                held.info.as_ref().ok().map(|info| &*info.version),
                self.expected.lock,
            ),
        ) {
            (Err(error), Verdict::Unreadable { .. }) => unreadable(error),
            (Ok(_) | Err(_), verdict) => verdict,
        }
    }

    fn left(file: &HeldLock) -> Verdict {
        match &file.info {
            Err(UnknownHolder::Unreadable(error)) => unreadable(error),
            Err(UnknownHolder::NotALock(error)) => words::no_lock(error),
            Ok(_) => Verdict::Holds,
        }
    }
}

/// Checks that the digest in the table, if any, matches these bytes, which Terraform can read.
pub fn digest_of(place: CheckedPlace, bytes: &[u8], stored: Option<&str>) -> CheckResult {
    let is = digest::of(bytes);
    match stored.filter(|stored| digest::is_md5(stored)) {
        Some(_) if bytes.is_empty() => {
            CheckResult::new(&STATE_DIGEST, place, words::digest_of_nothing())
        }
        None if bytes.is_empty() => CheckResult::new(&STATE_DIGEST, place, Verdict::Holds),
        None => CheckResult::new(&DIGEST_MISSING, place, words::no_digest()),
        Some(stored) if digest::fits(stored, &is) => {
            CheckResult::new(&STATE_DIGEST, place, Verdict::Holds)
        }
        Some(stored) => CheckResult::new(&STATE_DIGEST, place, words::other_digest(stored, &is)),
    }
}

/// Reports that Terraform cannot read a state.
pub fn unreadable_state(place: CheckedPlace, error: &SnapshotError) -> CheckResult {
    CheckResult::new(&STATE_UNREADABLE, place, words::not_a_state(error))
}

/// Checks that the version that wrote a state supports lock files, if they are used.
pub fn version_of(
    place: CheckedPlace,
    snapshot: &StateSnapshot,
    lock: Option<LockMechanism>,
) -> CheckResult {
    CheckResult::new(
        &LOCK_MECHANISM_VERSION,
        place,
        version(snapshot.terraform_version.as_deref(), lock),
    )
}

fn version(version: Option<&str>, lock: Option<LockMechanism>) -> Verdict {
    let both = match lock {
        Some(LockMechanism::S3) => false,
        Some(LockMechanism::Both) => true,
        Some(LockMechanism::Dynamodb) | None => return Verdict::Holds,
    };
    match (version, version.and_then(knows_lock_files)) {
        (Some(version), Some(false)) => words::too_old(version, both),
        (_, Some(_)) => Verdict::Holds,
        (_, None) => Verdict::Unreadable {
            error: "it does not contain the version of Terraform or OpenTofu that wrote it"
                .to_owned(),
        },
    }
}

fn unreadable(error: &impl ToString) -> Verdict {
    Verdict::Unreadable {
        error: error.to_string(),
    }
}

#[cfg(test)]
mod tests;
