//! The commands on an environment of backend kind `local`.

use std::future::ready;

use futures_util::TryStreamExt;

use super::{
    context::Context,
    environment::{EnvironmentArgs, Prompting},
    explain,
    failure::CliError,
    folder_defaults,
    intended_state::{
        IntendedState, has_files_of_ours, local_lineage, lock_text, other_key, state_text,
    },
    known_env,
    save::{self, PendingFile, SaveRequest},
    wizard::{self, WizardHints},
};
use crate::{
    backend::{
        local::{provider::LocalProvider, resources::LocalSpec, store::LocalStore},
        provider::Provider,
    },
    engine::{
        observation::{Observation, Observed, ResourceOwner},
        plan::Plan,
        spec::KnownOutputs,
    },
    settings::{
        local::LocalSettings,
        merge::{MergedSettings, SettingsSources},
        names::EnvName,
        rerun::RerunArguments,
    },
    state::{
        layout::DEFAULT_WORKSPACE,
        snapshot::{LARGEST, SnapshotDetail, StateSnapshot},
    },
    store::{
        location::BackendLocation,
        state_store::{StateStore, StoreError},
    },
    terraform::{
        read::{configured::LocalConfiguration, next::next_command},
        write::files::{FileOutcome, WrittenFile},
    },
    text::{shell::shell_word, words},
};

pub(crate) mod bootstrap;
pub(crate) mod plan;
pub(crate) mod render;
pub(crate) mod verify;
pub(crate) mod teardown;

/// An environment of this kind, with what its settings say.
pub(crate) struct LocalEnvironment {
    pub provider: LocalProvider,
    pub merged: MergedSettings,
    pub sources: SettingsSources,
    pub rerun: RerunArguments,
    /// True if the user was asked for any setting.
    pub asked: bool,
    /// True if the user can be asked.
    pub may_ask: bool,
}

impl LocalEnvironment {
    /// Resolves the settings; asks the user for missing ones.
    ///
    /// # Errors
    /// If something without a default is not said, or values contradict each other.
    pub(crate) fn open(
        args: EnvironmentArgs,
        ask: Prompting,
        cx: &mut Context<'_>,
    ) -> Result<Self, CliError> {
        let (env, sources, mut merged, mut asked) = args.merge(cx.host, &cx.global, ask)?;
        let can_ask = cx.global.attended(cx.host) && !merged.says_not_to_ask();
        let may_ask = ask != Prompting::Never && can_ask;
        if may_ask && !merged.missing().is_empty() {
            let hints = WizardHints {
                folder: folder_defaults::repository(cx.host),
                profile_region: None,
                ..WizardHints::default()
            };
            let answers = wizard::ask_project(&mut *cx.host.prompt, &merged, &hints)
                .map_err(|error| explain::prompt(&error))?;
            asked = true;
            merged = merged.with_answers(&answers);
            // The default of the state folder depends on the project.
            merged = folder_defaults::put(merged, &env, sources.file.as_ref(), cx.host);
        }
        let would_ask = ask != Prompting::Never
            && cx.global.lacks_only_a_terminal(cx.host)
            && !merged.says_not_to_ask();
        let settings = LocalSettings::resolve(&merged, &env)
            .map_err(|error| explain::missing(&error, would_ask))?;
        sources
            .must_keep_its_place(&merged, &cx.host.cwd)
            .map_err(|error| explain::settings(&error))?;
        let words = known_env::words(&env, &sources, &cx.global);
        let rerun = RerunArguments::new(&env, &merged, words, false);
        Ok(Self {
            provider: LocalProvider::new(settings),
            merged,
            sources,
            rerun,
            asked,
            may_ask: can_ask,
        })
    }

    pub(crate) fn name(&self) -> &EnvName {
        &self.provider.settings.common.env
    }

    /// Its backend, for a document.
    pub(crate) fn location(&self) -> BackendLocation {
        BackendLocation::new(LocalProvider::KIND, self.provider.location())
    }

    pub(crate) async fn observe(
        &self,
        cx: &mut Context<'_>,
    ) -> Result<Observation<LocalSpec>, CliError> {
        cx.until_cancelled(self.provider.observe()).await
    }

    pub(crate) fn plan(&self, observation: &Observation<LocalSpec>) -> Plan<LocalSpec> {
        let adopt = self.provider.settings.common.run.adopt;
        Plan::to_apply(self.provider.blueprint(), observation, adopt)
    }

    /// Refuses a folder that is not of this environment yet, and in which states would not be safe.
    ///
    /// # Errors
    /// With exit code 3.
    pub(crate) fn must_be_safe(
        &self,
        observation: &Observation<LocalSpec>,
    ) -> Result<(), CliError> {
        let is_ours = observation.values().any(|seen| {
            matches!(
                seen,
                Observed::Present {
                    owner: ResourceOwner::Us,
                    ..
                }
            )
        });
        if let Some(user) = self.provider.other_owner() {
            return Err(CliError::refused(format!(
                "the folder {} belongs to another user (ID {user}), who can read the states; \
                 nothing was changed",
                self.provider.settings.state_dir
            ))
            .hint("choose another folder: --state-dir DIR"));
        }
        let nested = self.provider.nested_folder().map_err(|error| {
            CliError::failed("the folder of the states cannot be read").because(&error)
        })?;
        if let Some(nested) = nested.filter(|_| !is_ours) {
            return Err(CliError::refused(format!(
                "{} and {} are folders of two environments, and one is in the other; nothing was \
                 changed",
                self.provider.settings.state_dir,
                nested.display()
            ))
            .hint("choose another folder: --state-dir DIR"));
        }
        match self.provider.unsafe_place().filter(|_| !is_ours) {
            None => Ok(()),
            Some((what, _)) => Err(CliError::refused(format!(
                "the folder {} is not safe for states: {what}; nothing was changed",
                self.provider.settings.state_dir
            ))
            .hint("choose another folder: --state-dir DIR")),
        }
    }

