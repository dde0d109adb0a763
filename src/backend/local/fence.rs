//! What takes the place of a local state that moved to another backend: Terraform stops there, and
//! its message says where the state is now.
//!
//! - The file becomes a text that Terraform cannot take for a state: `plan` and `init` print the
//!   note in it. The state stays in `<path>.backup`, where Terraform keeps the previous state.
//! - `terraform init` of a folder with another backend reads `terraform.tfstate` in that folder
//!   first, and would stop as well. There the file is replaced by a link that leads nowhere: `init`
//!   finds no state, and `plan` in a folder with the old configuration cannot lock one. The note is
//!   in `<path>.moved` then: a run that waits for the lock still removes `.<name>.lock.info`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Value as Json, json};

use super::store::{STATE_FILE, WORKSPACE_DIR, backup_path};
use crate::{
    host::{
        bounded::{self, is_absent},
        private_file,
    },
    state::{digest, lock::LockInfo, moved, snapshot::MAX_BYTES},
};

/// More bytes than such a text has.
const MOST: u64 = 64 * 1024;
/// More bytes than a name in a path may have would be another error than "no such file".
const LONGEST_NAME: usize = 200;

/// Where the note is beside a link.
pub(super) fn note_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".moved");
    name.into()
}

/// The note on a state that moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FenceNote {
    pub lock: LockInfo,
    /// MD5 of the state that was there.
    pub digest: String,
    pub is_link: bool,
}

impl FenceNote {
    /// Reads the note in the place of a state; `None` if there is a state, or nothing.
    ///
    /// Opens the file: not to be called for one that this process has locked.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let meta = match fs::symlink_metadata(path) {
            Ok(meta) => meta,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        if meta.is_symlink() {
            let target = fs::read_link(path)?;
            if !target.to_string_lossy().starts_with(moved::LINK) {
                return Ok(None);
            }
            let note = bounded::bytes(&note_path(path)).unwrap_or_default();
            let note = Self::parse(&note, true).unwrap_or_else(|| Self {
                // The file beside it is gone; the link itself still says where the state is.
                lock: LockInfo {
                    info: target
                        .to_string_lossy()
                        .replacen(moved::LINK, "moved to ", 1),
                    ..LockInfo::default()
                },
                digest: String::new(),
                is_link: true,
            });
            return Ok(Some(note));
        }
        if !meta.is_file() || meta.len() > MOST {
            return Ok(None);
        }
        Ok(Self::of_text(&bounded::bytes(path)?))
    }

    /// The note in a text that took the place of a state.
    pub(super) fn of_text(text: &[u8]) -> Option<Self> {
        if !text.starts_with(moved::NOTE) {
            return None;
        }
        // Behind it may be the end of a longer state, if a run was cut off there.
        let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Json>();
        let note = values.next()?.ok()?;
        Self::parse(note.get("tfbackend")?.to_string().as_bytes(), false)
    }

    fn parse(note: &[u8], is_link: bool) -> Option<Self> {
        let json: Json = serde_json::from_slice(note).ok()?;
        Some(Self {
            lock: LockInfo::parse(note).ok()?,
            digest: json.get("StateMD5")?.as_str()?.to_owned(),
            is_link,
        })
    }

    /// Lock info as Terraform writes it, and the digest.
    fn to_json(&self) -> String {
        let lock = self.lock.to_go_json();
        let lock = lock.strip_suffix('}').unwrap_or(&lock);
        format!("{lock},\"StateMD5\":{}}}", json!(self.digest))
    }

    /// The text in the place of the state.
    pub(super) fn to_text(&self) -> String {
        no_state(&self.to_json(), &self.lock.info)
    }

    /// The state that was there, if it still is in its copy.
    pub(super) fn state(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        let backup = match bounded::bytes_up_to(&backup_path(path), MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok((digest::of(&backup) == self.digest).then_some(backup))
    }

    /// Replaces the file by a link that leads nowhere, where `terraform init` reads it although the
    /// folder has another backend. The text is there already.
    pub(super) fn link(&self, path: &Path) -> io::Result<()> {
        if !is_read_by_init(path) {
            return Ok(());
        }
        private_file::write(&note_path(path), self.to_json().as_bytes(), true)?;
        let place = self.lock.info.replace(' ', "-");
        let mut rest: &str = place.strip_prefix(moved::LINK).unwrap_or(&place);
        let mut parts = vec![];
        while !rest.is_empty() {
            let mut end = rest.len().min(LONGEST_NAME);
            while !rest.is_char_boundary(end) {
                end -= 1;
            }
            parts.push(&rest[..end]);
            rest = &rest[end..];
        }
        replace_by_link(path, &format!("{}{}", moved::LINK, parts.join("/")))
    }
}

