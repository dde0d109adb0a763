//! `tfbackend state versions`: the history of one state.

use clap::Args;

use super::named::{StateName, no_such};
use crate::{
    backend::aws::store::history::StateVersion,
    cli::{
        context::Context,
        explain,
        failure::CliError,
        target::{BackendTarget, TargetArgs},
    },
    exit,
    report::{
        json,
        states::versions::{self, VersionsDocument},
    },
};

/// Show the history of a state: when it was written, serial, resources, and whether it was deleted
#[derive(Args, Clone, Debug)]
pub struct VersionsArgs {
    #[command(flatten)]
    pub name: StateName,

    /// Only the newest ones
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,

    #[command(flatten)]
    pub target: TargetArgs,
}

pub async fn run(args: VersionsArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let target = args.target.open(cx).await?;
    let path = args.name.path_in(&target)?;
    target.announce(cx);
    let limit = args
        .limit
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(usize::MAX);
    let (past, count) = history(&target, &path, limit, cx).await?;
    let document = VersionsDocument::of(target.about(), &path, &past, count);
    if cx.global.json() {
        json::write_document(&mut *cx.host.out, document)
            .map_err(|error| CliError::failed("cannot write the output").because(&error))?;
        return Ok(exit::DONE);
    }
    let view = cx.global.out_view(cx.host);
    cx.output(&versions::text(&document, &view))?;
    Ok(exit::DONE)
}

/// At least one version, and how many there are.
pub async fn history(
    target: &BackendTarget,
    path: &str,
    limit: usize,
    cx: &mut Context<'_>,
) -> Result<(Vec<StateVersion>, usize), CliError> {
    let listed = cx
        .until_cancelled(target.store().history(path, limit))
        .await?;
    let (past, count) = listed.map_err(|error| {
        explain::aws(
            CliError::failed(format!("the versions of {path} cannot be listed")).because(&error),
            &error,
            None,
        )
    })?;
    if past.is_empty() {
        let mut failure = no_such(target, path, None);
        // There is no history to be seen.
        failure.hints.truncate(1);
        return Err(failure);
    }
    Ok((past, count))
}
