//! States and locks of the `local` backend (Terraform: `internal/states/statemgr/filesystem.go`
//! and `internal/backend/local/backend.go`).
//!
//! - The state of the default workspace is at `path`, all others at
//!   `<workspace_dir>/<workspace>/terraform.tfstate`.
//! - The lock is a POSIX record lock on the state file itself (`fcntl`, `F_WRLCK`, the whole file).
//!   `.<name>.lock.info` beside it says who holds it. It ends with the process that holds it, so
//!   that a lock of another process cannot be released. A file without a state is removed with the
//!   lock.
//! - A state that moved to another backend leaves a note in its place, which is listed as a lock (see
//!   `fence`).
//! - A state is replaced as a whole, so that a crash or a full disk leaves the old one or the new
//!   one. A run that waits for the lock has the old file open; it is stopped with a message. The
//!   state before is kept as `<path>.backup` first.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures_util::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};

use super::fence::{self, FenceNote, note_path};
use crate::{
    host::{
        bounded::{self, is_absent},
        private_file,
    },
    kind::BackendKind,
    state::{digest, layout::DEFAULT_WORKSPACE, lock::LockInfo},
    store::state_store::{
        Capabilities, Expected, FetchedState, LockGuard, Release, Revision, StateId,
        StateLockError, StateStore, StoreError, StoredLock, StoredState, StoredVersion,
        UnknownHolder, VersionId, WriteError,
    },
    terraform::read::saved::is_workspace,
};
use file::{
    failed, folder, length, must_be, must_not_be_linked, open_to_read, open_to_write, read_all,
    remove, replace, text, timestamp,
};
use locked::{
    HeldFile, LocalLock, fcntl_lock, held_for, holder, lock_file, locked_files, locked_here,
    registered,
};

mod file;
mod locked;

pub(super) use file::{TEMPORARY, backup_path, info_path};

/// The file name of a state, unless `path` says another one.
pub const STATE_FILE: &str = "terraform.tfstate";
/// The folder of the other workspaces, unless `workspace_dir` says another one.
pub const WORKSPACE_DIR: &str = "terraform.tfstate.d";
/// More workspaces than a folder has: a listing ends there.
const MOST: usize = 100_000;
/// How long a state under a lock may be empty while it is written. A new state is empty until its
/// first run ends.
const EMPTIED: Duration = Duration::from_millis(300);
/// How long a state under a lock may be half written.
const HALF: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(20);

/// What every store of this kind can do.
pub const CAPABILITIES: Capabilities = Capabilities {
    list: true,
    versions: false,
    conditional_write: true,
    lock_info: true,
    release: false,
};

/// The states of one `backend "local"` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalStore {
    path: PathBuf,
    workspace_dir: PathBuf,
}

impl LocalStore {
    /// `path` and `workspace_dir` as in the block, resolved against the folder of the
    /// configuration.
    pub fn new(path: impl Into<PathBuf>, workspace_dir: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            workspace_dir: workspace_dir.into(),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn workspace_dir(&self) -> &Path {
        &self.workspace_dir
    }

    /// Returns whether the state of a workspace moved from here to another backend.
    pub fn has_moved(&self) -> bool {
        let mut paths = vec![self.path.clone()];
        paths.extend(
            self.workspaces()
                .into_iter()
                .flatten()
                .map(|(_, path)| path),
        );
        paths.iter().any(|path| matches!(fence(path), Ok(Some(_))))
    }

    /// The states that exist. An empty file is none: it is what a lock on a new state leaves.
    async fn states(&self) -> Result<Vec<StoredState>, StoreError> {
        let mut places = vec![(DEFAULT_WORKSPACE.to_owned(), self.path.clone())];
        places.extend(self.workspaces()?);
        let mut states = vec![];
        for (workspace, path) in places {
            states.extend(state_at(workspace, &path).await?);
        }
        states.sort_by(|a, b| a.id.path.cmp(&b.id.path));
        Ok(states)
    }

    /// The workspaces that have a folder, and where their states are.
    fn workspaces(&self) -> Result<Vec<(String, PathBuf)>, StoreError> {
        let entries = match fs::read_dir(&self.workspace_dir) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(vec![]),
            Err(error) => return Err(failed("list", &self.workspace_dir, error)),
        };
        let mut workspaces = vec![];
        for entry in entries.take(MOST) {
            let entry = entry.map_err(|error| failed("list", &self.workspace_dir, error))?;
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if let (true, Ok(workspace)) = (is_folder, entry.file_name().into_string())
                && is_workspace(&workspace)
                && workspace != DEFAULT_WORKSPACE
            {
                workspaces.push((workspace, entry.path().join(STATE_FILE)));
            }
        }
        workspaces.sort();
        Ok(workspaces)
    }

