//! States and locks of the `local` backend (Terraform: `internal/states/statemgr/filesystem.go`
//! and `internal/backend/local/backend.go`).
//!
//! - The state of the default workspace is at `path`, all others at
//!   `<workspace_dir>/<workspace>/terraform.tfstate`.
//! - The lock is a POSIX record lock on the state file itself (`fcntl`, `F_WRLCK`, the whole file).
//!   `.<name>.lock.info` beside it says who holds it. It ends with the process that holds it, so
//!   that a lock of another process cannot be released.
//! - The file is written in place: a run that waits for the lock has it open already, and would
//!   write to a file that a rename replaced. The state before is kept as `<path>.backup` first.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use jiff::Timestamp;

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

/// The file name of a state, unless `path` says another one.
pub const STATE_FILE: &str = "terraform.tfstate";
/// The folder of the other workspaces, unless `workspace_dir` says another one.
pub const WORKSPACE_DIR: &str = "terraform.tfstate.d";
/// More workspaces than a folder has: a listing ends there.
const MOST: usize = 100_000;

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

    /// The states that exist. An empty file is none: it is what a lock on a new state leaves.
    fn states(&self) -> Result<Vec<StoredState>, StoreError> {
        let mut states = vec![];
        let mut add = |workspace: String, path: PathBuf| {
            let meta = match fs::symlink_metadata(&path) {
                Ok(meta) => meta,
                Err(error) if is_absent(&error) => return Ok(()),
                Err(error) => return Err(failed("read", &path, error)),
            };
            must_not_be_linked(&path, &meta)?;
            if meta.is_file() && meta.len() > 0 {
                states.push(StoredState {
                    id: StateId {
                        workspace,
                        path: text(&path),
                    },
                    key: None,
                    is_named_as_state: true,
                    size: meta.len(),
                    modified: meta.modified().ok().and_then(timestamp),
                });
            }
            Ok(())
        };
        add(DEFAULT_WORKSPACE.to_owned(), self.path.clone())?;
        for (workspace, path) in self.workspaces()? {
            add(workspace, path)?;
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
        Capabilities {
            list: true,
            versions: false,
            conditional_write: true,
            lock_info: true,
            release: false,
        }
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
        match self.states() {
            Ok(states) => stream::iter(states.into_iter().map(Ok)).boxed(),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
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
        // Closing another descriptor of a file that this process has locked would release the
        // lock.
        let locked = locked_here(path);
        let (bytes, modified) = match &locked {
            Some(file) => read_all(&mut lock_file(file).file, path, max)?,
            None => match open_to_read(path) {
                Ok(mut file) => read_all(&mut file, path, max)?,
                Err(error) if is_absent(&error) => return Ok(None),
                Err(error) => return Err(failed("read", path, error)),
            },
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
        let write = |file: &mut File| {
            file.seek(SeekFrom::Start(0))?;
            file.write_all(bytes)?;
            file.set_len(u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
            file.sync_all()
        };
        write(&mut held.file).map_err(|error| failed("write", path, error))?;
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
        let existed = fs::symlink_metadata(path).is_ok();
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
            remove_if_empty: !existed,
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

/// A lock of this process.
#[derive(Debug)]
struct LocalLock {
    id: StateId,
    info: LockInfo,
    key: PathBuf,
}

#[async_trait]
impl LockGuard for LocalLock {
    fn info(&self) -> &LockInfo {
        &self.info
    }

    fn id(&self) -> &StateId {
        &self.id
    }

    async fn release(self: Box<Self>) -> Result<Release, StoreError> {
        let path = Path::new(&self.id.path);
        let info_path = info_path(path);
        let ours = match bounded::bytes(&info_path) {
            Ok(bytes) => LockInfo::parse(&bytes).is_ok_and(|info| info.id == self.info.id),
            Err(error) if is_absent(&error) => false,
            Err(error) => return Err(failed("read", &info_path, error)),
        };
        if ours {
            remove(&info_path).map_err(|error| failed("remove", &info_path, error))?;
        }
        let mut table = locked_files();
        let Some(file) = table.get(&self.key) else {
            return Ok(Release::AlreadyReleased);
        };
        let unused = {
            let held = lock_file(file);
            held.remove_if_empty && held.file.metadata().is_ok_and(|meta| meta.len() == 0)
        };
        if unused {
            remove(path).map_err(|error| failed("remove", path, error))?;
        }
        table.remove(&self.key);
        Ok(Release::Released)
    }
}

impl Drop for LocalLock {
    /// Closes the file, and with it the lock. `.lock.info` stays, as when a process dies.
    fn drop(&mut self) {
        locked_files().remove(&self.key);
    }
}

type LockedFile = Arc<Mutex<HeldFile>>;

/// An open state file, and with it the lock.
#[derive(Debug)]
struct HeldFile {
    file: File,
    /// As Terraform does with a file that only the lock created; and after a deletion.
    remove_if_empty: bool,
}

/// The files that this process has locked: a record lock belongs to the process, so that it does
/// not keep out another task, and ends when *any* descriptor of the file is closed.
static LOCKED: Mutex<BTreeMap<PathBuf, LockedFile>> = Mutex::new(BTreeMap::new());

fn locked_files() -> MutexGuard<'static, BTreeMap<PathBuf, LockedFile>> {
    LOCKED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The file, if this process has locked it.
fn locked_here(path: &Path) -> Option<LockedFile> {
    let key = registered(path).ok()?;
    locked_files().get(&key).cloned()
}

fn lock_file(file: &LockedFile) -> MutexGuard<'_, HeldFile> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The name of a file in [`LOCKED`]: its real folder and its name.
fn registered(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default();
    Ok(folder(path).canonicalize()?.join(name))
}

fn held_for(id: &StateId, lock: &dyn LockGuard) -> Result<LockedFile, StoreError> {
    let path = Path::new(&id.path);
    let file = if lock.id() == id {
        locked_here(path)
    } else {
        None
    };
    file.ok_or_else(|| {
        failed(
            "write",
            path,
            io::Error::other("the lock on this state is not held"),
        )
    })
}

/// Compares what is there with what is expected, and keeps a copy of it.
fn must_be(file: &mut File, path: &Path, expected: Expected<'_>) -> Result<(), WriteError> {
    let (now, _) = read_all(file, path, usize::MAX)?;
    let is_expected = match expected {
        Expected::Absent => now.is_empty(),
        Expected::Exactly(revision) => !now.is_empty() && digest::of(&now) == revision.as_str(),
    };
    if !is_expected {
        return Err(WriteError::Changed);
    }
    if !now.is_empty() {
        let backup = backup_path(path);
        private_file::write(&backup, &now, true)
            .map_err(|error| failed("write", &backup, error))?;
    }
    Ok(())
}

fn read_all(
    file: &mut File,
    path: &Path,
    max: usize,
) -> Result<(Vec<u8>, Option<Timestamp>), StoreError> {
    let mut read = || {
        file.seek(SeekFrom::Start(0))?;
        let modified = file.metadata()?.modified().ok().and_then(timestamp);
        let mut bytes = vec![];
        let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
        Read::by_ref(file).take(limit).read_to_end(&mut bytes)?;
        Ok((bytes, modified))
    };
    let (bytes, modified) = read().map_err(|error| failed("read", path, error))?;
    if bytes.len() > max {
        return Err(StoreError::TooLarge {
            path: text(path),
            max,
        });
    }
    Ok((bytes, modified))
}

fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// A link is not followed: neither a lock nor a write would be.
fn open_to_read(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path)?.is_symlink() {
        return Err(linked());
    }
    bounded::open(path)
}

/// A state that is not listed would look as if there were none.
fn must_not_be_linked(path: &Path, meta: &fs::Metadata) -> Result<(), StoreError> {
    if meta.is_symlink() {
        Err(failed("read", path, linked()))
    } else {
        Ok(())
    }
}

fn linked() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "it is a link, not a regular file",
    )
}

fn open_to_write(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path).is_ok_and(|meta| !meta.is_file()) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a regular file",
        ));
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if !is_absent(&error) => Err(error),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn fcntl_lock(file: &File) -> io::Result<()> {
    rustix::fs::fcntl_lock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive)
        .map_err(io::Error::from)
}

