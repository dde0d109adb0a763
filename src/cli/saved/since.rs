//! Detects changes since a plan was saved: a plan is applied only to the resources that it was made
//! for.

use crate::{
    cli::failure::CliError,
    engine::{
        plan::{BlockReason, Plan, PlannedChange},
        spec::{Address, Spec},
    },
    text::words,
};

/// Refuses and names each address, if a plan that is made `now` is not the one that was `saved`.
///
/// Plans are made of blueprint and observation alone: with the same blueprint, one that differs
/// means that what is there differs.
///
/// # Errors
/// With exit code 3.
pub fn must_still_be<S: Spec>(saved: &Plan<S>, now: &Plan<S>) -> Result<(), CliError> {
    let changed: Vec<String> = differences(saved, now)
        .into_iter()
        .map(|(address, what)| format!("{address}: {what}"))
        .collect();
    if saved == now {
        return Ok(());
    }
    if changed.is_empty() {
        let why = "the plan has duplicate steps, or steps in an invalid order";
        return Err(
            CliError::refused(format!("{why}; nothing was changed")).hint("make a new plan")
        );
    }
    let count = words::count(changed.len(), "resource", "resources");
    let mut failure = CliError::refused(format!(
        "{count} changed since the plan was made; nothing was changed"
    ));
    failure.causes = changed;
    Err(failure.hint("make a new plan, and review it"))
}

fn differences<S: Spec>(saved: &Plan<S>, now: &Plan<S>) -> Vec<(Address, String)> {
    let mut differences = vec![];
    // What another step gives out, such as the key's ARN, is part of what has to be done.
    let mut to_do = vec![];
    for step in &now.steps {
        match saved.steps.iter().find(|old| old.address == step.address) {
            Some(old) if old == step => {}
            Some(old) => match what(&old.change, &step.change) {
                Some(what) => differences.push((step.address.clone(), what)),
                None => to_do.push((
                    step.address.clone(),
                    "the planned change is not the change that is needed".to_owned(),
                )),
            },
            None => differences.push((step.address.clone(), "is not in the plan".to_owned())),
        }
    }
    let unknown = |old: &&crate::engine::plan::PlanStep<S>| {
        now.steps.iter().all(|step| step.address != old.address)
    };
    differences.extend(saved.steps.iter().filter(unknown).map(|old| {
        (
            old.address.clone(),
            "is not part of this backend".to_owned(),
        )
    }));
    if differences.is_empty() {
        to_do
    } else {
        differences
    }
}

/// Describes the difference between two steps; `None` if the existing resources are the same.
fn what<S: Spec>(saved: &PlannedChange<S>, now: &PlannedChange<S>) -> Option<String> {
    if let PlannedChange::Blocked { reason } = now {
        return Some(match reason {
            BlockReason::Unmanaged if before(saved).is_none() => {
                "was created meanwhile, not by tfbackend".to_owned()
            }
            BlockReason::Foreign { owner } if before(saved).is_none() => {
                format!("was created meanwhile, and belongs to {owner}")
            }
            reason => reason.to_string(),
        });
    }
    let what = match (before(saved), before(now)) {
        (None, Some(_)) => "was created meanwhile",
        (Some(_), None) => "no longer exists",
        (Some(old), Some(new)) if old != new => "was changed meanwhile",
        (Some(_), Some(_)) | (None, None) => return None,
    };
    Some(what.to_owned())
}

/// Returns the previous value.
fn before<S>(change: &PlannedChange<S>) -> Option<&S> {
    match change {
        PlannedChange::NoOp { spec } => Some(spec),
        PlannedChange::Update { from, .. }
        | PlannedChange::Adopt { from, .. }
        | PlannedChange::Delete { from } => Some(from),
        PlannedChange::Keep { spec, .. } => Some(spec),
        PlannedChange::Create { .. } | PlannedChange::Blocked { .. } => None,
    }
}
