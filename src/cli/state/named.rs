//! Which state, and which version of it.

use crate::text::invisible::is_invisible;
use std::str::FromStr;

use clap::Args;

use crate::{
    backend::aws::store::{
        content::VersionContent,
        history::{StateVersion, VersionKind, VersionLookup},
    },
    cli::{context::Context, explain, failure::CliError, target::BackendTarget},
    state::snapshot::{self, SnapshotError},
    text::shell::shell_word,
};

/// The state to use of a backend with several.
#[derive(Args, Clone, Debug)]
pub struct StateName {
    /// Path of the state's object, as `state list` shows it; by default that of the selected
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
    Id(String),
}

/// A version that was read.
#[derive(Debug)]
pub struct ReadVersion {
    pub path: String,
    pub content: VersionContent,
}

impl StateName {
    pub fn path_in(&self, target: &BackendTarget) -> Result<String, CliError> {
        target.path(self.path.as_deref(), self.workspace.as_deref())
    }
}

impl FromStr for VersionName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
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
            (_, None) => Err("a version is `current`, `previous`, `serial=N`, or a version ID"),
        }
    }
}

/// Reads a version of a state.
pub async fn read(
    target: &BackendTarget,
    path: &str,
    version: &VersionName,
    cx: &mut Context<'_>,
) -> Result<ReadVersion, CliError> {
    let id = match version {
        VersionName::Current => None,
        VersionName::Id(id) => Some(id.clone()),
        VersionName::Previous => Some(
            found(target, path, "previous version", cx, |past| {
                past.into_iter().filter(is_written).nth(1)
            })
            .await?,
        ),
        VersionName::Serial(serial) => {
            let what = format!("version of serial {serial}");
            Some(
                found(target, path, &what, cx, |past| {
                    past.into_iter().find(|past| past.serial() == Some(*serial))
                })
                .await?,
            )
        }
    };
    // A larger state is a mistake or an attack.
    let max = usize::try_from(snapshot::MAX_BYTES).unwrap_or(usize::MAX);
    let wanted = cx
        .until_cancelled(target.store().version(path, id.as_deref(), max))
        .await?;
    let wanted = wanted.map_err(|error| {
        explain::aws(
            CliError::failed(format!("{path} cannot be read")).because(&error),
            &error,
            None,
        )
    })?;
    match wanted {
        VersionLookup::There(content) => Ok(ReadVersion {
            path: path.to_owned(),
            content,
        }),
        VersionLookup::DeleteMarker => {
            let failure = CliError::failed(format!(
                "this version of {path} is a delete marker: it has no content"
            ));
            Err(see_versions(failure, target, path))
        }
        VersionLookup::NoSuch => Err(no_such(target, path, id.as_deref())),
    }
}

/// Returns the failure for an invalid state, without its contents.
pub fn not_a_state(path: &str, error: &SnapshotError) -> CliError {
    CliError::failed(format!("{path} is not a state file")).because(error)
}

pub fn no_such(target: &BackendTarget, path: &str, id: Option<&str>) -> CliError {
    let failure = match id {
        Some(id) => CliError::failed(format!("{path} has no version {id}")),
        None => CliError::failed(format!(
            "there is no state {path} in bucket {}",
            target.address.bucket
        ))
        .hint(format!(
            "`tfbackend state list{}` lists the existing states",
            target.words
        )),
    };
    see_versions(failure, target, path)
}

fn see_versions(failure: CliError, target: &BackendTarget, path: &str) -> CliError {
    failure.hint(format!(
        "`tfbackend state versions {}{}` shows its history",
        shell_word(path),
        target.words
    ))
}

fn is_written(past: &StateVersion) -> bool {
    matches!(past.what, VersionKind::Written { .. })
}

/// The ID of the version that is chosen out of the history.
async fn found(
    target: &BackendTarget,
    path: &str,
    what: &str,
    cx: &mut Context<'_>,
    choose: impl FnOnce(Vec<StateVersion>) -> Option<StateVersion>,
) -> Result<String, CliError> {
    let (past, _) = super::versions::history(target, path, usize::MAX, cx).await?;
    let chosen = choose(past).map(|past| past.id);
    chosen.ok_or_else(|| {
        see_versions(
            CliError::failed(format!("{path} has no {what}")),
            target,
            path,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_named_in_four_ways() {
        let read = |text: &str| text.parse::<VersionName>();
        assert_eq!(read("current"), Ok(VersionName::Current));
        assert_eq!(read("previous"), Ok(VersionName::Previous));
        assert_eq!(read("serial=12"), Ok(VersionName::Serial(12)));
        assert_eq!(
            read("3HL4kqtJvjVBH40Nrjfkd"),
            Ok(VersionName::Id("3HL4kqtJvjVBH40Nrjfkd".to_owned()))
        );
        for wrong in ["", "serial=", "serial=-1", "a\u{1b}[2J", "a\nb"] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
