//! Protects existing states: a folder without files of tfbackend is not pointed at an existing
//! state without approval.

use crate::backend::provider::Provider;
use std::path::Path;

use super::{
    approval, context::Context, environment::ConnectedEnvironment, failure::CliError, folders,
    verify,
};
use crate::{
    backend::aws::{
        error::AwsError,
        resources::AwsSpec,
        store::{
            S3Store,
            occupied::{LockAtKey, OccupiedKey, StateAtKey},
        },
        teardown::freeze,
    },
    engine::{observation::Observation, spec::KnownOutputs},
    host::Host,
    report::plan::document::{PlannedStateDocument, StateStatus},
    settings::names::StateKey,
    state::{
        lock::LockInfo,
        snapshot::{MAX_BYTES, SnapshotDetail, StateFile, StateSnapshot, StateWriter},
    },
    terraform::{
        read::{ConfiguredBackend, bounded, partial},
        write::BackendConfig,
    },
    text::words,
};

/// The flag that says that the state is meant.
pub(crate) const FLAG: &str = "--use-existing-state";

/// The state that the folder is to use.
#[derive(Debug)]
pub(crate) struct StateInPlace {
    /// As in `s3://bucket/key`.
    pub url: String,
    /// True if the folder has files of ours that say so already: then nothing but the lock was
    /// looked at.
    pub is_settled: bool,
    /// The existing objects. An error of the read does not count as "nothing".
    occupied: Result<OccupiedKey, AwsError>,
    /// The evidence that the state belongs to this folder.
    own: Option<&'static str>,
    /// The lock of a teardown that goes on, or was cut off.
    teardown: Option<LockInfo>,
}

/// Looks at the environment, and at the same time at what is at its state key, if the folder has no
/// files of ours. `moves_state` as for [`Environment::inspect`].
///
/// # Errors
/// If it is interrupted, or the settings contradict each other.
pub(crate) async fn inspect(
    environment: ConnectedEnvironment,
    moves_state: bool,
    cx: &mut Context<'_>,
) -> Result<(ConnectedEnvironment, Observation<AwsSpec>, StateInPlace), CliError> {
    let address = environment.provider.address().clone();
    let is_settled = has_files_of_ours(&environment, cx.host);
    let key = environment.provider.settings.key.as_str();
    let store = S3Store::new(&environment.provider.aws, &address);
    let look = async {
        if !is_settled {
            return store.occupied(key).await;
        }
        let (lock, _) = store.lock_on(key).await;
        let lock = lock.halves().next().map(|held| LockAtKey {
            info: held.info.clone().ok(),
        });
        Ok(OccupiedKey {
            lock,
            ..OccupiedKey::default()
        })
    };
    let (inspection, mut occupied) = cx
        .until_cancelled(async { tokio::join!(environment.inspect(moves_state), look) })
        .await?;
    let (environment, observation) = environment.as_inspected(inspection?);
    let now = environment.provider.address().clone();
    let key = environment.provider.settings.key.as_str();
    // What is kept of a live environment may be a bucket or a table of another name.
    let has_other_table = now.table.is_some() && now.table != address.table;
    if !is_settled
        && (now.bucket != address.bucket || now.layout != address.layout || has_other_table)
    {
        occupied = cx
            .until_cancelled(S3Store::new(&environment.provider.aws, &now).occupied(key))
            .await?;
    }
    let own = occupied
        .as_ref()
        .ok()
        .and_then(|occupied| own(occupied, &environment, cx));
    let lock = occupied
        .as_ref()
        .ok()
        .and_then(|occupied| occupied.lock.as_ref()?.info.clone());
    let teardown = lock.filter(|info| info.operation == freeze::OPERATION);
    let state = StateInPlace {
        url: S3Store::new(&environment.provider.aws, &now).url(key),
        is_settled,
        occupied,
        own,
        teardown,
    };
    Ok((environment, observation, state))
}

