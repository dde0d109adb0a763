//! How questions are asked: on a terminal, or not at all.

mod line;

use std::io;

use console::{Term, style, truncate_str};
use dialoguer::{Confirm, Select, theme::ColorfulTheme};

use crate::host::{Answer, Kind, Prompt, PromptError, Question};

/// Asks on the terminal of standard error.
///
/// Ctrl-C and Escape end a question with [`PromptError::Interrupted`]; the cursor is shown again,
/// whatever happened.
///
/// Assumes that the program handles SIGINT: `dialoguer` raises it on Ctrl-C, and where nobody
/// handles it, it ends the process before the cursor is back.
pub struct Dialoguer {
    term: Term,
    theme: ColorfulTheme,
}

impl Dialoguer {
    pub fn new() -> Self {
        Self { term: Term::stderr(), theme: ColorfulTheme::default() }
    }
}

impl Default for Dialoguer {
    fn default() -> Self {
        Self::new()
    }
}

impl Prompt for Dialoguer {
    fn ask(&mut self, question: &Question) -> Result<Answer, PromptError> {
        if !self.term.is_term() {
            return Refuse.ask(question);
        }
        let _cursor = ShownAgain(&self.term);
        let text = format!("{} {}", question.text, style(format!("({})", question.flag)).for_stderr().dim());
        let (answer, shown) = match &question.kind {
            Kind::Text { default, check } => {
                let answer = line::ask(&self.term, &text, default.as_deref(), *check)?;
                let shown = if answer.is_empty() { "none".to_owned() } else { answer.clone() };
                (Answer::Text(answer), shown)
            }
            Kind::Choice { options, default } => {
                let items = items(options, usize::from(self.term.size().1));
                let chosen = Select::with_theme(&self.theme).with_prompt(text).items(&items).default(*default).report(false);
                let chosen = chosen.interact_on_opt(&self.term).map_err(failure)?.ok_or(PromptError::Interrupted)?;
                (Answer::Choice(chosen), options.get(chosen).map(|(name, _)| name.clone()).unwrap_or_default())
            }
            Kind::YesNo { default } => {
                let chosen = Confirm::with_theme(&self.theme).with_prompt(text).default(*default).report(false);
                let yes = chosen.interact_on_opt(&self.term).map_err(failure)?.ok_or(PromptError::Interrupted)?;
                (Answer::YesNo(yes), if yes { "yes" } else { "no" }.to_owned())
            }
        };
        self.term.write_line(&format!("{} {} · {shown}", style("✔").for_stderr().green(), question.text))?;
        Ok(answer)
    }
}

/// One line each, cut to the terminal, in ASCII as far as we write it: `dialoguer` miscounts lines
/// that wrap, and takes bytes for columns.
fn items(options: &[(String, String)], width: usize) -> Vec<String> {
    let room = width.saturating_sub("❯ ".chars().count() + 1).max(1);
    options.iter().map(|(name, line)| truncate_str(&format!("{name}: {line}"), room, "...").into_owned()).collect()
}

/// Asks nothing: every question is an error that names the flag.
pub struct Refuse;

impl Prompt for Refuse {
    fn ask(&mut self, question: &Question) -> Result<Answer, PromptError> {
        Err(PromptError::CannotAsk { text: question.text.clone(), flag: question.flag })
    }
}

fn failure(error: dialoguer::Error) -> PromptError {
    let error = io::Error::from(error);
    match error.kind() {
        io::ErrorKind::Interrupted => PromptError::Interrupted,
        _ => PromptError::Io(error),
    }
}

/// Shows the cursor when it goes out of scope; `dialoguer` leaves it hidden when interrupted.
struct ShownAgain<'a>(&'a Term);

impl Drop for ShownAgain<'_> {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that is gone.
        let _ = self.0.show_cursor();
        let _ = self.0.flush();
    }
}
