//! Local states of the folder: their size, and whether they are empty. Nothing else is kept.

use std::{
    fs,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use serde::de::{IgnoredAny, MapAccess};

use super::bounded::{self, LinkBoundary, UnreadableFile};
use crate::state::{
    lenient::{FieldCount, ItemCount, LenientField, LenientShape, folded},
    moved,
};

/// A state that is larger is not read to its end: it holds something.
const LIMIT: u64 = 256 * 1024 * 1024;

/// The contents of a state file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocalStateContents {
    /// Zero bytes, as a migration leaves it, or neither resources nor outputs.
    Nothing,
    /// In plain text.
    Resources { resources: u64, outputs: u64 },
    /// Encrypted by OpenTofu: it cannot be read without the key.
    Encrypted,
    /// Something that could not be read or understood, and may be a state.
    Unclear(UnreadableFile),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalState {
    pub path: PathBuf,
    /// In bytes; `None` if it could not be asked.
    pub size: Option<u64>,
    pub holds: LocalStateContents,
}

/// The states in `dir`: those of the `local` backend for each workspace, their backups, what a
/// failed write to a remote backend leaves (`errored.tfstate`), and pulled states.
pub(super) fn read(dir: &Path, within: &LinkBoundary, names: &[String]) -> Vec<LocalState> {
    let mut paths: Vec<PathBuf> = names
        .iter()
        .filter(|name| is_state(name))
        .map(|name| dir.join(name))
        .collect();
    let workspaces = dir.join("terraform.tfstate.d");
    let unlisted = match folders(&workspaces) {
        Ok(folders) => {
            paths.extend(folders.iter().flat_map(|folder| {
                ["terraform.tfstate", "terraform.tfstate.backup"].map(|name| folder.join(name))
            }));
            None
        }
        Err(error) => Some(LocalState {
            holds: LocalStateContents::Unclear(UnreadableFile::io(&workspaces, &error)),
            path: workspaces,
            size: None,
        }),
    };
    // A copy that tfbackend kept is of a state that was damaged, as often as not.
    let is_fit = |state: &LocalState| {
        let name = state.path.file_name().and_then(|name| name.to_str());
        !(name.is_some_and(is_copy) && matches!(state.holds, LocalStateContents::Unclear(_)))
    };
    paths
        .iter()
        .filter_map(|path| state(path, within))
        .filter(is_fit)
        .chain(unlisted)
        .collect()
}

/// Returns the subfolders of the workspace folder; none if it does not exist.
fn folders(workspaces: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(workspaces) {
        Ok(entries) => entries,
        Err(error) if crate::host::bounded::is_absent(&error) => return Ok(vec![]),
        Err(error) => return Err(error),
    };
    let mut folders = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()?;
    folders.sort();
    Ok(folders)
}

/// Returns whether tfbackend gives such a name to a copy of a state or of a digest.
pub(super) fn is_copy(name: &str) -> bool {
    [
        "tfbackend-backup-",
        "tfbackend-before-restore-",
        "tfbackend-digest-",
    ]
    .iter()
    .any(|start| name.starts_with(start))
}

pub(super) fn is_state(name: &str) -> bool {
    name.ends_with(".tfstate") || (name.contains(".tfstate.") && name.ends_with(".backup"))
}

/// Returns whether the state moved to another backend: what is there says so, and is none.
fn has_moved(path: &Path) -> bool {
    if let Ok(target) = fs::read_link(path) {
        return target.to_string_lossy().starts_with(moved::LINK);
    }
    let Ok(Some(file)) = bounded::open(path) else {
        return false;
    };
    let mut start = vec![];
    let limit = u64::try_from(moved::NOTE.len()).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut start).is_ok() && start == moved::NOTE
}

fn state(path: &Path, within: &LinkBoundary) -> Option<LocalState> {
    if has_moved(path) {
        return None;
    }
    let size = match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => return None,
        Ok(meta) => Some(meta.len()),
        Err(_) => None,
    };
    let holds = match within.open(path) {
        Ok(None) => return None,
        Ok(Some(file)) => holds(path, file, size),
        Err(unreadable) => LocalStateContents::Unclear(unreadable),
    };
    Some(LocalState {
        path: path.to_owned(),
        size,
        holds,
    })
}

