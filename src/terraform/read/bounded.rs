//! Reads untrusted files: only regular files, of limited size, as text.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::host::bounded;

/// In bytes: larger than any configuration written by hand. Larger files are not read.
pub(crate) const LIMIT: u64 = 4 * 1024 * 1024;

/// The byte order mark.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// A file that says nothing, and why. Never with any of what is in the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {error}", path.display())]
pub struct UnreadableFile {
    pub path: PathBuf,
    /// Follows the path in a sentence, as in `is larger than 4194304 bytes`.
    pub error: String,
}

impl UnreadableFile {
    pub fn new(path: impl Into<PathBuf>, error: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            error: error.into(),
        }
    }

    pub fn io(path: impl Into<PathBuf>, error: &io::Error) -> Self {
        Self::new(path, format!("cannot be read: {error}"))
    }
}

/// The file, opened; `None` if there is none.
///
/// # Errors
/// If it is none that can be read. A pipe would be waited for: nothing but a regular file is
/// opened.
pub(crate) fn open(path: &Path) -> Result<Option<File>, UnreadableFile> {
    match bounded::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if bounded::is_absent(&error) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            Err(UnreadableFile::new(path, "is not a regular file"))
        }
        Err(error) => Err(UnreadableFile::io(path, &error)),
    }
}

/// The text of a file without its byte order mark; `None` if there is none.
///
/// # Errors
/// If it cannot be read, is too large, or is not text.
pub(crate) fn text(path: &Path) -> Result<Option<String>, UnreadableFile> {
    text_up_to(path, LIMIT)
}

/// The same, with a limit of its own.
///
/// # Errors
/// As [`text`].
pub(crate) fn text_up_to(path: &Path, limit: u64) -> Result<Option<String>, UnreadableFile> {
    let Some(bytes) = bytes_up_to(path, limit)? else {
        return Ok(None);
    };
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|_| UnreadableFile::new(path, "is not valid UTF-8"))
}

/// The bytes of a file without its byte order mark, whatever they are; `None` if there is none.
///
/// # Errors
/// If it cannot be read, or is too large.
pub(crate) fn bytes_up_to(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, UnreadableFile> {
    let Some(file) = open(path)? else {
        return Ok(None);
    };
    let mut bytes = vec![];
    // The size is asked of what is read, not of what was there before.
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| UnreadableFile::io(path, &error))?;
    if bytes.len() as u64 > limit {
        return Err(UnreadableFile::new(
            path,
            format!("is larger than {limit} bytes"),
        ));
    }
    if bytes.starts_with(MARK) {
        drop(bytes.drain(..MARK.len()));
    }
    Ok(Some(bytes))
}

/// The allowed targets of links in a folder: files of its repository, or of the folder itself if it
/// is in none.
///
/// A repository holds links to wherever its author wants. What they lead to elsewhere is the
/// user's, and none of it is to be read, shown or sent because a folder names it.
#[derive(Clone, Debug)]
pub struct LinkBoundary(Option<PathBuf>);

impl LinkBoundary {
    pub fn of(dir: &Path) -> Self {
        let real = fs::canonicalize(dir).ok();
        Self(real.map(|real| {
            real.ancestors()
                .find(|folder| folder.join(".git").exists())
                .unwrap_or(&real)
                .to_owned()
        }))
    }

    /// As [`text`].
    ///
    /// # Errors
    /// As [`text`], and if the file is elsewhere.
    pub fn text(&self, path: &Path) -> Result<Option<String>, UnreadableFile> {
        self.must_have(path)?;
        text(path)
    }

    /// As [`text_up_to`].
    ///
    /// # Errors
    /// As [`text`], and if the file is elsewhere.
    pub fn text_up_to(&self, path: &Path, limit: u64) -> Result<Option<String>, UnreadableFile> {
        self.must_have(path)?;
        text_up_to(path, limit)
    }

    /// As [`bytes_up_to`].
    ///
    /// # Errors
    /// As [`bytes_up_to`], and if the file is elsewhere.
    pub fn bytes_up_to(&self, path: &Path, limit: u64) -> Result<Option<Vec<u8>>, UnreadableFile> {
        self.must_have(path)?;
        bytes_up_to(path, limit)
    }

    /// As [`open`].
    ///
    /// # Errors
    /// As [`open`], and if the file is elsewhere.
    pub fn open(&self, path: &Path) -> Result<Option<File>, UnreadableFile> {
        self.must_have(path)?;
        open(path)
    }

    /// Returns whether a path without links is in it.
    pub fn has(&self, real: &Path) -> bool {
        self.0.as_ref().is_none_or(|root| real.starts_with(root))
    }

    fn must_have(&self, path: &Path) -> Result<(), UnreadableFile> {
        match fs::canonicalize(path) {
            Ok(real) if !self.has(&real) => Err(UnreadableFile::new(
                path,
                "leads out of the repository by a symbolic link, which is not followed",
            )),
            _ => Ok(()),
        }
    }
}

/// # Errors
/// If there is a link at `path`.
pub(super) fn must_not_be_a_link(path: &Path) -> Result<(), UnreadableFile> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_symlink() => Err(UnreadableFile::new(
            path,
            "is a symbolic link, which is not followed",
        )),
        _ => Ok(()),
    }
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
        assert_eq!(
            with("\u{feff}a = 1\n".as_bytes()),
            Ok(Some("a = 1\n".into()))
        );
        assert_eq!(with(b"\xff"), Err("is not valid UTF-8".into()));
        let most = usize::try_from(LIMIT).expect("it fits");
        assert!(with(&vec![b' '; most]).is_ok());
        assert_eq!(
            with(&vec![b' '; most + 1]),
            Err("is larger than 4194304 bytes".into())
        );
        assert_eq!(
            text(dir.path()).map_err(|unreadable| unreadable.error),
            Err("is not a regular file".into())
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_not_waited_for() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("pipe.tf");
        let made = std::process::Command::new("mkfifo")
            .arg(&path)
            .status()
            .expect("mkfifo");
        assert!(made.success());
        assert_eq!(
            text(&path),
            Err(UnreadableFile::new(&path, "is not a regular file"))
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_to_the_repository_only() {
        use std::os::unix::fs::symlink;
        let outside = tempfile::tempdir().expect("a folder");
        fs::write(outside.path().join("secret"), "CANARY").expect("written");
        let repository = tempfile::tempdir().expect("a folder");
        let dir = repository.path().join("prod");
        fs::create_dir(&dir).expect("made");
        fs::write(repository.path().join("common.tf"), "a = 1").expect("written");
        symlink("../common.tf", dir.join("common.tf")).expect("a link");
        symlink(outside.path().join("secret"), dir.join("secret.tf")).expect("a link");
        symlink(outside.path(), dir.join("folder")).expect("a link");
        let refused = "leads out of the repository by a symbolic link, which is not followed";
        let of = |name: &str| {
            LinkBoundary::of(&dir)
                .text(&dir.join(name))
                .map_err(|unreadable| unreadable.error)
        };
        assert_eq!(
            of("common.tf"),
            Err(refused.to_owned()),
            "in no repository, the folder is all there is"
        );
        fs::create_dir(repository.path().join(".git")).expect("made");
        assert_eq!(of("common.tf"), Ok(Some("a = 1".to_owned())));
        assert_eq!(
            (of("secret.tf"), of("folder/secret")),
            (Err(refused.to_owned()), Err(refused.to_owned()))
        );
        assert_eq!(of("none.tf"), Ok(None));
        assert!(LinkBoundary::of(&dir).open(&dir.join("secret.tf")).is_err());
    }
}
