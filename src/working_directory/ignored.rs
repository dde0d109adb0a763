//! Which files of the folder git would commit: what `.gitignore` files and `.git/info/exclude` say.
//!
//! What only one person's git ignores (`core.excludesFile`) does not count: it keeps nobody else from
//! committing the file.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use gix_ignore::{Search, glob::pattern::Case, search::Ignore};

use super::local::LocalState;
use crate::host::bounded;

/// What must not be committed, and whether it is ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// The folder for working data; `None` if it is not in the repository.
    pub data_dir: Option<Standing>,
    /// `terraform.tfstate` and its backup, whether or not they are there, and every other state that is.
    pub states: Vec<Standing>,
    /// The root of the repository.
    pub root: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub path: PathBuf,
    pub ignored: bool,
}

impl Ignored {
    /// `None` if `dir` is in no repository.
    pub(super) fn of(dir: &Path, data_dir: &Path, states: &[LocalState]) -> Option<Self> {
        let real = fs::canonicalize(dir).ok()?;
        let root = real.ancestors().find(|folder| folder.join(".git").exists())?;
        let rules = Rules::read(root, &real);
        let standing = |path: &Path, is_dir| {
            let real = match path.strip_prefix(dir) {
                // As git names it, even if it is a link.
                Ok(below) if below.components().all(|part| matches!(part, Component::Normal(_))) => real.join(below),
                _ => fs::canonicalize(path).ok()?,
            };
            let inside = real.strip_prefix(root).ok()?;
            Some(Standing { path: path.to_owned(), ignored: rules.ignore(inside, is_dir) })
        };
        let mut paths = ["terraform.tfstate", "terraform.tfstate.backup"].map(|name| dir.join(name)).to_vec();
        paths.extend(states.iter().map(|state| state.path.clone()).filter(|path| !paths.contains(path)).collect::<Vec<_>>());
        Some(Self {
            data_dir: standing(data_dir, true),
            states: paths.iter().filter_map(|path| standing(path, false)).collect(),
            root: root.to_owned(),
        })
    }
}

/// All patterns that bear on one folder.
struct Rules {
    root: PathBuf,
    /// Of the folder, then of each one above it up to the root, then of the repository: the first that
    /// says anything decides.
    files: Vec<(PathBuf, Search)>,
}

impl Rules {
    fn read(root: &Path, dir: &Path) -> Self {
        let folders = dir.ancestors().take_while(|folder| folder.starts_with(root));
        let mut files: Vec<_> = folders.map(|folder| (folder.to_owned(), patterns(&folder.join(".gitignore")))).collect();
        if let Some(exclude) = exclude(root) {
            files.push((root.to_owned(), patterns(&exclude)));
        }
        Self { root: root.to_owned(), files }
    }

    /// A file in an ignored folder is ignored, whatever else is said of it.
    fn ignore(&self, inside: &Path, is_dir: bool) -> bool {
        let steps: Vec<&Path> = inside.ancestors().filter(|step| !step.as_os_str().is_empty()).collect();
        steps.into_iter().rev().any(|step| {
            let path = self.root.join(step);
            let is_dir = Some(is_dir || step != inside);
            let said = self.files.iter().find_map(|(folder, patterns)| {
                let path = as_git_has_it(path.strip_prefix(folder).ok()?)?;
                patterns.pattern_matching_relative_path(path.as_slice().into(), is_dir, Case::Sensitive)
            });
            said.is_some_and(|said| !said.pattern.is_negative())
        })
    }
}

/// What cannot be read ignores nothing.
fn patterns(file: &Path) -> Search {
    let mut patterns = Search::default();
    if let Ok(text) = bounded::bytes(file) {
        // `$` is a letter to git.
        let added = patterns.add_patterns_buffer(&text, file, None, Ignore { support_precious: false });
        debug_assert!(added.is_ok(), "{added:?}");
    }
    patterns
}

/// With `/` between its parts, wherever we are; nothing for the folder itself.
fn as_git_has_it(path: &Path) -> Option<Vec<u8>> {
    let parts: Vec<&[u8]> = path.iter().map(|part| part.as_encoded_bytes()).collect();
    (!parts.is_empty()).then(|| parts.join(&b'/'))
}

/// In a linked work tree or a submodule, `.git` is a file that says where the repository is.
fn exclude(root: &Path) -> Option<PathBuf> {
    let git = root.join(".git");
    if git.is_dir() {
        return Some(git.join("info/exclude"));
    }
    let link = fs::read_to_string(&git).ok()?;
    let own = root.join(link.trim().strip_prefix("gitdir: ")?);
    let common = fs::read_to_string(own.join("commondir")).map_or(own.clone(), |common| own.join(common.trim()));
    Some(common.join("info/exclude"))
}

#[cfg(test)]
mod tests;
