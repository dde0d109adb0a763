//! `tfbackend state`: what is in a backend, of any make; values inside states are never shown.

use clap::{Args, Subcommand};

use super::{context::Context, failure::Failure};

mod diff;
mod list;
pub mod named;
mod pull;
mod show;
mod versions;

/// See the states of a backend; nothing that is in them is shown but names
#[derive(Args, Clone, Debug)]
pub struct StateArgs {
    #[command(subcommand)]
    pub command: StateCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub enum StateCommand {
    List(list::ListArgs),
    Versions(versions::VersionsArgs),
    Show(show::ShowArgs),
    Diff(diff::DiffArgs),
    Pull(pull::PullArgs),
}

pub async fn run(args: StateArgs, cx: &mut Context<'_>) -> Result<u8, Failure> {
    match args.command {
        StateCommand::List(args) => list::run(args, cx).await,
        StateCommand::Versions(args) => versions::run(args, cx).await,
        StateCommand::Show(args) => show::run(args, cx).await,
        StateCommand::Diff(args) => diff::run(args, cx).await,
        StateCommand::Pull(args) => pull::run(args, cx).await,
    }
}
