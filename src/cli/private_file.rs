//! Where a file for its owner alone may be written.

use std::{fs, io, path::Path};

use super::failure::CliError;

/// Refuses (exit code 3) to overwrite a protected file.
///
/// # Errors
/// If the path is not a regular file, or is one and `overwrite` is not set.
pub(crate) fn must_be_free(path: &Path, overwrite: bool) -> Result<(), CliError> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
