//! Looks once more when all was taken down: a bootstrap that ran meanwhile has made some of it
//! anew.

use jiff::Timestamp;

use crate::{
    backend::aws::{
        blueprint::STATE_BUCKET,
        settle::{PATIENCE, WaitLimit},
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

/// What was deleted may still be seen for a while. `deleted`: when the state bucket was, by the
/// clock of S3.
///
/// # Errors
/// If something is there that should have gone, or that cannot be seen.
pub async fn must_be_gone(
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
            .look(is_made_again(&there, environment, deleted))
            .await
            .map_err(interrupted)?
        {
            break there;
        }
        waits.on(&there, cx);
        if !cx.look(waiting.again()).await.map_err(interrupted)? {
            break there;
        }
    };
    drop(waits);
    let there: Vec<&str> = there.iter().map(Address::as_str).collect();
    let failure = CliError::partly(format!("there again, or still seen: {}", there.join(", ")));
    Err(failure.hint(
        "the same command takes it down as well, and bootstrap makes all of it again: agree on \
         one of them",
    ))
}

/// Only the look was.
fn interrupted(failure: CliError) -> CliError {
    failure.hint("all of it was deleted before")
}

/// Whether the state bucket is another one than that which was deleted: then waiting is of no use.
async fn is_made_again(
    there: &[Address],
    environment: &ConnectedEnvironment,
    deleted: Option<Timestamp>,
) -> bool {
    there.contains(&STATE_BUCKET)
        && is_another(&environment.aws, &environment.names.state_bucket, deleted).await
}

/// The addresses of all that would be deleted now.
async fn there(
    terms: &TeardownOptions,
    environment: &ConnectedEnvironment,
    cx: &mut Context<'_>,
) -> Result<Vec<Address>, CliError> {
    let ConnectedEnvironment {
        settings,
        names,
        aws,
        blueprint,
        ..
    } = environment;
    let looked = cx
        .look(everything::look(aws, settings, names, blueprint))
        .await;
    let (blueprint, observation) = looked.map_err(interrupted)?;
    let plan = Plan::to_teardown(&blueprint, &observation, terms);
    Ok(plan.deletes().map(|step| step.address.clone()).collect())
}
