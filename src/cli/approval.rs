//! The question before something is changed or deleted. Its default is no, and only an answer to it
//! counts.

use super::{context::Context, explain, failure::Failure};
use crate::{
    host::{Answer, Kind, Question},
    report::safe::safe,
};

/// Asks for approval of what `text` names.
///
/// # Errors
/// [`Failure::cancelled`] if the answer is no; another if the question cannot be asked.
pub fn ask(text: &str, flag: &'static str, cx: &mut Context<'_>) -> Result<(), Failure> {
    let question = Question {
        text: safe(text).into_owned(),
        flag,
        kind: Kind::YesNo { default: false },
    };
    match cx
        .host
        .prompt
        .confirm(&question)
        .map_err(|error| explain::prompt(&error))?
    {
        Answer::YesNo(true) => Ok(()),
        Answer::YesNo(false) | Answer::Text(_) | Answer::Choice(_) => Err(Failure::cancelled()),
    }
}
