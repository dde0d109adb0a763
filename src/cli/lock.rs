//! `tfbackend lock`: lists and releases the locks of a backend, and changes the locking mechanism.

use clap::{Args, Subcommand};

use super::{boxed, context::Context, failure::CliError};

mod select;
mod list;
mod survey;
mod migrate;
pub(super) mod outcome;
mod release;
mod rows;
mod show;
mod stored;
mod this_run;

pub(super) use release::id_words;

/// List and release the locks of a backend, and change its locking mechanism
#[derive(Args, Clone, Debug)]
pub struct LockArgs {
    #[command(subcommand)]
    pub command: LockCommand,
}

#[derive(Subcommand, Clone, Debug)]
pub enum LockCommand {
    List(Box<list::LockListArgs>),
    Show(Box<show::LockShowArgs>),
    #[command(visible_alias = "force-unlock")]
    Release(Box<release::ReleaseArgs>),
    Migrate(Box<migrate::MigrateArgs>),
}

pub(crate) async fn run(args: LockArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let run = match args.command {
        LockCommand::List(args) => boxed(|| list::run(*args, cx)),
        LockCommand::Show(args) => boxed(|| show::run(*args, cx)),
        LockCommand::Release(args) => boxed(|| release::run(*args, cx)),
        LockCommand::Migrate(args) => boxed(|| migrate::run(*args, cx)),
    };
    run.await
}
