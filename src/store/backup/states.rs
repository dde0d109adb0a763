//! A backup of all states of a backend, whatever its kind, or of all their versions.

use std::{collections::BTreeSet, path::Path};

use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    manifest::{BackupExtent, ManifestFacts, ManifestHeader, ManifestState},
    write::{ArchiveError, ArchiveWriter, FinishedBackup, finished},
};
use crate::{
    state::snapshot::{SnapshotDetail, StateSnapshot},
    store::{
        inventory::{LARGEST, MEMORY, room},
        state_store::{FetchedState, StateStore, StoreError, StoredState, StoredVersion},
    },
};

/// A finished backup, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatesBackup {
    pub file: FinishedBackup,
    pub states: usize,
    /// One for each state, or more with their history.
    pub versions: usize,
    /// The size of all versions, unpacked.
    pub bytes: u64,
    /// Paths of the states that were locked at the beginning: a run may have written them since.
    pub locked: BTreeSet<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum StatesBackupError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{path} was deleted during the backup")]
    Deleted { path: String },
    /// A local state is written in place.
    #[error("{path} is locked, and a Terraform run is writing it")]
    BeingWritten { path: String },
    #[error(transparent)]
    NotWritten(#[from] ArchiveError),
}

/// A version that was read. The permits are those of its bytes in memory.
struct ReadForBackup<'s> {
    state: StoredState,
    version: Option<StoredVersion>,
    fetched: FetchedState,
    facts: Option<ManifestFacts>,
    _room: Option<SemaphorePermit<'s>>,
}

/// Writes all states to one archive in `dir`, with the versions that `header` says.
///
/// It reads a few at the same time and writes them in the order of their paths; then it syncs the
/// archive, reads it back, and renames it. Nothing is locked: each state is as it was when it was
/// read. What is listed beside the states, and is none, is left out.
///
/// # Errors
/// If anything cannot be listed, read or written, or differs when it is read back. There is no file
/// then: a backup is complete.
pub async fn write(
    store: &dyn StateStore,
    dir: &Path,
    header: ManifestHeader,
) -> Result<StatesBackup, StatesBackupError> {
    let mut locked = BTreeSet::new();
    let mut locks = store.locks();
    while let Some(lock) = locks.next().await {
        let lock = lock?;
        if !lock.is_left_behind {
            locked.insert(lock.id.path);
        }
    }
    let extent = header.extent;
    let mut archive = ArchiveWriter::begin(dir, header)?;
    let memory = Semaphore::new(usize::try_from(MEMORY).unwrap_or(usize::MAX));
    let memory = &memory;
    let mut reads = wanted(store, extent)
        .map_err(StatesBackupError::from)
        .map_ok(|(state, version)| read(store, state, version, memory))
        .try_buffered(store.concurrency().get());
    let (mut states, mut versions, mut bytes) = (0, 0, 0);
    let mut last = None;
    while let Some(found) = reads.try_next().await? {
        let ReadForBackup {
            state,
            version,
            fetched,
            facts,
            _room,
        } = found;
        let path = state.id.path;
        if facts.is_none() && !state.is_named_as_state {
            continue;
        }
        let is_current = version.as_ref().is_none_or(|version| version.current);
        if facts.is_none() && is_current && locked.contains(&path) {
            return Err(StatesBackupError::BeingWritten { path });
        }
        if last.as_ref() != Some(&path) {
            states += 1;
            last = Some(path.clone());
        }
        let size = u64::try_from(fetched.bytes.len()).unwrap_or(u64::MAX);
        let entry = ManifestState {
            path,
            workspace: state.id.workspace,
            version: version
                .as_ref()
                .map(|version| version.id.to_string())
                .or_else(|| fetched.version.map(|version| version.to_string())),
            current: is_current,
            modified: version
                .and_then(|version| version.modified)
                .or(fetched.modified)
                .or(state.modified),
            facts: facts.unwrap_or_default(),
            digest: None,
        };
        archive.add(entry, size, &*fetched.bytes)?;
        versions += 1;
        bytes += size;
    }
    drop(reads);
    // Locks on states that are not there are of no concern here.
    Ok(StatesBackup {
        file: finished(archive).await?,
        states,
        versions,
        bytes,
        locked,
    })
}

/// What is to be read: the current states, or each of their versions.
fn wanted(
    store: &dyn StateStore,
    extent: BackupExtent,
) -> BoxStream<'_, Result<(StoredState, Option<StoredVersion>), StoreError>> {
    let states = store.list();
    match extent {
        BackupExtent::Current => states.map_ok(|state| (state, None)).boxed(),
        BackupExtent::AllVersions => states
            .map_ok(move |state| {
                let id = state.id.clone();
                futures_util::stream::once(async move {
                    let versions: Vec<StoredVersion> = store.versions(&id).try_collect().await?;
                    let versions = versions
                        .into_iter()
                        .filter(|version| version.size.is_some());
                    let each = versions.map(move |version| Ok((state.clone(), Some(version))));
                    Ok::<_, StoreError>(futures_util::stream::iter(each.collect::<Vec<_>>()))
                })
                .try_flatten()
            })
            .try_flatten()
            .boxed(),
    }
}

async fn read<'s>(
    store: &dyn StateStore,
    state: StoredState,
    version: Option<StoredVersion>,
    memory: &'s Semaphore,
) -> Result<ReadForBackup<'s>, StatesBackupError> {
    let size = version.as_ref().and_then(|version| version.size);
    // The semaphore is never closed.
    let room = memory
        .acquire_many(room(size.unwrap_or(state.size)))
        .await
        .ok();
    let id = version.as_ref().map(|version| &version.id);
    let Some(fetched) = store.read(&state.id, id, LARGEST).await? else {
        return Err(StatesBackupError::Deleted {
            path: state.id.path,
        });
    };
    let snapshot = StateSnapshot::parse(&fetched.bytes, SnapshotDetail::Counts);
    let facts = snapshot.is_ok().then(|| ManifestFacts::of(snapshot));
    Ok(ReadForBackup {
        state,
        version,
        fetched,
        facts,
        _room: room,
    })
}
