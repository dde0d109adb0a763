//! `tfbackend sandbox`: an AWS emulator on this machine, to try tfbackend.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, Write},
    process::ExitStatus,
};

use clap::{Args, Subcommand};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    exit,
    host::Host,
    report::json,
    sandbox::{RunningSandbox, Sandbox, SandboxError, SandboxStage, StartedSandbox},
    text::shell::shell_word,
};

/// Run an AWS emulator on this machine, to try tfbackend without an account
#[derive(Args, Clone, Debug)]
pub struct SandboxArgs {
    #[command(subcommand)]
    pub command: SandboxCommand,
}

#[derive(Subcommand, Clone, Debug)]
pub enum SandboxCommand {
    /// Start the emulator; the first time, install it
    Up {
        /// Port on 127.0.0.1 [default: the last one, or a free one]
        #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
        port: Option<u16>,
    },
    /// Show whether it is running, and print the shell commands that point other tools at it
    Status,
    /// Stop the emulator; its state is kept
    Down {
        /// Also remove its state: every bucket, table and key in it
        #[arg(long)]
        purge: bool,
    },
    /// Run a command that talks to the emulator instead of AWS
    Run {
        /// Command and its arguments
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            required = true,
            value_name = "COMMAND"
        )]
        command: Vec<OsString>,
    },
}

