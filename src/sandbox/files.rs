//! The sandbox's files: written whole or not at all, and private where they hold a secret.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::Write,
    path::Path,
    time::Duration,
};

use super::error::{SandboxError, at};

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Its owner (0600).
    Private,
    /// Everybody (0644).
    Public,
}

pub(super) fn write(path: &Path, content: &[u8], access: Access) -> Result<(), SandboxError> {
    let dir = path.parent().expect("a file of the sandbox is in its directory");
    let mut builder = tempfile::Builder::new();
    builder.prefix(".new-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = match access {
            Access::Private => 0o600,
            Access::Public => 0o644,
        };
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = access;
    let mut file = builder.tempfile_in(dir).map_err(at(dir))?;
    file.write_all(content).and_then(|()| file.as_file().sync_all()).map_err(at(path))?;
    file.persist(path).map_err(|error| at(path)(error.error))?;
    Ok(())
}

/// Makes a directory that only its owner may enter, and its parents.
pub(super) fn create_dir(dir: &Path) -> Result<(), SandboxError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(at(dir))
}

pub(super) fn open_lock(path: &Path) -> Result<File, SandboxError> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(at(path))
}

/// Waits until nobody else holds the lock; it is given back when the file is dropped.
pub(super) async fn lock(path: &Path) -> Result<File, SandboxError> {
    let file = open_lock(path)?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(TryLockError::Error(error)) => return Err(at(path)(error)),
        }
    }
}

/// Removes a file or a directory with all that is in it, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), SandboxError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("a file").permissions().mode() & 0o777
    }

    #[test]
    fn a_private_file_is_private_even_where_a_public_one_was() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("file");
        write(&path, b"open", Access::Public).expect("written");
        assert_eq!(mode(&path), 0o644);
        write(&path, b"secret", Access::Private).expect("written");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read(&path).expect("content"), b"secret");
        assert_eq!(fs::read_dir(dir.path()).expect("entries").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn removing_what_is_not_there_is_success() {
        let dir = tempfile::tempdir().expect("a directory");
        remove(&dir.path().join("absent")).expect("nothing to do");
        write(&dir.path().join("file"), b"", Access::Public).expect("written");
        remove(dir.path()).expect("removed");
        assert!(!dir.path().exists());
    }
}
