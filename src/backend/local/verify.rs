//! What must hold of a local backend.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    file_modes::files_below,
    file_system,
    folder::{FolderMarker, MARKER},
    provider::{LocalError, LocalProvider},
    resources::{LocalSpec, STATE_FILES, STATE_FOLDER},
    store::backup_path,
};
use crate::{
    backend::provider::Provider,
    checks::{Check, CheckGroup, CheckResult, CheckedPlace, Severity, Verdict},
    engine::{
        observation::{Observation, Observed, ResourceOwner},
        spec::Address,
    },
    state::{
        layout::DEFAULT_WORKSPACE,
        snapshot::{LARGEST, SnapshotDetail, StateSnapshot},
    },
    store::state_store::{StateId, StateStore},
    text::shell::shell_word,
};

use futures_util::StreamExt;

/// In the order in which they are carried out.
pub(crate) static ALL: [&Check; 9] = [
    &FOLDER,
    &FOLDER_OWNED,
    &FOLDER_PERMISSIONS,
    &FILE_PERMISSIONS,
    &PARENT_FOLDERS,
    &NOT_IN_GIT,
    &NOT_ON_NETWORK,
    &STATES_READABLE,
    &LOCKS_HELD,
];

const DOCS: &str = "https://developer.hashicorp.com/terraform/language/backend/local";
const SENSITIVE: &str = "https://developer.hashicorp.com/terraform/language/manage-sensitive-data";

const fn check(
    id: &'static str,
    docs: &'static str,
    severity: Severity,
    group: CheckGroup,
    expected: &'static str,
    rationale: &'static str,
) -> Check {
    Check {
        id,
        docs,
        severity,
        group,
        expected,
        rationale,
        references: &[],
    }
}

pub(crate) static FOLDER: Check = check(
    "folder",
    DOCS,
    Severity::Critical,
    CheckGroup::Storage,
    "the folder of the states exists",
    "without the folder, there are no states",
);
pub(crate) static FOLDER_OWNED: Check = check(
    "folder-owned",
    DOCS,
    Severity::Medium,
    CheckGroup::Storage,
    "the folder belongs to this environment",
    "two environments in one folder overwrite each other's states",
);
pub(crate) static FOLDER_PERMISSIONS: Check = check(
    "folder-permissions",
    SENSITIVE,
    Severity::High,
    CheckGroup::Access,
    "only its owner can list and write the folder (0700)",
    "a state contains passwords in plain text",
);
pub(crate) static FILE_PERMISSIONS: Check = check(
    "folder-file-permissions",
    SENSITIVE,
    Severity::Medium,
    CheckGroup::Access,
    "only its owner can read each file (0600)",
    "a copy or an archive keeps the permissions of a file, not those of its folder",
);
pub(crate) static PARENT_FOLDERS: Check = check(
    "folder-parents",
    SENSITIVE,
    Severity::High,
    CheckGroup::Access,
    "no other user can replace the folder",
    "who can write to a folder above it can put another folder in its place",
);
pub(crate) static NOT_IN_GIT: Check = check(
    "folder-not-in-git",
    SENSITIVE,
    Severity::High,
    CheckGroup::Access,
    "the folder is outside of Git repositories",
    "a state that is committed once stays in the history, with all its passwords",
);
pub(crate) static NOT_ON_NETWORK: Check = check(
    "folder-not-on-network",
    DOCS,
    Severity::High,
    CheckGroup::Locking,
    "the folder is on a local file system",
    "locks of the local backend are record locks, which a network file system may not pass on to \
     other machines",
);
pub(crate) static STATES_READABLE: Check = check(
    "folder-states-readable",
    DOCS,
    Severity::High,
    CheckGroup::Usage,
    "each state can be read and parsed",
    "Terraform fails on a damaged state",
);
pub(crate) static LOCKS_HELD: Check = check(
    "folder-locks-held",
    DOCS,
    Severity::Low,
    CheckGroup::Usage,
    "each lock information belongs to a running process",
    "lock information of a process that ended shows a lock that nothing holds",
);

