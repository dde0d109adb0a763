//! Files for their owner alone, written whole or not at all.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

/// Writes a temporary file, syncs, and renames it: a reader sees the old file or the complete new
/// one.
///
/// # Errors
/// If it cannot be written, or came to be there meanwhile and `replace` was not said.
pub(crate) fn write(path: &Path, bytes: &[u8], replace: bool) -> io::Result<()> {
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

/// Creates a folder, and its parents, for its owner alone (0700 on Unix).
///
/// # Errors
/// If one of them cannot be created.
pub(crate) fn create_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn file_is_for_its_owner_alone() {
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
}
