//! The inventory of a backend: every state with its facts, and the lock holders.
//!
//! Memory holds a page of the listing, and at most [`MEMORY`] of state contents.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::{
    S3Store,
    content::ObjectEncryption,
    objects::CurrentObject,
    scan::{LiveLock, ScanItem, ScanScope},
};
use crate::{
    backend::aws::error::AwsError,
    state::{
        census::StateContentsKind,
        layout::{LocatedObject, ObjectKind},
        snapshot::{SnapshotDetail, StateSnapshot},
    },
};

/// The number of states that are read concurrently: enough to hide the latency, and far below the
/// limit of S3 for one prefix (5,500 reads a second).
pub const AT_ONCE: usize = 64;
/// The maximum MiB of states in memory.
pub(super) const MEMORY: u32 = 128;
/// The maximum size of a state that is read. Terraform takes minutes for such a state.
pub const LARGEST: usize = 64 << 20;

/// A state, with counts only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateEntry {
    pub located: LocatedObject,
    pub size: u64,
    pub modified: Option<Timestamp>,
    pub holds: StateContentsKind,
    /// Unknown if the object could not be read.
    pub encryption: Option<ObjectEncryption>,
}

/// All states, by name.
#[derive(Debug, Default)]
pub struct StateInventory {
    pub entries: Vec<StateEntry>,
    /// Objects that are probably not states, without lock files.
    pub others: usize,
    /// Held locks by the object of the state, which may not exist yet.
    pub locks: BTreeMap<String, LiveLock>,
    /// Errors of reads: a state without a lock may be locked then.
    pub unseen: Vec<AwsError>,
}

/// The result for one object.
enum StateContents {
    State(Box<StateEntry>),
    Other,
    /// A lock file, a folder as created by consoles, or deleted after it was listed.
    Nothing,
}

impl S3Store<'_> {
    /// Reads every state and all locks concurrently.
    ///
    /// # Errors
    /// If the bucket cannot be listed: a partial list would look complete.
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

    /// Returns held locks, and errors of reads.
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
        // This semaphore is never closed.
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
        // A name that is unusual for a state, and content that is not a state.
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

/// Returns the required memory in MiB: the bytes, and the parsed data. A too large state is not
/// read.
pub(super) fn room(size: u64) -> u32 {
    let mib = u32::try_from(size >> 20)
        .unwrap_or(u32::MAX)
        .saturating_add(1);
    mib.min(MEMORY)
}