/// Returns whether `dir` has state of Terraform's `local` backend that would be left behind: of the
/// default
/// workspace or of any other.
///
/// As Terraform sees it, a state without resources and outputs is empty, and so is the file of zero
/// bytes that a migration leaves. What cannot be read or understood counts as state: OpenTofu may
/// have encrypted it.
pub fn local_state(dir: &Path) -> bool {
    let of = |folder: &Path| has_state(&folder.join("terraform.tfstate"));
    of(dir)
        || folders(&dir.join("terraform.tfstate.d"))
            .map_or(true, |folders| folders.iter().any(|folder| of(folder)))
}

fn has_state(path: &Path) -> bool {
    if has_moved(path) {
        return false;
    }
    // Nothing but a regular file is one.
    if fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
        return false;
    }
    match bounded::open(path) {
        Ok(None) => false,
        Ok(Some(file)) => match LocalContents::read(file) {
            Some(LocalContents {
                version: Some(4),
                is_encrypted: false,
                resources: Some(resources),
                outputs,
                ..
            }) => resources + outputs > 0,
            Some(_) => true,
            None => !is_blank(path),
        },
        Err(_) => true,
    }
}

fn is_blank(path: &Path) -> bool {
    let Ok(Some(file)) = bounded::open(path) else {
        return false;
    };
    BufReader::new(file)
        .bytes()
        .all(|byte| byte.is_ok_and(|byte| byte.is_ascii_whitespace()))
}

/// The fields of a state that are read.
#[derive(Default)]
struct LocalContents {
    version: Option<u64>,
    resources: Option<u64>,
    outputs: u64,
    /// Terraform before 0.12.
    modules: Option<u64>,
    is_encrypted: bool,
    /// A field is of another shape than Terraform takes.
    is_wrong: bool,
}

impl LocalContents {
    /// `None` if it is no state.
    fn read(file: fs::File) -> Option<Self> {
        let read: LenientField<Self> =
            serde_json::from_reader(BufReader::new(file.take(LIMIT))).ok()?;
        read.good().filter(|outline| !outline.is_wrong)
    }

    fn taken<T>(&mut self, field: LenientField<T>) -> Option<T> {
        self.is_wrong |= matches!(field, LenientField::Wrong);
        field.good()
    }
}

/// As Terraform reads them, names of fields are of any case.
impl LenientShape for LocalContents {
    fn object<'de, A: MapAccess<'de>>(mut fields: A) -> Result<Option<Self>, A::Error> {
        let mut all = Self::default();
        while let Some(name) = fields.next_key::<String>()? {
            match &*folded(&name) {
                "version" => all.version = all.taken(fields.next_value()?),
                "resources" => {
                    all.resources = all
                        .taken(fields.next_value()?)
                        .map(|ItemCount(count)| count)
                }
                "modules" => {
                    all.modules = all
                        .taken(fields.next_value()?)
                        .map(|ItemCount(count)| count)
                }
                "outputs" => {
                    all.outputs = all
                        .taken(fields.next_value()?)
                        .map_or(0, |FieldCount(count)| count)
                }
                "encrypted_data" => {
                    all.is_encrypted = fields.next_value::<Option<IgnoredAny>>()?.is_some()
                }
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Some(all))
    }
}

fn holds(path: &Path, file: fs::File, size: Option<u64>) -> LocalStateContents {
    let unclear = || {
        LocalStateContents::Unclear(UnreadableFile::new(
            path,
            "has an unknown state file format",
        ))
    };
    if size == Some(0) {
        return LocalStateContents::Nothing;
    }
    match LocalContents::read(file) {
        Some(LocalContents {
            is_encrypted: true, ..
        }) => LocalStateContents::Encrypted,
        None
        | Some(LocalContents {
            resources: None,
            modules: None,
            ..
        }) => unclear(),
        Some(LocalContents {
            resources,
            outputs,
            modules,
            ..
        }) => {
            let resources = resources.unwrap_or_default() + modules.unwrap_or_default();
            if resources + outputs == 0 {
                LocalStateContents::Nothing
            } else {
                LocalStateContents::Resources { resources, outputs }
            }
        }
    }
}

#[cfg(test)]
mod tests;
