//! The commands on an environment of backend kind `local`.

use super::{
    context::Context,
    environment::{EnvironmentArgs, Prompting},
    explain,
    failure::CliError,
    folder_defaults, known_env,
    save::{self, PendingFile, SaveRequest},
    wizard::{self, WizardHints},
};
use crate::{
    backend::{
        local::{provider::LocalProvider, resources::LocalSpec},
        provider::Provider,
    },
    engine::{
        observation::{Observation, Observed},
        plan::Plan,
        spec::KnownOutputs,
    },
    settings::{
        local::LocalSettings,
        merge::{MergedSettings, SettingsSources},
        names::EnvName,
        rerun::RerunArguments,
    },
    store::location::BackendLocation,
    terraform::{
        read::next::next_command,
        write::files::{FileOutcome, WrittenFile},
    },
    text::shell::shell_word,
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

    /// Refuses a folder that is not there yet, and in which states would not be safe.
    ///
    /// # Errors
    /// With exit code 3.
    pub(crate) fn must_be_safe(
        &self,
        observation: &Observation<LocalSpec>,
    ) -> Result<(), CliError> {
        let is_new = observation
            .values()
            .all(|seen| matches!(seen, Observed::Absent));
        match self.provider.unsafe_place().filter(|_| is_new) {
            None => Ok(()),
            Some((what, remedy)) => Err(CliError::refused(format!(
                "the folder {} is not safe for states: {what}; nothing was changed",
                self.provider.settings.state_dir
            ))
            .hint(remedy)),
        }
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
            .command_lines("terraform", &conf)
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
