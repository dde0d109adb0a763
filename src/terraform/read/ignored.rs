//! Which files of the folder git would commit: what `.gitignore` files and `.git/info/exclude` say.
//!
//! The user's own ignore file (`core.excludesFile`) does not count: it does not prevent other users
//! from committing the file.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
};

use gix_ignore::{Search, glob::pattern::Case, search::Ignore};

use super::{COPIES, DATA_DIR, UnreadableFile, local, local::LocalState, tracked::tracked};
use crate::host::bounded;

/// The maximum number of entries to read in a folder, including its subfolders.
const MOST: usize = 2000;

/// The file of the merged backend in the data directory.
const SAVED: &str = "terraform.tfstate";

/// The files that must not be committed, and whether Git ignores them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoreStatus {
    /// States, copies of states and what `init` stored, of this folder, that are committed, or
    /// will be with the next commit.
    pub tracked: Result<Vec<PathBuf>, UnreadableFile>,
    /// The folder for working data, ignored if every file in it is; `None` if it is not in the
    /// repository.
    pub data_dir: Option<IgnoreState>,
    /// `terraform.tfstate` and its backup, whether or not they are there, and every other state
    /// and copy of one that is.
    pub states: Vec<IgnoreState>,
    /// The root of the repository.
    pub root: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoreState {
    pub path: PathBuf,
    /// True if Git ignores it. An error where not all of a folder could be looked at.
    pub ignored: Result<bool, UnreadableFile>,
}

impl IgnoreStatus {
    /// `None` if `dir` is in no repository.
    pub(super) fn of(
        dir: &Path,
        data_dir: &Path,
        names: &[String],
        states: &[LocalState],
    ) -> Option<Self> {
        let real = fs::canonicalize(dir).ok()?;
        let root = real
            .ancestors()
            .find(|folder| folder.join(".git").exists())?;
        let rules = IgnoreRules::read(root, &real);
        let inside = |path: &Path| {
            let real = match path.strip_prefix(dir) {
                // As git names it, even if it is a link.
                Ok(below)
                    if below
                        .components()
                        .all(|part| matches!(part, Component::Normal(_))) =>
                {
                    real.join(below)
                }
                _ => fs::canonicalize(path).ok()?,
            };
            Some(real.strip_prefix(root).ok()?.to_owned())
        };
        let file = |path: &Path| {
            Some(IgnoreState {
                path: path.to_owned(),
                ignored: Ok(rules.ignore(&inside(path)?, false)),
            })
        };
        let folder = |path: &Path, name: &str| {
            let inside = inside(path)?;
            let ignored = IgnoreRules::read(root, &root.join(&inside)).ignore_all_in(&inside, name);
            Some(IgnoreState {
                path: path.to_owned(),
                ignored: ignored.map_err(|error| UnreadableFile::new(path, error)),
            })
        };
        let mut paths = ["terraform.tfstate", "terraform.tfstate.backup"]
            .map(|name| dir.join(name))
            .to_vec();
        let copies = names
            .iter()
            .filter(|name| local::is_copy(name))
            .map(|name| dir.join(name));
        let more = states.iter().map(|state| state.path.clone()).chain(copies);
        paths.extend(
            more.filter(|path| !paths.contains(path))
                .collect::<BTreeSet<_>>(),
        );
        let mut states: Vec<IgnoreState> = paths.iter().filter_map(|path| file(path)).collect();
        let copies = dir.join(COPIES);
        if copies.is_dir() {
            states.extend(folder(&copies, "tfbackend-backup-"));
        }
        let tracked = tracked_in(root, dir, &real, data_dir, inside(data_dir).as_deref());
        Some(Self {
            tracked,
            data_dir: folder(data_dir, SAVED),
            states,
            root: root.to_owned(),
        })
    }
}

/// `dir` is `real`, a folder of the repository in `root`; `data_dir` is the folder `data` of the
/// repository, if it is in it.
fn tracked_in(
    root: &Path,
    dir: &Path,
    real: &Path,
    data_dir: &Path,
    data: Option<&Path>,
) -> Result<Vec<PathBuf>, UnreadableFile> {
    let Some((git_dir, _)) = git_dirs(root) else {
        return Ok(vec![]);
    };
    let text = |path: &Path| String::from_utf8(as_git_has_it(path).unwrap_or_default()).ok();
    let Some(place) = real.strip_prefix(root).ok().and_then(text) else {
        return Ok(vec![]);
    };
    let below = |path: &str| match place.as_str() {
        "" => Some(path.to_owned()),
        place => path
            .strip_prefix(place)
            .and_then(|rest| rest.strip_prefix('/'))
            .map(str::to_owned),
    };
    let saved = data.and_then(|data| text(&data.join(SAVED)));
    let is_saved = |path: &str| saved.as_deref() == Some(path);
    let found = tracked(&git_dir, |path| {
        is_saved(path) || below(path).is_some_and(|path| is_secret(&path))
    })?;
    let named = |path: &String| {
        if is_saved(path) {
            Some(data_dir.join(SAVED))
        } else {
            below(path).map(|path| dir.join(path))
        }
    };
    Ok(found.iter().filter_map(named).collect())
}

