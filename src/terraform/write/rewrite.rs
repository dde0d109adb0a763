//! Atomically replaces a file of the user, if it is unchanged since it was read.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    RenderError,
    files::{stage, sync_folder},
};

/// A file as it was read, to the byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileRead {
    pub path: PathBuf,
    /// Without its byte order mark.
    pub text: String,
    mark: bool,
}

const MARK: &str = "\u{feff}";

impl FileRead {
    /// A regular file that is text. A link is none: what it leads to belongs elsewhere.
    ///
    /// # Errors
    /// Why it is not to be edited.
    pub(crate) fn of(path: &Path) -> Result<Self, String> {
        let meta =
            fs::symlink_metadata(path).map_err(|error| format!("it cannot be read: {error}"))?;
        if !meta.is_file() {
            return Err("it is not a regular file".to_owned());
        }
        if meta.permissions().readonly() {
            return Err("it is not writable".to_owned());
        }
        let whole =
            crate::terraform::read::bounded::text(path).map_err(|unreadable| unreadable.error)?;
        let text = whole.ok_or_else(|| "it no longer exists".to_owned())?;
        let mark = usize::try_from(meta.len()).is_ok_and(|len| len == text.len() + MARK.len());
        Ok(Self {
            path: path.to_owned(),
            text,
            mark,
        })
    }

    /// Puts `text` in its place: a reader sees the old or the new one. Permissions stay.
    ///
    /// # Errors
    /// If it was changed since, or cannot be written.
    pub(crate) fn replace(&self, text: &str) -> Result<(), RenderError> {
        let path = &self.path;
        if Self::of(path).as_ref() != Ok(self) {
            return Err(RenderError::ChangedMeanwhile { path: path.clone() });
        }
        let dir = path
            .parent()
            .filter(|dir| !dir.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let permissions = fs::metadata(path)
            .map_err(RenderError::io("read", path))?
            .permissions();
        let mark = if self.mark { MARK } else { "" };
        let temp = stage(dir, &format!("{mark}{text}"), Some(&permissions))?;
        temp.persist(path)
            .map_err(|error| RenderError::io("write", path)(error.error))?;
        sync_folder(dir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_at_once_and_only_if_it_is_what_was_read() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("backend.tf");
        fs::write(&path, "\u{feff}old\r\n").expect("written");
        let read = FileRead::of(&path).expect("a file");
        assert_eq!(read.text, "old\r\n");
        read.replace("new\r\n").expect("replaced");
        assert_eq!(
            fs::read(&path).expect("there"),
            "\u{feff}new\r\n".as_bytes(),
            "the mark stays"
        );
        assert!(matches!(
            read.replace("newer"),
            Err(RenderError::ChangedMeanwhile { .. })
        ));
        assert_eq!(
            fs::read_dir(dir.path()).expect("a folder").count(),
            1,
            "nothing is left beside it"
        );
        assert_eq!(
            FileRead::of(&dir.path().join("gone"))
                .map_err(|why| why.starts_with("it cannot be read")),
            Err(true)
        );
        assert_eq!(
            FileRead::of(dir.path()),
            Err("it is not a regular file".to_owned())
        );
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().expect("a folder");
        let (path, link) = (
            dir.path().join("a.tfbackend"),
            dir.path().join("link.tfbackend"),
        );
        fs::write(&path, "a").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        symlink(&path, &link).expect("a link");
        assert_eq!(
            FileRead::of(&link),
            Err("it is not a regular file".to_owned())
        );
        FileRead::of(&path)
            .expect("a file")
            .replace("b")
            .expect("replaced");
        assert_eq!(
            fs::metadata(&path).expect("there").permissions().mode() & 0o777,
            0o600
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("set");
        assert_eq!(FileRead::of(&path), Err("it is not writable".to_owned()));
    }
}
