//! Looks once more when all was taken down: a bootstrap that ran meanwhile has made some of it
//! anew.

use jiff::Timestamp;

use crate::{
    backend::aws::{
        blueprint::STATE_BUCKET,
        settle::{PATIENCE, Waiting},
        teardown::{created::is_another, everything},
    },
    cli::{context::Context, environment::Environment, failure::Failure, wait::Waits},
    engine::{
        plan::{Plan, teardown::Terms},
        spec::Address,
    },
};

/// What was deleted may still be seen for a while. `deleted`: when the state bucket was, by the
/// clock of S3.
///
/// # Errors
/// If something is there that should have gone, or that cannot be seen.
pub async fn must_be_gone(
    terms: &Terms,
    environment: &Environment,
    deleted: Option<Timestamp>,
    cx: &mut Context<'_>,
) -> Result<(), Failure> {
    let mut waiting = Waiting::at_most(PATIENCE);
    let mut waits = Waits::new("AWS no longer shows", PATIENCE);
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
    let failure = Failure::partly(format!("there again, or still seen: {}", there.join(", ")));
    Err(failure.hint(
        "the same command takes it down as well, and bootstrap makes all of it again: agree on \
         one of them",
    ))
}

/// Only the look was.
fn interrupted(failure: Failure) -> Failure {
    failure.hint("all of it was deleted before")
}

/// Whether the state bucket is another one than that which was deleted: then waiting is of no use.
async fn is_made_again(
    there: &[Address],
    environment: &Environment,
    deleted: Option<Timestamp>,
) -> bool {
    there.contains(&STATE_BUCKET)
        && is_another(&environment.aws, &environment.names.state_bucket, deleted).await
}

/// The addresses of all that would be deleted now.
async fn there(
    terms: &Terms,
    environment: &Environment,
    cx: &mut Context<'_>,
) -> Result<Vec<Address>, Failure> {
    let Environment {
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
