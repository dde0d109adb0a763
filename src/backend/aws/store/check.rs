//! Checks states: bytes that Terraform cannot read, wrong digests, wrong keys, lock files without a
//! state; and repairs digests and keys.
//!
//! Every state is read, a few at a time, and only its hash and serial are kept.

use std::collections::HashSet;

use futures_util::{StreamExt, stream};
use tokio::sync::Semaphore;

use super::{
    S3Store,
    content::AtRestEncryption,
    scan::{LiveLock, LiveState, LockPlace, ScanItem, ScanScope, StoredDigest},
    write::WriteEncryption,
};
use crate::{
    backend::aws::error::AwsError,
    state::{
        digest,
        layout::{LocatedObject, ObjectKind},
    },
    store::inventory::{MEMORY, room},
};

mod bytes;
mod repair;

use bytes::StateRead;
pub(crate) use bytes::{DigestOrigin, RestorableVersion, StateBytes};

/// The number of states that are checked concurrently.
const AT_ONCE: usize = 8;

/// A problem of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateProblem {
    pub located: LocatedObject,
    pub what: ProblemKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The digest belongs to another state: Terraform fails on it.
    Stale { stored: String, is: String },
    /// The table has no digest: Terraform does not check what it reads.
    Missing {
        is: String,
        /// A text that is not an MD5, which Terraform ignores.
        stored: Option<String>,
    },
    /// A digest with a missing or empty state: Terraform fails on it.
    Orphaned {
        stored: String,
        /// The deleted version, if the digest matches one.
        origin: DigestOrigin,
    },
    /// Terraform cannot read the object. A repair cannot make it a state again, and must not make
    /// it look like one.
    Unreadable {
        error: String,
        stored: Option<String>,
        origin: DigestOrigin,
    },
    /// The state of the default workspace was deleted.
    Deleted { version: RestorableVersion },
    /// Encrypted differently from the configuration of the backend.
    Key {
        is: AtRestEncryption,
        /// True if it is kept, because runs with another configuration continue.
        stays: bool,
    },
    /// A lock file without a state, as during a first run, or after one that was killed.
    LockFile { lock: Box<LiveLock> },
    /// It cannot be read.
    Unread { error: String },
}

impl ProblemKind {
    /// The name in JSON and in texts.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Stale { .. } => "digest-stale",
            Self::Missing { .. } => "digest-missing",
            Self::Orphaned { .. } => "digest-orphaned",
            Self::Unreadable { .. } => "state-unreadable",
            Self::Deleted { .. } => "state-deleted",
            Self::Key { .. } => "wrong-key",
            Self::LockFile { .. } => "lock-file-orphaned",
            Self::Unread { .. } => "unread",
        }
    }

    /// Returns whether [`Store::repair`] can repair it.
    ///
    /// The digest of a deleted state prevents Terraform from starting with an empty state: it is
    /// deleted if no version that matches it can be restored, or if the deletion is accepted.
    pub fn can_be_repaired(&self, accept_deleted: bool) -> bool {
        match self {
            Self::Stale { .. } | Self::Missing { .. } => true,
            Self::Key { stays, .. } => !stays,
            Self::Orphaned { origin, .. } => accept_deleted || *origin == DigestOrigin::NotFound,
            // The user decides on the lock, and on which state to restore.
            Self::LockFile { .. }
            | Self::Unreadable { .. }
            | Self::Deleted { .. }
            | Self::Unread { .. } => false,
        }
    }

    /// Returns the version that `state restore` can restore.
    pub fn restorable(&self) -> Option<&RestorableVersion> {
        match self {
            Self::Orphaned {
                origin: DigestOrigin::Version(version),
                ..
            }
            | Self::Unreadable {
                origin: DigestOrigin::Version(version),
                ..
            }
            | Self::Deleted { version } => Some(version),
            _ => None,
        }
    }
}

/// The result of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    pub states: usize,
    pub faults: Vec<StateProblem>,
    /// Errors of whole places.
    pub unseen: Vec<String>,
}

/// The expected encryption of states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedEncryption<'a> {
    /// The ARN of the KMS key, if any.
    pub key: Option<&'a str>,
    pub encrypt: &'a WriteEncryption,
}

impl ExpectedEncryption<'_> {
    fn is(&self, is: &AtRestEncryption) -> bool {
        match (self.encrypt, self.key) {
            (WriteEncryption::Kms(_), Some(key)) => is.key.as_deref() == Some(key),
            // Stronger or unknown encryption is not a problem.
            (WriteEncryption::Kms(_), None) | (WriteEncryption::Unsaid, _) => true,
            (WriteEncryption::OfS3, _) => is.algorithm.is_some(),
        }
    }
}

