//! Private files (0600) that are complete or absent, and that never replace a file.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use jiff::{Timestamp, tz::TimeZone};
use tempfile::NamedTempFile;

use super::write::ArchiveError;

/// The number of names that are tried if files exist.
const NAMES: usize = 1000;

/// Writes `bytes` to `<stem>-<time><ending>` in `dir`: synced, private (0600), and never over an
/// existing file.
pub(crate) fn keep(
    dir: &Path,
    stem: &str,
    ending: &str,
    made: Timestamp,
    bytes: &[u8],
) -> Result<PathBuf, ArchiveError> {
    make_folder(dir).map_err(ArchiveError::io("create the folder", dir))?;
    let written = |mut temp: NamedTempFile| {
        temp.write_all(bytes)?;
        temp.as_file().sync_all()?;
        Ok(temp)
    };
    let temp = private(dir)
        .and_then(written)
        .map_err(ArchiveError::io("write to the folder", dir))?;
    named(temp, dir, |number| name(stem, made, number, ending))
}

/// Returns a file name with the time in seconds, and a number from the second attempt on.
pub(super) fn name(stem: &str, made: Timestamp, number: usize, ending: &str) -> String {
    let time = made.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ");
    let number = if number == 1 {
        String::new()
    } else {
        format!("-{number}")
    };
    format!("{stem}-{time}{number}{ending}")
}

/// Renames a synced file to the first free name.
pub(super) fn named(
    mut temp: NamedTempFile,
    dir: &Path,
    name: impl Fn(usize) -> String,
) -> Result<PathBuf, ArchiveError> {
    for number in 1..=NAMES {
        let path = dir.join(name(number));
        temp = match temp.persist_noclobber(&path) {
            Ok(_) => {
                sync_folder(dir).map_err(ArchiveError::io("sync the folder", dir))?;
                return Ok(path);
            }
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => error.file,
            Err(error) => return Err(ArchiveError::io("write", &path)(error.error)),
        };
    }
    Err(ArchiveError::io("find a free name in", dir)(
        io::ErrorKind::AlreadyExists.into(),
    ))
}

pub(super) fn make_folder(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// A private file that is deleted when dropped.
pub(super) fn private(dir: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tfbackend-backup-").suffix(".partial");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600));
    // Not the original error, which contains an internal file name.
    builder
        .tempfile_in(dir)
        .map_err(|error| io::Error::from(error.kind()))
}

pub(super) fn spool(dir: &Path) -> io::Result<File> {
    tempfile::tempfile_in(dir).map_err(|error| io::Error::from(error.kind()))
}

/// The new name must survive a power failure.
fn sync_folder(dir: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(dir)?.sync_all()?;
    Ok(())
}
