//! Reads both sides, without a lock: every state and every lock.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::TryStreamExt;

use super::{
    Migration, MovePath, is_lock_of, moved_to,
    plan::{
        KnownState, LockSighting, MigrationPlan, PlannedMove, StateContent, StateSighting, decide,
    },
};
use crate::{
    state::{
        digest,
        snapshot::{LARGEST, SnapshotDetail, StateFile, StateSnapshot},
    },
    store::state_store::{FetchedState, StateId, StateStore, StoreError, StoredLock},
};

impl Migration<'_> {
    /// What happens to each workspace, or to those of `only`.
    ///
    /// # Errors
    /// If a side cannot be listed or read.
    pub async fn plan(&self, only: Option<&BTreeSet<String>>) -> Result<MigrationPlan, StoreError> {
        let source_locks = locks(self.source).await?;
        let destination_locks = locks(self.destination).await?;
        let mut workspaces = BTreeSet::new();
        for store in [self.source, self.destination] {
            let states: Vec<_> = store.list().try_collect().await?;
            workspaces.extend(states.into_iter().map(|state| state.id.workspace));
        }
        workspaces.extend(source_locks.keys().map(|id| id.workspace.clone()));
        workspaces.retain(|workspace| only.is_none_or(|only| only.contains(workspace)));
        let mut moves = vec![];
        for workspace in workspaces {
            let path = self.path(&workspace)?;
            let source = sighting(
                self.source,
                &path.source,
                self.judge_source(&path, source_locks.get(&path.source)),
            )
            .await?;
            let destination = sighting(
                self.destination,
                &path.destination,
                self.judge_destination(&path, destination_locks.get(&path.destination)),
            )
            .await?;
            if let Some(action) = decide(&source, &destination) {
                moves.push(PlannedMove {
                    workspace,
                    source,
                    destination,
                    action,
                });
            }
        }
        Ok(MigrationPlan { moves })
    }

    fn judge_source(&self, path: &MovePath, lock: Option<&StoredLock>) -> LockSighting {
        match lock.filter(|lock| !lock.is_left_behind) {
            None => LockSighting::Free,
            Some(lock) if is_lock_of(lock, &self.source_info(path).info) => {
                LockSighting::Ours(lock.clone())
            }
            Some(lock) => LockSighting::Other(lock.clone()),
        }
    }

    fn judge_destination(&self, path: &MovePath, lock: Option<&StoredLock>) -> LockSighting {
        match lock.filter(|lock| !lock.is_left_behind) {
            None => LockSighting::Free,
            Some(lock) if is_lock_of(lock, &self.destination_info(path).info) => {
                LockSighting::Ours(lock.clone())
            }
            Some(lock) if is_lock_of(lock, &moved_to(&self.source.address(&path.source))) => {
                LockSighting::WayBack(lock.clone())
            }
            Some(lock) => LockSighting::Other(lock.clone()),
        }
    }
}

async fn locks(store: &dyn StateStore) -> Result<BTreeMap<StateId, StoredLock>, StoreError> {
    let locks: Vec<_> = store.locks().try_collect().await?;
    Ok(locks
        .into_iter()
        .map(|lock| (lock.id.clone(), lock))
        .collect())
}

async fn sighting(
    store: &dyn StateStore,
    id: &StateId,
    lock: LockSighting,
) -> Result<StateSighting, StoreError> {
    Ok(StateSighting {
        id: id.clone(),
        address: store.address(id),
        content: content(store.read(id, None, LARGEST).await?.as_ref()),
        lock,
    })
}

/// What identifies the state that was read.
pub(super) fn content(read: Option<&FetchedState>) -> StateContent {
    let Some(state) = read else {
        return StateContent::Absent;
    };
    let snapshot = match StateSnapshot::parse(&state.bytes, SnapshotDetail::Counts) {
        Ok(snapshot) => snapshot,
        Err(error) => return StateContent::Unreadable(error.to_string()),
    };
    StateContent::Known(KnownState {
        revision: state.revision.clone(),
        digest: digest::of(&state.bytes),
        size: u64::try_from(state.bytes.len()).unwrap_or(u64::MAX),
        lineage: snapshot.lineage.filter(|lineage| !lineage.is_empty()),
        serial: snapshot.serial,
        resources: match snapshot.contents {
            StateFile::Known(counts) => Some(counts.managed),
            StateFile::Encrypted | StateFile::OtherFormat => None,
        },
    })
}
