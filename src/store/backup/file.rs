//! Files that are their owner's alone, whole or not there, and that replace nothing.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use jiff::{Timestamp, tz::TimeZone};
use tempfile::NamedTempFile;

use super::write::ArchiveError;

/// How many names are tried where others are in the way.
const NAMES: usize = 1000;

/// Keeps `bytes` as `<stem>-<time><ending>` in `dir`: synced, for the owner alone (0600), over no
/// file that is there.
pub fn keep(
    dir: &Path,
    stem: &str,
    ending: &str,
    made: Timestamp,
    bytes: &[u8],
) -> Result<PathBuf, ArchiveError> {
    make_folder(dir).map_err(ArchiveError::io("make the folder", dir))?;
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

/// A file name with the time in it, to the second, and with a number from the second on.
pub(super) fn name(stem: &str, made: Timestamp, number: usize, ending: &str) -> String {
    let time = made.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ");
    let number = if number == 1 {
        String::new()
    } else {
        format!("-{number}")
    };
    format!("{stem}-{time}{number}{ending}")
}

/// Gives a synced file the first name that is free.
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

/// The owner's alone, and gone when dropped.
pub(super) fn private(dir: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tfbackend-backup-").suffix(".partial");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600));
    // Not the error itself, which names a file that nobody knows.
    builder
        .tempfile_in(dir)
        .map_err(|error| io::Error::from(error.kind()))
}

pub(super) fn spool(dir: &Path) -> io::Result<File> {
    tempfile::tempfile_in(dir).map_err(|error| io::Error::from(error.kind()))
}

/// So that the new name survives a loss of power.
fn sync_folder(dir: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(dir)?.sync_all()?;
    Ok(())
}