    /// The lock on a state file, if another process holds it, or a file says so.
    fn lock_on(&self, id: &StateId) -> Result<Option<StoredLock>, StoreError> {
        let path = Path::new(&id.path);
        if let Some(note) = fence(path)? {
            return Ok(Some(StoredLock {
                id: id.clone(),
                info: Ok(note.lock.clone()),
                places: vec![text(path)],
                revision: Revision::new(format!("fence {}", digest::of(note.to_text().as_bytes()))),
                modified: None,
                is_left_behind: false,
            }));
        }
        let info_path = info_path(path);
        let raw = match bounded::bytes(&info_path) {
            Ok(bytes) => Some(bytes),
            Err(error) if is_absent(&error) => None,
            Err(error) => return Err(failed("read", &info_path, error)),
        };
        let holder = match locked_here(path) {
            Some(_) => Some(std::process::id()),
            None => holder(path)?,
        };
        if raw.is_none() && holder.is_none() {
            return Ok(None);
        }
        let mut places = vec![];
        if let Some(pid) = holder {
            places.push(format!("{} (process {pid})", path.display()));
        }
        if raw.is_some() {
            places.push(text(&info_path));
        }
        let raw = raw.unwrap_or_default();
        Ok(Some(StoredLock {
            id: id.clone(),
            info: LockInfo::parse(&raw).map_err(UnknownHolder::from),
            places,
            modified: fs::symlink_metadata(&info_path)
                .and_then(|meta| meta.modified())
                .ok()
                .and_then(timestamp),
            is_left_behind: holder.is_none(),
            revision: Revision::new(format!(
                "{} {}",
                holder.map_or_else(|| "-".to_owned(), |pid| pid.to_string()),
                digest::of(&raw)
            )),
        }))
    }
}

/// The state in this place, or none.
async fn state_at(workspace: String, path: &Path) -> Result<Option<StoredState>, StoreError> {
    let end = Instant::now() + EMPTIED;
    loop {
        let meta = match fs::symlink_metadata(path) {
            Ok(meta) => meta,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(failed("read", path, error)),
        };
        let note = fence(path)?;
        if note.is_none() {
            must_not_be_linked(path, &meta)?;
        }
        let is_moved = note.is_some();
        let size = match note {
            Some(note) => copy(&note, path)?.map_or(0, |state| length(&state)),
            None if meta.is_file() => meta.len(),
            None => 0,
        };
        // What is in the place of a state and no file is an error of the read.
        if size > 0 || !(meta.is_file() || meta.is_symlink()) {
            return Ok(Some(StoredState {
                id: StateId {
                    workspace,
                    path: text(path),
                },
                key: None,
                is_named_as_state: true,
                size,
                modified: meta.modified().ok().and_then(timestamp),
            }));
        }
        if is_moved || !may_be_written(path, 0, end).await? {
            return Ok(None);
        }
    }
}

fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
}

/// Terraform empties a state before it writes it, under its lock. Returns whether a file of which
/// `read` bytes were there is to be looked at again: it is written meanwhile, or may be until `end`.
async fn may_be_written(path: &Path, read: usize, end: Instant) -> Result<bool, StoreError> {
    // Closing another descriptor of a file that this process has locked would release the lock.
    if locked_here(path).is_some() || Instant::now() >= end {
        return Ok(false);
    }
    if holder(path)?.is_none() {
        let is_same = |meta: fs::Metadata| usize::try_from(meta.len()).is_ok_and(|now| now == read);
        return Ok(fs::metadata(path).is_ok_and(|meta| !is_same(meta)));
    }
    tokio::time::sleep(LOOK).await;
    Ok(true)
}

#[async_trait]
impl StateStore for LocalStore {
    fn kind(&self) -> BackendKind {
        BackendKind::Local
    }

