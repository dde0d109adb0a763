//! Where a path leads, every link in it followed, also if nothing is there yet.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The canonical path of what is there, and the rest of `path` behind it.
///
/// # Errors
/// If something on the way cannot be looked at, is a link that leads nowhere, or if `..` follows
/// what is not there.
pub(crate) fn resolved(path: &Path) -> io::Result<PathBuf> {
    let (mut there, mut rest) = (path, vec![]);
    loop {
        match fs::canonicalize(there) {
            Ok(real) => return Ok(rest.iter().rev().fold(real, |path, name| path.join(name))),
            Err(error)
                if error.kind() != io::ErrorKind::NotFound
                    || fs::symlink_metadata(there).is_ok() =>
            {
                return Err(error);
            }
            Err(error) => match (there.parent(), there.file_name()) {
                (Some(parent), Some(name)) => {
                    rest.push(name);
                    there = if parent.as_os_str().is_empty() {
                        Path::new(".")
                    } else {
                        parent
                    };
                }
                _ => return Err(error),
            },
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_and_what_is_not_there_is_taken_as_it_is() {
        let dir = tempfile::tempdir().expect("a folder");
        let real = fs::canonicalize(dir.path()).expect("a folder");
        fs::create_dir_all(dir.path().join("a/b")).expect("made");
        std::os::unix::fs::symlink("a", dir.path().join("link")).expect("a link");
        std::os::unix::fs::symlink("nowhere", dir.path().join("dangling")).expect("a link");
        let of = |path: &str| {
            resolved(&dir.path().join(path))
                .ok()
                .map(|path| path.strip_prefix(&real).map(Path::to_path_buf))
        };
        assert_eq!(of("link/b"), Some(Ok("a/b".into())));
        assert_eq!(of("link/x/y"), Some(Ok("a/x/y".into())));
        assert_eq!(of("link/../a/./z"), Some(Ok("a/z".into())));
        assert!(of("..").expect("there").is_err(), "above");
        assert_eq!((of("dangling/x"), of("x/../../y")), (None, None));
    }
}
