//! The questions about an environment whose place is known.

use super::live::account_named;
use crate::{
    cli::{
        failure::CliError,
        session::AccountSession,
        wizard::{self, UnfinishedAnswers},
    },
    host::{Host, PromptError},
    report::style::TextStyles,
    settings::{layer::SettingsLayer, merge::MergedSettings, names::EnvName},
};

/// Returns the inner error if the user leaves the questions.
pub(super) async fn ask_for_groups(
    env: &EnvName,
    merged: &MergedSettings,
    connected: Option<&AccountSession>,
    unfinished: Option<&UnfinishedAnswers>,
    busy: Option<TextStyles>,
    answers: &mut SettingsLayer,
    host: &mut Host,
) -> Result<Result<(), PromptError>, CliError> {
    if !wizard::has_questions(merged) {
        return Ok(Ok(()));
    }
    let project = merged.layer.project.as_ref();
    let place = [
        project.map(|project| format!("{project} ")),
        Some(env.to_string()),
        merged
            .layer
            .region
            .as_ref()
            .map(|region| format!(" in {region}")),
    ];
    let facts = wizard::WizardFacts {
        title: place.into_iter().flatten().collect(),
        engine: wizard::InstalledEngine::find(&host.vars).await,
    };
    let lookup: Box<dyn wizard::WizardLookup> = match connected {
        Some(session) => Box::new(wizard::AwsLookup {
            env: env.clone(),
            merged: merged.clone(),
            account: account_named(&session.caller.account)?,
            session: session.clone(),
            unfinished: unfinished.cloned(),
            busy,
        }),
        None => Box::new(wizard::NoLookup),
    };
    match wizard::ask(&mut *host.prompt, merged, &facts, &*lookup, answers).await {
        Ok(true) => Ok(Ok(())),
        Ok(false) => Err(CliError::cancelled()),
        Err(error) => Ok(Err(error)),
    }
}
