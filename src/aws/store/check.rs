//! What is wrong with states that somebody reads: digests that are not theirs, keys that are not the backend's, locks of
//! nobody; and how the first two are put right.
//!
//! A state whose MD5 S3 does not know is read, a few at a time, and nothing of it is kept but its hash.

use std::collections::HashSet;

use futures_util::{StreamExt, stream};

use super::{
    Store,
    content::{Encryption, Head},
    live::{Extent, Half, LiveLock, LiveState, Seen, Stored},
    write::Encrypt,
};
use crate::{
    aws::error::AwsError,
    state::{
        digest,
        layout::{Kind, Located},
    },
};

mod repair;

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
    Missing { is: String },
    /// A digest of a state that is not there: Terraform stops at it.
    Orphaned { stored: String },
    /// Under another key, or none, than the backend says.
    Key { is: Encryption },
    /// A lock file beside no state, as a first run leaves it that was killed, or has it while it runs.
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
            Self::Key { .. } => "wrong-key",
            Self::LockFile { .. } => "lock-file-orphaned",
            Self::Unread { .. } => "unread",
        }
    }

    /// Whether [`Store::repair`] can do something about it.
    pub fn can_be_repaired(&self) -> bool {
        match self {
            Self::Stale { .. } | Self::Missing { .. } | Self::Orphaned { .. } | Self::Key { .. } => true,
            // Whose lock it is, is for a person to say.
            Self::LockFile { .. } | Self::Unread { .. } => false,
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
        self.walk(Extent::All, AT_ONCE, |one| seen.add(one, only)).await;
        let Sorted { states, locks, orphans, unseen } = seen;
        let mut faults = vec![];
        // Of a listing that broke off nobody can say what is not there.
        if unseen.is_empty() {
            let there: HashSet<&str> = states.iter().map(|state| &*state.located.path).collect();
            let alone = locks.into_iter().filter(|lock| matches!(lock.file, Half::Held(_)) && !there.contains(&*lock.located.path));
            faults.extend(alone.map(|lock| Fault { located: lock.located.clone(), what: Wrong::LockFile { lock: Box::new(lock) } }));
        }
        for (located, unsure) in orphans {
            let what = match unsure {
                Some(error) => Wrong::Unread { error: error.to_string() },
                None => match self.digest_item(&located.path).await {
                    Ok(Some(stored)) => Wrong::Orphaned { stored },
                    Ok(None) => continue,
                    Err(error) => Wrong::Unread { error: error.to_string() },
                },
            };
            faults.push(Fault { located, what });
        }
        let count = states.len();
        let mut looks = stream::iter(states).map(|state| self.faults_of(state, should)).buffered(AT_ONCE);
        while let Some(found) = looks.next().await {
            faults.extend(found);
        }
        faults.sort_by(|one, other| one.located.path.cmp(&other.located.path));
        Checked { states: count, faults, unseen }
    }

    async fn faults_of(&self, LiveState { located, head, digest, .. }: LiveState, should: &Should<'_>) -> Vec<Fault> {
        let unread = |error: String| vec![Fault { located: located.clone(), what: Wrong::Unread { error } }];
        let head = match head {
            Ok(head) => head,
            Err(error) => return unread(error),
        };
        let digest = match self.digest_fault(&located, &head, digest).await {
            Ok(fault) => fault,
            Err(error) => return unread(error.to_string()),
        };
        let key = (!should.is(&head.encryption)).then_some(Wrong::Key { is: head.encryption });
        [digest, key].into_iter().flatten().map(|what| Fault { located: located.clone(), what }).collect()
    }

    async fn digest_fault(&self, located: &Located, head: &Head, stored: Stored) -> Result<Option<Wrong>, AwsError> {
        let stored = match stored {
            Stored::Unknown => return Ok(None),
            // Not everything in a bucket is a state.
            Stored::Absent if located.kind != Kind::State => return Ok(None),
            Stored::Absent => None,
            Stored::Digest(stored) => Some(stored),
        };
        let Some(is) = self.md5_of(&located.path, head).await? else { return Ok(None) };
        // Terraform may have written both since.
        let now = if stored.as_ref() == Some(&is) { stored } else { self.digest_item(&located.path).await? };
        if now.as_ref() == Some(&is) {
            return Ok(None);
        }
        let again = self.head(&located.path, None).await?;
        if again.is_none_or(|again| again.etag != head.etag) {
            return Ok(None);
        }
        Ok(Some(now.map_or_else(|| Wrong::Missing { is: is.clone() }, |stored| Wrong::Stale { stored, is: is.clone() })))
    }

    /// `None` if it was deleted meanwhile.
    async fn md5_of(&self, path: &str, head: &Head) -> Result<Option<String>, AwsError> {
        if let Some(md5) = head.md5() {
            return Ok(Some(md5.to_owned()));
        }
        let Some(mut reading) = self.open(path, None).await? else { return Ok(None) };
        let mut md5 = digest::Running::default();
        while let Some(chunk) = reading.next().await? {
            md5.add(chunk.as_ref());
        }
        Ok(Some(md5.end()))
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
            Seen::Orphan { located, unsure } if wanted(&located) => self.orphans.push((located, unsure)),
            Seen::NoTable(error) | Seen::NoListing(error) => self.unseen.push(error.to_string()),
            Seen::State(_) | Seen::Lock(_) | Seen::Orphan { .. } | Seen::Elsewhere { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests;