    fn location(&self) -> Vec<(&'static str, String)> {
        vec![
            ("path", text(&self.path)),
            ("workspace_dir", text(&self.workspace_dir)),
        ]
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn concurrency(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }

    fn locate(&self, workspace: &str) -> Result<StateId, StoreError> {
        if !is_workspace(workspace) {
            return Err(StoreError::Workspace(workspace.to_owned()));
        }
        let path = if workspace == DEFAULT_WORKSPACE {
            self.path.clone()
        } else {
            self.workspace_dir.join(workspace).join(STATE_FILE)
        };
        Ok(StateId {
            workspace: workspace.to_owned(),
            path: text(&path),
        })
    }

    fn list(&self) -> BoxStream<'_, Result<StoredState, StoreError>> {
        stream::once(self.states())
            .map_ok(|states| stream::iter(states.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    async fn read(
        &self,
        id: &StateId,
        version: Option<&VersionId>,
        max: usize,
    ) -> Result<Option<FetchedState>, StoreError> {
        if let Some(version) = version {
            return Err(StoreError::NoVersion(version.clone()));
        }
        let path = Path::new(&id.path);
        if let Some(note) = fence(path)? {
            return moved_state(&note, path, max);
        }
        // Closing another descriptor of a file that this process has locked would release the
        // lock.
        let locked = locked_here(path);
        let start = Instant::now();
        let (bytes, modified) = loop {
            let read = match &locked {
                Some(file) => read_all(&mut lock_file(file).file, path, max)?,
                None => match open_to_read(path) {
                    Ok(mut file) => read_all(&mut file, path, max)?,
                    Err(error) if is_absent(&error) => return Ok(None),
                    Err(error) => return Err(failed("read", path, error)),
                },
            };
            let limit = match read.0.is_empty() {
                true => EMPTIED,
                false if is_json(&read.0) => break read,
                false => HALF,
            };
            if !may_be_written(path, read.0.len(), start + limit).await? {
                break read;
            }
        };
        if bytes.is_empty() {
            return Ok(None);
        }
        Ok(Some(FetchedState {
            revision: Revision::new(digest::of(&bytes)),
            bytes,
            version: None,
            modified,
            encryption: None,
        }))
    }

    fn versions(&self, _: &StateId) -> BoxStream<'_, Result<StoredVersion, StoreError>> {
        stream::iter([Err(StoreError::Unsupported {
            kind: BackendKind::Local,
            what: "keep versions",
        })])
        .boxed()
    }

    async fn write(
        &self,
        id: &StateId,
        bytes: &[u8],
        expected: Expected<'_>,
        lock: &dyn LockGuard,
    ) -> Result<Revision, WriteError> {
        let path = Path::new(&id.path);
        let held = held_for(id, lock)?;
        let mut held = lock_file(&held);
        must_be(&mut held.file, path, expected)?;
        let note = fence::replaced_state();
        replace(&mut held.file, path, bytes, note.as_bytes())
            .map_err(|error| failed("write", path, error))?;
        Ok(Revision::new(digest::of(bytes)))
    }

    async fn delete(
        &self,
        id: &StateId,
        expected: &Revision,
        lock: &dyn LockGuard,
    ) -> Result<(), WriteError> {
        let path = Path::new(&id.path);
        let held = held_for(id, lock)?;
        let mut held = lock_file(&held);
        must_be(&mut held.file, path, Expected::Exactly(expected))?;
        // The lock goes with the last descriptor, which the guard has: the file is emptied, and
        // removed when the lock is released.
        let empty = |file: &mut File| {
            file.set_len(0)?;
            file.sync_all()
        };
        empty(&mut held.file).map_err(|error| failed("write", path, error))?;
        held.remove_if_empty = true;
        Ok(())
    }

    fn locks(&self) -> BoxStream<'_, Result<StoredLock, StoreError>> {
        let ids = self.workspaces().map(|workspaces| {
            let mut ids = vec![(DEFAULT_WORKSPACE.to_owned(), self.path.clone())];
            ids.extend(workspaces);
            ids
        });
        match ids {
            Ok(ids) => stream::iter(ids.into_iter().filter_map(|(workspace, path)| {
                let id = StateId {
                    workspace,
                    path: text(&path),
                };
                self.lock_on(&id).transpose()
            }))
            .boxed(),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    async fn lock<'a>(
        &'a self,
        id: &StateId,
        info: &LockInfo,
    ) -> Result<Box<dyn LockGuard + 'a>, StateLockError> {
        let path = Path::new(&id.path);
        if fence(path)?.is_some() {
            return Err(StateLockError::Held(self.lock_on(id)?.map(Box::new)));
        }
        let has_state = fs::symlink_metadata(path).is_ok_and(|meta| meta.len() > 0);
        // Missing folders are for their owner alone: states have secrets.
        private_file::create_dir(folder(path))
            .map_err(|error| failed("create the folder of", path, error))?;
        let key = registered(path).map_err(|error| failed("lock", path, error))?;
        let mut table = locked_files();
        if table.contains_key(&key) {
            drop(table);
            return Err(StateLockError::Held(self.lock_on(id)?.map(Box::new)));
        }
        let file = open_to_write(path).map_err(|error| failed("open", path, error))?;
        if let Err(error) = fcntl_lock(&file) {
            let held = matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::PermissionDenied
            );
            drop(file);
            drop(table);
            if held {
                return Err(StateLockError::Held(self.lock_on(id)?.map(Box::new)));
            }
            return Err(failed("lock", path, error).into());
        }
        // Meanwhile the state may have moved away.
        if !is_at(&file, path) || note_in(&file) {
            drop(file);
            drop(table);
            return Err(StateLockError::Held(self.lock_on(id)?.map(Box::new)));
        }
        let info = LockInfo {
            path: text(path),
            ..info.clone()
        };
        let info_path = info_path(path);
        if let Err(error) = private_file::write(&info_path, info.to_go_json().as_bytes(), true) {
            return Err(failed("write", &info_path, error).into());
        }
        let held = HeldFile {
            file,
            remove_if_empty: !has_state,
        };
        table.insert(key.clone(), Arc::new(Mutex::new(held)));
        Ok(Box::new(LocalLock {
            id: id.clone(),
            info,
            key,
        }))
    }

