//! What can go wrong with the sandbox.

use std::{io, path::PathBuf};

use crate::backend::aws::http::HttpError;

#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error(
        "neither XDG_CACHE_HOME nor HOME is set; name a directory for the sandbox with \
         TFBACKEND_SANDBOX_DIR"
    )]
    NoHome,
    #[error("the sandbox runs on Linux and macOS only")]
    Unsupported,
    #[error("{}: is in use by something else than the sandbox; name an empty directory with TFBACKEND_SANDBOX_DIR", dir.display())]
    NotOurs { dir: PathBuf },
    #[error(
        "{}: belongs to another user (uid {owner}), who could read the sandbox's keys or change what it runs; \
         name a directory of your own with TFBACKEND_SANDBOX_DIR",
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
    #[error("the emulator could not be installed ({step} ended with {status}):\n{output}")]
    Install {
        step: &'static str,
        status: String,
        output: String,
    },

    #[error("the certificate for the sandbox could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error(transparent)]
    Http(#[from] HttpError),

    #[error("port {port} is taken; stop what listens there, or choose another with `--port`")]
    PortTaken { port: u16 },
    #[error(
        "the sandbox runs already, on port {running}; take it down first to move it to port \
         {asked}"
    )]
    OtherPort { running: u16, asked: u16 },
    #[error("another emulator uses {}, and is not known by its process id; {hint}", dir.display())]
    Unidentified { dir: PathBuf, hint: &'static str },
    #[error("the emulator ended at once ({status}); the end of {}:\n{tail}", log.display())]
    Ended {
        status: String,
        log: PathBuf,
        tail: String,
    },
    #[error("the emulator did not answer within {seconds} seconds; see {}", log.display())]
    NotHealthy { seconds: u64, log: PathBuf },
    #[error("process {pid} does not end")]
    WillNotEnd { pid: u32 },
}

/// Gives an I/O error the path that it is about.
pub(super) fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> SandboxError {
    let path = path.into();
    move |source| SandboxError::Io { path, source }
}
