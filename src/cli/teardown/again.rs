//! Looks once more when all was taken down: a bootstrap that ran meanwhile has made some of it anew.

use crate::{
    aws::{settle::Pauses, teardown::everything},
    cli::{context::Context, environment::Environment, failure::Failure},
    plan::{Plan, teardown::Terms},
};

/// What was deleted may still be seen for a while.
const LOOKS: u32 = 8;

/// # Errors
/// If something is there that should have gone, or that cannot be seen.
pub async fn must_be_gone(terms: &Terms, environment: &Environment, cx: &mut Context<'_>) -> Result<(), Failure> {
    let mut pauses = Pauses::default();
    let mut there = there(terms, environment, cx).await?;
    for _ in 1..LOOKS {
        if there.is_empty() {
            break;
        }
        pauses.wait().await;
        there = self::there(terms, environment, cx).await?;
    }
    if there.is_empty() {
        return Ok(());
    }
    let failure = Failure::partly(format!("there again, or still seen: {}", there.join(", ")));
    Err(failure.hint("the same command takes it down as well, and bootstrap makes all of it again: agree on one of them"))
}

/// The addresses of all that would be deleted now.
async fn there(terms: &Terms, environment: &Environment, cx: &mut Context<'_>) -> Result<Vec<String>, Failure> {
    let Environment { settings, names, aws, blueprint, .. } = environment;
    let looked = cx.look(everything::look(aws, settings, names, blueprint)).await;
    let (blueprint, observation) = looked.map_err(|failure| failure.hint("all of it was deleted before"))?;
    let plan = Plan::to_teardown(&blueprint, &observation, terms);
    Ok(plan.deletes().map(|step| step.address.to_string()).collect())
}
