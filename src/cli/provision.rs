//! What commands do with a plan of any backend kind: show it, ask, apply it, and verify the result.

use super::{
    approval,
    context::Context,
    explain::{self, ExplainedError},
    failure::CliError,
    progress,
};
use crate::{
    backend::provider::Provider,
    engine::{
        apply::ApplyOutcome,
        observation::{self, Observation},
        plan::{BlockReason, Plan, PlannedChange},
        spec::{Address, KnownOutputs, Spec},
    },
    report::plan as report,
    settings::common::RunSettings,
    text::words,
};

pub(crate) mod verify_result;

/// Shows the environment and its plan.
pub(crate) fn show_plan<P: Provider>(plan: &Plan<P::Spec>, provider: &P, cx: &mut Context<'_>) {
    cx.status(&provider.title());
    show_steps(plan, cx);
}

pub(crate) fn show_steps<S: Spec>(plan: &Plan<S>, cx: &mut Context<'_>) {
    let view = cx.global.view(cx.host);
    cx.status("");
    let text = report::text(plan, &report::ResourceTitle::of, &view);
    cx.status_text(&text);
    say_how_to_see_all(plan, cx);
}

/// The settings of created resources are shown only with `-v`.
pub(crate) fn say_how_to_see_all<S: Spec>(plan: &Plan<S>, cx: &mut Context<'_>) {
    if cx.global.verbose == 0
        && plan
            .steps
            .iter()
            .any(|step| matches!(step.change, PlannedChange::Create { .. }))
    {
        cx.status("-v shows every setting.");
    }
}

/// Refuses a plan with blocked steps, and names each of them once.
pub(crate) fn must_not_be_blocked<P: Provider>(
    plan: &Plan<P::Spec>,
    provider: &P,
) -> Result<(), CliError> {
    let mut blocked = vec![];
    for (address, reason) in plan.blocked() {
        let whole = address
            .parent()
            .and_then(|parent| plan.blocked().find(|(address, _)| **address == parent));
        // A blocked part is reported once with its parent, except for denied reads: all of them are
        // reported.
        if whole.is_some_and(|(_, of_whole)| {
            of_whole == reason || !matches!(of_whole, BlockReason::Unreadable { .. })
        }) {
            continue;
        }
        blocked.push((format!("{}: {reason}", what(address, provider)), reason));
    }
    let mut failure = match &blocked[..] {
        [] => return Ok(()),
        [(only, _)] => CliError::refused(format!("{only}; nothing was changed")),
        several => {
            let mut failure = CliError::refused(format!(
                "{} blocked; nothing was changed",
                words::count(several.len(), "step is", "steps are")
            ));
            failure
                .causes
                .extend(several.iter().map(|(text, _)| text.clone()));
            failure
        }
    };
    let errors = blocked.iter().filter_map(|(_, reason)| match reason {
        BlockReason::Unreadable { error } => Some(error.as_str()),
        _ => None,
    });
    let actions = explain::missing_actions(errors);
    if !actions.is_empty() {
        failure = failure.hint(format!(
            "allow {}, then run the same command again",
            actions.join(", ")
        ));
    }
    Err(failure)
}

/// Returns the missing IAM actions that block steps, each once.
pub(crate) fn missing_actions<S: Spec>(plan: &Plan<S>) -> Vec<&str> {
    let errors = plan.blocked().filter_map(|(_, reason)| match reason {
        BlockReason::Unreadable { error } => Some(error.as_str()),
        _ => None,
    });
    explain::missing_actions(errors)
}

