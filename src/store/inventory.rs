//! The inventory of a backend of any kind: every state with its facts, and the locks that are held.
//!
//! Memory holds at most [`MEMORY`] of state contents, and no value of them is kept.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::state_store::{
    AtRestEncryption, StateId, StateStore, StoreError, StoredLock, StoredState,
};
use crate::state::{
    census::StateContentsKind,
    snapshot::{LARGEST_OF_MANY, SnapshotDetail, StateSnapshot},
};

/// The maximum MiB of states in memory.
pub const MEMORY: u32 = 128;

/// A state, with counts only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateEntry {
    pub id: StateId,
    /// The state key in the `backend` block, in kinds that have one.
    pub key: Option<String>,
    pub size: u64,
    pub modified: Option<Timestamp>,
    pub holds: StateContentsKind,
    /// False if the backend could not read it; its content is unknown then.
    pub is_read: bool,
    /// Unknown if the state could not be read, or its kind does not say.
    pub encryption: Option<AtRestEncryption>,
}

/// All states, by path.
#[derive(Debug, Default)]
pub struct StateInventory {
    pub entries: Vec<StateEntry>,
    /// What is listed beside the states, but is not a state.
    pub others: usize,
    /// Locks by the path of the state, which may not exist yet.
    pub locks: BTreeMap<String, StoredLock>,
    /// Errors of reads: a state without a lock may be locked then.
    pub unseen: Vec<StoreError>,
}

/// What is at a path.
enum StateContents {
    State(Box<StateEntry>),
    Other,
    /// It was deleted after it was listed.
    Gone,
}

impl StateInventory {
    /// Reads every state and all locks, at the same time.
    ///
    /// # Errors
    /// If the states cannot be listed: a partial list would look complete.
    pub async fn read(store: &dyn StateStore) -> Result<Self, StoreError> {
        let (states, (locks, unseen)) = tokio::join!(states(store), locks(store));
        let (entries, others) = states?;
        Ok(Self {
            entries,
            others,
            locks,
            unseen,
        })
    }

    /// The locks on states that do not exist.
    pub fn locks_without_state(&self) -> impl Iterator<Item = &StoredLock> {
        self.locks.values().filter(|lock| {
            !self
                .entries
                .iter()
                .any(|entry| entry.id.path == lock.id.path)
        })
    }
}

async fn states(store: &dyn StateStore) -> Result<(Vec<StateEntry>, usize), StoreError> {
    let memory = Semaphore::new(usize::try_from(MEMORY).unwrap_or(usize::MAX));
    let (mut entries, mut others) = (vec![], 0);
    let mut contents = store
        .list()
        .map_ok(|state| contents(store, state, &memory))
        .try_buffered(store.concurrency().get());
    while let Some(contents) = contents.try_next().await? {
        match contents {
            StateContents::State(entry) => entries.push(*entry),
            StateContents::Other => others += 1,
            StateContents::Gone => {}
        }
    }
    Ok((entries, others))
}

async fn locks(store: &dyn StateStore) -> (BTreeMap<String, StoredLock>, Vec<StoreError>) {
    let (mut locks, mut unseen) = (BTreeMap::new(), vec![]);
    let mut listed = store.locks();
    while let Some(lock) = listed.next().await {
        match lock {
            Ok(lock) => drop(locks.insert(lock.id.path.clone(), lock)),
            Err(error) => unseen.push(error),
        }
    }
    (locks, unseen)
}

async fn contents(
    store: &dyn StateStore,
    state: StoredState,
    memory: &Semaphore,
) -> Result<StateContents, StoreError> {
    let StoredState {
        id,
        key,
        is_named_as_state,
        size,
        modified,
    } = state;
    // This semaphore is never closed.
    let Ok(_room) = memory.acquire_many(room(size)).await else {
        return Ok(StateContents::Gone);
    };
    let (holds, is_read, encryption) = match store.read(&id, None, LARGEST_OF_MANY).await {
        Ok(None) => return Ok(StateContents::Gone),
        Ok(Some(state)) => (facts(&state.bytes), true, state.encryption),
        Err(error) => (
            StateContentsKind::Unreadable(error.to_string()),
            false,
            None,
        ),
    };
    let is_no_state = is_read && matches!(holds, StateContentsKind::Unreadable(_));
    if is_no_state && !is_named_as_state {
        return Ok(StateContents::Other);
    }
    Ok(StateContents::State(Box::new(StateEntry {
        id,
        key,
        size,
        modified,
        holds,
        is_read,
        encryption,
    })))
}

pub(super) fn facts(bytes: &[u8]) -> StateContentsKind {
    StateContentsKind::of(StateSnapshot::parse(bytes, SnapshotDetail::Counts))
}

/// Returns the required memory in MiB: the bytes, and the parsed data. A too large state is not
/// read.
pub fn room(size: u64) -> u32 {
    let mib = u32::try_from(size >> 20)
        .unwrap_or(u32::MAX)
        .saturating_add(1);
    mib.min(MEMORY)
}
