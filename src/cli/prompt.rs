//! How questions are asked: on a terminal, or not at all.

mod line;
mod plain;
mod select;

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
};

use console::{Term, style};

use crate::{
    host::{Prompt, PromptAnswer, PromptError, Question, QuestionKind},
    report::{safe::safe, wrap::wrap},
};

/// Asks on the terminal of standard error.
///
/// Ctrl-C ends a question with [`PromptError::Interrupted`], Escape with [`PromptError::Back`]; the
/// cursor is shown again, whatever happened.
///
/// Assumes that the program handles SIGINT: `dialoguer` raises it on Ctrl-C, and without a handler
/// it ends the process before the cursor is shown again.
pub struct TerminalPrompt {
    term: Term,
    /// True if the terminal moves no cursor.
    is_plain: bool,
    /// The rows of the answers directly above, with nothing else between them.
    answered: Vec<usize>,
}

impl TerminalPrompt {
    /// `kind` is the value of `TERM`.
    pub fn new(kind: Option<&str>) -> Self {
        Self {
            term: Term::stderr(),
            is_plain: kind == Some("dumb"),
            answered: vec![],
        }
    }

    fn columns(&self) -> usize {
        usize::from(self.term.size().1)
    }
}

impl Prompt for TerminalPrompt {
    fn ask(&mut self, question: &Question) -> Result<PromptAnswer, PromptError> {
        if !self.term.is_term() {
            return NoPrompt.ask(question);
        }
        let _open = OpenQuestion::new(&self.term, self.is_plain);
        if self.is_plain {
            return plain::ask(&self.term, question);
        }
        let (answer, shown) = match ask_there(&self.term, question) {
            Ok(answered) => answered,
            Err(PromptError::Back) => {
                // The answer that is left is no answer any more.
                let rows = self.answered.pop().unwrap_or_default();
                self.term.clear_last_lines(rows)?;
                return Err(PromptError::Back);
            }
            Err(error) => return Err(error),
        };
        let said = format!("{} · {shown}", question.text);
        let lines = marked("✔", style("✔").for_stderr().green(), &said, self.columns());
        for line in &lines {
            self.term.write_line(line)?;
        }
        self.answered.push(lines.len());
        Ok(answer)
    }

    fn refuse(&mut self, reason: &str) -> Result<(), PromptError> {
        self.answered.clear();
        for line in marked("✘", style("✘").for_stderr().red(), reason, self.columns()) {
            self.term.write_line(&line)?;
        }
        Ok(())
    }

    fn show(&mut self, text: &str) -> Result<(), PromptError> {
        self.answered.clear();
        for line in text.lines() {
            let indent = " ".repeat(hanging(line));
            for line in wrap("", &indent, &safe(line), self.columns()) {
                self.term.write_line(&line)?;
            }
        }
        Ok(())
    }

    fn confirm(&mut self, question: &Question) -> Result<PromptAnswer, PromptError> {
        discard_typed_ahead();
        self.ask(question)
    }
}

/// Returns the answer, and how it is said.
fn ask_there(term: &Term, question: &Question) -> Result<(PromptAnswer, String), PromptError> {
    let Question { text, flag, kind } = question;
    Ok(match kind {
        QuestionKind::Text { default, check } => {
            let answer = line::text(term, text, flag, default.as_deref(), *check)?;
            let shown = if answer.is_empty() {
                "none".to_owned()
            } else {
                answer.clone()
            };
            (PromptAnswer::Text(answer), shown)
        }
        QuestionKind::Choice { options, default } => {
            let chosen = select::choose(term, text, flag, options, *default)?;
            (PromptAnswer::Choice(chosen), options[chosen].0.clone())
        }
        QuestionKind::Search { options } => {
            let chosen = select::search(term, text, flag, options)?;
            (PromptAnswer::Choice(chosen), options[chosen].0.clone())
        }
        QuestionKind::YesNo { default } => {
            let yes = line::yes_no(term, text, flag, *default)?;
            let shown = if yes { "yes" } else { "no" };
            (PromptAnswer::YesNo(yes), shown.to_owned())
        }
        QuestionKind::Words { words } => {
            let chosen = line::words(term, text, flag, words)?;
            (PromptAnswer::Choice(chosen), words[chosen].to_owned())
        }
    })
}

/// Empties the input queue of the terminal.
fn discard_typed_ahead() {
    // If there is no terminal, `ask` refuses.
    #[cfg(unix)]
    let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
}

/// The column of the value in a line of two columns, else that of the text.
fn hanging(line: &str) -> usize {
    let text = line.trim_start();
    let indent = line.len() - text.len();
    text.find("  ").map_or(indent, |end| {
        let rest = &text[end..];
        indent + end + rest.len() - rest.trim_start().len()
    })
}

/// Lines of a text that begins with a mark, which is measured without its colour.
fn marked(
    mark: &str,
    coloured: console::StyledObject<&str>,
    text: &str,
    columns: usize,
) -> Vec<String> {
    let mut lines = wrap(&format!("{mark} "), "  ", text, columns);
    if let Some(rest) = lines[0].strip_prefix(mark) {
        lines[0] = format!("{coloured}{rest}");
    }
    lines
}

/// Lines of a question, whose last word is dim: what answers it on a command line.
fn question_lines(text: &str, dim: &str, columns: usize) -> Vec<String> {
    let whole = format!("{text} {dim}");
    let mut lines = marked("?", style("?").for_stderr().yellow(), &whole, columns);
    if let Some(last) = lines.last_mut()
        && let Some(before) = last.strip_suffix(dim)
    {
        *last = format!("{before}{}", style(dim).for_stderr().dim());
    }
    lines
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

    fn refuse(&mut self, _reason: &str) -> Result<(), PromptError> {
        Ok(())
    }

    fn show(&mut self, _text: &str) -> Result<(), PromptError> {
        Ok(())
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
///
/// The terminal shows no key by itself meanwhile: `console` takes keys one by one, and those that
/// come in between would be drawn into the question.
struct OpenQuestion<'a> {
    term: &'a Term,
    is_plain: bool,
    #[cfg(unix)]
    modes: Option<rustix::termios::Termios>,
}

impl<'a> OpenQuestion<'a> {
    fn new(term: &'a Term, is_plain: bool) -> Self {
        OPEN.store(true, Ordering::SeqCst);
        Self {
            term,
            is_plain,
            #[cfg(unix)]
            modes: if is_plain { None } else { shows_no_keys() },
        }
    }
}

impl Drop for OpenQuestion<'_> {
    fn drop(&mut self) {
        OPEN.store(false, Ordering::SeqCst);
        // Nothing can be done about a terminal that is gone.
        if !self.is_plain {
            let _ = self.term.show_cursor();
        }
        let _ = self.term.flush();
        #[cfg(unix)]
        if let Some(modes) = &self.modes {
            set_modes(modes);
        }
    }
}

/// Returns the modes from before.
#[cfg(unix)]
fn shows_no_keys() -> Option<rustix::termios::Termios> {
    use rustix::termios::LocalModes;
    let before = rustix::termios::tcgetattr(io::stdin()).ok()?;
    let mut modes = before.clone();
    modes
        .local_modes
        .remove(LocalModes::ECHO | LocalModes::ICANON);
    set_modes(&modes);
    Some(before)
}

#[cfg(unix)]
fn set_modes(modes: &rustix::termios::Termios) {
    let now = rustix::termios::OptionalActions::Now;
    // Nothing can be done about a terminal that is gone.
    let _ = rustix::termios::tcsetattr(io::stdin(), now, modes);
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
            set_modes(modes);
        }
    }
}