/// Returns a failure for written resources that cannot be read back, whose settings are therefore
/// unknown.
pub(crate) fn denied<S: Spec>(plan: &Plan<S>) -> Option<CliError> {
    let unseen = plan
        .steps
        .iter()
        .filter(|step| plan.blocking_whole(step).is_none())
        .filter_map(|step| match &step.change {
            PlannedChange::Blocked {
                reason: BlockReason::Unreadable { error },
            } => Some((&step.address, error)),
            _ => None,
        });
    let (causes, errors): (Vec<String>, Vec<&str>) = unseen
        .map(|(address, error)| (format!("{address}: {error}"), error.as_str()))
        .unzip();
    let actions = explain::missing_actions(errors.into_iter());
    if actions.is_empty() {
        return None;
    }
    let mut failure = CliError::partly("all changes were applied, but some cannot be read back");
    failure.causes = causes;
    let actions = actions.join(", ");
    Some(failure.hint(format!(
        "allow {actions}, then run the same command again to verify and write the files"
    )))
}

/// Returns the name and address of a resource; for a part, its address, which contains the parent.
fn what(address: &Address, provider: &impl Provider) -> String {
    let node = provider.blueprint().get(address);
    match node.filter(|_| address.parent().is_none()) {
        Some(node) => format!("{} ({address})", node.spec.title()),
        None => address.to_string(),
    }
}

/// Asks once, and returns whether it asked; without a terminal, `--auto-approve` is required.
pub(crate) fn confirm<S: Spec>(
    plan: &Plan<S>,
    run: &RunSettings,
    may_ask: bool,
    cx: &mut Context<'_>,
) -> Result<bool, CliError> {
    if run.auto_approve {
        return Ok(false);
    }
    let count = plan.writes().count();
    if !may_ask {
        let need = words::count(count, "change needs", "changes need");
        return Err(
            CliError::failed(format!("{need} approval, but this is not a terminal"))
                .hint("pass --auto-approve (-y) to approve the plan"),
        );
    }
    let count = words::count(count, "change", "changes");
    approval::ask(&format!("Apply {count}"), "--auto-approve", cx)?;
    Ok(true)
}

/// Applies a plan, with progress, and returns the outputs of all resources.
///
/// # Errors
/// If a step failed, or it was interrupted: with what was applied and what is left.
pub(crate) async fn apply<P: Provider>(
    plan: Plan<P::Spec>,
    observation: &Observation<P::Spec>,
    provider: &P,
    cx: &mut Context<'_>,
) -> Result<KnownOutputs, CliError>
where
    P::Error: ExplainedError,
{
    let known = observation::outputs(observation);
    let parallelism = provider.common().run.parallelism;
    let outcome = progress::carried_out(plan, known, provider, parallelism, cx).await;
    match failed(&outcome, cx.host.cancel.is_cancelled()) {
        Some(failure) => Err(failure),
        None => Ok(outcome.outputs),
    }
}

/// Returns the failure with the failed, applied and remaining steps.
fn failed<E: ExplainedError>(outcome: &ApplyOutcome<E>, interrupted: bool) -> Option<CliError> {
    if outcome.failed.is_empty() && outcome.left.is_empty() {
        return None;
    }
    let made = words::count(outcome.applied.len(), "change applied", "changes applied");
    let left = outcome.failed.len() + outcome.left.len();
    let summary = format!("{made}, {left} left");
    let mut failure = match outcome.failed.first() {
        None => CliError::interrupted(format!("interrupted: {summary}")),
        Some((address, _)) if interrupted => {
            CliError::interrupted(format!("interrupted, and {address} failed: {summary}"))
        }
        Some((address, _)) => CliError::partly(format!("{address} failed: {summary}")),
    };
    for (address, error) in &outcome.failed {
        failure.causes.push(format!("{address}: {error}"));
        failure = error.explain(failure);
    }
    if !outcome.applied.is_empty() {
        let applied: Vec<&str> = outcome
            .applied
            .iter()
            .map(|address| address.as_str())
            .collect();
        failure = failure.hint(format!("applied: {}", applied.join(", ")));
    }
    if !outcome.left.is_empty() {
        let left: Vec<&str> = outcome
            .left
            .iter()
            .map(|address| address.as_str())
            .collect();
        failure = failure.hint(format!("not started: {}", left.join(", ")));
    }
    Some(failure.hint("the same command continues where this one stopped"))
}
