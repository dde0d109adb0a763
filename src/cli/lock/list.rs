//! `tfbackend lock list`: every lock, of all states and workspaces, in both places.

use clap::Args;

use super::{rows, stored, survey};
use crate::{
    cli::{
        context::Context,
        failure::CliError,
        target::{BackendTarget, TargetArgs},
    },
    exit,
    report::locks,
};

/// List every lock that is held, in the table and in the bucket, of all workspaces
#[derive(Args, Clone, Debug)]
pub struct LockListArgs {
    #[command(flatten)]
    pub target: TargetArgs,

    /// Exit with 2 if any lock is held
    #[arg(long)]
    pub exit_code: bool,
}

pub(super) async fn run(args: LockListArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let target = args.target.open(cx).await?.with_unused_table(cx).await?;
    target.announce(cx);
    let target = match target {
        BackendTarget::S3(target) => target,
        other => return stored::list(args.exit_code, &other, cx).await,
    };
    let looked = survey::at(&target, cx).await?;
    let document = rows::document(&looked, &target, cx.now());
    let code = |unseen| exit_code(args.exit_code, !document.locks.is_empty(), unseen);
    if cx.global.json() {
        target.answer(&document, cx)?;
        // The document lists what could not be read.
        return Ok(code(!looked.unseen.is_empty()));
    }
    let view = cx.global.out_view(cx.host);
    cx.output(&locks::list(&document, &view))?;
    match looked.failure("not everything can be read: there may be more locks") {
        Some(failure) => Err(failure.hint(format!(
            "a single state needs fewer permissions: `tfbackend lock show PATH{}`",
            target.words
        ))),
        None => Ok(code(false)),
    }
}

pub(super) fn exit_code(wanted: bool, is_held: bool, unseen: bool) -> u8 {
    match () {
        () if unseen => exit::FAILED,
        () if wanted && is_held => exit::CHANGES,
        () => exit::DONE,
    }
}