impl StateInPlace {
    /// One line for a plan.
    pub(crate) fn line(&self, environment: &ConnectedEnvironment) -> String {
        let PlannedStateDocument {
            address,
            status,
            message,
        } = self.document(environment);
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

    /// Names the files of other folders of the repository that lead to the same state, as those of
    /// a copied folder do.
    pub(crate) fn say_who_else(&self, environment: &ConnectedEnvironment, cx: &mut Context<'_>) {
        let owner = environment
            .provider
            .backend_config(&KnownOutputs::new())
            .owner();
        let others = folders::with_the_same_state(
            &crate::cli::files::out(&environment.provider, cx.host),
            &owner,
            environment.provider.settings.key.as_str(),
        );
        if !others.is_empty() {
            let others: Vec<String> = others
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            cx.status(&format!(
                "warning: {} of this repository also uses {}",
                words::list(&others),
                self.url
            ));
            cx.status(&format!(
                "hint: two folders with one state delete each other's resources; for a separate \
                 state, remove the copied files and pass --key {}",
                other_key(environment, cx.host)
            ));
        }
    }

    /// Refuses (exit code 3) during a teardown of the environment: its states are locked until the
    /// teardown ends or is cancelled.
    ///
    /// # Errors
    /// If there is a lock of a teardown on the state.
    pub(crate) fn must_not_be_taken_down(
        &self,
        environment: &ConnectedEnvironment,
    ) -> Result<(), CliError> {
        let Some(info) = &self.teardown else {
            return Ok(());
        };
        let since = info
            .created
            .map(|at| format!(" since {at:.0}"))
            .unwrap_or_default();
        let what = format!(
            "{} is being torn down, or a teardown of it was interrupted",
            environment.provider.title()
        );
        let mut failure = CliError::refused(format!("{what}; nothing was changed"));
        failure.causes.push(format!(
            "{} is locked by {} ({}){since}",
            self.url, info.who, info.operation
        ));
        Err(failure
            .hint(format!(
                "`{}` continues it",
                environment.rerun.command("teardown", "", &[])
            ))
            .hint(format!(
                "`{}` releases its locks and deletes nothing",
                environment.rerun.command("teardown", " --cancel", &[])
            )))
    }

    /// The same for a program.
    pub(crate) fn document(&self, environment: &ConnectedEnvironment) -> PlannedStateDocument {
        let (status, message) = match (&self.occupied, self.own) {
            _ if self.is_settled => (StateStatus::Configured, None),
            (Ok(occupied), _) if occupied.is_free() => (StateStatus::New, None),
            (Ok(occupied), Some(own)) => (
                StateStatus::Own,
                Some(format!("{}; {own}", described(occupied))),
            ),
            (Ok(occupied), None) if environment.key_said => {
                (StateStatus::Chosen, Some(described(occupied)))
            }
            (Ok(occupied), None) => (StateStatus::Foreign, Some(described(occupied))),
            (Err(error), _) => (StateStatus::Unknown, Some(error.to_string())),
        };
        PlannedStateDocument {
            address: self.url.clone(),
            status,
            message,
        }
    }

    /// Refuses (3) a state that another folder uses, unless it is said that it is meant. `may_ask`:
    /// the user is asked in a terminal.
    ///
    /// # Errors
    /// Unless nothing is there, or it is this folder's own, or it was said.
    pub(crate) fn must_be_meant(
        &self,
        meant: bool,
        may_ask: bool,
        environment: &ConnectedEnvironment,
        cx: &mut Context<'_>,
    ) -> Result<(), CliError> {
        let said = meant || environment.key_said;
        let occupied = match &self.occupied {
            Ok(occupied) => occupied,
            Err(_) if said => return Ok(()),
            Err(error) => {
                let failure = CliError::refused(format!(
                    "whether {} already exists is unknown; nothing was changed",
                    self.url
                ));
                return Err(self.hints(failure.because(error), environment, cx.host));
            }
        };
        for error in &occupied.unseen {
            cx.status(&format!(
                "note: some objects of {} cannot be read: {error}",
                self.url
            ));
        }
        if self.is_settled || occupied.is_free() {
            return Ok(());
        }
        let what = described(occupied);
        if said || self.own.is_some() {
            cx.status(&format!(
                "This folder uses {}, which already exists: {what}",
                self.url
            ));
            return Ok(());
        }
        if may_ask && environment.may_ask && !environment.provider.settings.common.run.auto_approve
        {
            cx.status(&format!("{} already exists: {what}", self.url));
            cx.status(
                "This folder has no files of tfbackend. Two folders with one state delete each \
                 other's resources.",
            );
            return approval::ask("Use this state in this folder", FLAG, cx);
        }
        let failure = CliError::refused(format!(
            "{} already exists, and this folder has not used it; nothing was changed",
            self.url
        ));
        let mut failure = self.hints(failure, environment, cx.host);
        failure.causes.push(what);
        Err(failure)
    }

    fn hints(
        &self,
        failure: CliError,
        environment: &ConnectedEnvironment,
        host: &Host,
    ) -> CliError {
        failure
            .hint(format!(
                "for a separate state: --key {}",
                other_key(environment, host)
            ))
            .hint(format!("to use that state in this folder: {FLAG}"))
    }
}

/// A key that is not the one in question, after the folder.
fn other_key(environment: &ConnectedEnvironment, host: &Host) -> String {
    let out = crate::cli::files::out(&environment.provider, host);
    let folder = out
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let key = format!("{folder}/terraform.tfstate");
    if key
        .parse::<StateKey>()
        .is_ok_and(|key| key != environment.provider.settings.key)
    {
        crate::text::shell::shell_word(&key)
    } else {
        "PATH".to_owned()
    }
}

/// Returns whether a partial configuration of this very environment is there, changed by hand since
/// or not.
fn has_files_of_ours(environment: &ConnectedEnvironment, host: &Host) -> bool {
    let owner = environment
        .provider
        .backend_config(&KnownOutputs::new())
        .owner();
    let name = environment
        .provider
        .settings
        .common
        .files
        .conf_file
        .for_env(&environment.provider.settings.common.env);
    partial::ours(
        &crate::cli::files::out(&environment.provider, host),
        Some(&name),
    )
    .iter()
    .any(|one| one.stated_owner.as_ref() == Some(&owner))
}

/// Returns the evidence that the state belongs to this folder: it was initialized with it, or its
/// local
/// state is the same one.
fn own(
    occupied: &OccupiedKey,
    environment: &ConnectedEnvironment,
    cx: &Context<'_>,
) -> Option<&'static str> {
    let dir = crate::cli::files::out(&environment.provider, cx.host);
    let state = occupied
        .state
        .as_ref()
        .and_then(|state| state.snapshot.as_ref().ok());
    if let Some(lineage) = state.and_then(|snapshot| snapshot.lineage.as_deref())
        && local_lineage(&dir).as_deref() == Some(lineage)
    {
        return Some("the local state of this folder is the same one");
    }
    let folder = verify::read_folder(&dir, &[], cx).ok()?;
    let is_it = |configured: &ConfiguredBackend| {
        let is_bucket = configured.bucket.value == environment.provider.names.state_bucket;
        is_bucket
            && configured
                .key
                .as_ref()
                .is_some_and(|key| key.value == environment.provider.settings.key.as_str())
    };
    ConfiguredBackend::candidates(&folder)
        .iter()
        .any(is_it)
        .then_some("this folder uses it already")
}

