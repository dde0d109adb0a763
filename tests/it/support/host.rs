//! A host of a test's own: variables and a directory are given, and what is written is kept.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use clap::{Args, Command, FromArgMatches};
use tfbackend::{
    cli::sandbox::{self, SandboxArgs, SandboxCommandError},
    host::{Host, Prompt, PromptAnswer, PromptError, Question},
};
use tokio_util::sync::CancellationToken;

/// The world of a command, from which a [`Host`] is made for each run.
pub(crate) struct Outside {
    cwd: PathBuf,
    vars: BTreeMap<String, String>,
    out: Kept,
    err: Kept,
}

impl Outside {
    pub(crate) fn new(cwd: &Path, vars: BTreeMap<String, String>) -> Self {
        Self {
            cwd: cwd.to_owned(),
            vars,
            out: Kept::default(),
            err: Kept::default(),
        }
    }

    pub(crate) fn host(&self) -> Host {
        Host {
            vars: self.vars.clone(),
            cwd: self.cwd.clone(),
            who: "me@here".to_owned(),
            out: Box::new(self.out.clone()),
            err: Box::new(self.err.clone()),
            interactive: false,
            out_is_terminal: false,
            err_is_terminal: false,
            out_width: 80,
            err_width: 80,
            prompt: Box::new(Nobody),
            now: std::time::SystemTime::now(),
            cancel: CancellationToken::new(),
        }
    }

    /// Runs `tfbackend sandbox` with these arguments.
    pub(crate) async fn sandbox(&self, args: &[&str]) -> Result<u8, SandboxCommandError> {
        let matches = SandboxArgs::augment_args(Command::new("sandbox").no_binary_name(true))
            .get_matches_from(args);
        sandbox::run(
            &SandboxArgs::from_arg_matches(&matches).expect("arguments"),
            &mut self.host(),
        )
        .await
    }

    /// What was written to standard output since the last call.
    pub(crate) fn take_out(&self) -> String {
        self.out.take()
    }

    /// What was written to standard error since the last call.
    pub(crate) fn take_err(&self) -> String {
        self.err.take()
    }
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().expect("a buffer"))).expect("text")
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("a buffer").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Nobody;

impl Prompt for Nobody {
    fn ask(&mut self, question: &Question) -> Result<PromptAnswer, PromptError> {
        Err(PromptError::CannotAsk {
            text: question.text.clone(),
            flag: question.flag,
        })
    }
    fn refuse(&mut self, reason: &str) -> Result<(), PromptError> {
        panic!("nothing was answered: {reason}")
    }

    fn show(&mut self, text: &str) -> Result<(), PromptError> {
        panic!("nothing is asked about: {text}")
    }
}
