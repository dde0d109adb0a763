//! The folders of a repository, and which of them have files of ours for the same state.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::failure::CliError;
use crate::terraform::{
    read::{ArgumentValue, SourcedArgument, partial},
    write::header::HeaderOwner,
};

/// More folders than any repository of configurations has.
const MOST_FOLDERS: usize = 20_000;

/// The folder and all below it, in order, but for hidden ones and links.
///
/// # Errors
/// If one of them cannot be listed, or there are too many.
pub(crate) fn below(root: &Path) -> Result<Vec<PathBuf>, CliError> {
    let (mut found, mut at) = (vec![root.to_owned()], 0);
    while let Some(dir) = found.get(at).cloned() {
        at += 1;
        let failed = |error: std::io::Error| {
            CliError::failed(format!("cannot list the folder {}", dir.display())).because(&error)
        };
        let mut below = vec![];
        for entry in fs::read_dir(&dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if !hidden && entry.file_type().map_err(failed)?.is_dir() {
                below.push(entry.path());
            }
        }
        below.sort();
        found.extend(below);
        if found.len() > MOST_FOLDERS {
            return Err(CliError::failed(format!(
                "there are more than {MOST_FOLDERS} folders below {}",
                root.display()
            ))
            .hint("name a folder further down: --chdir DIR"));
        }
    }
    Ok(found)
}

/// Partial configurations of ours in other folders of the Git repository of `dir` that name the
/// same state. None outside of a repository, and where it cannot be listed.
pub(crate) fn with_the_same_state(dir: &Path, owner: &HeaderOwner, key: &str) -> Vec<PathBuf> {
    let Ok(dir) = dir.canonicalize() else {
        return vec![];
    };
    let Some(root) = dir.ancestors().find(|folder| folder.join(".git").exists()) else {
        return vec![];
    };
    let names_the_key = |argument: &SourcedArgument| {
        argument.name == "key"
            && matches!(&argument.value, ArgumentValue::Text(text) if text == key)
    };
    let others = below(root)
        .unwrap_or_default()
        .into_iter()
        .filter(|folder| *folder != dir);
    let partial = others.flat_map(|folder| partial::ours(&folder, None));
    let same = partial.filter(|one| {
        one.stated_owner.as_ref() == Some(owner) && one.said().iter().any(names_the_key)
    });
    same.map(|one| {
        one.path
            .strip_prefix(root)
            .map_or_else(|_| one.path.clone(), Path::to_path_buf)
    })
    .collect()
}
