//! The one question: the name of the bucket, typed. A yes is given too easily.

use super::TeardownFlags;
use crate::{
    cli::{context::Context, environment::ConnectedEnvironment, explain, failure::CliError},
    host::{PromptAnswer, Question, QuestionKind},
};

const FLAG: &str = "--confirm";

/// Before anything is looked at: a run that nobody can confirm does not begin.
pub fn must_be_possible(
    options: &TeardownFlags,
    environment: &ConnectedEnvironment,
) -> Result<(), CliError> {
    let bucket = &environment.names.state_bucket;
    match &options.confirm {
        Some(said) if said.as_str() == bucket => Ok(()),
        Some(said) => Err(wrong(said.as_str(), bucket)),
        None if environment.settings.run.auto_approve => Err(CliError::refused(
            "--auto-approve is not enough to take a backend down; nothing was changed",
        )
        .hint(format!("say which one: {FLAG} {bucket}"))),
        None if !environment.may_ask => Err(CliError::failed(
            "a backend to take down, and nobody to ask",
        )
        .hint(format!("say which one: {FLAG} {bucket}"))),
        None => Ok(()),
    }
}

/// Asks, unless it was said.
pub fn ask(
    options: &TeardownFlags,
    environment: &ConnectedEnvironment,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    if options.confirm.is_some() {
        return Ok(());
    }
    let bucket = &environment.names.state_bucket;
    let text = format!("Type {bucket} to take it down");
    let question = Question {
        text,
        flag: FLAG,
        kind: QuestionKind::Text {
            default: None,
            check: |_| Ok(()),
        },
    };
    match cx
        .host
        .prompt
        .confirm(&question)
        .map_err(|error| explain::prompt(&error))?
    {
        PromptAnswer::Text(said) if said.trim() == bucket => Ok(()),
        PromptAnswer::Text(said) if said.trim().is_empty() => Err(CliError::cancelled()),
        PromptAnswer::Text(said) => Err(wrong(said.trim(), bucket)),
        PromptAnswer::Choice(_) | PromptAnswer::YesNo(_) => Err(wrong("", bucket)),
    }
}

fn wrong(said: &str, bucket: &str) -> CliError {
    CliError::refused(format!(
        "the bucket of this environment is {bucket}, not \"{said}\"; nothing was changed"
    ))
}
