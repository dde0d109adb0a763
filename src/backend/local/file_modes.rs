//! The files in the folder: states, their backups and lock information, for their owner only.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    folder::{mode, set_mode},
    provider::LocalError,
};
use crate::{
    engine::{
        observation::{Observed, ResourceOwner},
        spec::Spec,
    },
    host::bounded::is_absent,
};

/// Permissions of group and others.
const OTHERS: u32 = 0o077;
/// More files than such a folder has: a walk ends there.
const MOST: usize = 10_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateFileModes {
    pub path: PathBuf,
    /// Files and folders that another user may read or write, relative to `path`.
    pub open_to_others: Vec<String>,
}

impl Spec for StateFileModes {
    fn title(&self) -> String {
        "states, for their owner only".to_owned()
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        (setting == "open_to_others")
            .then_some("so that no other user of the machine can read states")
    }

    fn deleted_with_parent(&self) -> bool {
        true
    }
}

impl StateFileModes {
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            open_to_others: vec![],
        }
    }

    /// # Errors
    /// If a folder cannot be listed.
    pub(super) fn observe(&self) -> Result<Observed<Self>, LocalError> {
        if matches!(fs::symlink_metadata(&self.path), Err(error) if is_absent(&error)) {
            return Ok(Observed::Absent);
        }
        let open = files_below(&self.path)?
            .into_iter()
            .filter(|(_, meta)| mode(meta).is_some_and(|mode| mode & OTHERS != 0))
            .map(|(path, _)| {
                let relative = path.strip_prefix(&self.path).unwrap_or(&path);
                relative.display().to_string()
            });
        Ok(Observed::Present {
            spec: Self {
                path: self.path.clone(),
                open_to_others: open.collect(),
            },
            output: None,
            owner: ResourceOwner::Unmanaged,
        })
    }

    pub(super) fn write(&self) -> Result<(), LocalError> {
        for (path, meta) in files_below(&self.path)? {
            let Some(mode) = mode(&meta).filter(|mode| mode & OTHERS != 0) else {
                continue;
            };
            match set_mode(&path, mode & !OTHERS) {
                Err(error) if !is_absent(&error) => {
                    return Err(LocalError::new("change the permissions of", &path, error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Files and folders below a folder, in order.
pub(super) fn files_below(folder: &Path) -> Result<Vec<(PathBuf, fs::Metadata)>, LocalError> {
    let mut found = entries_below(folder)?;
    found.retain(|(_, meta)| meta.is_dir() || meta.is_file());
    Ok(found)
}

/// Everything below a folder, in order. Links are not followed.
pub(super) fn entries_below(folder: &Path) -> Result<Vec<(PathBuf, fs::Metadata)>, LocalError> {
    let (mut found, mut folders) = (vec![], vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let failed = |error: io::Error| LocalError::new("list", &folder, error);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => continue,
            Err(error) => return Err(failed(error)),
        };
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            let meta = match fs::symlink_metadata(&path) {
                Ok(meta) => meta,
                Err(error) if is_absent(&error) => continue,
                Err(error) => return Err(LocalError::new("read", &path, error)),
            };
            if meta.is_dir() {
                folders.push(path.clone());
            }
            found.push((path, meta));
            if found.len() > MOST {
                let what = format!("has more than {MOST} files");
                return Err(failed(io::Error::other(what)));
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}
