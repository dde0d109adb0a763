//! The host: everything that the program uses outside the cloud, created once in `main`: variables,
//! working directory, terminals, writers, prompts.

use std::{collections::BTreeMap, io, path::PathBuf, time::SystemTime};

use tokio_util::sync::CancellationToken;

pub(crate) mod bounded;
pub(crate) mod open_files;
pub(crate) mod private_file;
pub(crate) mod programs;
pub mod user;

/// The host of the program. Tests pass their own.
pub struct Host {
    pub vars: BTreeMap<String, String>,
    pub cwd: PathBuf,
    /// `user@host`: the holder in Terraform locks.
    pub who: String,
    /// Standard output, for scripts.
    pub out: Box<dyn io::Write + Send>,
    /// All else.
    pub err: Box<dyn io::Write + Send>,
    /// True if standard input and standard error are terminals, so that the user can be asked.
    pub interactive: bool,
    pub out_is_terminal: bool,
    /// True if standard error can redraw lines.
    pub err_is_terminal: bool,
    /// Columns of standard output and of standard error: see [`columns`].
    pub out_width: usize,
    pub err_width: usize,
    pub prompt: Box<dyn Prompt>,
    /// When it was made: one run is one moment.
    pub now: SystemTime,
    /// Cancelled by Ctrl-C, SIGTERM, or the end of the terminal.
    pub cancel: CancellationToken,
}

impl Host {
    /// A variable that is set and not empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.vars
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}

/// The columns of a stream: those of its terminal, else those that `COLUMNS` says. Otherwise a
/// program reads it, and each line stays whole, so that `grep` finds all of it.
pub fn columns(terminal: Option<usize>, vars: &BTreeMap<String, String>) -> usize {
    let said = || {
        vars.get("COLUMNS")
            .and_then(|text| text.trim().parse().ok())
            .filter(|columns| *columns > 0)
    };
    terminal.or_else(said).unwrap_or(usize::MAX)
}

/// A writer whose reader may go away, as `head` does once it has seen enough: the rest is dropped.
pub struct UntilClosed<W>(pub W);

impl<W: io::Write> io::Write for UntilClosed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            result => result,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }
}

/// A question that knows the flag that answers it.
#[derive(Clone, Debug)]
pub struct Question {
    pub text: String,
    /// As a script would say it, such as `--region`.
    pub flag: &'static str,
    pub kind: QuestionKind,
}

#[derive(Clone, Debug)]
pub enum QuestionKind {
    /// A line of text; `None` wants an answer. Answers that `check` refuses are asked for again.
    Text {
        default: Option<String>,
        check: fn(&str) -> Result<(), String>,
    },
    /// One of several, each with a line that explains it; `default` is an index.
    Choice {
        options: Vec<(String, String)>,
        default: usize,
    },
    /// One of many, found by typing a part of its name or of its line; the first is the default.
    Search {
        options: Vec<(String, String)>,
    },
    YesNo {
        default: bool,
    },
    /// One of a few words, such as yes, no and edit; the first is the default, and the first letter
    /// is enough. The answer is a [`PromptAnswer::Choice`].
    Words {
        words: &'static [&'static str],
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromptAnswer {
    Text(String),
    Choice(usize),
    YesNo(bool),
}

#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// A question that cannot be asked is an error that names the flag, never a hidden yes.
    #[error("cannot ask \"{text}\" without a terminal; answer with {flag}")]
    CannotAsk { text: String, flag: &'static str },
    /// Ctrl-C at the question.
    #[error("interrupted")]
    Interrupted,
    /// Escape at the question: back to the one before, where there is one.
    #[error("left with Escape")]
    Back,
    #[error("cannot read the answer")]
    Io(#[from] io::Error),
}

pub trait Prompt: Send {
    /// Answers have the kind of their question.
    fn ask(&mut self, question: &Question) -> Result<PromptAnswer, PromptError>;

    /// Asks before something is changed: input that was typed before the question is shown does not
    /// answer it.
    fn confirm(&mut self, question: &Question) -> Result<PromptAnswer, PromptError> {
        self.ask(question)
    }

    /// Says why the last answer cannot be used, before the question is asked again.
    ///
    /// # Errors
    /// If it cannot be said.
    fn refuse(&mut self, reason: &str) -> Result<(), PromptError>;

    /// Shows lines that the next question is about.
    ///
    /// # Errors
    /// If they cannot be shown.
    fn show(&mut self, text: &str) -> Result<(), PromptError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_the_terminals_then_those_said_then_without_end() {
        let vars = |columns: &str| BTreeMap::from([("COLUMNS".to_owned(), columns.to_owned())]);
        assert_eq!(columns(Some(100), &vars("60")), 100);
        assert_eq!(columns(None, &vars("60")), 60);
        for nonsense in ["", "0", "-5", "wide"] {
            assert_eq!(columns(None, &vars(nonsense)), usize::MAX, "{nonsense}");
        }
    }
}