impl LocalProvider {
    /// Runs all checks. `remediation` is the command that repairs the folder.
    pub async fn checks(
        &self,
        observation: &Observation<LocalSpec>,
        remediation: &str,
    ) -> Vec<CheckResult> {
        let place = |address: &Address| {
            CheckedPlace::at(address, Some(self.state_dir().display().to_string()))
        };
        let folder = place(&STATE_FOLDER);
        let mut checked = vec![];
        let mut add = |check, place: &CheckedPlace, verdict| {
            checked.push(CheckResult::new(check, place.clone(), verdict));
        };
        let fails = |found: String| Verdict::Fails {
            found,
            remediation: remediation.to_owned(),
        };
        let seen = observation.get(&STATE_FOLDER);
        let is_there = matches!(seen, Some(Observed::Present { .. }));
        add(
            &FOLDER,
            &folder,
            match seen {
                Some(Observed::Present { .. }) => Verdict::Holds,
                Some(Observed::Unreadable(error)) => Verdict::Unreadable {
                    error: error.clone(),
                },
                Some(Observed::Absent) | None => fails("it does not exist".to_owned()),
            },
        );
        let of_folder = |verdict: Verdict| match is_there {
            true => verdict,
            false => Verdict::FailsWith {
                check: &FOLDER,
                place: folder.clone(),
            },
        };
        add(
            &FOLDER_OWNED,
            &folder,
            of_folder(self.owned(seen, remediation)),
        );
        add(
            &FOLDER_PERMISSIONS,
            &folder,
            of_folder(match self.difference(&STATE_FOLDER, observation) {
                Some(found) => fails(found),
                None => Verdict::Holds,
            }),
        );
        let files = place(&STATE_FILES);
        add(
            &FILE_PERMISSIONS,
            &files,
            match observation.get(&STATE_FILES) {
                Some(Observed::Unreadable(error)) if is_there => Verdict::Unreadable {
                    error: error.clone(),
                },
                _ => of_folder(match self.difference(&STATE_FILES, observation) {
                    Some(found) => fails(found),
                    None => Verdict::Holds,
                }),
            },
        );
        add(&PARENT_FOLDERS, &folder, self.parents());
        add(&NOT_IN_GIT, &folder, self.not_in_git());
        add(&NOT_ON_NETWORK, &folder, self.not_on_network());
        add(&STATES_READABLE, &folder, of_folder(self.readable().await));
        add(&LOCKS_HELD, &folder, of_folder(self.locks_held().await));
        checked
    }

    fn owned(&self, seen: Option<&Observed<LocalSpec>>, remediation: &str) -> Verdict {
        let (found, remediation) = match seen {
            Some(Observed::Present {
                owner: ResourceOwner::Unmanaged,
                ..
            }) => (
                format!("it has no {MARKER}"),
                format!("{remediation} --adopt"),
            ),
            Some(Observed::Present {
                owner: ResourceOwner::Other(other),
                ..
            }) => (
                format!("it belongs to {other}"),
                "choose another folder with --state-dir".to_owned(),
            ),
            _ => return Verdict::Holds,
        };
        Verdict::Fails { found, remediation }
    }

    /// What differs from the blueprint at an address.
    fn difference(
        &self,
        address: &Address,
        observation: &Observation<LocalSpec>,
    ) -> Option<String> {
        let node = self.blueprint().get(address)?;
        let Some(Observed::Present { spec, .. }) = observation.get(address) else {
            return None;
        };
        match (spec, &node.spec) {
            (LocalSpec::Folder(_), _) if self.other_owner().is_some() => {
                let user = self.other_owner().unwrap_or_default();
                Some(format!("it belongs to another user (ID {user})"))
            }
            (LocalSpec::Folder(is), LocalSpec::Folder(wanted)) if is.mode != wanted.mode => {
                Some(format!(
                    "its permissions are {}, expected {}",
                    is.mode.as_deref().unwrap_or("unknown"),
                    wanted.mode.as_deref().unwrap_or("unknown")
                ))
            }
            (LocalSpec::Files(is), _) if !is.open_to_others.is_empty() => Some(format!(
                "other users have permissions on {}",
                is.open_to_others.join(", ")
            )),
            _ => None,
        }
    }

    fn parents(&self) -> Verdict {
        match file_system::open_parent(self.state_dir()) {
            Ok(None) => Verdict::Holds,
            Ok(Some(dir)) => Verdict::Fails {
                found: format!("other users can write to {}", dir.display()),
                remediation: format!(
                    "chmod go-w {}, or choose another folder with --state-dir",
                    shell_word(&dir.display().to_string())
                ),
            },
            Err(error) => unknown(&error, "this system has no such permissions"),
        }
    }

    fn not_in_git(&self) -> Verdict {
        match file_system::repository(&file_system::resolved(self.state_dir())) {
            None => Verdict::Holds,
            Some(root) => Verdict::Fails {
                found: format!("it is in the repository {}", root.display()),
                remediation: "move the states to a folder outside of it: `tfbackend migrate`"
                    .to_owned(),
            },
        }
    }

    fn not_on_network(&self) -> Verdict {
        match file_system::network_file_system(self.state_dir()) {
            Ok(None) => Verdict::Holds,
            Ok(Some(name)) => Verdict::Fails {
                found: format!("it is on a file system of type {name}"),
                remediation:
                    "use a folder on a local disk, or another backend kind (`tfbackend backends`)"
                        .to_owned(),
            },
            Err(error) => unknown(
                &error,
                "the type of a file system can be read only on Linux",
            ),
        }
    }

