//! How questions are asked: on a terminal, or not at all.

mod line;

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
};

use console::{Term, style, truncate_str};
use dialoguer::{Confirm, Select, theme::ColorfulTheme};

use crate::host::{Prompt, PromptAnswer, PromptError, Question, QuestionKind};

/// Asks on the terminal of standard error.
///
/// Ctrl-C and Escape end a question with [`PromptError::Interrupted`]; the cursor is shown again,
/// whatever happened.
///
/// Assumes that the program handles SIGINT: `dialoguer` raises it on Ctrl-C, and without a handler
/// it ends the process before the cursor is shown again.
pub struct TerminalPrompt {
    term: Term,
    theme: ColorfulTheme,
}

impl TerminalPrompt {
    pub fn new() -> Self {
        Self {
            term: Term::stderr(),
            theme: ColorfulTheme::default(),
        }
    }
}

impl Default for TerminalPrompt {
    fn default() -> Self {
        Self::new()
    }
}

impl Prompt for TerminalPrompt {
    fn ask(&mut self, question: &Question) -> Result<PromptAnswer, PromptError> {
        if !self.term.is_term() {
            return NoPrompt.ask(question);
        }
        let _open = OpenQuestion::new(&self.term);
        let text = format!(
            "{} {}",
            question.text,
            style(format!("({})", question.flag)).for_stderr().dim()
        );
        let (answer, shown) = match &question.kind {
            QuestionKind::Text { default, check } => {
                let answer = line::ask(&self.term, &text, default.as_deref(), *check)?;
                let shown = if answer.is_empty() {
                    "none".to_owned()
                } else {
                    answer.clone()
                };
                (PromptAnswer::Text(answer), shown)
            }
            QuestionKind::Choice { options, default } => {
                let items = items(options, usize::from(self.term.size().1));
                let chosen = Select::with_theme(&self.theme)
                    .with_prompt(text)
                    .items(&items)
                    .default(*default)
                    .report(false);
                let chosen = chosen
                    .interact_on_opt(&self.term)
                    .map_err(failure)?
                    .ok_or(PromptError::Interrupted)?;
                (
                    PromptAnswer::Choice(chosen),
                    options
                        .get(chosen)
                        .map(|(name, _)| name.clone())
                        .unwrap_or_default(),
                )
            }
            QuestionKind::YesNo { default } => {
                let chosen = Confirm::with_theme(&self.theme)
                    .with_prompt(text)
                    .default(*default)
                    .report(false);
                let yes = chosen
                    .interact_on_opt(&self.term)
                    .map_err(failure)?
                    .ok_or(PromptError::Interrupted)?;
                (
                    PromptAnswer::YesNo(yes),
                    if yes { "yes" } else { "no" }.to_owned(),
                )
            }
        };
        self.term.write_line(&format!(
            "{} {} · {shown}",
            style("✔").for_stderr().green(),
            question.text
        ))?;
        Ok(answer)
    }

    fn confirm(&mut self, question: &Question) -> Result<PromptAnswer, PromptError> {
        discard_typed_ahead();
        self.ask(question)
    }
}

/// Empties the input queue of the terminal.
fn discard_typed_ahead() {
    // If there is no terminal, `ask` refuses.
    #[cfg(unix)]
    let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
}

/// One line each, cut to the terminal, in ASCII as far as we write it: `dialoguer` miscounts lines
/// that wrap, and takes bytes for columns.
fn items(options: &[(String, String)], width: usize) -> Vec<String> {
    let room = width.saturating_sub("❯ ".chars().count() + 1).max(1);
    options
        .iter()
        .map(|(name, line)| truncate_str(&format!("{name}: {line}"), room, "...").into_owned())
        .collect()
}

/// Asks nothing: every question is an error that names the flag.
pub struct NoPrompt;

impl Prompt for NoPrompt {
    fn ask(&mut self, question: &Question) -> Result<PromptAnswer, PromptError> {
        Err(PromptError::CannotAsk {
            text: question.text.clone(),
            flag: question.flag,
        })
    }
}

fn failure(error: dialoguer::Error) -> PromptError {
    let error = io::Error::from(error);
    match error.kind() {
        io::ErrorKind::Interrupted => PromptError::Interrupted,
        _ => PromptError::Io(error),
    }
}

/// Returns whether a question waits for its answer. There is one terminal per process.
static OPEN: AtomicBool = AtomicBool::new(false);

pub fn is_open() -> bool {
    OPEN.load(Ordering::SeqCst)
}

/// A question that waits for its answer. `dialoguer` leaves the cursor hidden when interrupted: it
/// is shown again at the end.
struct OpenQuestion<'a>(&'a Term);

impl<'a> OpenQuestion<'a> {
    fn new(term: &'a Term) -> Self {
        OPEN.store(true, Ordering::SeqCst);
        Self(term)
    }
}

impl Drop for OpenQuestion<'_> {
    fn drop(&mut self) {
        OPEN.store(false, Ordering::SeqCst);
        // Nothing can be done about a terminal that is gone.
        let _ = self.0.show_cursor();
        let _ = self.0.flush();
    }
}

/// The terminal settings before any question.
pub struct TerminalState {
    #[cfg(unix)]
    modes: Option<rustix::termios::Termios>,
}

impl TerminalState {
    pub fn now() -> Self {
        Self {
            #[cfg(unix)]
            modes: rustix::termios::tcgetattr(io::stdin()).ok(),
        }
    }

    /// For an end in the middle of something: shows the cursor, and takes lines again.
    pub fn restore(&self) {
        let term = Term::stderr();
        if term.is_term() {
            let _ = term.show_cursor();
        }
        #[cfg(unix)]
        if let Some(modes) = &self.modes {
            let _ = rustix::termios::tcsetattr(
                io::stdin(),
                rustix::termios::OptionalActions::Now,
                modes,
            );
        }
    }
}
