//! The history of a state in a backend of any kind: its versions, newest first, with their facts.

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::{
    inventory::{MEMORY, facts, room},
    state_store::{AtRestEncryption, StateId, StateStore, StoreError, StoredVersion, VersionId},
};
use crate::state::census::StateContentsKind;
use crate::state::snapshot::LARGEST_OF_MANY;

/// One version of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateVersion {
    pub id: VersionId,
    pub modified: Option<Timestamp>,
    /// This is what a reader gets now.
    pub current: bool,
    pub what: VersionKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionKind {
    Deleted,
    Written {
        size: u64,
        holds: StateContentsKind,
        /// Unknown if the version could not be read, or its kind does not say.
        encryption: Option<AtRestEncryption>,
    },
}

/// The newest versions of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateHistory {
    pub versions: Vec<StateVersion>,
    /// How many there are, also of those that were not read.
    pub count: usize,
}

impl StateVersion {
    pub fn holds(&self) -> Option<&StateContentsKind> {
        match &self.what {
            VersionKind::Deleted => None,
            VersionKind::Written { holds, .. } => Some(holds),
        }
    }

    pub fn serial(&self) -> Option<u64> {
        self.holds()?.facts()?.serial
    }
}

impl StateHistory {
    /// Reads the newest `limit` versions.
    ///
    /// # Errors
    /// If they cannot be listed. An unreadable version is part of the result.
    pub async fn read(
        store: &dyn StateStore,
        id: &StateId,
        limit: usize,
    ) -> Result<Self, StoreError> {
        let versions: Vec<StoredVersion> = store.versions(id).try_collect().await?;
        let count = versions.len();
        let memory = Semaphore::new(usize::try_from(MEMORY).unwrap_or(usize::MAX));
        let newest = versions.into_iter().take(limit);
        let reads = stream::iter(newest)
            .map(|version| read(store, id, version, &memory))
            .buffered(store.concurrency().get());
        Ok(Self {
            versions: reads
                .filter_map(|version| async { version })
                .collect()
                .await,
            count,
        })
    }
}

/// Returns `None` if it was deleted after it was listed.
async fn read(
    store: &dyn StateStore,
    id: &StateId,
    version: StoredVersion,
    memory: &Semaphore,
) -> Option<StateVersion> {
    let StoredVersion {
        id: version,
        modified,
        current,
        size,
    } = version;
    let what = match size {
        None => VersionKind::Deleted,
        Some(size) => {
            // This semaphore is never closed.
            let _room = memory.acquire_many(room(size)).await.ok()?;
            let (holds, encryption) = match store.read(id, Some(&version), LARGEST_OF_MANY).await {
                Ok(None) | Err(StoreError::NoVersion(_)) => return None,
                Ok(Some(state)) => (facts(&state.bytes), state.encryption),
                Err(error) => (StateContentsKind::Unreadable(error.to_string()), None),
            };
            VersionKind::Written {
                size,
                holds,
                encryption,
            }
        }
    };
    Some(StateVersion {
        id: version,
        modified,
        current,
        what,
    })
}