/// Returns whether what Git has at `path`, below the folder, is a state or a copy of one.
fn is_secret(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    match path.split_once('/') {
        None => local::is_state(name) || local::is_copy(name),
        Some((COPIES, rest)) => rest != ".gitignore",
        // Whatever the folder for working data is here, this is the one of other users.
        Some((DATA_DIR, rest)) => rest == SAVED,
        Some(("terraform.tfstate.d", _)) => local::is_state(name),
        Some(_) => false,
    }
}

/// The search for files in a folder that git would commit.
struct LeftoverSearch {
    /// The number of entries that may still be read.
    left: usize,
    /// The reason why not all entries were read.
    unseen: Option<String>,
}

impl LeftoverSearch {
    fn completed(self) -> Result<bool, String> {
        self.unseen.map_or(Ok(true), Err)
    }
}

/// All patterns that bear on one folder.
struct IgnoreRules {
    root: PathBuf,
    /// Patterns of the folder, then of each parent up to the root, then of the repository: the
    /// first
    /// that says anything decides.
    files: Vec<(PathBuf, Search)>,
}

impl IgnoreRules {
    fn read(root: &Path, dir: &Path) -> Self {
        let folders = dir
            .ancestors()
            .take_while(|folder| folder.starts_with(root));
        let mut files: Vec<_> = folders
            .map(|folder| (folder.to_owned(), patterns(&folder.join(".gitignore"))))
            .collect();
        if let Some(exclude) = exclude(root) {
            files.push((root.to_owned(), patterns(&exclude)));
        }
        Self {
            root: root.to_owned(),
            files,
        }
    }

    /// Returns whether git commits no file of a folder: none that is there, and not the one called
    /// `name`
    /// once it is.
    ///
    /// # Errors
    /// If that is unknown; why.
    fn ignore_all_in(&self, folder: &Path, name: &str) -> Result<bool, String> {
        if self.ignore(folder, true) {
            return Ok(true);
        }
        let mut search = LeftoverSearch {
            left: MOST,
            unseen: None,
        };
        Ok(self.ignore(&folder.join(name), false)
            && !self.leave_any_in(folder, &mut search)
            && search.completed()?)
    }

    fn leave_any_in(&self, folder: &Path, search: &mut LeftoverSearch) -> bool {
        let entries = match fs::read_dir(self.root.join(folder)) {
            Ok(entries) => entries,
            Err(error) => {
                if !bounded::is_absent(&error) {
                    search.unseen = Some(format!("cannot be listed: {error}"));
                }
                return false;
            }
        };
        for entry in entries
            .flatten()
            .filter(|entry| entry.file_name() != ".git")
        {
            let Some(fewer) = search.left.checked_sub(1) else {
                search.unseen = Some(format!("has more than {MOST} entries"));
                return false;
            };
            search.left = fewer;
            let path = folder.join(entry.file_name());
            // A link is a file to git.
            let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if !self.ignore(&path, is_dir) && (!is_dir || self.leave_any_in(&path, search)) {
                return true;
            }
        }
        false
    }

    /// A file in an ignored folder is ignored, whatever else is said of it.
    fn ignore(&self, inside: &Path, is_dir: bool) -> bool {
        let steps: Vec<&Path> = inside
            .ancestors()
            .filter(|step| !step.as_os_str().is_empty())
            .collect();
        steps.into_iter().rev().any(|step| {
            let path = self.root.join(step);
            let is_dir = Some(is_dir || step != inside);
            let said = self.files.iter().find_map(|(folder, patterns)| {
                let path = as_git_has_it(path.strip_prefix(folder).ok()?)?;
                patterns.pattern_matching_relative_path(
                    path.as_slice().into(),
                    is_dir,
                    Case::Sensitive,
                )
            });
            said.is_some_and(|said| !said.pattern.is_negative())
        })
    }
}

/// Reads the patterns of a file; an unreadable file ignores nothing.
fn patterns(file: &Path) -> Search {
    let mut patterns = Search::default();
    if let Ok(text) = bounded::bytes(file) {
        // `$` is a letter to git.
        let added = patterns.add_patterns_buffer(
            &text,
            file,
            None,
            Ignore {
                support_precious: false,
            },
        );
        debug_assert!(added.is_ok(), "{added:?}");
    }
    patterns
}

/// With `/` between its parts, wherever we are; nothing for the folder itself.
fn as_git_has_it(path: &Path) -> Option<Vec<u8>> {
    let parts: Vec<&[u8]> = path.iter().map(|part| part.as_encoded_bytes()).collect();
    (!parts.is_empty()).then(|| parts.join(&b'/'))
}

fn exclude(root: &Path) -> Option<PathBuf> {
    git_dirs(root).map(|(_, common)| common.join("info/exclude"))
}

/// The folder that Git has for this work tree, and the one that all work trees share: in a linked
/// one or a submodule, `.git` is a file that says where they are.
fn git_dirs(root: &Path) -> Option<(PathBuf, PathBuf)> {
    let git = root.join(".git");
    if git.is_dir() {
        return Some((git.clone(), git));
    }
    let link = bounded::text(&git).ok()?;
    let own = root.join(link.trim().strip_prefix("gitdir: ")?);
    let common =
        bounded::text(&own.join("commondir")).map_or(own.clone(), |common| own.join(common.trim()));
    Some((own, common))
}

#[cfg(test)]
mod tests;