impl SandboxArgs {
    pub fn runs_a_command(&self) -> bool {
        matches!(self.command, SandboxCommand::Run { .. })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SandboxCommandError {
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    #[error("the sandbox is not running; start it with `tfbackend sandbox up`")]
    NotRunning,
    #[error("{program}: {source}")]
    Spawn { program: String, source: io::Error },
    #[error("cannot write the output")]
    Print(#[from] io::Error),
}

/// # Errors
/// If the sandbox cannot do what is asked. The status of `run` is its command's own.
pub async fn run(args: &SandboxArgs, host: &mut Host) -> Result<u8, SandboxCommandError> {
    let sandbox = Sandbox::locate(host)?;
    match &args.command {
        SandboxCommand::Up { port } => up(&sandbox, *port, host).await.map(|(code, _)| code),
        SandboxCommand::Status => match sandbox.status()? {
            Some(running) => {
                writeln!(
                    host.out,
                    "# the sandbox is running: {} (account {}, process {})",
                    running.endpoint, running.account, running.pid
                )?;
                exports(&running, host)?;
                Ok(exit::DONE)
            }
            None => {
                writeln!(
                    host.out,
                    "# the sandbox is not running; start it with `tfbackend sandbox up`"
                )?;
                Ok(exit::CHANGES)
            }
        },
        SandboxCommand::Down { purge } => {
            let was_running = sandbox.down(*purge).await?;
            let stopped = if was_running {
                "stopped the sandbox"
            } else {
                "the sandbox is not running"
            };
            let kept = if *purge {
                "removed its state"
            } else {
                "its state is kept"
            };
            writeln!(host.err, "{stopped}; {kept}")?;
            Ok(exit::DONE)
        }
        SandboxCommand::Run { command } => {
            let running = sandbox.status()?.ok_or(SandboxCommandError::NotRunning)?;
            inside(&running, command, host).await
        }
    }
}

/// The same with the answer as a document: on standard output, and nothing beside it.
///
/// # Errors
/// As [`run`].
pub async fn run_for_program(
    args: &SandboxArgs,
    host: &mut Host,
) -> Result<u8, SandboxCommandError> {
    let sandbox = Sandbox::locate(host)?;
    let (code, document) = match &args.command {
        SandboxCommand::Up { port } => {
            let err = std::mem::replace(&mut host.err, Box::new(io::sink()));
            let up = up(&sandbox, *port, host).await;
            host.err = err;
            match up? {
                (code, Some(running)) => (code, SandboxDocument::of(&running, host)),
                (code, None) => return Ok(code),
            }
        }
        SandboxCommand::Status => match sandbox.status()? {
            Some(running) => (exit::DONE, SandboxDocument::of(&running, host)),
            None => (exit::CHANGES, SandboxDocument::default()),
        },
        SandboxCommand::Down { purge } => {
            let was_running = sandbox.down(*purge).await?;
            (
                exit::DONE,
                SandboxDocument {
                    was_running: Some(was_running),
                    purged: Some(*purge),
                    ..SandboxDocument::default()
                },
            )
        }
        SandboxCommand::Run { .. } => unreachable!("refused: what it prints is its command's own"),
    };
    json::write_document(&mut *host.out, document)?;
    Ok(code)
}

/// The sandbox for a program.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(in crate::cli) struct SandboxDocument {
    running: bool,
    #[serde(flatten)]
    at: Option<PlaceDocument>,
    /// After `down`.
    #[serde(skip_serializing_if = "Option::is_none")]
    was_running: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purged: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct PlaceDocument {
    endpoint: String,
    account: String,
    region: String,
    process: u32,
    /// The variables to set for other tools.
    set: BTreeMap<String, String>,
    unset: Vec<String>,
}

impl SandboxDocument {
    fn of(running: &RunningSandbox, host: &Host) -> Self {
        let mut set = running.environment(&host.vars);
        let unset = host
            .vars
            .keys()
            .filter(|name| !set.contains_key(*name))
            .cloned()
            .collect();
        set.retain(|name, value| host.vars.get(name) != Some(value));
        let RunningSandbox {
            endpoint,
            account,
            region,
            ..
        } = running.clone();
        let at = PlaceDocument {
            endpoint,
            account,
            region,
            process: running.pid,
            set,
            unset,
        };
        Self {
            running: true,
            at: Some(at),
            ..Self::default()
        }
    }
}

async fn up(
    sandbox: &Sandbox,
    port: Option<u16>,
    host: &mut Host,
) -> Result<(u8, Option<RunningSandbox>), SandboxCommandError> {
    let mut printed = Ok(());
    let cancel = host.cancel.clone();
    let err = &mut host.err;
    let mut on_stage = |stage| {
        let line = match stage {
            SandboxStage::Installing { python } => {
                format!("installing the emulator with {} (once)", python.display())
            }
            SandboxStage::Starting => "starting the emulator".to_owned(),
        };
        printed = writeln!(err, "{line}");
    };
    let StartedSandbox { running, already } = tokio::select! {
        up = sandbox.up(port, &mut on_stage) => up?,
        // What was begun is carried on with by the next `up`.
        () = cancel.cancelled() => return Ok((exit::INTERRUPTED, None)),
    };
    printed?;
    let says = if already {
        "the sandbox is already running"
    } else {
        "the sandbox is running"
    };
    writeln!(
        host.err,
        "{says}: {} (account {}, region {})",
        running.endpoint, running.account, running.region
    )?;
    writeln!(
        host.err,
        "next: `tfbackend bootstrap --sandbox`; point another tool at it: `tfbackend sandbox run -- COMMAND`, or `eval \"$(tfbackend \
         sandbox status)\"`"
    )?;
    Ok((exit::DONE, Some(running)))
}

/// Shell commands that do for a shell what `run` does for a command.
fn exports(running: &RunningSandbox, host: &mut Host) -> io::Result<()> {
    let wanted = running.environment(&host.vars);
    for name in host.vars.keys().filter(|name| !wanted.contains_key(*name)) {
        writeln!(host.out, "unset {name}")?;
    }
    for (name, value) in &wanted {
        if host.vars.get(name) != Some(value) {
            writeln!(host.out, "export {name}={}", shell_word(value))?;
        }
    }
    Ok(())
}

async fn inside(
    running: &RunningSandbox,
    command: &[OsString],
    host: &mut Host,
) -> Result<u8, SandboxCommandError> {
    let (program, args) = command
        .split_first()
        .expect("clap wants one argument at least");
    let mut child = tokio::process::Command::new(program)
        .args(args)
        .env_clear()
        .envs(running.environment(&host.vars))
        .current_dir(&host.cwd)
        .spawn()
        .map_err(|source| SandboxCommandError::Spawn {
            program: program.to_string_lossy().into_owned(),
            source,
        })?;
    // A terminal sends Ctrl-C to the command too, which decides what to make of it.
    let status = child
        .wait()
        .await
        .map_err(|source| SandboxCommandError::Spawn {
            program: program.to_string_lossy().into_owned(),
            source,
        })?;
    Ok(code(status))
}

/// As a shell tells it: 128 and the signal's number for what a signal ended.
fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(exit::FAILED);
    }
    status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(exit::FAILED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_read_as_more_than_a_word_is_quoted() {
        assert_eq!(
            shell_word("https://127.0.0.1:14566"),
            "https://127.0.0.1:14566"
        );
        assert_eq!(shell_word("/home/a b/$(x)"), "'/home/a b/$(x)'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    #[cfg(unix)]
    fn the_status_is_the_commands_own() {
        use std::os::unix::process::ExitStatusExt;
        assert_eq!(code(ExitStatus::from_raw(7 << 8)), 7);
        assert_eq!(code(ExitStatus::from_raw(15)), 143);
    }
}
