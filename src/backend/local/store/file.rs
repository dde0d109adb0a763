//! Reading and writing state files, and the names of the files beside them.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    mem,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::locked::fcntl_lock;
use crate::{
    host::{
        bounded::{self, is_absent},
        private_file,
    },
    state::digest,
    store::state_store::{Expected, StoreError, WriteError},
};

pub(super) fn overwrite(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    file.write_all(bytes)?;
    file.set_len(length(bytes))?;
    file.sync_all()
}

/// Puts another file in the place of a locked one, with its lock and its permissions: a crash, or a
/// full disk, leaves the old state or the new one. `file` is the new one then.
///
/// A run that waits for the lock has the old file open, and would write its state to it, where no
/// other run looks: the old file becomes a text that Terraform refuses.
pub(super) fn replace(file: &mut File, path: &Path, bytes: &[u8], note: &[u8]) -> io::Result<()> {
    let meta = file.metadata()?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600));
    let mut temp = builder
        .tempfile_in(folder(path))
        .map_err(|error| io::Error::from(error.kind()))?;
    temp.write_all(bytes)?;
    if meta.len() > 0 {
        temp.as_file().set_permissions(meta.permissions())?;
    }
    temp.as_file().sync_all()?;
    // Before it has a name: no run can be faster.
    fcntl_lock(temp.as_file())?;
    let new = temp.persist(path).map_err(|error| error.error)?;
    // From here on the new file is the one that is locked, also if the rest fails.
    let mut old = mem::replace(file, new);
    overwrite(&mut old, note)?;
    #[cfg(unix)]
    File::open(folder(path))?.sync_all()?;
    Ok(())
}

/// The first characters of the name of a file that is not in its place yet.
pub(in crate::backend::local) const TEMPORARY: &str = ".tfbackend-";

pub(super) fn read_all(
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

pub(super) fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// A link is not followed: neither a lock nor a write would be.
pub(super) fn open_to_read(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path)?.is_symlink() {
        return Err(linked());
    }
    bounded::open(path)
}

/// A state that is not listed would look as if there were none.
pub(super) fn must_not_be_linked(path: &Path, meta: &fs::Metadata) -> Result<(), StoreError> {
    if meta.is_symlink() {
        Err(failed("read", path, linked()))
    } else {
        Ok(())
    }
}

pub(super) fn linked() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "it is a link, not a regular file",
    )
}

pub(super) fn open_to_write(path: &Path) -> io::Result<File> {
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

pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if !is_absent(&error) => Err(error),
        _ => Ok(()),
    }
}

/// Where Terraform says who holds a lock.
pub(in crate::backend::local) fn info_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    folder(path).join(format!(".{name}{LOCK_INFO}"))
}

const LOCK_INFO: &str = ".lock.info";

/// Where Terraform keeps the state before the last write.
pub(in crate::backend::local) fn backup_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".backup");
    name.into()
}

pub(super) fn timestamp(time: std::time::SystemTime) -> Option<Timestamp> {
    Timestamp::try_from(time).ok()
}

pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

pub(super) fn failed(what: &str, path: &Path, error: io::Error) -> StoreError {
    StoreError::Failed {
        message: format!("cannot {what} {}: {error}", path.display()),
        source: Some(Box::new(error)),
    }
}

pub(super) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Compares what is there with what is expected, and keeps a copy of it.
pub(super) fn must_be(
    file: &mut File,
    path: &Path,
    expected: Expected<'_>,
) -> Result<(), WriteError> {
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
