//! `tfbackend state`: lists, checks, repairs, backs up and restores states of any backend; values in states
//! are never shown.

use clap::{Args, Subcommand};

use super::{boxed, context::Context, failure::CliError};

pub(super) mod backup;
mod diff;
pub(super) mod in_force;
mod list;
pub(crate) mod named;
pub(super) mod pull;
mod show;
mod versions;
pub(super) mod restore;
mod check;

/// List, check, repair, back up and restore the states of a backend; only names in them are shown, never
/// values
#[derive(Args, Clone, Debug)]
pub struct StateArgs {
    #[command(subcommand)]
    pub command: StateCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub enum StateCommand {
    List(Box<list::StateListArgs>),
    Versions(versions::VersionsArgs),
    Show(show::StateShowArgs),
    Diff(diff::DiffArgs),
    Pull(pull::PullArgs),
    Backup(Box<backup::BackupArgs>),
    Restore(Box<restore::RestoreArgs>),
    Check(Box<check::CheckArgs>),
}

pub(crate) async fn run(args: StateArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let run = match args.command {
        StateCommand::List(args) => boxed(|| list::run(*args, cx)),
        StateCommand::Versions(args) => boxed(|| versions::run(args, cx)),
        StateCommand::Show(args) => boxed(|| show::run(args, cx)),
        StateCommand::Diff(args) => boxed(|| diff::run(args, cx)),
        StateCommand::Pull(args) => boxed(|| pull::run(args, cx)),
        StateCommand::Backup(args) => boxed(|| backup::run(*args, cx)),
        StateCommand::Restore(args) => boxed(|| restore::run(*args, cx)),
        StateCommand::Check(args) => boxed(|| check::run(*args, cx)),
    };
    run.await
}
