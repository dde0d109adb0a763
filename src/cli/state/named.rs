//! Which state, and which version of it.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Args;

use crate::{
    cli::{context::Context, explain, failure::CliError, target::BackendTarget},
    kind::BackendKind,
    state::snapshot::{self, SnapshotError},
    store::{
        history::{StateVersion, VersionKind},
        state_store::{FetchedState, Revision, StateId, StoreError, VersionId},
    },
    text::{invisible::is_invisible, shell::shell_word},
};

/// The state to use of a backend with several.
#[derive(Args, Clone, Debug)]
pub struct StateName {
    /// Path of the state, as `state list` shows it; by default that of the selected
    /// workspace
    #[arg(value_name = "KEY")]
    pub path: Option<String>,

    /// The state of this workspace, instead of a path
    #[arg(long, value_name = "NAME", conflicts_with = "path")]
    pub workspace: Option<String>,
}

/// One version of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionName {
    Current,
    /// The one before the current one.
    Previous,
    Serial(u64),
    /// A state file of this machine.
    File(PathBuf),
    Id(String),
}

/// A version that was read.
#[derive(Debug)]
pub(crate) struct ReadVersion {
    /// Of the state, or of the file.
    pub path: String,
    pub content: FetchedState,
}

impl StateName {
    pub fn id_in(&self, target: &BackendTarget) -> Result<StateId, CliError> {
        target.state_id(self.path.as_deref(), self.workspace.as_deref())
    }
}

impl FromStr for VersionName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(file) = text.strip_prefix("file=") {
            return if file.is_empty() {
                Err("a file has a name")
            } else {
                Ok(Self::File(file.into()))
            };
        }
        match (text, text.strip_prefix("serial=")) {
            ("current", _) => Ok(Self::Current),
            ("previous", _) => Ok(Self::Previous),
            (_, Some(serial)) => serial
                .parse()
                .map(Self::Serial)
                .map_err(|_| "a serial is a whole number"),
            (id, None) if !id.is_empty() && id.len() <= 1024 && !id.chars().any(is_invisible) => {
                Ok(Self::Id(id.to_owned()))
            }
            (_, None) => {
                Err("a version is `current`, `previous`, `serial=N`, `file=PATH`, or a version ID")
            }
        }
    }
}

/// Reads a version of a state.
pub(crate) async fn read(
    target: &BackendTarget,
    id: &StateId,
    version: &VersionName,
    cx: &mut Context<'_>,
) -> Result<ReadVersion, CliError> {
    // A larger state is a mistake or an attack.
    let max = usize::try_from(snapshot::MAX_BYTES).unwrap_or(usize::MAX);
    let states = target.states();
    let version = match version {
        VersionName::Current => None,
        VersionName::File(path) => return read_file(&cx.host.cwd.join(path), max),
        VersionName::Id(_) if !states.capabilities().versions => {
            return Err(no_versions(target, id));
        }
        VersionName::Id(version) => Some(VersionId(version.clone())),
        VersionName::Previous => Some(found(target, id, "previous version", cx, previous).await?),
        VersionName::Serial(serial) => {
            let what = format!("version of serial {serial}");
            Some(
                found(target, id, &what, cx, |past| {
                    past.into_iter().find(|past| past.serial() == Some(*serial))
                })
                .await?,
            )
        }
    };
    let read = cx
        .until_cancelled(states.read(id, version.as_ref(), max))
        .await?;
    match read {
        Ok(Some(content)) => Ok(ReadVersion {
            path: id.path.clone(),
            content,
        }),
        Ok(None) | Err(StoreError::NoVersion(_)) => Err(no_such(target, id, version.as_ref())),
        Err(StoreError::DeleteMarker(_)) => {
            let failure = CliError::failed(format!(
                "this version of {} is a delete marker: it has no content",
                id.path
            ));
            Err(see_versions(failure, target, id))
        }
        Err(error) => {
            let message = format!("{} cannot be read", id.path);
            Err(explain::store(CliError::failed(message), &error))
        }
    }
}

/// Returns the ID of the current version or of the one before it; other versions are named as
/// they were.
pub(crate) async fn as_id(
    version: VersionName,
    target: &BackendTarget,
    id: &StateId,
    cx: &mut Context<'_>,
) -> Result<VersionName, CliError> {
    let VersionId(chosen) = match version {
        VersionName::Current => found(target, id, "current version", cx, current).await?,
        VersionName::Previous => found(target, id, "previous version", cx, previous).await?,
        VersionName::Serial(_) | VersionName::File(_) | VersionName::Id(_) => return Ok(version),
    };
    Ok(VersionName::Id(chosen))
}

fn current(past: Vec<StateVersion>) -> Option<StateVersion> {
    past.into_iter().next().filter(is_written)
}

/// Of a deleted state, this is the last that was written.
fn previous(past: Vec<StateVersion>) -> Option<StateVersion> {
    let has_current = past.first().is_some_and(is_written);
    past.into_iter()
        .filter(is_written)
        .nth(usize::from(has_current))
}

