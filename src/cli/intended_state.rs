//! The state that a folder is about to use: refused if another folder uses it already.

use std::{fmt, path::Path};

use jiff::Timestamp;

use super::{approval, context::Context, failure::CliError, files};
use crate::{
    backend::provider::Provider,
    engine::spec::KnownOutputs,
    host::Host,
    report::plan::document::{PlannedStateDocument, StateStatus},
    settings::names::StateKey,
    state::{
        lock::LockInfo,
        snapshot::{MAX_BYTES, SnapshotDetail, StateFile, StateSnapshot, StateWriter},
    },
    terraform::{
        read::{bounded, partial},
        write::BackendConfig,
    },
    text::{shell::shell_word, words},
};

/// The flag that says that the state is meant.
pub(crate) const FLAG: &str = "--use-existing-state";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IntendedState {
    /// As in `s3://bucket/key`, or an absolute path.
    pub address: String,
    /// True if the folder has files of tfbackend that say so already.
    pub is_settled: bool,
    /// What is there, in words; `None` if nothing is. An error of the read is not "nothing".
    pub found: Result<Option<String>, String>,
    /// The evidence that it belongs to this folder.
    pub own: Option<&'static str>,
    /// True if the state key was said, and is not only the default of the folder.
    pub key_said: bool,
    /// A key for a state of its own.
    pub other_key: String,
}

impl IntendedState {
    /// One line for a plan.
    pub(crate) fn line(&self) -> String {
        let PlannedStateDocument {
            address,
            status,
            message,
        } = self.document();
        let what = message.unwrap_or_default();
        match status {
            StateStatus::Configured => format!("State: {address}"),
            StateStatus::New => format!("State: {address} (new)"),
            StateStatus::Own => format!("State: {address} ({what})"),
            StateStatus::Chosen => format!("State: {address} (already exists: {what})"),
            StateStatus::Foreign => format!(
                "State: {address} (already exists: {what}; to use it in this folder: {FLAG})"
            ),
            StateStatus::Unknown => {
                format!("State: {address} (unknown whether it already exists: {what})")
            }
        }
    }

    /// The same for a program.
    pub(crate) fn document(&self) -> PlannedStateDocument {
        let (status, message) = match (&self.found, self.own) {
            _ if self.is_settled => (StateStatus::Configured, None),
            (Ok(None), _) => (StateStatus::New, None),
            (Ok(Some(what)), Some(own)) => (StateStatus::Own, Some(format!("{what}; {own}"))),
            (Ok(Some(what)), None) if self.key_said => (StateStatus::Chosen, Some(what.clone())),
            (Ok(Some(what)), None) => (StateStatus::Foreign, Some(what.clone())),
            (Err(error), _) => (StateStatus::Unknown, Some(error.clone())),
        };
        PlannedStateDocument {
            address: self.address.clone(),
            status,
            message,
        }
    }

    /// Refuses (exit code 3) a state that another folder uses, unless it is said that it is meant,
    /// by the flag or by its key. `may_ask`: the user is asked.
    ///
    /// # Errors
    /// Unless nothing is there, or it is this folder's own, or it was said.
    pub(crate) fn must_be_meant(
        &self,
        meant: bool,
        may_ask: bool,
        cx: &mut Context<'_>,
    ) -> Result<(), CliError> {
        let address = &self.address;
        let said = meant || self.key_said;
        let what = match &self.found {
            Err(_) if said => return Ok(()),
            Err(error) => {
                let mut failure = self.hints(CliError::refused(format!(
                    "whether {address} already exists is unknown; nothing was changed"
                )));
                failure.causes.push(error.clone());
                return Err(failure);
            }
            Ok(None) => return Ok(()),
            Ok(Some(_)) if self.is_settled => return Ok(()),
            Ok(Some(what)) => what,
        };
        if said || self.own.is_some() {
            cx.status(&format!(
                "This folder uses {address}, which already exists: {what}"
            ));
            return Ok(());
        }
        if may_ask {
            cx.status(&format!("{address} already exists: {what}"));
            cx.status(
                "This folder has no files of tfbackend. Two folders with one state delete each \
                 other's resources.",
            );
            return approval::ask("Use this state in this folder", FLAG, cx);
        }
        let mut failure = self.hints(CliError::refused(format!(
            "{address} already exists, and this folder has not used it; nothing was changed"
        )));
        failure.causes.push(what.clone());
        Err(failure)
    }

