//! The confirmation: the user types the name of the bucket, because a yes is given too easily.

use super::TeardownFlags;
use crate::{
    cli::{context::Context, environment::ConnectedEnvironment, explain, failure::CliError},
    host::{PromptAnswer, Question, QuestionKind},
};

const FLAG: &str = "--confirm";

/// Fails before any read, if the teardown cannot be confirmed.
pub fn must_be_possible(
    options: &TeardownFlags,
    environment: &ConnectedEnvironment,
) -> Result<(), CliError> {
    let bucket = &environment.names.state_bucket;
    match &options.confirm {
        Some(said) if said.as_str() == bucket => Ok(()),
        Some(said) => Err(wrong(said.as_str(), bucket)),
        None if environment.settings.common.run.auto_approve => Err(CliError::refused(
            "--auto-approve does not confirm a teardown; nothing was changed",
        )
        .hint(format!("pass {FLAG} {bucket}"))),
        None if !environment.may_ask => Err(CliError::failed(
            "teardown needs confirmation, but this is not a terminal",
        )
        .hint(format!("pass {FLAG} {bucket}"))),
        None => Ok(()),
    }
}

/// Asks, unless `--confirm` was passed.
pub fn ask(
    options: &TeardownFlags,
    environment: &ConnectedEnvironment,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    if options.confirm.is_some() {
        return Ok(());
    }
    let bucket = &environment.names.state_bucket;
    let text = format!("Type {bucket} to delete this backend");
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