impl S3Store<'_> {
    /// Checks everything, or one state.
    pub async fn check(&self, only: Option<&str>, should: &ExpectedEncryption<'_>) -> CheckReport {
        let mut seen = SortedVersions::default();
        self.walk(ScanScope::All, AT_ONCE, |one| seen.add(one, only))
            .await;
        let SortedVersions {
            states,
            locks,
            orphans,
            unseen,
        } = seen;
        let mut faults = vec![];
        // After a failed listing, missing objects are unknown.
        if unseen.is_empty() {
            let there: HashSet<&str> = states.iter().map(|state| &*state.located.path).collect();
            let alone = locks.into_iter().filter(|lock| {
                matches!(lock.file, LockPlace::Held(_)) && !there.contains(&*lock.located.path)
            });
            faults.extend(alone.map(|lock| StateProblem {
                located: lock.located.clone(),
                what: ProblemKind::LockFile {
                    lock: Box::new(lock),
                },
            }));
        }
        for (located, unsure) in orphans {
            let what = match unsure {
                Some(error) => ProblemKind::Unread {
                    error: error.to_string(),
                },
                None => match self.digest_item(&located.path).await {
                    // Terraform ignores an invalid digest.
                    Ok(Some(stored)) if digest::is_md5(&stored) => ProblemKind::Orphaned {
                        origin: self.origin_of_digest(&located.path, &stored).await,
                        stored,
                    },
                    Ok(_) => continue,
                    Err(error) => ProblemKind::Unread {
                        error: error.to_string(),
                    },
                },
            };
            faults.push(StateProblem { located, what });
        }
        let mut seen: HashSet<String> = states
            .iter()
            .map(|state| state.located.path.clone())
            .collect();
        seen.extend(faults.iter().map(|fault| fault.located.path.clone()));
        if unseen.is_empty() {
            faults.extend(self.deleted(&seen, only).await);
        }
        let count = states.len();
        let memory = Semaphore::new(usize::try_from(MEMORY).unwrap_or(usize::MAX));
        let mut looks = stream::iter(states)
            .map(|state| self.faults_of(state, should, &memory))
            .buffered(AT_ONCE);
        while let Some(found) = looks.next().await {
            faults.extend(found);
        }
        faults.sort_by(|one, other| one.located.path.cmp(&other.located.path));
        CheckReport {
            states: count,
            faults,
            unseen,
        }
    }

    async fn faults_of(
        &self,
        state: LiveState,
        should: &ExpectedEncryption<'_>,
        memory: &Semaphore,
    ) -> Vec<StateProblem> {
        let LiveState {
            located,
            size,
            head,
            digest,
            ..
        } = state;
        let fault = |what: ProblemKind| StateProblem {
            located: located.clone(),
            what,
        };
        let unread = |error: String| vec![fault(ProblemKind::Unread { error })];
        let head = match head {
            Ok(head) => head,
            Err(error) => return unread(error),
        };
        let key = |is: AtRestEncryption| {
            (!should.is(&is)).then_some(ProblemKind::Key { is, stays: false })
        };
        // Not every object in a bucket is a state.
        if located.kind != ObjectKind::State && !matches!(digest, StoredDigest::Digest(_)) {
            return key(head.encryption).map(fault).into_iter().collect();
        }
        // This semaphore is never closed.
        let Ok(_room) = memory.acquire_many(room(size)).await else {
            return vec![];
        };
        let read = match self.read_state(&located.path, None).await {
            Ok(Some(read)) => read,
            // Deleted after it was listed.
            Ok(None) => return vec![],
            Err(error) => return unread(error.to_string()),
        };
        match self.content_fault(&located, &read, digest).await {
            Err(error) => unread(error.to_string()),
            // Its key is checked when it is a state again: it must not be rewritten as it is.
            Ok(Some(broken @ ProblemKind::Unreadable { .. })) => vec![fault(broken)],
            Ok(wrong) => wrong
                .into_iter()
                .chain(key(read.encryption))
                .map(fault)
                .collect(),
        }
    }

    /// An empty object without a digest is not a state, unless there was one before.
    async fn emptied(&self, path: &str) -> Option<ProblemKind> {
        match self.restorable(path, None).await {
            origin @ DigestOrigin::Version(_) => Some(ProblemKind::Unreadable {
                error: "it is empty".to_owned(),
                stored: None,
                origin,
            }),
            DigestOrigin::NotFound | DigestOrigin::Unknown(_) => None,
        }
    }

    /// Reports the state of the default workspace, which Terraform never deletes, if it was
    /// deleted.
    async fn deleted(&self, seen: &HashSet<String>, only: Option<&str>) -> Option<StateProblem> {
        let key = self
            .address
            .layout
            .key
            .as_deref()
            .filter(|key| only.is_none_or(|only| only == *key) && !seen.contains(*key))?;
        match self.restorable(key, None).await {
            DigestOrigin::Version(version) => Some(StateProblem {
                located: self.address.layout.locate(key),
                what: ProblemKind::Deleted { version },
            }),
            // Without permission to list versions, previous states are unknown.
            DigestOrigin::NotFound | DigestOrigin::Unknown(_) => None,
        }
    }

    /// Returns the problem of the bytes of a state, or of its digest.
    async fn content_fault(
        &self,
        located: &LocatedObject,
        read: &StateRead,
        stored: StoredDigest,
    ) -> Result<Option<ProblemKind>, AwsError> {
        let path = &located.path;
        let has_table = stored != StoredDigest::Unknown;
        let stored = match stored {
            StoredDigest::Unknown | StoredDigest::Absent => None,
            StoredDigest::Digest(stored) => Some(stored),
        };
        let fits = |stored: &Option<String>, md5: &str| {
            stored
                .as_deref()
                .is_some_and(|stored| digest::fits(stored, md5))
        };
        if let StateBytes::Readable { md5, .. } = &read.bytes
            && (!has_table || fits(&stored, md5))
        {
            return Ok(None);
        }
        // Terraform may have written both in the meantime.
        let stored = if has_table {
            self.digest_item(path).await?
        } else {
            None
        };
        let is_as_read = self
            .head(path, None)
            .await?
            .is_some_and(|head| head.etag == read.etag);
        if !is_as_read {
            return Ok(None);
        }
        match &read.bytes {
            StateBytes::Readable { md5, .. } if fits(&stored, md5) => Ok(None),
            StateBytes::Readable { md5: is, .. } => Ok(Some(match stored {
                Some(stored) if digest::is_md5(&stored) => ProblemKind::Stale {
                    stored,
                    is: is.clone(),
                },
                stored => ProblemKind::Missing {
                    is: is.clone(),
                    stored,
                },
            })),
            StateBytes::Empty => {
                let Some(stored) = stored.filter(|stored| digest::is_md5(stored)) else {
                    return Ok(self.emptied(path).await);
                };
                Ok(Some(match self.origin_of_digest(path, &stored).await {
                    // It was overwritten with an empty object: Terraform expects a version with
                    // content.
                    origin @ DigestOrigin::Version(_) => ProblemKind::Unreadable {
                        error: "it is empty".to_owned(),
                        stored: Some(stored),
                        origin,
                    },
                    origin => ProblemKind::Orphaned { stored, origin },
                }))
            }
            StateBytes::Unreadable { md5, error } => {
                let stored = stored.filter(|stored| digest::is_md5(stored));
                // A digest of the broken bytes does not match an older version.
                let of_another = stored
                    .as_deref()
                    .filter(|stored| !digest::fits(stored, md5));
                let origin = self.restorable(path, of_another).await;
                Ok(Some(ProblemKind::Unreadable {
                    error: error.to_string(),
                    stored,
                    origin,
                }))
            }
        }
    }
}

/// The items of a walk, of one state or of all.
#[derive(Default)]
struct SortedVersions {
    states: Vec<LiveState>,
    locks: Vec<LiveLock>,
    orphans: Vec<(LocatedObject, Option<AwsError>)>,
    unseen: Vec<String>,
}

impl SortedVersions {
    fn add(&mut self, seen: ScanItem, only: Option<&str>) {
        let wanted = |located: &LocatedObject| only.is_none_or(|only| only == located.path);
        match seen {
            ScanItem::State(state) if wanted(&state.located) => self.states.push(state),
            ScanItem::Lock(lock) if wanted(&lock.located) => self.locks.push(*lock),
            ScanItem::Orphan { located, unsure } if wanted(&located) => {
                self.orphans.push((located, unsure))
            }
            ScanItem::NoTable(error) | ScanItem::NoListing(error) => {
                self.unseen.push(error.to_string())
            }
            ScanItem::State(_)
            | ScanItem::Lock(_)
            | ScanItem::Orphan { .. }
            | ScanItem::Elsewhere { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests;
