//! What would contradict a backend block of ours: another `backend`, `cloud` or `state_store` block in the folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
    slice,
};

use super::{
    bounded::{Unreadable, Within},
    configuration::{Block, Configuration, Engine, LIMIT},
    names,
    scan::NAMES,
};

/// A file whose `backend` or `cloud` block contradicts ours: Terraform allows one per module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    #[error("{} has a {} block too, and Terraform allows one", block.at.path.display(), block.title())]
    Block { block: Block },
    /// Speaks of a backend, and could not be understood.
    #[error("{} may have a backend block too: it could not be read", path.display())]
    Unclear {
        path: PathBuf,
        /// Whether a line of it looks like the head of such a block.
        looks_like_one: bool,
    },
}

impl Conflict {
    pub fn block(&self) -> Option<&Block> {
        match self {
            Self::Block { block } => Some(block),
            Self::Unclear { .. } => None,
        }
    }
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
    let (names, within) = (names(dir)?, Within::of(dir));
    Ok(names.iter().filter(|name| !ours.contains(&name.as_str())).flat_map(|name| in_file(dir, &within, name)).collect())
}

fn in_file(dir: &Path, within: &Within, name: &String) -> Vec<Conflict> {
    // Alone, OpenTofu loads all that Terraform loads.
    let Configuration { files: _, blocks, overridden: _, unreadable } =
        Configuration::read(dir, within, slice::from_ref(name), Engine::OpenTofu);
    let unclear = unreadable
        .into_iter()
        .map(|Unreadable { path, error: _ }| Conflict::Unclear { looks_like_one: looks_like_one(&path, within), path });
    blocks.into_iter().map(|block| Conflict::Block { block }).chain(unclear).collect()
}

/// Of a file that cannot be parsed: whether it has a block as soon as what is wrong in it is put right.
fn looks_like_one(path: &Path, within: &Within) -> bool {
    let head = |line: &str| {
        let is_comment = line.trim_start().starts_with(['#', '/', '*']);
        let in_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let names = NAMES.into_iter().flat_map(|name| line.match_indices(name));
        !is_comment
            && names.into_iter().any(|(at, name)| {
                let after = line[at + name.len()..].trim_start_matches('"');
                // A label need not be quoted.
                let rest = after.trim_start().trim_start_matches(in_word).trim_start();
                !line[..at].ends_with(in_word) && !after.starts_with(in_word) && rest.starts_with(['"', '{', ':'])
            })
    };
    let bytes = within.bytes_up_to(path, LIMIT).ok().flatten();
    bytes.is_some_and(|bytes| String::from_utf8_lossy(&bytes).lines().any(head))
}
