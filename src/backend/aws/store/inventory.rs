//! Every state with what may be known of it, and who holds which lock: what a person asks for
//! first.
//!
//! A page of the listing is in memory, and of what is in the states no more than [`MEMORY`] at a
//! time.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::{
    Store,
    content::Encryption,
    live::{Extent, LiveLock, Seen},
    objects::Object,
};
use crate::{
    backend::aws::error::AwsError,
    state::{
        census::Holds,
        layout::{Kind, Located},
        snapshot::{Snapshot, Want},
    },
};

/// How many states are read at once: enough to hide the way there and back, and far from what S3
/// does for one prefix (5,500 reads a second).
pub const AT_ONCE: usize = 64;
/// MiB of states that are in memory at a time.
pub(super) const MEMORY: u32 = 128;
/// The largest state that is looked into. Terraform takes minutes for one of these.
pub const LARGEST: usize = 64 << 20;

/// One state. Nothing of what is in it but counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub located: Located,
    pub size: u64,
    pub modified: Option<Timestamp>,
    pub holds: Holds,
    /// Unknown where the object could not be read.
    pub encryption: Option<Encryption>,
}

/// All of them, by name.
#[derive(Debug, Default)]
pub struct Inventory {
    pub entries: Vec<Entry>,
    /// Objects that are no states, as far as anybody can tell; lock files are not among them.
    pub others: usize,
    /// Locks that are held, by the object of the state: also on states that are not there yet.
    pub locks: BTreeMap<String, LiveLock>,
    /// What could not be looked at: a state without a lock here may be locked then.
    pub unseen: Vec<AwsError>,
}

/// What came of one object.
enum Looked {
    State(Box<Entry>),
    Other,
    /// A lock file, a folder as consoles make them, or deleted since it was listed.
    Nothing,
}

impl Store<'_> {
    /// Reads every state, and looks for locks at the same time.
    ///
    /// # Errors
    /// If the bucket cannot be listed: half a list would look like a whole one.
    pub async fn inventory(&self) -> Result<Inventory, AwsError> {
        let (states, (locks, unseen)) = tokio::join!(self.states(), self.held());
        let (entries, others) = states?;
        Ok(Inventory {
            entries,
            others,
            locks,
            unseen,
        })
    }

    /// Locks that are held, and what could not be looked at.
    pub async fn held(&self) -> (BTreeMap<String, LiveLock>, Vec<AwsError>) {
        let (mut locks, mut unseen) = (BTreeMap::new(), vec![]);
        let see = |seen| match seen {
            Seen::Lock(lock) => drop(locks.insert(lock.located.path.clone(), *lock)),
            Seen::NoTable(error) | Seen::NoListing(error) => unseen.push(error),
            Seen::State(_) | Seen::Orphan { .. } | Seen::Elsewhere { .. } => {}
        };
        self.walk(Extent::Locks, AT_ONCE, see).await;
        (locks, unseen)
    }

    async fn states(&self) -> Result<(Vec<Entry>, usize), AwsError> {
        let memory = Semaphore::new(usize::try_from(MEMORY).unwrap_or(usize::MAX));
        let (mut entries, mut others) = (vec![], 0);
        let mut pages = self.objects("");
        while let Some(page) = pages.next().await? {
            let mut looks = stream::iter(page)
                .map(|object| self.entry(object, &memory))
                .buffered(AT_ONCE);
            while let Some(looked) = looks.next().await {
                match looked {
                    Looked::State(entry) => entries.push(*entry),
                    Looked::Other => others += 1,
                    Looked::Nothing => {}
                }
            }
        }
        Ok((entries, others))
    }

    async fn entry(&self, object: Object, memory: &Semaphore) -> Looked {
        let located = self.address().layout.locate(&object.key);
        if located.kind == Kind::LockFile || object.key.ends_with('/') {
            return Looked::Nothing;
        }
        // A closed semaphore lets nobody pass; this one is never closed.
        let Ok(_room) = memory.acquire_many(room(object.size)).await else {
            return Looked::Nothing;
        };
        let (holds, encryption) = match self.get(&object.key, None, LARGEST).await {
            Ok(None) => return Looked::Nothing,
            Ok(Some(content)) => (
                Holds::of(Snapshot::parse(&content.bytes, Want::Counts)),
                Some(content.encryption),
            ),
            Err(error) => (Holds::Unreadable(error.to_string()), None),
        };
        // A name that nobody gives a state, and nothing in it that looks like one.
        if located.kind == Kind::Unknown
            && matches!(holds, Holds::Unreadable(_))
            && encryption.is_some()
        {
            return Looked::Other;
        }
        Looked::State(Box::new(Entry {
            located,
            size: object.size,
            modified: object.modified,
            holds,
            encryption,
        }))
    }
}

/// Of the memory, in MiB: the bytes, and what is made of them. One that is too large is not read at
/// all.
pub(super) fn room(size: u64) -> u32 {
    let mib = u32::try_from(size >> 20)
        .unwrap_or(u32::MAX)
        .saturating_add(1);
    mib.min(MEMORY)
}
