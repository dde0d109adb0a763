//! Reading a file that anybody may have put there: regular, of bounded size, text.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// More than any configuration that a person wrote. What is larger is not read.
pub const LIMIT: u64 = 4 * 1024 * 1024;

/// A file that says nothing, and why. Never with any of what is in the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {error}", path.display())]
pub struct Unreadable {
    pub path: PathBuf,
    /// Follows the path in a sentence, as in `is larger than 4194304 bytes`.
    pub error: String,
}

impl Unreadable {
    pub fn new(path: impl Into<PathBuf>, error: impl Into<String>) -> Self {
        Self { path: path.into(), error: error.into() }
    }

    pub fn io(path: impl Into<PathBuf>, error: &io::Error) -> Self {
        Self::new(path, format!("cannot be read: {error}"))
    }
}

/// The file, opened; `None` if there is none.
///
/// # Errors
/// If it is none that can be read. A pipe would be waited for: nothing but a regular file is opened.
pub fn open(path: &Path) -> Result<Option<File>, Unreadable> {
    match fs::metadata(path) {
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(Unreadable::io(path, &error)),
        Ok(meta) if !meta.is_file() => return Err(Unreadable::new(path, "is not a regular file")),
        Ok(_) => {}
    }
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        // Gone since.
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(Unreadable::io(path, &error)),
    }
}

/// The text of a file without its byte order mark; `None` if there is none.
///
/// # Errors
/// If it cannot be read, is too large, or is not text.
pub fn text(path: &Path) -> Result<Option<String>, Unreadable> {
    let Some(file) = open(path)? else { return Ok(None) };
    let mut bytes = vec![];
    // The size is asked of what is read, not of what was there before.
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(|error| Unreadable::io(path, &error))?;
    if bytes.len() as u64 > LIMIT {
        return Err(Unreadable::new(path, format!("is larger than {LIMIT} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|_| Unreadable::new(path, "is not valid UTF-8"))?;
    Ok(Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)))
}

pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_of_bounded_size_is_read() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("x");
        assert_eq!(text(&path), Ok(None));
        let with = |bytes: &[u8]| {
            fs::write(&path, bytes).expect("written");
            text(&path).map_err(|unreadable| unreadable.error)
        };
        assert_eq!(with("\u{feff}a = 1\n".as_bytes()), Ok(Some("a = 1\n".into())));
        assert_eq!(with(b"\xff"), Err("is not valid UTF-8".into()));
        let most = usize::try_from(LIMIT).expect("it fits");
        assert!(with(&vec![b' '; most]).is_ok());
        assert_eq!(with(&vec![b' '; most + 1]), Err("is larger than 4194304 bytes".into()));
        assert_eq!(text(dir.path()).map_err(|unreadable| unreadable.error), Err("is not a regular file".into()));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_not_waited_for() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("pipe.tf");
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo");
        assert!(made.success());
        assert_eq!(text(&path), Err(Unreadable::new(&path, "is not a regular file")));
    }
}
