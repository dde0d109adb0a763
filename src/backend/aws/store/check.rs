//! What is wrong with states: bytes that Terraform cannot read, digests that are not theirs, keys
//! that are not the backend's, lock files without a state; and how digests and keys are put right.
//!
//! Every state is read, a few at a time, and nothing of it is kept but its hash and serial.

use std::collections::HashSet;

use futures_util::{StreamExt, stream};
use tokio::sync::Semaphore;

use super::{
    Store,
    content::Encryption,
    inventory::{MEMORY, room},
    live::{Extent, Half, LiveLock, LiveState, Seen, Stored},
    write::Encrypt,
};
use crate::{
    backend::aws::error::AwsError,
    state::{
        digest,
        layout::{Kind, Located},
    },
};

mod bytes;
mod repair;

use bytes::StateRead;
pub use bytes::{DigestOrigin, RestorableVersion, StateBytes};
pub use repair::Repaired;

/// How many states are looked at at once.
const AT_ONCE: usize = 8;

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub located: Located,
    pub what: Wrong,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The digest is of another state: Terraform stops at it.
    Stale { stored: String, is: String },
    /// There is a table, and no digest in it: Terraform does not check what it reads.
    Missing {
        is: String,
        /// A text that is no MD5, which Terraform ignores.
        stored: Option<String>,
    },
    /// A digest, and no state or one of 0 bytes: Terraform stops at it.
    Orphaned {
        stored: String,
        /// The version that was deleted, if the digest belongs to one.
        origin: DigestOrigin,
    },
    /// Terraform cannot read what is there. No repair makes it a state again, and none may make it
    /// look like one.
    Unreadable {
        error: String,
        stored: Option<String>,
        origin: DigestOrigin,
    },
    /// There is none any more where the default workspace has its state, and there was one.
    Deleted { version: RestorableVersion },
    /// Under another key, or none, than the backend says.
    Key {
        is: Encryption,
        /// Whether it stays so, because runs that are configured otherwise go on.
        stays: bool,
    },
    /// A lock file beside no state, as a first run leaves it that was killed, or has it while it
    /// runs.
    LockFile { lock: Box<LiveLock> },
    /// It could not be looked at.
    Unread { error: String },
}

impl Wrong {
    /// In JSON, and for people.
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

    /// Whether [`Store::repair`] can do something about it.
    ///
    /// A digest whose state was deleted is all that keeps Terraform from starting over with an
    /// empty state: it is deleted if it belongs to no version that could be restored, or if
    /// that is accepted.
    pub fn can_be_repaired(&self, accept_deleted: bool) -> bool {
        match self {
            Self::Stale { .. } | Self::Missing { .. } => true,
            Self::Key { stays, .. } => !stays,
            Self::Orphaned { origin, .. } => accept_deleted || *origin == DigestOrigin::NotFound,
            // Whose lock it is, is for a person to say, and so is which state to go back to.
            Self::LockFile { .. }
            | Self::Unreadable { .. }
            | Self::Deleted { .. }
            | Self::Unread { .. } => false,
        }
    }

    /// The version that `state restore` can bring back.
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

/// All that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    pub states: usize,
    pub faults: Vec<Fault>,
    /// Whole places that could not be looked at.
    pub unseen: Vec<String>,
}

/// How states should be encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Should<'a> {
    /// The ARN of the key, where it is one of KMS.
    pub key: Option<&'a str>,
    pub encrypt: &'a Encrypt,
}

impl Should<'_> {
    fn is(&self, is: &Encryption) -> bool {
        match (self.encrypt, self.key) {
            (Encrypt::Kms(_), Some(key)) => is.key.as_deref() == Some(key),
            // What is better than was asked for is no fault, and what cannot be told is none.
            (Encrypt::Kms(_), None) | (Encrypt::Unsaid, _) => true,
            (Encrypt::OfS3, _) => is.algorithm.is_some(),
        }
    }
}

