//! Which processes have a file open: as long as one has, it may write to it.

use std::{fmt, io, path::Path};

/// Another process of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileUser {
    pub pid: u32,
    pub name: String,
}

impl fmt::Display for FileUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", self.name, self.pid)
    }
}

/// Returns the other processes that have a file open. Those of other users do not show their files:
/// of these, each process that `is_suspect` by its name is one.
///
/// # Errors
/// If the system does not tell. An empty list is an answer.
#[cfg(target_os = "linux")]
pub(crate) fn users_of(
    path: &Path,
    is_suspect: impl Fn(&str) -> bool,
) -> io::Result<Vec<FileUser>> {
    use std::{fs, os::unix::fs::MetadataExt};
    let wanted = fs::metadata(path)?;
    let is_wanted = |meta: fs::Metadata| (meta.dev(), meta.ino()) == (wanted.dev(), wanted.ino());
    let (mut users, mut sees_itself) = (vec![], false);
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        if pid == std::process::id() {
            sees_itself = true;
            continue;
        }
        let name = || fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        let is_user = match fs::read_dir(entry.path().join("fd")) {
            Ok(files) => files
                .filter_map(|file| fs::metadata(file.ok()?.path()).ok())
                .any(is_wanted),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                is_suspect(name().trim_end())
            }
            // It has ended.
            Err(_) => false,
        };
        if is_user {
            let name = name().trim_end().to_owned();
            users.push(FileUser { pid, name });
        }
    }
    if !sees_itself {
        return Err(io::Error::other("/proc does not show the processes"));
    }
    Ok(users)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn users_of(_: &Path, _: impl Fn(&str) -> bool) -> io::Result<Vec<FileUser>> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{
        fs::{self, File},
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn a_process_is_found_by_any_name_of_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let (path, linked) = (dir.path().join("a"), dir.path().join("b"));
        let file = File::create(&path).unwrap();
        fs::hard_link(&path, &linked).unwrap();
        assert_eq!(users_of(&linked, |_| false).unwrap(), []);
        let mut holder = Command::new("sleep")
            .arg("60")
            .stdout(Stdio::from(file))
            .spawn()
            .unwrap();
        let users = users_of(&linked, |_| false).unwrap();
        holder.kill().unwrap();
        holder.wait().unwrap();
        assert_eq!(users.len(), 1);
        assert_eq!(
            users[0].to_string(),
            format!("sleep (process {})", holder.id())
        );
        assert_eq!(users_of(&linked, |_| false).unwrap(), []);
        assert!(users_of(&dir.path().join("missing"), |_| false).is_err());
    }
}
