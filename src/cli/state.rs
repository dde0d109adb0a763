//! `tfbackend state`: the states of a backend, what is wrong with them, and how an older one is put back.

use clap::{Args, Subcommand};

use super::{context::Context, failure::Failure};

mod restore;
mod check;

/// Look after the states of a backend
#[derive(Args, Clone, Debug)]
pub struct StateArgs {
    #[command(subcommand)]
    pub command: StateCommand,
}

#[derive(Subcommand, Clone, Debug)]
pub enum StateCommand {
    Restore(Box<restore::RestoreArgs>),
    Check(Box<check::CheckArgs>),
}

pub async fn run(args: StateArgs, cx: &mut Context<'_>) -> Result<u8, Failure> {
    match args.command {
        StateCommand::Restore(args) => restore::run(*args, cx).await,
        StateCommand::Check(args) => check::run(*args, cx).await,
    }
}
