//! Protects existing states: a folder without files of tfbackend is not pointed at an existing
//! state without approval.

use super::{
    context::Context,
    environment::ConnectedEnvironment,
    failure::CliError,
    folders,
    intended_state::{
        IntendedState, has_files_of_ours, local_lineage, lock_text, other_key, state_text,
    },
    verify,
};
use crate::{
    backend::{
        aws::{
            error::AwsError,
            resources::AwsSpec,
            store::{
                S3Store,
                occupied::{LockAtKey, OccupiedKey},
            },
            teardown::freeze,
        },
        provider::Provider,
    },
    engine::{observation::Observation, spec::KnownOutputs},
    host::Host,
    report::plan::document::PlannedStateDocument,
    state::lock::LockInfo,
    terraform::{read::ConfiguredBackend, write::BackendConfig},
    text::words,
};

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
    let is_settled = has_files_of_ours(&environment.provider, cx.host);
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
        .busy_with("reading the backend", async {
            tokio::join!(environment.inspect(moves_state), look)
        })
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
    pub(crate) fn line(&self, environment: &ConnectedEnvironment, host: &Host) -> String {
        self.intended(environment, host).line()
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
                other_key(
                    &environment.provider,
                    &environment.provider.settings.key,
                    cx.host
                )
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
    pub(crate) fn document(
        &self,
        environment: &ConnectedEnvironment,
        host: &Host,
    ) -> PlannedStateDocument {
        self.intended(environment, host).document()
    }

    /// As [`IntendedState::must_be_meant`].
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
        for error in self.occupied.iter().flat_map(|occupied| &occupied.unseen) {
            cx.status(&format!(
                "note: some objects of {} cannot be read: {error}",
                self.url
            ));
        }
        let run = &environment.provider.settings.common.run;
        let may_ask = may_ask && environment.may_ask && !run.auto_approve;
        self.intended(environment, cx.host)
            .must_be_meant(meant, may_ask, cx)
    }

    fn intended(&self, environment: &ConnectedEnvironment, host: &Host) -> IntendedState {
        let found = match &self.occupied {
            Ok(occupied) if occupied.is_free() => Ok(None),
            Ok(occupied) => Ok(Some(described(occupied))),
            Err(error) => Err(error.to_string()),
        };
        IntendedState {
            address: self.url.clone(),
            is_settled: self.is_settled,
            found,
            own: self.own,
            key_said: environment.key_said,
            other_key: other_key(
                &environment.provider,
                &environment.provider.settings.key,
                host,
            ),
        }
    }
}

/// Returns the evidence that the state belongs to this folder: it was initialized with it, or its
/// local state
/// is the same one.
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
        state
            .as_ref()
            .map(|state| state_text(state.size, state.modified, state.snapshot.as_ref())),
        others,
        lock.as_ref().map(|lock| lock_text(lock.info.as_ref())),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}
