//! `tfbackend state versions`: the history of one state.

use clap::Args;

use super::named::{StateName, no_such, no_versions};
use crate::{
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
    store::{history::StateHistory, state_store::StateId},
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

pub(super) async fn run(args: VersionsArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let target = args.target.open(cx).await?;
    let id = args.name.id_in(&target)?;
    target.announce(cx);
    let limit = args
        .limit
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(usize::MAX);
    let history = history(&target, &id, limit, cx).await?;
    let document = VersionsDocument::of(target.about(), &id.path, &history);
    if cx.global.json() {
        json::write_document(&mut *cx.host.out, document)
            .map_err(|error| CliError::failed("cannot write the output").because(&error))?;
        return Ok(exit::DONE);
    }
    let view = cx.global.out_view(cx.host);
    cx.output(&versions::text(&document, &view))?;
    Ok(exit::DONE)
}

/// Returns at least one version.
///
/// # Errors
/// If the backend keeps no versions, there is none, or they cannot be listed.
pub(super) async fn history(
    target: &BackendTarget,
    id: &StateId,
    limit: usize,
    cx: &mut Context<'_>,
) -> Result<StateHistory, CliError> {
    let states = target.states();
    if !states.capabilities().versions {
        return Err(no_versions(target, id));
    }
    let history = cx
        .until_cancelled(StateHistory::read(&*states, id, limit))
        .await?
        .map_err(|error| {
            let message = format!("the versions of {} cannot be listed", id.path);
            explain::store(CliError::failed(message), &error)
        })?;
    if history.versions.is_empty() {
        let mut failure = no_such(target, id, None);
        // There is no history to be seen.
        failure.hints.truncate(1);
        return Err(failure);
    }
    Ok(history)
}
