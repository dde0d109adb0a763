//! The folder of the states: for its owner only, with a marker that says whose it is.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{file_modes::files_below, provider::LocalError, store::TEMPORARY};
use crate::{
    engine::{
        observation::{Observed, ResourceOwner},
        spec::Spec,
    },
    host::{
        bounded::{self, is_absent},
        private_file,
    },
    text::words,
};

/// Names the environment that a folder belongs to, as tags do on AWS.
pub(crate) const MARKER: &str = ".tfbackend.json";
/// Only the owner can list, read and write.
pub(crate) const FOLDER_MODE: u32 = 0o700;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateFolderSpec {
    pub path: PathBuf,
    /// Permissions in octal, such as `0700`. Absent where the system has none.
    pub mode: Option<String>,
    /// Files that are not states: a folder with any is not adopted. They are not changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_files: Vec<String>,
}

/// The contents of the marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderMarker {
    pub format_version: u32,
    pub project: String,
    pub env: String,
}

/// The version of the marker's format.
pub(crate) const MARKER_FORMAT: u32 = 1;

impl Spec for StateFolderSpec {
    fn title(&self) -> String {
        format!("folder {}", self.path.display())
    }

    fn merge_onto(&self, observed: &Self) -> Self {
        Self {
            other_files: observed.other_files.clone(),
            ..self.clone()
        }
    }

    // A wrong `--state-dir`, such as a home folder, must not lose its permissions.
    fn adoption_blocked_by(&self, observed: &Self) -> Option<String> {
        let first = observed.other_files.first()?;
        let count = words::count(observed.other_files.len(), "file that is", "files that are");
        Some(format!(
            "has {count} not a state, such as {first}; choose another folder with --state-dir"
        ))
    }

    fn blocked_by(&self, observed: &Self) -> Option<String> {
        (self.path != observed.path).then(|| format!("is at {}", observed.path.display()))
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        (setting == "mode").then_some("so that no other user of the machine can read states")
    }
}

impl StateFolderSpec {
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            mode: cfg!(unix).then(|| mode_text(FOLDER_MODE)),
            other_files: vec![],
        }
    }

    /// Reads the folder and its marker. A link in its place is not followed.
    ///
    /// # Errors
    /// If it cannot be read, or is not a folder.
    pub(super) fn observe(&self, expected: &FolderMarker) -> Result<Observed<Self>, LocalError> {
        let meta = match fs::symlink_metadata(&self.path) {
            Ok(meta) => meta,
            Err(error) if is_absent(&error) => return Ok(Observed::Absent),
            Err(error) => return Err(LocalError::new("read", &self.path, error)),
        };
        if !meta.is_dir() {
            let what = io::Error::new(io::ErrorKind::NotADirectory, "is not a folder");
            return Err(LocalError::new("use", &self.path, what));
        }
        let owner = match FolderMarker::read(&self.path)? {
            None => ResourceOwner::Unmanaged,
            Some(marker) if marker.is_of(expected) => ResourceOwner::Us,
            Some(marker) => ResourceOwner::Other(marker.title()),
        };
        Ok(Observed::Present {
            spec: Self {
                path: self.path.clone(),
                mode: mode(&meta).map(mode_text),
                other_files: other_files(&self.path)?,
            },
            output: None,
            owner,
        })
    }

    /// Creates the folder, or corrects its permissions and its marker.
    pub(super) fn write(&self, marker: &FolderMarker) -> Result<(), LocalError> {
        let failed = |error| LocalError::new("create", &self.path, error);
        private_file::create_dir(&self.path).map_err(failed)?;
        set_mode(&self.path, FOLDER_MODE)
            .map_err(|error| LocalError::new("change the permissions of", &self.path, error))?;
        let path = self.path.join(MARKER);
        let mut text = serde_json::to_string_pretty(marker).expect("plain data");
        text.push('\n');
        private_file::write(&path, text.as_bytes(), true)
            .map_err(|error| LocalError::new("write", &path, error))
    }
}

impl FolderMarker {
    /// # Errors
    /// If there is a marker that cannot be read or understood: the folder may be of another
    /// environment.
    pub fn read(folder: &Path) -> Result<Option<Self>, LocalError> {
        let path = folder.join(MARKER);
        let bytes = match bounded::bytes(&path) {
            Ok(bytes) => bytes,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(LocalError::new("read", &path, error)),
        };
        let marker: Self = serde_json::from_slice(&bytes)
            .map_err(|error| LocalError::new("read", &path, io::Error::other(error)))?;
        if marker.format_version > MARKER_FORMAT {
            let what = format!(
                "it has format {}, and this version of tfbackend supports {MARKER_FORMAT}",
                marker.format_version
            );
            return Err(LocalError::new("read", &path, io::Error::other(what)));
        }
        Ok(Some(marker))
    }

    pub fn is_of(&self, other: &Self) -> bool {
        self.project == other.project && self.env == other.env
    }

    pub fn title(&self) -> String {
        format!("environment {} of project {}", self.env, self.project)
    }
}

/// Files that are not states by their names, relative to the folder.
fn other_files(folder: &Path) -> Result<Vec<String>, LocalError> {
    let files = files_below(folder)?;
    let others = files.iter().filter(|(path, meta)| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_state = [".tfstate", ".tfstate.backup", ".lock.info"]
            .iter()
            .any(|end| name.ends_with(end));
        let is_left = name.starts_with(TEMPORARY);
        meta.is_file() && !is_state && !is_left && name != MARKER
    });
    Ok(others
        .map(|(path, _)| {
            path.strip_prefix(folder)
                .unwrap_or(path)
                .display()
                .to_string()
        })
        .collect())
}

/// The permissions of a file or folder, where the system has any.
#[cfg(unix)]
pub(super) fn mode(meta: &fs::Metadata) -> Option<u32> {
    Some(std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o7777)
}

#[cfg(not(unix))]
pub(super) fn mode(_: &fs::Metadata) -> Option<u32> {
    None
}

#[cfg(unix)]
pub(super) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
pub(super) fn set_mode(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

pub(super) fn mode_text(mode: u32) -> String {
    format!("{mode:04o}")
}