    async fn release(&self, lock: &StoredLock) -> Result<Release, StoreError> {
        let path = Path::new(&lock.id.path);
        let Some(now) = self.lock_on(&lock.id)? else {
            return Ok(Release::AlreadyReleased);
        };
        if now.revision != lock.revision {
            return Ok(Release::Changed);
        }
        if let Some(note) = fence(path)? {
            put_back(&note, path)?;
            return Ok(Release::Released);
        }
        if locked_here(path).is_some() || holder(path)?.is_some() {
            return Err(StoreError::Unsupported {
                kind: BackendKind::Local,
                what: "release a lock that a running process holds: end that process",
            });
        }
        // The process that held it is gone, and left the file that says so.
        remove(&info_path(path)).map_err(|error| failed("remove", &info_path(path), error))?;
        Ok(Release::Released)
    }
}

/// The note in the place of a state that moved. A file that this process has locked has none, and
/// is not opened: closing it would release the lock.
fn fence(path: &Path) -> Result<Option<FenceNote>, StoreError> {
    if locked_here(path).is_some() {
        return Ok(None);
    }
    FenceNote::read(path).map_err(|error| failed("read", path, error))
}

/// The state that moved, as far as its copy is still there.
fn copy(note: &FenceNote, path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    note.state(path)
        .map_err(|error| failed("read", &backup_path(path), error))
}

fn moved_state(
    note: &FenceNote,
    path: &Path,
    max: usize,
) -> Result<Option<FetchedState>, StoreError> {
    let Some(bytes) = copy(note, path)? else {
        return Ok(None);
    };
    if bytes.len() > max {
        return Err(StoreError::TooLarge {
            path: text(path),
            max,
        });
    }
    Ok(Some(FetchedState {
        revision: Revision::new(digest::of(&bytes)),
        bytes,
        version: None,
        modified: None,
        encryption: None,
    }))
}

/// Puts the state back that moved.
fn put_back(note: &FenceNote, path: &Path) -> Result<(), StoreError> {
    let Some(bytes) = copy(note, path)? else {
        let (backup, digest) = (backup_path(path), &note.digest);
        return Err(StoreError::Failed {
            message: format!(
                "cannot release {0}: {1} is not the state that moved (MD5 {digest}); if you do not \
                 need that state here, delete {0}",
                path.display(),
                backup.display()
            ),
            source: None,
        });
    };
    private_file::write(path, &bytes, true).map_err(|error| failed("write", path, error))?;
    if note.is_link {
        remove(&note_path(path)).map_err(|error| failed("remove", &note_path(path), error))?;
    }
    Ok(())
}

/// Returns whether a file that was opened is still the one at its path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let same = |one: &fs::Metadata, other: &fs::Metadata| {
        (one.dev(), one.ino()) == (other.dev(), other.ino())
    };
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(one), Ok(other)) => same(&one, &other),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// Returns whether the file has the note of a state that moved. It stays open.
fn note_in(mut file: &File) -> bool {
    let mut bytes = vec![];
    let read = file
        .seek(SeekFrom::Start(0))
        .and_then(|_| file.take(64 * 1024).read_to_end(&mut bytes));
    read.is_ok() && FenceNote::of_text(&bytes).is_some()
}