#[cfg(not(unix))]
fn fcntl_lock(file: &File) -> io::Result<()> {
    file.try_lock().map_err(io::Error::from)
}

/// The process that holds the lock on a file, if another one does.
#[cfg(unix)]
fn holder(path: &Path) -> Result<Option<u32>, StoreError> {
    use rustix::process::{Flock, FlockType, fcntl_getlk};
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(failed("read the lock on", path, error)),
    };
    let held = fcntl_getlk(&file, &Flock::from(FlockType::WriteLock))
        .map_err(|error| failed("read the lock on", path, error.into()))?;
    Ok(held.map(|lock| {
        lock.pid
            .map_or(0, |pid| pid.as_raw_nonzero().get().cast_unsigned())
    }))
}

#[cfg(not(unix))]
fn holder(_: &Path) -> Result<Option<u32>, StoreError> {
    Ok(None)
}

/// Where Terraform says who holds a lock.
fn info_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    folder(path).join(format!(".{name}{LOCK_INFO}"))
}

const LOCK_INFO: &str = ".lock.info";

/// Where Terraform keeps the state before the last write.
fn backup_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".backup");
    name.into()
}

fn timestamp(time: std::time::SystemTime) -> Option<Timestamp> {
    Timestamp::try_from(time).ok()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn failed(what: &str, path: &Path, error: io::Error) -> StoreError {
    StoreError::Failed {
        message: format!("cannot {what} {}: {error}", path.display()),
        source: Some(Box::new(error)),
    }
}