    async fn readable(&self) -> Verdict {
        let store = self.local_store();
        let states: Vec<_> = store.list().collect().await;
        let mut damaged = vec![];
        let mut remediation = None;
        for state in states {
            let id = match state {
                Ok(state) => state.id,
                Err(error) => {
                    return Verdict::Unreadable {
                        error: error.to_string(),
                    };
                }
            };
            let found = match store.read(&id, None, LARGEST).await {
                Ok(None) => continue,
                Ok(Some(state)) => match StateSnapshot::parse(&state.bytes, SnapshotDetail::Counts)
                {
                    Ok(_) => continue,
                    Err(error) => format!("{}: {error}", id.path),
                },
                Err(error) => error.to_string(),
            };
            damaged.push(found);
            remediation.get_or_insert_with(|| restore_of(&id));
        }
        let Some(remediation) = remediation else {
            return Verdict::Holds;
        };
        Verdict::Fails {
            found: damaged.join("; "),
            remediation,
        }
    }

    async fn locks_held(&self) -> Verdict {
        let store = self.local_store();
        let locks: Vec<_> = store.locks().collect().await;
        let (mut left, mut ids) = (vec![], String::new());
        for lock in locks {
            match lock {
                Ok(lock) if lock.is_left_behind => {
                    if let Ok(info) = &lock.info {
                        ids.push_str(&format!(" --id {}", shell_word(&info.id)));
                    }
                    left.push(lock.id.path);
                }
                Ok(_) => {}
                Err(error) => {
                    return Verdict::Unreadable {
                        error: error.to_string(),
                    };
                }
            }
        }
        if left.is_empty() {
            return Verdict::Holds;
        }
        let remediation = match ids.is_empty() {
            true => "`tfbackend lock list` names the files; delete them".to_owned(),
            false => format!("`tfbackend lock release{ids}`"),
        };
        Verdict::Fails {
            found: format!("no process holds the lock on {}", left.join(", ")),
            remediation,
        }
    }

    /// Refuses a folder in which states would not be safe, before anything is made.
    pub fn unsafe_place(&self) -> Option<(String, String)> {
        [self.not_in_git(), self.not_on_network(), self.parents()]
            .into_iter()
            .find_map(|verdict| match verdict {
                Verdict::Fails { found, remediation } => Some((found, remediation)),
                _ => None,
            })
    }

    /// The ID of the user that the folder belongs to, if that is not the user of this run.
    pub fn other_owner(&self) -> Option<u32> {
        file_system::owner(self.state_dir()).filter(|owner| *owner != file_system::user())
    }

    /// The marker that is there.
    ///
    /// # Errors
    /// If it cannot be read or understood.
    pub fn found_marker(&self) -> Result<Option<FolderMarker>, LocalError> {
        FolderMarker::read(self.state_dir())
    }

    /// The folder of another environment that this one is in, or that is in this one.
    ///
    /// # Errors
    /// If the folder cannot be listed.
    pub fn nested_folder(&self) -> Result<Option<PathBuf>, LocalError> {
        let dir = self.state_dir();
        let above = dir
            .ancestors()
            .skip(1)
            .find(|dir| dir.join(MARKER).exists());
        if let Some(above) = above {
            return Ok(Some(above.to_owned()));
        }
        let own = dir.join(MARKER);
        let below = files_below(dir)?.into_iter().map(|(path, _)| path);
        let mut markers = below.filter(|path| path.ends_with(MARKER) && *path != own);
        Ok(markers
            .next()
            .and_then(|path| Some(path.parent()?.to_owned())))
    }
}

/// Restores the copy that Terraform keeps of the state before its last write, if there is one.
fn restore_of(id: &StateId) -> String {
    let copy = backup_path(Path::new(&id.path));
    let (what, file) = match copy.is_file() {
        true => ("its copy", shell_word(&copy.display().to_string())),
        false => ("a copy that you have", "PATH".to_owned()),
    };
    let workspace = match id.workspace.as_str() {
        DEFAULT_WORKSPACE => String::new(),
        other => format!(" --workspace {}", shell_word(other)),
    };
    format!("restore {what}: `tfbackend state restore{workspace} --version-id file={file}`")
}

fn unknown(error: &io::Error, unsupported: &str) -> Verdict {
    if error.kind() == io::ErrorKind::Unsupported {
        return Verdict::Untold {
            why: unsupported.to_owned(),
        };
    }
    Verdict::Unreadable {
        error: error.to_string(),
    }
}
