//! What can go wrong with the sandbox.

use std::{io, path::PathBuf};

use crate::backend::aws::http::HttpError;

#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error(
        "neither XDG_CACHE_HOME nor HOME is set; set TFBACKEND_SANDBOX_DIR to a directory for the \
         sandbox"
    )]
    NoHome,
    #[error("the sandbox runs on Linux and macOS only")]
    Unsupported,
    #[error("{}: is not a sandbox directory, and is not empty; set TFBACKEND_SANDBOX_DIR to an empty directory", dir.display())]
    NotOurs { dir: PathBuf },
    #[error(
        "{}: belongs to another user (uid {owner}), who could read the sandbox's keys or change what it runs; \
         set TFBACKEND_SANDBOX_DIR to a directory of your own",
        dir.display()
    )]
    OfAnotherUser { dir: PathBuf, owner: u32 },
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },

    #[error(
        "the sandbox needs Python 3.10 or newer, and {found}; {}",
        super::python::HOW_TO_INSTALL
    )]
    NoPython { found: String },
    #[error(
        "{python}: has no working `venv` module; {}",
        super::python::HOW_TO_INSTALL_VENV
    )]
    NoVenv { python: String },
    #[error("cannot install the emulator ({step} ended with {status}):\n{output}")]
    Install {
        step: &'static str,
        status: String,
        output: String,
    },

    #[error("cannot create the certificate of the sandbox: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error(transparent)]
    Http(#[from] HttpError),

    #[error(
        "port {port} is in use; stop the program that uses it, or choose another port with \
         `--port`"
    )]
    PortTaken { port: u16 },
    #[error(
        "the sandbox is already running on port {running}; to move it to port {asked}, stop it \
         first with `tfbackend sandbox down`"
    )]
    OtherPort { running: u16, asked: u16 },
    #[error("another emulator with an unknown process ID uses {}; {hint}", dir.display())]
    Unidentified { dir: PathBuf, hint: &'static str },
    #[error("the emulator exited at startup ({status}); last lines of {}:\n{tail}", log.display())]
    Ended {
        status: String,
        log: PathBuf,
        tail: String,
    },
    #[error("the emulator did not answer within {seconds} seconds; see {}", log.display())]
    NotHealthy { seconds: u64, log: PathBuf },
    #[error("process {pid} does not stop")]
    WillNotEnd { pid: u32 },
}

impl SandboxError {
    /// Returns what to do next, if the error is about this machine.
    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            Self::NoPython { .. } => super::python::HOW_TO_INSTALL,
            Self::NoVenv { .. } => super::python::HOW_TO_INSTALL_VENV,
            Self::Unsupported => "use it on Linux or macOS",
            _ => "set TFBACKEND_SANDBOX_DIR to an empty directory of your own",
        }
    }
}

/// Gives an I/O error the path that it is about.
pub(super) fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> SandboxError {
    let path = path.into();
    move |source| SandboxError::Io { path, source }
}
