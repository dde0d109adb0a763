//! Conflicts with tfbackend's backend block: another `backend`, `cloud` or `state_store` block in
//! the folder, or a state store selected by `init`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    slice,
};

use super::{
    bounded::{LinkBoundary, UnreadableFile},
    configuration::{ConfiguredBlock, ConfiguredKind, FolderConfiguration, LIMIT, TerraformEngine},
    names,
    saved::SavedBackend,
    scan::NAMES,
};

/// A file whose `backend` or `cloud` block contradicts ours: Terraform allows one per module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendConflict {
    #[error("{} has a {} block too, and Terraform allows only one", block.at.path.display(), block.title())]
    Block { block: ConfiguredBlock },
    /// Speaks of a backend, and could not be understood.
    #[error("{} may also have a backend block: it cannot be read", path.display())]
    Unclear {
        path: PathBuf,
        /// True if a line of it looks like the head of such a block.
        looks_like_one: bool,
    },
    /// `init` connected the folder with a state store: with our block, the next one would leave its
    /// states behind.
    #[error("{} has `{}`", path.display(), kind.title())]
    Stored { path: PathBuf, kind: ConfiguredKind },
    /// The record of `init` is invalid, and may be such a state store.
    #[error("{0}")]
    StoredUnclear(UnreadableFile),
}

/// Conflicts with tfbackend's block in a folder, by file name, and other facts that matter beside
/// it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackendConflicts {
    pub all: Vec<BackendConflict>,
    /// True if any of the files says which versions may run.
    pub has_required_version: bool,
}

impl BackendConflict {
    pub fn block(&self) -> Option<&ConfiguredBlock> {
        match self {
            Self::Block { block } => Some(block),
            Self::Unclear { .. } | Self::Stored { .. } | Self::StoredUnclear(_) => None,
        }
    }

    /// Returns whether a block of ours must not be written beside it.
    pub fn forbids_a_block(&self) -> bool {
        !matches!(
            self,
            Self::Unclear {
                looks_like_one: false,
                ..
            }
        )
    }

    /// Returns whether it is what `init` stored, and no file.
    pub fn is_stored(&self) -> bool {
        matches!(self, Self::Stored { .. } | Self::StoredUnclear(_))
    }
}

/// Conflicts in the configuration files of `dir`, those called `ours` left out, and in what `init`
/// stored in `data_dir`.
///
/// Looked at is what Terraform or OpenTofu loads, each file for itself: a block that another file
/// overrides today counts again when that file goes.
///
/// # Errors
/// If the folder cannot be listed. A folder that is not there has none.
pub fn conflicts(
    dir: &Path,
    data_dir: &Path,
    ours: &[&str],
) -> Result<BackendConflicts, UnreadableFile> {
    if fs::metadata(dir).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(BackendConflicts::default());
    }
    let (names, within) = (names(dir)?, LinkBoundary::of(dir));
    let mut found = BackendConflicts::default();
    for name in names.iter().filter(|name| !ours.contains(&name.as_str())) {
        found.add_file(dir, &within, name);
    }
    found.all.extend(stored(data_dir));
    Ok(found)
}

impl BackendConflicts {
    fn add_file(&mut self, dir: &Path, within: &LinkBoundary, name: &String) {
        // Alone, OpenTofu loads all that Terraform loads.
        let configuration = FolderConfiguration::read(
            dir,
            within,
            slice::from_ref(name),
            TerraformEngine::OpenTofu,
        );
        self.has_required_version |= !configuration.required_versions.is_empty();
        self.all.extend(
            configuration
                .blocks
                .into_iter()
                .map(|block| BackendConflict::Block { block }),
        );
        self.all.extend(configuration.unreadable.into_iter().map(
            |UnreadableFile { path, error: _ }| BackendConflict::Unclear {
                looks_like_one: looks_like_one(&path, within),
                path,
            },
        ));
    }
}

fn stored(data_dir: &Path) -> Option<BackendConflict> {
    match SavedBackend::read(data_dir) {
        Ok(Some(SavedBackend { path, kind, .. })) if kind.is_state_store() => {
            Some(BackendConflict::Stored { path, kind })
        }
        Ok(_) => None,
        Err(unreadable) => Some(BackendConflict::StoredUnclear(unreadable)),
    }
}

/// Returns whether an unparsable file would have a block once its errors are put
/// right.
fn looks_like_one(path: &Path, within: &LinkBoundary) -> bool {
    let head = |line: &str| {
        let is_comment = line.trim_start().starts_with(['#', '/', '*']);
        let in_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let names = NAMES.into_iter().flat_map(|name| line.match_indices(name));
        !is_comment
            && names.into_iter().any(|(at, name)| {
                let after = line[at + name.len()..].trim_start_matches('"');
                // A label need not be quoted.
                let rest = after.trim_start().trim_start_matches(in_word).trim_start();
                !line[..at].ends_with(in_word)
                    && !after.starts_with(in_word)
                    && rest.starts_with(['"', '{', ':'])
            })
    };
    let bytes = within.bytes_up_to(path, LIMIT).ok().flatten();
    bytes.is_some_and(|bytes| String::from_utf8_lossy(&bytes).lines().any(head))
}
