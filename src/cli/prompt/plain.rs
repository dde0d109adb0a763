//! Questions on a terminal that moves no cursor (`TERM=dumb`), as of editors and screen readers:
//! whole lines, one after the other.

use std::io;

use console::Term;

use crate::{
    host::{PromptAnswer, PromptError, Question, QuestionKind},
    report::wrap::wrap,
};

/// Typed alone, goes back, as Escape does elsewhere.
const BACK: &str = "<";

/// Asks until the answer is valid; the question stays on the terminal.
pub(super) fn ask(term: &Term, question: &Question) -> Result<PromptAnswer, PromptError> {
    let Question { text, flag, kind } = question;
    let columns = usize::from(term.size().1);
    let whole = format!("{text} ({flag})");
    for line in wrap("", "  ", &whole, columns) {
        term.write_line(&line)?;
    }
    match kind {
        QuestionKind::Text { default, check } => {
            let shown = default.as_deref().unwrap_or_default();
            until_valid(term, shown, |typed| {
                let answer = if typed.is_empty() { shown } else { typed };
                check(answer).map(|()| PromptAnswer::Text(answer.to_owned()))
            })
        }
        QuestionKind::YesNo { default } => {
            until_valid(term, if *default { "Y/n" } else { "y/N" }, |typed| {
                super::line::yes_or_no(typed, *default).map(PromptAnswer::YesNo)
            })
        }
        QuestionKind::Words { words } => {
            until_valid(term, &super::line::brackets(words), |typed| {
                super::line::word(words, typed).map(PromptAnswer::Choice)
            })
        }
        QuestionKind::Choice { options, default } => choose(term, options, *default),
        QuestionKind::Search { options } => choose(term, options, 0),
    }
}

fn choose(
    term: &Term,
    options: &[(String, String)],
    default: usize,
) -> Result<PromptAnswer, PromptError> {
    let columns = usize::from(term.size().1);
    for (index, (name, line)) in options.iter().enumerate() {
        let (first, text) = (format!("{:>3}  ", index + 1), format!("{name}: {line}"));
        for line in wrap(&first, "       ", &text, columns) {
            term.write_line(&line)?;
        }
    }
    let shown = options.get(default).map(|(name, _)| name.as_str());
    until_valid(term, shown.unwrap_or_default(), |typed| {
        if typed.is_empty() {
            return Ok(PromptAnswer::Choice(default));
        }
        let by_number = typed.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
        let is_typed = |text: &str| text.to_lowercase() == typed.to_lowercase();
        let by_name = || {
            let name = options.iter().position(|(name, _)| is_typed(name));
            name.or_else(|| options.iter().position(|(_, line)| is_typed(line)))
        };
        by_number
            .filter(|index| *index < options.len())
            .or_else(by_name)
            .map(PromptAnswer::Choice)
            .ok_or_else(|| "answer with a number or a name of the list, or < to go back".to_owned())
    })
}

fn until_valid(
    term: &Term,
    default: &str,
    read: impl Fn(&str) -> Result<PromptAnswer, String>,
) -> Result<PromptAnswer, PromptError> {
    loop {
        term.write_str(&if default.is_empty() {
            "> ".to_owned()
        } else {
            format!("[{default}] > ")
        })?;
        let mut line = String::new();
        if io::stdin().read_line(&mut line)? == 0 {
            return Err(PromptError::Interrupted);
        }
        let typed = line.trim();
        if typed == BACK {
            return Err(PromptError::Back);
        }
        match read(typed) {
            Ok(answer) => return Ok(answer),
            Err(reason) => term.write_line(&reason)?,
        }
    }
}
