//! The confirmation: the user types the name of the bucket, because a yes is given too easily.

use super::TeardownFlags;
use crate::{
    cli::{context::Context, explain, failure::CliError},
    host::{PromptAnswer, Question, QuestionKind},
    settings::common::RunSettings,
    text::shell::shell_word,
};

const FLAG: &str = "--confirm";

/// What is typed to confirm: the name of what is deleted.
pub(crate) struct TypedName<'a> {
    /// As in `bucket`.
    pub what: &'static str,
    pub name: &'a str,
}

/// Fails before any read, if the teardown cannot be confirmed.
pub(crate) fn must_be_possible(
    options: &TeardownFlags,
    typed: &TypedName<'_>,
    run: &RunSettings,
    may_ask: bool,
) -> Result<(), CliError> {
    let hint = format!("pass {FLAG} {}", shell_word(typed.name));
    match &options.confirm {
        Some(said) if said == typed.name => Ok(()),
        Some(said) => Err(typed.wrong(said)),
        None if run.auto_approve => Err(CliError::refused(
            "--auto-approve does not confirm a teardown; nothing was changed",
        )
        .hint(hint)),
        None if !may_ask => Err(CliError::failed(
            "teardown needs confirmation, but this is not a terminal",
        )
        .hint(hint)),
        None => Ok(()),
    }
}

/// Asks, unless `--confirm` was passed.
pub(crate) fn ask(
    options: &TeardownFlags,
    typed: &TypedName<'_>,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    if options.confirm.is_some() {
        return Ok(());
    }
    let text = format!("Type {} to delete this backend", typed.name);
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
        PromptAnswer::Text(said) if said.trim() == typed.name => Ok(()),
        PromptAnswer::Text(said) if said.trim().is_empty() => Err(CliError::cancelled()),
        PromptAnswer::Text(said) => Err(typed.wrong(said.trim())),
        PromptAnswer::Choice(_) | PromptAnswer::YesNo(_) => Err(typed.wrong("")),
    }
}

impl TypedName<'_> {
    fn wrong(&self, said: &str) -> CliError {
        let Self { what, name } = self;
        CliError::refused(format!(
            "the {what} of this environment is {name}, not \"{said}\"; nothing was changed"
        ))
    }
}
