//! `tfbackend state`: what is in a backend, of any make, and how it is put right; values inside states are never shown.

use clap::{Args, Subcommand};

use super::{context::Context, failure::Failure};

mod diff;
mod list;
pub mod named;
mod pull;
mod show;
mod versions;
mod restore;
mod check;

/// See the states of a backend, and put them right; nothing that is in them is shown but names
#[derive(Args, Clone, Debug)]
pub struct StateArgs {
    #[command(subcommand)]
    pub command: StateCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub enum StateCommand {
    List(Box<list::ListArgs>),
    Versions(versions::VersionsArgs),
    Show(show::ShowArgs),
    Diff(diff::DiffArgs),
    Pull(pull::PullArgs),
    Restore(Box<restore::RestoreArgs>),
    Check(Box<check::CheckArgs>),
}

pub async fn run(args: StateArgs, cx: &mut Context<'_>) -> Result<u8, Failure> {
    match args.command {
        StateCommand::List(args) => list::run(*args, cx).await,
        StateCommand::Versions(args) => versions::run(args, cx).await,
        StateCommand::Show(args) => show::run(args, cx).await,
        StateCommand::Diff(args) => diff::run(args, cx).await,
        StateCommand::Pull(args) => pull::run(args, cx).await,
        StateCommand::Restore(args) => restore::run(*args, cx).await,
        StateCommand::Check(args) => check::run(*args, cx).await,
    }
}
