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
    S3Store,
    content::ObjectEncryption,
    live::{LiveLock, ScanItem, ScanScope},
    objects::CurrentObject,
};
use crate::{
    backend::aws::error::AwsError,
    state::{
        census::StateContentsKind,
        layout::{LocatedObject, ObjectKind},
        snapshot::{SnapshotDetail, StateSnapshot},
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
pub struct StateEntry {
    pub located: LocatedObject,
    pub size: u64,
    pub modified: Option<Timestamp>,
    pub holds: StateContentsKind,
    /// Unknown where the object could not be read.
    pub encryption: Option<ObjectEncryption>,
}

/// All of them, by name.
#[derive(Debug, Default)]
pub struct StateInventory {
    pub entries: Vec<StateEntry>,
    /// Objects that are no states, as far as anybody can tell; lock files are not among them.
    pub others: usize,
    /// Locks that are held, by the object of the state: also on states that are not there yet.
    pub locks: BTreeMap<String, LiveLock>,
    /// What could not be looked at: a state without a lock here may be locked then.
    pub unseen: Vec<AwsError>,
}

/// What came of one object.
enum StateContents {
    State(Box<StateEntry>),
    Other,
    /// A lock file, a folder as consoles make them, or deleted since it was listed.
    Nothing,
}

impl S3Store<'_> {
    /// Reads every state, and looks for locks at the same time.
    ///
    /// # Errors
    /// If the bucket cannot be listed: half a list would look like a whole one.
    pub async fn inventory(&self) -> Result<StateInventory, AwsError> {
        let (states, (locks, unseen)) = tokio::join!(self.states(), self.held());
        let (entries, others) = states?;
        Ok(StateInventory {
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
            ScanItem::Lock(lock) => drop(locks.insert(lock.located.path.clone(), *lock)),
            ScanItem::NoTable(error) | ScanItem::NoListing(error) => unseen.push(error),
            ScanItem::State(_) | ScanItem::Orphan { .. } | ScanItem::Elsewhere { .. } => {}
        };
        self.walk(ScanScope::Locks, AT_ONCE, see).await;
        (locks, unseen)
    }

    async fn states(&self) -> Result<(Vec<StateEntry>, usize), AwsError> {
        let memory = Semaphore::new(usize::try_from(MEMORY).unwrap_or(usize::MAX));
        let (mut entries, mut others) = (vec![], 0);
        let mut pages = self.objects("");
        while let Some(page) = pages.next().await? {
            let mut looks = stream::iter(page)
                .map(|object| self.entry(object, &memory))
                .buffered(AT_ONCE);
            while let Some(looked) = looks.next().await {
                match looked {
                    StateContents::State(entry) => entries.push(*entry),
                    StateContents::Other => others += 1,
                    StateContents::Nothing => {}
                }
            }
        }
        Ok((entries, others))
    }

    async fn entry(&self, object: CurrentObject, memory: &Semaphore) -> StateContents {
        let located = self.address().layout.locate(&object.key);
        if located.kind == ObjectKind::LockFile || object.key.ends_with('/') {
            return StateContents::Nothing;
        }
        // A closed semaphore lets nobody pass; this one is never closed.
        let Ok(_room) = memory.acquire_many(room(object.size)).await else {
            return StateContents::Nothing;
        };
        let (holds, encryption) = match self.get(&object.key, None, LARGEST).await {
            Ok(None) => return StateContents::Nothing,
            Ok(Some(content)) => (
                StateContentsKind::of(StateSnapshot::parse(&content.bytes, SnapshotDetail::Counts)),
                Some(content.encryption),
            ),
            Err(error) => (StateContentsKind::Unreadable(error.to_string()), None),
        };
        // A name that nobody gives a state, and nothing in it that looks like one.
        if located.kind == ObjectKind::Unknown
            && matches!(holds, StateContentsKind::Unreadable(_))
            && encryption.is_some()
        {
            return StateContents::Other;
        }
        StateContents::State(Box::new(StateEntry {
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