/// What a run reads that waited for the lock on a file that has no name any more.
pub(super) fn replaced_state() -> String {
    no_state(
        "null",
        "tfbackend replaced or deleted the state while this run waited for the lock. Run \
         Terraform again",
    )
}

/// A text that Terraform cannot take for a state, and of which it prints the message.
fn no_state(note: &str, message: &str) -> String {
    // Terraform prints a version that is none.
    let message = json!(message.replace('"', "'"));
    format!(
        "{{\"tfbackend\":{note},\"version\":4,\"terraform_version\":{message},\"serial\":0,\
         \"lineage\":\"\",\"outputs\":{{}},\"resources\":[]}}\n"
    )
}

#[cfg(unix)]
fn replace_by_link(path: &Path, target: &str) -> io::Result<()> {
    let mut temp = path.as_os_str().to_owned();
    temp.push(format!(".tfbackend-{:08x}", fastrand::u32(..)));
    let temp = PathBuf::from(temp);
    std::os::unix::fs::symlink(target, &temp)?;
    fs::rename(&temp, path).inspect_err(|_| drop(fs::remove_file(&temp)))
}

/// Where links take a privilege, the text stays.
#[cfg(not(unix))]
fn replace_by_link(_: &Path, _: &str) -> io::Result<()> {
    Ok(())
}

/// Returns whether `terraform init` reads this file whatever backend the folder has: the state of
/// the default workspace, or of another, at its default place in a folder of Terraform's.
fn is_read_by_init(path: &Path) -> bool {
    if path.file_name().is_none_or(|name| name != STATE_FILE) {
        return false;
    }
    let Some(folder) = path.parent() else {
        return false;
    };
    let workspaces = folder
        .parent()
        .filter(|parent| parent.file_name().is_some_and(|name| name == WORKSPACE_DIR));
    let root = workspaces.and_then(Path::parent);
    [Some(folder), root]
        .into_iter()
        .flatten()
        .any(has_configuration)
}

fn has_configuration(dir: &Path) -> bool {
    let dir = if dir.as_os_str().is_empty() {
        Path::new(".")
    } else {
        dir
    };
    fs::read_dir(dir).is_ok_and(|entries| {
        entries.filter_map(Result::ok).any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            [".tf", ".tofu", ".tf.json", ".tofu.json"]
                .iter()
                .any(|ending| name.ends_with(ending))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(info: &str) -> FenceNote {
        FenceNote {
            lock: LockInfo {
                id: "1".to_owned(),
                info: info.to_owned(),
                ..LockInfo::default()
            },
            digest: "d".to_owned(),
            is_link: false,
        }
    }

    #[test]
    fn text_is_read_back_even_if_a_state_is_left_behind_it() {
        let note = note("moved to s3://acme/\"app\"");
        let text = note.to_text();
        assert_eq!(FenceNote::of_text(text.as_bytes()), Some(note.clone()));
        let cut_off = format!("{text}\"lineage\": \"x\"}}");
        assert_eq!(FenceNote::of_text(cut_off.as_bytes()), Some(note));
        assert_eq!(FenceNote::of_text(b"{\"version\": 4}"), None);
        assert_eq!(FenceNote::of_text(b"{\"tfbackend\":"), None);
    }

    #[cfg(unix)]
    #[test]
    fn link_is_where_init_reads() {
        let dir = tempfile::tempdir().expect("a folder");
        let of = |name: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(&path, "text").expect("written");
            let long = format!("moved to s3://acme/{}", "long".repeat(200));
            note(&long).link(&path).expect("linked");
            let read = FenceNote::read(&path).expect("read");
            assert_eq!(
                read.is_some_and(|read| read.lock.info == long),
                path.is_symlink()
            );
            assert_eq!(
                fs::read(&path)
                    .map_err(|error| error.kind())
                    .is_err_and(|kind| { kind == io::ErrorKind::NotFound }),
                path.is_symlink(),
                "no such file, and no other error"
            );
            path.is_symlink()
        };
        assert!(!of("terraform.tfstate"), "no configuration is there");
        fs::write(dir.path().join("main.tf"), "").expect("written");
        assert!(of("terraform.tfstate"));
        assert!(of("terraform.tfstate.d/blue/terraform.tfstate"));
        assert!(!of("other.tfstate"));
        assert!(!of("states/terraform.tfstate"));
    }
}
