//! What a teardown would lose, and the deletion of the folder.
//!
//! The states are locked one after the other, compared with what was looked at, and deleted. The
//! marker goes last, and only if nothing was written meanwhile: a teardown that was interrupted
//! goes on.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use futures_util::StreamExt;

use super::{
    fence::FenceNote,
    file_modes::{entries_below, files_below},
    folder::{FolderMarker, MARKER},
    provider::{LocalError, LocalProvider},
    store::{LocalStore, TEMPORARY, backup_path},
};
use crate::{
    host::bounded::is_absent,
    state::{
        census::StateContentsKind,
        digest,
        layout::DEFAULT_WORKSPACE,
        lock::LockInfo,
        snapshot::{LARGEST, SnapshotDetail, StateSnapshot},
    },
    store::state_store::{StateId, StateLockError, StateStore, StoreError, StoredLock, WriteError},
};

/// A state in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderState {
    pub path: PathBuf,
    pub bytes: Vec<u8>,
    pub holds: StateContentsKind,
}

/// Everything in the folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderCensus {
    pub states: Vec<FolderState>,
    /// Locks that are held by a process.
    pub locks: Vec<StoredLock>,
    /// Copies and lock information beside the states, and notes on states that moved to another
    /// backend.
    pub beside: Vec<PathBuf>,
    /// Files that are none of these: the folder stays, with them.
    pub others: Vec<PathBuf>,
    /// What has the name of a state, and is no regular file: a link, which Terraform follows.
    pub irregular: Vec<PathBuf>,
    /// Folders of other environments in this one.
    pub nested: Vec<PathBuf>,
}

/// What became of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletedFolder {
    /// The states that were deleted.
    pub states: usize,
    /// False if something else is in it: it stays, with its marker.
    pub is_gone: bool,
}

/// A state that was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum NotDeleted {
    #[error("{} is locked", path.display())]
    Locked {
        path: PathBuf,
        lock: Option<Box<StoredLock>>,
    },
    #[error("{} was changed meanwhile", path.display())]
    Changed { path: PathBuf },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Io(#[from] LocalError),
}

