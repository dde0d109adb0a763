//! Checks again after the deletion: a concurrent bootstrap may have created resources again.

use crate::backend::aws::provider::S3Provider;
use jiff::Timestamp;

use crate::{
    backend::aws::{
        blueprint::STATE_BUCKET,
        retry::{PATIENCE, WaitLimit},
        teardown::{created::is_another, everything},
    },
    cli::{
        context::Context, environment::ConnectedEnvironment, failure::CliError, wait::WaitReport,
    },
    engine::{
        plan::{Plan, teardown::TeardownOptions},
        spec::Address,
    },
};

/// Waits until deleted resources are no longer listed. `deleted`: when the state bucket was
/// deleted, by the clock of S3.
///
/// # Errors
/// If a resource still exists, or cannot be read.
pub(super) async fn must_be_gone(
    terms: &TeardownOptions,
    environment: &ConnectedEnvironment,
    deleted: Option<Timestamp>,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    let mut waiting = WaitLimit::at_most(PATIENCE);
    let mut waits = WaitReport::new("AWS no longer shows", PATIENCE);
    let there = loop {
        let there = there(terms, environment, cx).await?;
        if there.is_empty() {
            return Ok(());
        }
        if cx
            .until_cancelled(is_made_again(&there, environment, deleted))
            .await
            .map_err(interrupted)?
        {
            break there;
        }
        waits.on(&there, cx);
        if !cx
            .until_cancelled(waiting.again())
            .await
            .map_err(interrupted)?
        {
            break there;
        }
    };
    drop(waits);
    let there: Vec<&str> = there.iter().map(Address::as_str).collect();
    let failure = CliError::partly(format!("still exist, or exist again: {}", there.join(", ")));
    Err(failure.hint(
        "to delete them as well, run the same command again; to keep the backend, run bootstrap",
    ))
}

/// Only the check was interrupted.
fn interrupted(failure: CliError) -> CliError {
    failure.hint("everything was deleted before this check")
}

/// Returns whether the state bucket is not the deleted one: then waiting does not help.
async fn is_made_again(
    there: &[Address],
    environment: &ConnectedEnvironment,
    deleted: Option<Timestamp>,
) -> bool {
    there.contains(&STATE_BUCKET)
        && is_another(
            &environment.provider.aws,
            &environment.provider.names.state_bucket,
            deleted,
        )
        .await
}

/// Returns the addresses of all resources that would be deleted now.
async fn there(
    terms: &TeardownOptions,
    environment: &ConnectedEnvironment,
    cx: &mut Context<'_>,
) -> Result<Vec<Address>, CliError> {
    let S3Provider {
        settings,
        names,
        aws,
        blueprint,
        ..
    } = &environment.provider;
    let looked = cx
        .until_cancelled(everything::look(aws, settings, names, blueprint))
        .await;
    let (blueprint, observation) = looked.map_err(interrupted)?;
    let plan = Plan::to_teardown(&blueprint, &observation, terms);
    Ok(plan.deletes().map(|step| step.address.clone()).collect())
}
