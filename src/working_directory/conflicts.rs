//! What would contradict a backend block of ours: another `backend` or `cloud` block in the folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
    slice,
};

use super::{
    bounded::Unreadable,
    configuration::{Configuration, Engine},
    names,
};

/// A file whose `backend` or `cloud` block contradicts ours: Terraform allows one per module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    #[error("{} has a {block} block too, and Terraform allows one", path.display())]
    Block {
        path: PathBuf,
        /// As in `backend "gcs"`, or `cloud`.
        block: String,
    },
    /// Speaks of a backend, and could not be understood.
    #[error("{} may have a backend block too: it could not be read", path.display())]
    Unclear { path: PathBuf },
}

/// Conflicts in the configuration files of `dir`, by name, those called `ours` left out.
///
/// Looked at is what Terraform or OpenTofu loads, each file for itself: a block that another file
/// overrides today counts again when that file goes.
///
/// # Errors
/// If the folder cannot be listed. A folder that is not there has none.
pub fn conflicts(dir: &Path, ours: &[&str]) -> Result<Vec<Conflict>, Unreadable> {
    if fs::metadata(dir).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(vec![]);
    }
    let names = names(dir)?;
    Ok(names.iter().filter(|name| !ours.contains(&name.as_str())).flat_map(|name| in_file(dir, name)).collect())
}

fn in_file(dir: &Path, name: &String) -> Vec<Conflict> {
    // Alone, OpenTofu loads all that Terraform loads.
    let Configuration { files: _, blocks, unreadable } = Configuration::read(dir, slice::from_ref(name), Engine::OpenTofu);
    let unclear = unreadable.into_iter().map(|Unreadable { path, error: _ }| Conflict::Unclear { path });
    blocks.into_iter().map(|block| Conflict::Block { block: block.title(), path: block.at.path }).chain(unclear).collect()
}
