//! The question before something is changed or deleted. Its default is no, and only an answer to it
//! counts.

use super::{context::Context, explain, failure::CliError};
use crate::{
    host::{PromptAnswer, Question, QuestionKind},
    report::safe::safe,
};

/// Asks for approval of what `text` names.
///
/// # Errors
/// [`Failure::cancelled`] if the answer is no; another if the question cannot be asked.
pub(crate) fn ask(text: &str, flag: &'static str, cx: &mut Context<'_>) -> Result<(), CliError> {
    let question = Question {
        text: safe(text).into_owned(),
        flag,
        kind: QuestionKind::YesNo { default: false },
    };
    match cx
        .host
        .prompt
        .confirm(&question)
        .map_err(|error| explain::prompt(&error))?
    {
        PromptAnswer::YesNo(true) => Ok(()),
        PromptAnswer::YesNo(false) | PromptAnswer::Text(_) | PromptAnswer::Choice(_) => {
            Err(CliError::cancelled())
        }
    }
}
