//! Looks again after an apply: what AWS says now is what counts, not that the writes succeeded.

use std::collections::BTreeSet;

use crate::{
    aws::{
        resources::{AwsSpec, observe_again},
        settle::{SHOWN, Waiting},
    },
    cli::{context::Context, environment::Environment, failure::Failure, summary, wait::Waits},
    observation::{Observation, Seen},
    plan::{Change, Plan},
    report::words,
    spec::Address,
};

/// Waits until AWS shows all of it as it was written. Reads after a write may still see what was before it, so what differs is
/// looked at again, and nothing else.
///
/// # Errors
/// If something still differs after three minutes, or cannot be looked at.
pub async fn must_be(environment: &Environment, before: &Observation<AwsSpec>, cx: &mut Context<'_>) -> Result<(), Failure> {
    const HINT: &str = "all of it was made; the same command verifies it and writes the files";
    let mut waiting = Waiting::at_most(SHOWN);
    let mut waits = Waits::new("AWS shows", SHOWN);
    let mut observation = cx.observe(environment).await.map_err(|failure| failure.hint(HINT))?;
    loop {
        let plan = Plan::to_apply(environment.wanted_now(), &observation, false);
        if plan.is_empty() {
            drop(waits);
            cx.say(&format!("verified: {} as they should be", words::count(plan.steps.len(), "resource is", "resources are")));
            return Ok(());
        }
        // What is denied now is denied in a minute, too.
        if let Some(failure) = summary::denied(&plan) {
            return Err(failure);
        }
        let differs: Vec<Address> = plan.differing().map(|step| step.address.clone()).collect();
        waits.on(&differs, cx);
        let again = cx.look(waiting.again()).await;
        if !again.map_err(|failure| failure.hint(HINT))? {
            drop(waits);
            summary::show_plan(&plan, environment, cx);
            return Err(unsettled(&plan, before));
        }
        let differs: BTreeSet<Address> = differs.into_iter().collect();
        cx.look(observe_again(&environment.aws, &environment.blueprint, &differs, &mut observation))
            .await
            .map_err(|failure| failure.hint(HINT))?;
    }
}

/// What is neither as it was nor as it was written was written by another run, or by hand.
fn unsettled(plan: &Plan<AwsSpec>, before: &Observation<AwsSpec>) -> Failure {
    let of_others: Vec<&str> = plan
        .steps
        .iter()
        .filter(|step| match (&step.change, before.get(&step.address)) {
            (Change::Update { from, .. }, Some(Seen::Present { spec, .. })) => from != spec,
            _ => false,
        })
        .map(|step| step.address.as_str())
        .collect();
    if of_others.is_empty() {
        return Failure::partly("everything was written, but AWS shows other values (above)")
            .hint("if another run with other settings changes this environment at the same time, let it end first")
            .hint("else AWS does not show all of it yet: run the same command again in a minute");
    }
    Failure::partly(format!("another run changes this environment at the same time: {}", words::list(&of_others)))
        .hint("above are the values that are there now; once the other run has ended, run the same command again")
}
