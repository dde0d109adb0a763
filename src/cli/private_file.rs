//! Writes a file atomically, readable only by its owner.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use super::failure::CliError;

/// Refuses (exit code 3) to overwrite a protected file.
///
/// # Errors
/// If the path is not a regular file, or is one and `overwrite` is not set.
pub fn must_be_free(path: &Path, overwrite: bool) -> Result<(), CliError> {
    let refused =
        |what: &str| CliError::refused(format!("{} {what}; nothing was written", path.display()));
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => {
            Err(CliError::failed(format!("cannot read {}", path.display())).because(&error))
        }
        Ok(meta) if meta.is_dir() => Err(refused("is a folder").hint("choose another file")),
        Ok(meta) if !meta.is_file() => {
            Err(refused("is not a regular file").hint("choose another file"))
        }
        Ok(_) if !overwrite => {
            Err(refused("already exists").hint("choose another file, or pass --overwrite"))
        }
        Ok(_) => Ok(()),
    }
}

/// Writes a temporary file, syncs, and renames it: a reader sees the old file or the complete new
/// one.
///
/// # Errors
/// If it cannot be written, or came to be there meanwhile and `replace` was not said.
pub fn write(path: &Path, bytes: &[u8], replace: bool) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tfbackend-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600));
    // Not the error itself, which names the temporary file.
    let mut temp = builder
        .tempfile_in(folder)
        .map_err(|error| io::Error::from(error.kind()))?;
    temp.write_all(bytes)?;
    temp.as_file().sync_all()?;
    let put = if replace {
        temp.persist(path)
    } else {
        temp.persist_noclobber(path)
    };
    put.map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("state");
        fs::write(&path, "old").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
        assert_eq!(
            write(&path, b"new", false)
                .expect_err("there is one")
                .kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(fs::read(&path).expect("read"), b"old");
        write(&path, b"new", true).expect("written");
        assert_eq!(
            (
                fs::read(&path).expect("read"),
                fs::metadata(&path).expect("there").permissions().mode() & 0o777
            ),
            (b"new".to_vec(), 0o600)
        );
        assert_eq!(
            fs::read_dir(dir.path()).expect("listed").count(),
            1,
            "nothing is left beside it"
        );
    }

    #[cfg(unix)]
    #[test]
    fn only_a_plain_file_is_replaced() {
        let dir = tempfile::tempdir().expect("a folder");
        let (path, link) = (dir.path().join("state"), dir.path().join("link"));
        std::os::unix::fs::symlink("/nowhere", &link).expect("linked");
        assert!(must_be_free(&path, false).is_ok());
        assert!(must_be_free(dir.path(), true).is_err() && must_be_free(&link, true).is_err());
        fs::write(&path, "x").expect("written");
        assert!(must_be_free(&path, false).is_err() && must_be_free(&path, true).is_ok());
    }
}
