//! A backup of all states of a backend, whatever its kind, or of all their versions.

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    manifest::{BackupExtent, ManifestFacts, ManifestHeader, ManifestState},
    write::{ArchiveError, ArchiveWriter, FinishedBackup, finished},
};
use crate::{
    state::snapshot::{LARGEST, SnapshotDetail, StateSnapshot},
    store::{
        inventory::{MEMORY, room},
        state_store::{FetchedState, StateId, StateStore, StoreError, StoredState, StoredVersion},
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

/// How often a state is read that may be just being written, and the pause in between: Terraform
/// writes local states in place.
const TRIES: usize = 20;
const PAUSE: Duration = Duration::from_millis(100);
/// How often a state that cannot be parsed must be the same, and unlocked, to be taken as it is.
const STILL: usize = 4;

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
    let mut listed = BTreeSet::new();
    while let Some(found) = reads.try_next().await? {
        let ReadForBackup {
            state,
            version,
            fetched,
            facts,
            _room,
        } = found;
        let path = state.id.path;
        listed.insert(path.clone());
        if facts.is_none() && !state.is_named_as_state {
            continue;
        }
        let is_current = version.as_ref().is_none_or(|version| version.current);
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
    // A state that is emptied to be written is not listed.
    let mut locks = store.locks();
    while let Some(lock) = locks.next().await {
        let lock = lock?;
        if !lock.is_left_behind && !listed.contains(&lock.id.path) {
            must_not_be_there(store, &lock.id).await?;
        }
    }
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
    let is_old = version.as_ref().is_some_and(|version| !version.current);
    let (mut tries, mut still, mut before) = (0, 0, None);
    let (fetched, facts) = loop {
        tries += 1;
        let fetched = store.read(&state.id, id, LARGEST).await?;
        if let Some(fetched) = fetched {
            let snapshot = StateSnapshot::parse(&fetched.bytes, SnapshotDetail::Counts);
            if snapshot.is_ok() {
                break (fetched, Some(ManifestFacts::of(snapshot)));
            }
            if is_old || !state.is_named_as_state {
                break (fetched, None);
            }
            // Between two writes, half a state may be seen twice.
            let is_same = before.as_ref() == Some(&fetched.revision);
            still = match is_same && !is_locked(store, &state.id).await? {
                true => still + 1,
                false => 0,
            };
            if still == STILL {
                break (fetched, None);
            }
            before = Some(fetched.revision);
        } else if !is_locked(store, &state.id).await? {
            return Err(StatesBackupError::Deleted {
                path: state.id.path,
            });
        }
        if tries == TRIES {
            return Err(StatesBackupError::BeingWritten {
                path: state.id.path,
            });
        }
        tokio::time::sleep(PAUSE.mul_f64(0.5 + fastrand::f64())).await;
    };
    Ok(ReadForBackup {
        state,
        version,
        fetched,
        facts,
        _room: room,
    })
}

async fn is_locked(store: &dyn StateStore, id: &StateId) -> Result<bool, StoreError> {
    let mut locks = store.locks();
    while let Some(lock) = locks.next().await {
        let lock = lock?;
        if lock.id == *id && !lock.is_left_behind {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Of a state that is locked and was not listed: it is a new one, unless it comes to be there. It
/// may be written and unlocked between two looks, so that one look is not enough.
async fn must_not_be_there(store: &dyn StateStore, id: &StateId) -> Result<(), StatesBackupError> {
    let end = Instant::now() + PAUSE * u32::try_from(TRIES).unwrap_or(1);
    let mut still = 0;
    while Instant::now() < end {
        if store.read(id, None, LARGEST).await?.is_some() {
            return Err(StatesBackupError::BeingWritten {
                path: id.path.clone(),
            });
        }
        still = if is_locked(store, id).await? {
            0
        } else {
            still + 1
        };
        if still == STILL {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