    /// The state that the folder is to use; nothing is read if the folder has files of this
    /// environment already.
    ///
    /// # Errors
    /// If it is interrupted.
    pub(crate) async fn intended_state(
        &self,
        cx: &mut Context<'_>,
    ) -> Result<IntendedState, CliError> {
        let provider = &self.provider;
        let (store, key) = (provider.local_store(), &provider.settings.key);
        let mut intended = IntendedState {
            address: provider.settings.state_path().display().to_string(),
            is_settled: has_files_of_ours(provider, cx.host),
            found: Ok(None),
            own: None,
            key_said: folder_defaults::key_is_said(&self.merged, cx.host),
            other_key: other_key(provider, key, cx.host),
        };
        if intended.is_settled {
            return Ok(intended);
        }
        match cx.until_cancelled(found(&store)).await? {
            Err(error) => intended.found = Err(error.to_string()),
            Ok((what, lineage)) => {
                intended.found = Ok(what);
                intended.own = self.own(lineage.as_deref(), cx);
            }
        }
        Ok(intended)
    }

    /// The evidence that the state belongs to the folder.
    fn own(&self, lineage: Option<&str>, cx: &Context<'_>) -> Option<&'static str> {
        let dir = super::files::out(&self.provider, cx.host);
        if lineage.is_some() && local_lineage(&dir).as_deref() == lineage {
            return Some("the local state of this folder is the same one");
        }
        let folder = super::verify::read_folder(&dir, &[], cx).ok()?;
        let used = LocalConfiguration::of_folder(&folder, &[]).ok()??.used;
        let path = dir.join(used.path?.value);
        (path == self.provider.settings.state_path()).then_some("this folder uses it already")
    }

    /// The commands after the files are written.
    pub(crate) fn next(&self, cx: &Context<'_>) -> Vec<String> {
        let files = &self.provider.settings.common.files;
        let conf = files.conf_file.for_env(self.name());
        let dir = super::files::out(&self.provider, cx.host);
        let there = match dir == cx.host.cwd {
            true => String::new(),
            false => format!("cd {} && ", shell_word(&files.out.display().to_string())),
        };
        next_command(&dir, &conf, LocalProvider::KIND)
            .command_lines("terraform", "", &conf)
            .into_iter()
            .map(|line| format!("{there}{line}"))
            .collect()
    }

    /// The file to save the answers in, as `bootstrap` asks.
    fn saved(
        &self,
        wanted: Option<bool>,
        cx: &mut Context<'_>,
    ) -> Result<Option<PendingFile>, CliError> {
        save::offer(&self.save_request(), wanted, cx)
    }

    pub(crate) fn save_request(&self) -> SaveRequest<'_> {
        SaveRequest {
            env: self.name(),
            merged: &self.merged,
            file: self.sources.file.as_ref(),
            asked: self.asked,
            auto_approve: self.provider.settings.common.run.auto_approve,
        }
    }
}

/// What is in a store, in words, and the lineage of its default state.
async fn found(store: &LocalStore) -> Result<(Option<String>, Option<String>), StoreError> {
    let id = store.locate(DEFAULT_WORKSPACE)?;
    let state = store.read(&id, None, LARGEST).await?;
    let snapshot = state
        .as_ref()
        .map(|state| StateSnapshot::parse(&state.bytes, SnapshotDetail::Counts));
    let text = state
        .as_ref()
        .zip(snapshot.as_ref())
        .map(|(state, snapshot)| {
            let size = u64::try_from(state.bytes.len()).unwrap_or(u64::MAX);
            state_text(size, state.modified, snapshot.as_ref())
        });
    let others: Vec<_> = store
        .list()
        .try_filter(|other| ready(other.id != id))
        .try_collect()
        .await?;
    let others = (!others.is_empty()).then(|| {
        let workspaces = words::count(others.len(), "other workspace", "other workspaces");
        format!("a state in {workspaces}")
    });
    let locks: Vec<_> = store.locks().try_collect().await?;
    let lock = locks
        .iter()
        .find(|lock| lock.id == id && !lock.is_left_behind);
    let lock = lock.map(|lock| lock_text(lock.info.as_ref().ok()));
    let parts: Vec<String> = [text, others, lock].into_iter().flatten().collect();
    let lineage = snapshot.and_then(|snapshot| snapshot.ok()?.lineage);
    Ok(((!parts.is_empty()).then(|| parts.join("; ")), lineage))
}

/// A file and what became of it.
fn written_line(file: &WrittenFile) -> String {
    let done = match &file.outcome {
        FileOutcome::Written {
            backup: Some(backup),
        } => format!("written; the previous file is now {}", backup.display()),
        FileOutcome::Written { backup: None } => "written".to_owned(),
        FileOutcome::Unchanged | FileOutcome::Refused(_) | FileOutcome::HeldBack => {
            "current".to_owned()
        }
    };
    format!("{:<14} {} ({done})", "file", file.path.display())
}

/// A folder has no outputs that are known only after it was created.
fn no_outputs() -> KnownOutputs {
    KnownOutputs::new()
}