fn local_lineage(dir: &Path) -> Option<String> {
    let file = bounded::open(&dir.join("terraform.tfstate")).ok()??;
    StateSnapshot::read(file, MAX_BYTES, SnapshotDetail::Counts)
        .ok()?
        .lineage
}

fn described(occupied: &OccupiedKey) -> String {
    let OccupiedKey {
        state,
        workspaces,
        lock,
        unseen: _,
    } = occupied;
    let others = (!workspaces.is_empty()).then(|| {
        format!(
            "a state in {}",
            words::count(workspaces.len(), "other workspace", "other workspaces")
        )
    });
    let parts = [
        state.as_ref().map(state_text),
        others,
        lock.as_ref().map(lock_text),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn state_text(state: &StateAtKey) -> String {
    let StateAtKey {
        size,
        modified,
        snapshot,
    } = state;
    let written = modified
        .map(|at| format!(", last written {at}"))
        .unwrap_or_default();
    let snapshot = match snapshot {
        Ok(snapshot) => snapshot,
        Err(why) => return format!("{}{written}, contents unknown: {why}", words::bytes(*size)),
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

fn lock_text(lock: &LockAtKey) -> String {
    let Some(info) = &lock.info else {
        return "locked".to_owned();
    };
    let since = info
        .created
        .map(|at| format!(" since {at}"))
        .unwrap_or_default();
    if info.who.is_empty() {
        format!("locked{since}")
    } else {
        format!("locked by {}{since}", info.who)
    }
}