    fn hints(&self, failure: CliError) -> CliError {
        failure
            .hint(format!("for a separate state: --key {}", self.other_key))
            .hint(format!("to use that state in this folder: {FLAG}"))
    }
}

/// A key that is not the one in question, after the folder.
pub(crate) fn other_key(provider: &impl Provider, now: &StateKey, host: &Host) -> String {
    let out = files::out(provider, host);
    let folder = out
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let key = format!("{folder}/terraform.tfstate");
    if key.parse::<StateKey>().is_ok_and(|key| key != *now) {
        shell_word(&key)
    } else {
        "PATH".to_owned()
    }
}

/// Returns whether a partial configuration of this very environment is there, changed by hand since
/// or not.
pub(crate) fn has_files_of_ours(provider: &impl Provider, host: &Host) -> bool {
    let owner = provider.backend_config(&KnownOutputs::new()).owner();
    let common = provider.common();
    let name = common.files.conf_file.for_env(&common.env);
    partial::ours(&files::out(provider, host), Some(&name))
        .iter()
        .any(|one| one.stated_owner.as_ref() == Some(&owner))
}

/// The lineage of the state in a folder without a backend.
pub(crate) fn local_lineage(dir: &Path) -> Option<String> {
    let file = bounded::open(&dir.join("terraform.tfstate")).ok()??;
    StateSnapshot::read(file, MAX_BYTES, SnapshotDetail::Counts)
        .ok()?
        .lineage
}

/// A state in words, such as `2 resources, serial 3, last written … by Terraform 1.11.4`. `Err` is the
/// reason why its content is unknown.
pub(crate) fn state_text<E: fmt::Display>(
    size: u64,
    modified: Option<Timestamp>,
    snapshot: Result<&StateSnapshot, E>,
) -> String {
    let written = modified
        .map(|at| format!(", last written {at:.0}"))
        .unwrap_or_default();
    let snapshot = match snapshot {
        Ok(snapshot) => snapshot,
        Err(why) => return format!("{}{written}, contents unknown: {why}", words::bytes(size)),
    };
    let contents = match &snapshot.contents {
        StateFile::Known(counts) => words::count(
            usize::try_from(counts.managed).unwrap_or(usize::MAX),
            "resource",
            "resources",
        ),
        StateFile::Encrypted => "encrypted by OpenTofu".to_owned(),
        StateFile::OtherFormat => "a state of another format".to_owned(),
    };
    let serial = snapshot
        .serial
        .map(|serial| format!(", serial {serial}"))
        .unwrap_or_default();
    let engine = match (snapshot.writer, &snapshot.terraform_version) {
        (StateWriter::OpenTofu, Some(version)) => format!(" by OpenTofu {version}"),
        (StateWriter::Terraform, Some(version)) => format!(" by Terraform {version}"),
        (StateWriter::Unknown, Some(version)) => format!(" by Terraform or OpenTofu {version}"),
        (_, None) => String::new(),
    };
    format!("{contents}{serial}{written}{engine}")
}

/// A lock in words.
pub(crate) fn lock_text(info: Option<&LockInfo>) -> String {
    let Some(info) = info else {
        return "locked".to_owned();
    };
    let since = info
        .created
        .map(|at| format!(" since {at:.0}"))
        .unwrap_or_default();
    if info.who.is_empty() {
        format!("locked{since}")
    } else {
        format!("locked by {}{since}", info.who)
    }
}