impl Store<'_> {
    /// Looks at everything, or at one state.
    pub async fn check(&self, only: Option<&str>, should: &Should<'_>) -> Checked {
        let mut seen = Sorted::default();
        self.walk(Extent::All, AT_ONCE, |one| seen.add(one, only))
            .await;
        let Sorted {
            states,
            locks,
            orphans,
            unseen,
        } = seen;
        let mut faults = vec![];
        // Of a listing that broke off nobody can say what is not there.
        if unseen.is_empty() {
            let there: HashSet<&str> = states.iter().map(|state| &*state.located.path).collect();
            let alone = locks.into_iter().filter(|lock| {
                matches!(lock.file, Half::Held(_)) && !there.contains(&*lock.located.path)
            });
            faults.extend(alone.map(|lock| Fault {
                located: lock.located.clone(),
                what: Wrong::LockFile {
                    lock: Box::new(lock),
                },
            }));
        }
        for (located, unsure) in orphans {
            let what = match unsure {
                Some(error) => Wrong::Unread {
                    error: error.to_string(),
                },
                None => match self.digest_item(&located.path).await {
                    // Terraform ignores what is no digest.
                    Ok(Some(stored)) if digest::is_md5(&stored) => Wrong::Orphaned {
                        origin: self.origin_of_digest(&located.path, &stored).await,
                        stored,
                    },
                    Ok(_) => continue,
                    Err(error) => Wrong::Unread {
                        error: error.to_string(),
                    },
                },
            };
            faults.push(Fault { located, what });
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
        Checked {
            states: count,
            faults,
            unseen,
        }
    }

    async fn faults_of(
        &self,
        state: LiveState,
        should: &Should<'_>,
        memory: &Semaphore,
    ) -> Vec<Fault> {
        let LiveState {
            located,
            size,
            head,
            digest,
            ..
        } = state;
        let fault = |what: Wrong| Fault {
            located: located.clone(),
            what,
        };
        let unread = |error: String| vec![fault(Wrong::Unread { error })];
        let head = match head {
            Ok(head) => head,
            Err(error) => return unread(error),
        };
        let key = |is: Encryption| (!should.is(&is)).then_some(Wrong::Key { is, stays: false });
        // Not everything in a bucket is a state.
        if located.kind != Kind::State && !matches!(digest, Stored::Digest(_)) {
            return key(head.encryption).map(fault).into_iter().collect();
        }
        // A closed semaphore admits no one; this one is never closed.
        let Ok(_room) = memory.acquire_many(room(size)).await else {
            return vec![];
        };
        let read = match self.read_state(&located.path, None).await {
            Ok(Some(read)) => read,
            // Deleted since it was listed.
            Ok(None) => return vec![],
            Err(error) => return unread(error.to_string()),
        };
        match self.content_fault(&located, &read, digest).await {
            Err(error) => unread(error.to_string()),
            // Its key is judged once it is a state again: nothing is to write it anew as it is.
            Ok(Some(broken @ Wrong::Unreadable { .. })) => vec![fault(broken)],
            Ok(wrong) => wrong
                .into_iter()
                .chain(key(read.encryption))
                .map(fault)
                .collect(),
        }
    }

    /// A state of 0 bytes and without a digest is none, unless there was one before.
    async fn emptied(&self, path: &str) -> Option<Wrong> {
        match self.restorable(path, None).await {
            origin @ DigestOrigin::Version(_) => Some(Wrong::Unreadable {
                error: "it is empty".to_owned(),
                stored: None,
                origin,
            }),
            DigestOrigin::NotFound | DigestOrigin::Unknown(_) => None,
        }
    }

    /// The state of the default workspace, which Terraform never deletes, if it is not there and
    /// was.
    async fn deleted(&self, seen: &HashSet<String>, only: Option<&str>) -> Option<Fault> {
        let key = self
            .address
            .layout
            .key
            .as_deref()
            .filter(|key| only.is_none_or(|only| only == *key) && !seen.contains(*key))?;
        match self.restorable(key, None).await {
            DigestOrigin::Version(version) => Some(Fault {
                located: self.address.layout.locate(key),
                what: Wrong::Deleted { version },
            }),
            // Without permission to list versions, nothing is known of what was there.
            DigestOrigin::NotFound | DigestOrigin::Unknown(_) => None,
        }
    }

    /// What is wrong with the bytes of a state, or with its digest.
    async fn content_fault(
        &self,
        located: &Located,
        read: &StateRead,
        stored: Stored,
    ) -> Result<Option<Wrong>, AwsError> {
        let path = &located.path;
        let has_table = stored != Stored::Unknown;
        let stored = match stored {
            Stored::Unknown | Stored::Absent => None,
            Stored::Digest(stored) => Some(stored),
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
        // Terraform may have written both since.
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
                Some(stored) if digest::is_md5(&stored) => Wrong::Stale {
                    stored,
                    is: is.clone(),
                },
                stored => Wrong::Missing {
                    is: is.clone(),
                    stored,
                },
            })),
            StateBytes::Empty => {
                let Some(stored) = stored.filter(|stored| digest::is_md5(stored)) else {
                    return Ok(self.emptied(path).await);
                };
                Ok(Some(match self.origin_of_digest(path, &stored).await {
                    // It was written over with nothing: a version with content is what Terraform
                    // expects.
                    origin @ DigestOrigin::Version(_) => Wrong::Unreadable {
                        error: "it is empty".to_owned(),
                        stored: Some(stored),
                        origin,
                    },
                    origin => Wrong::Orphaned { stored, origin },
                }))
            }
            StateBytes::Unreadable { md5, error } => {
                let stored = stored.filter(|stored| digest::is_md5(stored));
                // A digest of the broken bytes says nothing of an older version.
                let of_another = stored
                    .as_deref()
                    .filter(|stored| !digest::fits(stored, md5));
                let origin = self.restorable(path, of_another).await;
                Ok(Some(Wrong::Unreadable {
                    error: error.to_string(),
                    stored,
                    origin,
                }))
            }
        }
    }
}

/// What a walk came by, of one state or of all.
#[derive(Default)]
struct Sorted {
    states: Vec<LiveState>,
    locks: Vec<LiveLock>,
    orphans: Vec<(Located, Option<AwsError>)>,
    unseen: Vec<String>,
}

impl Sorted {
    fn add(&mut self, seen: Seen, only: Option<&str>) {
        let wanted = |located: &Located| only.is_none_or(|only| only == located.path);
        match seen {
            Seen::State(state) if wanted(&state.located) => self.states.push(state),
            Seen::Lock(lock) if wanted(&lock.located) => self.locks.push(*lock),
            Seen::Orphan { located, unsure } if wanted(&located) => {
                self.orphans.push((located, unsure))
            }
            Seen::NoTable(error) | Seen::NoListing(error) => self.unseen.push(error.to_string()),
            Seen::State(_) | Seen::Lock(_) | Seen::Orphan { .. } | Seen::Elsewhere { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests;