fn read_file(path: &Path, max: usize) -> Result<ReadVersion, CliError> {
    let bytes = super::restore::file::plain(path, max)
        .map_err(|error| CliError::failed("the file cannot be used").because(&error))?;
    let modified = std::fs::metadata(path).and_then(|meta| meta.modified());
    Ok(ReadVersion {
        path: path.display().to_string(),
        content: FetchedState {
            bytes,
            revision: Revision::new(""),
            version: None,
            modified: modified.ok().and_then(|time| time.try_into().ok()),
            encryption: None,
        },
    })
}

/// Returns the failure for an invalid state, without its contents.
pub(crate) fn not_a_state(path: &str, error: &SnapshotError) -> CliError {
    CliError::failed(format!("{path} is not a state file")).because(error)
}

pub(crate) fn no_such(
    target: &BackendTarget,
    id: &StateId,
    version: Option<&VersionId>,
) -> CliError {
    let path = &id.path;
    let failure = match version {
        Some(version) => CliError::failed(format!("{path} has no version {version}")),
        None => CliError::failed(match target {
            BackendTarget::S3(target) => format!(
                "there is no state {path} in bucket {}",
                target.address.bucket
            ),
            BackendTarget::Local(_) => format!("there is no state {path}"),
        })
        .hint(format!(
            "`tfbackend state list{}` lists the existing states",
            target.words()
        )),
    };
    see_versions(failure, target, id)
}

/// Returns the failure for a backend without versions, and what there is instead.
pub(crate) fn no_versions(target: &BackendTarget, id: &StateId) -> CliError {
    let states = target.states();
    let failure = CliError::failed(format!(
        "a backend of kind {} keeps no versions of a state",
        states.kind()
    ));
    match (states.kind(), backup_of(id)) {
        (BackendKind::Local, Some(backup)) => failure.hint(format!(
            "Terraform kept the state before the last write in {0}: `tfbackend state restore {1} \
             --from-backup {2}{3}` restores it",
            backup.display(),
            shell_word(&id.path),
            shell_word(&backup.display().to_string()),
            target.words()
        )),
        _ => failure,
    }
}

/// The state before the last write, if Terraform kept it.
fn backup_of(id: &StateId) -> Option<PathBuf> {
    let backup = PathBuf::from(format!("{}.backup", id.path));
    backup.is_file().then_some(backup)
}

fn see_versions(failure: CliError, target: &BackendTarget, id: &StateId) -> CliError {
    if !target.states().capabilities().versions {
        return failure;
    }
    failure.hint(format!(
        "`tfbackend state versions {}{}` shows its history",
        shell_word(&id.path),
        target.words()
    ))
}

fn is_written(past: &StateVersion) -> bool {
    matches!(past.what, VersionKind::Written { .. })
}

/// The ID of the version that is chosen out of the history.
async fn found(
    target: &BackendTarget,
    id: &StateId,
    what: &str,
    cx: &mut Context<'_>,
    choose: impl FnOnce(Vec<StateVersion>) -> Option<StateVersion>,
) -> Result<VersionId, CliError> {
    let history = super::versions::history(target, id, usize::MAX, cx).await?;
    let chosen = choose(history.versions).map(|past| past.id);
    chosen.ok_or_else(|| {
        see_versions(
            CliError::failed(format!("{} has no {what}", id.path)),
            target,
            id,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::census::{StateContentsKind, StateFacts};

    fn history(versions: &str) -> Vec<StateVersion> {
        let version = |kind| match kind {
            'x' => VersionKind::Deleted,
            _ => VersionKind::Written {
                size: 1,
                holds: StateContentsKind::Encrypted(StateFacts::default()),
                encryption: None,
            },
        };
        let all = versions.chars().enumerate();
        all.map(|(index, kind)| StateVersion {
            id: VersionId(index.to_string()),
            modified: None,
            current: index == 0 && kind != 'x',
            what: version(kind),
        })
        .collect()
    }

    #[test]
    fn the_previous_version_of_a_deleted_state_is_the_last_that_was_written() {
        let chosen = |choose: fn(Vec<StateVersion>) -> Option<StateVersion>, versions| {
            choose(history(versions)).map(|past| past.id.0)
        };
        assert_eq!(chosen(previous, "www").as_deref(), Some("1"));
        assert_eq!(chosen(previous, "wxw").as_deref(), Some("2"));
        assert_eq!(chosen(previous, "xww").as_deref(), Some("1"));
        assert_eq!(chosen(previous, "w"), None);
        assert_eq!(chosen(previous, "x"), None);
        assert_eq!(chosen(current, "wx").as_deref(), Some("0"));
        assert_eq!(chosen(current, "xw"), None);
    }

    #[test]
    fn a_version_is_named_in_five_ways() {
        let read = |text: &str| text.parse::<VersionName>();
        assert_eq!(read("current"), Ok(VersionName::Current));
        assert_eq!(read("previous"), Ok(VersionName::Previous));
        assert_eq!(read("serial=12"), Ok(VersionName::Serial(12)));
        assert_eq!(
            read("3HL4kqtJvjVBH40Nrjfkd"),
            Ok(VersionName::Id("3HL4kqtJvjVBH40Nrjfkd".to_owned()))
        );
        assert_eq!(
            read("file=old.tfstate"),
            Ok(VersionName::File("old.tfstate".into()))
        );
        for wrong in ["", "file=", "serial=", "serial=-1", "a\u{1b}[2J", "a\nb"] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
