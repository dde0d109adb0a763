//! Where a folder is: in a Git repository, on a network file system, below folders that others can
//! write to.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The root of the Git repository that a path is in, or would be.
pub(crate) fn repository(path: &Path) -> Option<PathBuf> {
    let root = path.ancestors().find(|dir| dir.join(".git").exists())?;
    Some(root.to_owned())
}

/// The path without links, as far as it exists.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    let there = existing(path);
    match (there.canonicalize(), path.strip_prefix(there)) {
        // Joined with nothing, a path would end with `/`.
        (Ok(real), Ok(rest)) if rest.as_os_str().is_empty() => real,
        (Ok(real), Ok(rest)) => real.join(rest),
        _ => path.to_owned(),
    }
}

/// The ID of the user that a file belongs to; `None` if it is not there.
#[cfg(unix)]
pub(crate) fn owner(path: &Path) -> Option<u32> {
    let meta = fs::symlink_metadata(path).ok()?;
    Some(std::os::unix::fs::MetadataExt::uid(&meta))
}

/// The ID of the user of this run.
#[cfg(unix)]
pub(crate) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
pub(crate) fn owner(_: &Path) -> Option<u32> {
    None
}

#[cfg(not(unix))]
pub(crate) fn user() -> u32 {
    0
}

/// The nearest folder that exists.
pub(crate) fn existing(path: &Path) -> &Path {
    path.ancestors()
        .find(|dir| dir.is_dir())
        .unwrap_or(Path::new("/"))
}

/// # Errors
/// If this user cannot create files in the folder. Nothing is created to find out.
#[cfg(unix)]
pub(crate) fn writable(dir: &Path) -> io::Result<()> {
    use rustix::fs::Access;
    let create = Access::WRITE_OK | Access::EXEC_OK;
    rustix::fs::access(dir, create).map_err(io::Error::from)
}

#[cfg(not(unix))]
pub(crate) fn writable(dir: &Path) -> io::Result<()> {
    match fs::metadata(dir)?.permissions().readonly() {
        true => Err(io::ErrorKind::PermissionDenied.into()),
        false => Ok(()),
    }
}

/// The name of a network file system, if the folder is on one: record locks are not reliable there
/// ("fcntl_locking(2)", section "Record locking and NFS").
///
/// # Errors
/// If it cannot be read; `Unsupported` where this system has no such call.
#[cfg(target_os = "linux")]
pub(crate) fn network_file_system(path: &Path) -> io::Result<Option<&'static str>> {
    let found = rustix::fs::statfs(existing(path)).map_err(io::Error::from)?;
    // A field of this call is of another type on each architecture.
    let magic = u64::try_from(found.f_type).unwrap_or_default() & 0xffff_ffff;
    Ok(NETWORK
        .iter()
        .find(|(known, _)| *known == magic)
        .map(|(_, name)| *name))
}

#[cfg(not(target_os = "linux"))]
pub fn network_file_system(_: &Path) -> io::Result<Option<&'static str>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Magic numbers (`statfs(2)`, `linux/magic.h`).
#[cfg(target_os = "linux")]
const NETWORK: [(u64, &str); 9] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xfe53_4d42, "SMB2"),
    (0xff53_4d42, "CIFS"),
    (0x5346_414f, "AFS"),
    (0x00c3_6400, "Ceph"),
    (0x0102_1997, "9P"),
    (0x0bd0_0bd0, "Lustre"),
    (0x6573_5546, "FUSE"),
];

/// A folder above the path in which another user can rename what is in it: writable for group or
/// others without the sticky bit.
#[cfg(unix)]
pub(crate) fn open_parent(path: &Path) -> io::Result<Option<PathBuf>> {
    const WRITABLE: u32 = 0o022;
    const STICKY: u32 = 0o1000;
    for dir in path.ancestors().skip(1) {
        let meta = match fs::metadata(dir) {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let mode = std::os::unix::fs::PermissionsExt::mode(&meta.permissions());
        if mode & WRITABLE != 0 && mode & STICKY == 0 {
            return Ok(Some(dir.to_owned()));
        }
    }
    Ok(None)
}

#[cfg(not(unix))]
pub fn open_parent(path: &Path) -> io::Result<Option<PathBuf>> {
    fs::metadata(existing(path))?;
    Err(io::ErrorKind::Unsupported.into())
}