impl LocalProvider {
    /// # Errors
    /// If the folder cannot be listed, or a state in it cannot be read.
    pub async fn census(&self) -> Result<FolderCensus, NotDeleted> {
        let mut census = FolderCensus::default();
        for (path, meta) in entries_below(self.state_dir())? {
            if meta.is_dir() {
                continue;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path == self.state_dir().join(MARKER) {
                continue;
            }
            if name == MARKER {
                census.nested.extend(path.parent().map(Path::to_owned));
                continue;
            }
            let failed = |error| LocalError::new("read", &path, error);
            let has_moved = FenceNote::read(&path).map_err(failed)?.is_some();
            let is_left = name.starts_with(TEMPORARY)
                || [".lock.info", ".moved"]
                    .iter()
                    .any(|end| name.ends_with(end));
            if has_moved || is_left || is_copy_of_another(&path) {
                census.beside.push(path);
                continue;
            }
            if !meta.is_file() {
                let is_named = name.ends_with(".tfstate") || path == self.settings.state_path();
                match is_named {
                    true => census.irregular.push(path),
                    false => census.others.push(path),
                }
                continue;
            }
            let store = store_of(&path);
            let id = id_of(&path);
            let bytes = match store.read(&id, None, LARGEST).await? {
                Some(state) => state.bytes,
                None => vec![],
            };
            let holds = StateContentsKind::of(StateSnapshot::parse(&bytes, SnapshotDetail::Counts));
            let is_state = name.ends_with(".tfstate")
                || name.ends_with(BACKUP)
                || path == self.settings.state_path()
                || !matches!(holds, StateContentsKind::Unreadable(_));
            if !is_state {
                census.others.push(path);
                continue;
            }
            let locks: Vec<_> = store.locks().collect().await;
            for lock in locks {
                let lock = lock?;
                // Lock information alone is what a process left that ended.
                if !lock.is_left_behind {
                    census.locks.push(lock);
                }
            }
            census.states.push(FolderState { path, bytes, holds });
        }
        Ok(census)
    }

    /// Deletes what was looked at, and the folder, unless something else is in it.
    ///
    /// # Errors
    /// If a state is locked, or is not what was looked at: it stays, and so does the folder.
    pub async fn delete(
        &self,
        census: &FolderCensus,
        info: &LockInfo,
    ) -> Result<DeletedFolder, NotDeleted> {
        for state in &census.states {
            delete_state(state, info).await?;
        }
        // The store keeps a copy of what it deletes.
        let copies = census.states.iter().map(|state| backup_path(&state.path));
        for path in copies.chain(census.beside.iter().cloned()) {
            remove(&path)?;
        }
        let dir = self.state_dir();
        let marker = dir.join(MARKER);
        let left = entries_below(dir)?.into_iter().find(|(path, meta)| {
            !meta.is_dir() && *path != marker && !census.others.contains(path)
        });
        if let Some((path, _)) = left {
            return Err(NotDeleted::Changed { path });
        }
        for (path, _) in files_below(dir)?
            .iter()
            .rev()
            .filter(|(_, meta)| meta.is_dir())
        {
            remove_if_empty(path)?;
        }
        let is_ours = FolderMarker::read(dir)?.is_some_and(|marker| marker.is_of(&self.marker()));
        let is_gone = is_ours && census.others.is_empty();
        if is_gone {
            remove(&marker)?;
            remove_if_empty(dir)?;
        }
        Ok(DeletedFolder {
            states: census.states.len(),
            is_gone,
        })
    }
}

const BACKUP: &str = ".backup";

/// Returns whether a file is the copy that Terraform keeps of a state that is there, or that moved.
/// A copy without a state may be all that is left of it.
fn is_copy_of_another(path: &Path) -> bool {
    let name = path.to_string_lossy();
    let of = name.strip_suffix(BACKUP).map(Path::new);
    of.is_some_and(|of| fs::symlink_metadata(of).is_ok_and(|meta| meta.len() > 0))
}

async fn delete_state(state: &FolderState, info: &LockInfo) -> Result<(), NotDeleted> {
    let path = || state.path.clone();
    let (store, id) = (store_of(&state.path), id_of(&state.path));
    let guard = store.lock(&id, info).await.map_err(|error| match error {
        StateLockError::Held(lock) => NotDeleted::Locked { path: path(), lock },
        StateLockError::Store(error) => error.into(),
    })?;
    let deleted = match store.read(&id, None, LARGEST).await? {
        None => Ok(()),
        Some(now) if digest::of(&now.bytes) != digest::of(&state.bytes) => Err(WriteError::Changed),
        Some(now) => store.delete(&id, &now.revision, &*guard).await,
    };
    guard.release().await?;
    match deleted {
        Ok(()) => Ok(()),
        Err(WriteError::Changed) => Err(NotDeleted::Changed { path: path() }),
        Err(WriteError::Store(error)) => Err(error.into()),
    }
}

/// One file as a store of its own: the states of a folder belong to several state keys.
fn store_of(path: &Path) -> LocalStore {
    LocalStore::new(path, path.with_extension("no-workspaces"))
}

fn id_of(path: &Path) -> StateId {
    StateId {
        workspace: DEFAULT_WORKSPACE.to_owned(),
        path: path.to_string_lossy().into_owned(),
    }
}

fn remove(path: &Path) -> Result<(), LocalError> {
    match fs::remove_file(path) {
        Err(error) if !is_absent(&error) => Err(LocalError::new("delete", path, error)),
        _ => Ok(()),
    }
}

fn remove_if_empty(path: &Path) -> Result<(), LocalError> {
    match fs::remove_dir(path) {
        Err(error) if !is_absent(&error) && error.kind() != io::ErrorKind::DirectoryNotEmpty => {
            Err(LocalError::new("delete", path, error))
        }
        _ => Ok(()),
    }
}
