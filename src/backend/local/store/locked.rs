//! The lock on a state file: a record lock of this process.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::file::{failed, folder, info_path, must_be, overwrite, remove};
use crate::{
    backend::local::fence::{self, FenceNote},
    host::bounded::{self, is_absent},
    state::lock::LockInfo,
    store::state_store::{Expected, LockGuard, Release, Revision, StateId, StoreError, WriteError},
};

/// A lock of this process.
#[derive(Debug)]
pub(super) struct LocalLock {
    pub(super) id: StateId,
    pub(super) info: LockInfo,
    pub(super) key: PathBuf,
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
        {
            let mut held = lock_file(file);
            let is_empty = held.file.metadata().is_ok_and(|meta| meta.len() == 0);
            if held.remove_if_empty && is_empty {
                remove(path).map_err(|error| failed("remove", path, error))?;
                // A run that waits for the lock has the file open, and would write its state to
                // it, where no other run looks.
                overwrite(&mut held.file, fence::replaced_state().as_bytes())
                    .map_err(|error| failed("write", path, error))?;
            }
        }
        table.remove(&self.key);
        Ok(Release::Released)
    }

    async fn keep(self: Box<Self>, expected: &Revision) -> Result<(), WriteError> {
        let path = Path::new(&self.id.path);
        let held = held_for(&self.id, &*self)?;
        let mut held = lock_file(&held);
        must_be(&mut held.file, path, Expected::Exactly(expected))?;
        let note = FenceNote {
            lock: self.info.clone(),
            digest: expected.as_str().to_owned(),
            is_link: false,
        };
        // In place: a run that waits for the lock has this very file open.
        overwrite(&mut held.file, note.to_text().as_bytes())
            .map_err(|error| failed("write", path, error))?;
        remove(&info_path(path)).map_err(|error| failed("remove", &info_path(path), error))?;
        note.link(path)
            .map_err(|error| failed("replace", path, error))?;
        Ok(())
    }
}

impl Drop for LocalLock {
    /// Closes the file, and with it the lock. `.lock.info` stays, as when a process dies.
    fn drop(&mut self) {
        locked_files().remove(&self.key);
    }
}

pub(super) type LockedFile = Arc<Mutex<HeldFile>>;

/// An open state file, and with it the lock.
#[derive(Debug)]
pub(super) struct HeldFile {
    pub(super) file: File,
    /// As Terraform does with a file that only the lock created; and after a deletion.
    pub(super) remove_if_empty: bool,
}

/// The files that this process has locked: a record lock belongs to the process, so that it does
/// not keep out another task, and ends when *any* descriptor of the file is closed.
static LOCKED: Mutex<BTreeMap<PathBuf, LockedFile>> = Mutex::new(BTreeMap::new());

pub(super) fn locked_files() -> MutexGuard<'static, BTreeMap<PathBuf, LockedFile>> {
    LOCKED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The file, if this process has locked it.
pub(super) fn locked_here(path: &Path) -> Option<LockedFile> {
    let key = registered(path).ok()?;
    locked_files().get(&key).cloned()
}

pub(super) fn lock_file(file: &LockedFile) -> MutexGuard<'_, HeldFile> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The name of a file in [`LOCKED`]: its real folder and its name.
pub(super) fn registered(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default();
    Ok(folder(path).canonicalize()?.join(name))
}

pub(super) fn held_for(id: &StateId, lock: &dyn LockGuard) -> Result<LockedFile, StoreError> {
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

#[cfg(unix)]
pub(super) fn fcntl_lock(file: &File) -> io::Result<()> {
    rustix::fs::fcntl_lock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive)
        .map_err(io::Error::from)
}

#[cfg(not(unix))]
pub(super) fn fcntl_lock(file: &File) -> io::Result<()> {
    file.try_lock().map_err(io::Error::from)
}

/// The process that holds the lock on a file, if another one does.
#[cfg(unix)]
pub(super) fn holder(path: &Path) -> Result<Option<u32>, StoreError> {
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
pub(super) fn holder(_: &Path) -> Result<Option<u32>, StoreError> {
    Ok(None)
}
