//! The sandbox's files: written whole or not at all, and for their owner only.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::Path,
    time::Duration,
};

use super::error::{SandboxError, at};
use crate::host::private_file;

/// Writes a file that only its owner can read, whatever was there before.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), SandboxError> {
    private_file::write(path, content, true).map_err(at(path))
}

/// Makes a directory that only its owner may enter, and its parents.
pub(super) fn create_dir(dir: &Path) -> Result<(), SandboxError> {
    private_file::create_dir(dir).map_err(at(dir))
}

/// Refuses a directory that another user could have filled, or could fill: the emulator's program
/// and keys are in it.
#[cfg(unix)]
pub(super) fn must_be_own(dir: &Path) -> Result<(), SandboxError> {
    use std::os::unix::fs::MetadataExt;
    let me = rustix::process::geteuid().as_raw();
    // The link's owner, where it is a link, and the owner of what it leads to.
    for metadata in [fs::symlink_metadata(dir), fs::metadata(dir)] {
        let metadata = metadata.map_err(at(dir))?;
        if metadata.uid() != me {
            return Err(SandboxError::OfAnotherUser {
                dir: dir.to_owned(),
                owner: metadata.uid(),
            });
        }
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn must_be_own(_: &Path) -> Result<(), SandboxError> {
    Ok(())
}

/// Takes all rights of others from a file, or from a directory and all that is in it; no link is
/// followed.
#[cfg(unix)]
pub(super) fn make_private(path: &Path) -> Result<(), SandboxError> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(at(path)(error)),
    };
    if metadata.is_symlink() {
        return Ok(());
    }
    let private = if metadata.is_dir() { 0o700 } else { 0o600 };
    if metadata.mode() & 0o7777 != private {
        fs::set_permissions(path, fs::Permissions::from_mode(private)).map_err(at(path))?;
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(path).map_err(at(path))? {
            make_private(&entry.map_err(at(path))?.path())?;
        }
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn make_private(_: &Path) -> Result<(), SandboxError> {
    Ok(())
}

pub(super) fn open_lock(path: &Path) -> Result<File, SandboxError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(at(path))
}

/// Waits until the lock is free and acquires it; it is released when the file is dropped.
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
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
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
    fn a_file_is_private_whatever_was_there() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("file");
        fs::write(&path, b"open").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("opened");
        write(&path, b"secret").expect("written");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read(&path).expect("content"), b"secret");
        assert_eq!(
            fs::read_dir(dir.path()).expect("entries").count(),
            1,
            "nothing is left beside it"
        );
    }

    #[test]
    fn a_folder_is_made_private_with_all_that_is_in_it_but_through_no_link() {
        let (dir, elsewhere) = (
            tempfile::tempdir().expect("a directory"),
            tempfile::tempdir().expect("a directory"),
        );
        let (inner, file, other) = (
            dir.path().join("a/b"),
            dir.path().join("a/b/file"),
            elsewhere.path().join("other"),
        );
        fs::create_dir_all(&inner).expect("made");
        fs::write(&file, b"").expect("written");
        fs::write(&other, b"").expect("written");
        for path in [dir.path(), &inner, &file, &other] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("opened");
        }
        std::os::unix::fs::symlink(&other, dir.path().join("link")).expect("a link");
        make_private(dir.path()).expect("made private");
        assert_eq!(
            [dir.path(), &inner, &file, &other].map(mode),
            [0o700, 0o700, 0o600, 0o755]
        );
        make_private(&dir.path().join("absent")).expect("nothing to do");
    }

    #[test]
    fn removing_what_is_not_there_is_success() {
        let dir = tempfile::tempdir().expect("a directory");
        remove(&dir.path().join("absent")).expect("nothing to do");
        write(&dir.path().join("file"), b"").expect("written");
        remove(dir.path()).expect("removed");
        assert!(!dir.path().exists());
    }
}
