//! The one question: the name of the bucket, typed. A yes is given too easily.

use super::TeardownOptions;
use crate::{
    cli::{context::Context, environment::Environment, explain, failure::Failure},
    host::{Answer, Kind, Question},
};

const FLAG: &str = "--confirm";

/// Before anything is looked at: a run that nobody can confirm does not begin.
pub fn must_be_possible(
    options: &TeardownOptions,
    environment: &Environment,
) -> Result<(), Failure> {
    let bucket = &environment.names.state_bucket;
    match &options.confirm {
        Some(said) if said.as_str() == bucket => Ok(()),
        Some(said) => Err(wrong(said.as_str(), bucket)),
        None if environment.settings.run.auto_approve => Err(Failure::refused(
            "--auto-approve is not enough to take a backend down; nothing was changed",
        )
        .hint(format!("say which one: {FLAG} {bucket}"))),
        None if !environment.may_ask => {
            Err(Failure::failed("a backend to take down, and nobody to ask")
                .hint(format!("say which one: {FLAG} {bucket}")))
        }
        None => Ok(()),
    }
}

/// Asks, unless it was said.
pub fn ask(
    options: &TeardownOptions,
    environment: &Environment,
    cx: &mut Context<'_>,
) -> Result<(), Failure> {
    if options.confirm.is_some() {
        return Ok(());
    }
    let bucket = &environment.names.state_bucket;
    let text = format!("Type {bucket} to take it down");
    let question = Question {
        text,
        flag: FLAG,
        kind: Kind::Text {
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
        Answer::Text(said) if said.trim() == bucket => Ok(()),
        Answer::Text(said) if said.trim().is_empty() => Err(Failure::cancelled()),
        Answer::Text(said) => Err(wrong(said.trim(), bucket)),
        Answer::Choice(_) | Answer::YesNo(_) => Err(wrong("", bucket)),
    }
}

fn wrong(said: &str, bucket: &str) -> Failure {
    Failure::refused(format!(
        "the bucket of this environment is {bucket}, not \"{said}\"; nothing was changed"
    ))
}
