//! Applies a plan: each step starts when its dependencies are done, up to the concurrency limit.
//!
//! A failed step only prevents its dependents. Finished steps are kept: the next plan starts from
//! the then observed state, so that another apply completes an interrupted one.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    num::NonZeroUsize,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::engine::{
    event::ApplyEvent,
    plan::{Plan, PlanStep, PlannedChange},
    spec::{Address, KnownOutputs, Spec},
};

/// The cloud, or its fake in a test.
pub trait ChangeWriter: Sync {
    type Spec: Spec;
    type Error: std::error::Error + Send;

    /// Makes one change and returns the output of the node. It is idempotent.
    ///
    /// Called for creates, updates, adoptions and deletes only.
    fn write(
        &self,
        address: &Address,
        change: &PlannedChange<Self::Spec>,
    ) -> impl Future<Output = Result<Option<String>, Self::Error>> + Send;
}

#[derive(Debug)]
#[must_use]
pub struct ApplyOutcome<E> {
    pub applied: Vec<Address>,
    pub failed: Vec<(Address, E)>,
    /// Steps that were not started: a dependency failed, or the run was interrupted.
    pub left: Vec<Address>,
    /// The outputs of all existing nodes.
    pub outputs: KnownOutputs,
}

/// The options of an apply.
pub struct ApplyOptions<'a> {
    pub parallelism: NonZeroUsize,
    /// Once cancelled, running steps finish and no more steps are started. Futures are never
    /// dropped before completion, because the outcome of a call would be unknown.
    pub cancel: &'a CancellationToken,
    pub on_event: &'a mut (dyn FnMut(ApplyEvent) + Send),
}

pub async fn apply<C: ChangeWriter>(
    plan: Plan<C::Spec>,
    known: KnownOutputs,
    cloud: &C,
    run: ApplyOptions<'_>,
) -> ApplyOutcome<C::Error> {
    let mut outcome = ApplyOutcome {
        applied: vec![],
        failed: vec![],
        left: vec![],
        outputs: known,
    };
    let mut waiting: Vec<PlanStep<C::Spec>> = plan.steps;
    let in_plan: BTreeSet<Address> = waiting.iter().map(|step| step.address.clone()).collect();
    let mut done: BTreeSet<Address> = BTreeSet::new();
    // Each with the failed or blocked step that caused it.
    let mut lost: BTreeMap<Address, Address> = BTreeMap::new();
    let mut running = FuturesUnordered::new();
    let mut told = false;

    loop {
        if run.cancel.is_cancelled() && !told {
            told = true;
            (run.on_event)(ApplyEvent::Interrupted {
                running: running.len(),
            });
        }
        // In plan order, in which dependencies come first: one pass finds all ready steps.
        let mut still_waiting = Vec::with_capacity(waiting.len());
        for step in waiting {
            if let Some(because) = step.needs.iter().find_map(|need| lost.get(need)).cloned() {
                if step.change.writes() {
                    (run.on_event)(ApplyEvent::Skipped {
                        address: step.address.clone(),
                        because: because.clone(),
                    });
                    outcome.left.push(step.address.clone());
                }
                lost.insert(step.address, because);
                continue;
            }
            if step
                .needs
                .iter()
                .any(|need| in_plan.contains(need) && !done.contains(need))
            {
                still_waiting.push(step);
                continue;
            }
            match step.change {
                PlannedChange::NoOp { .. } => {
                    done.insert(step.address);
                }
                // Dependents of kept or blocked resources are kept as well.
                PlannedChange::Keep { .. } | PlannedChange::Blocked { .. } => {
                    lost.insert(step.address.clone(), step.address);
                }
                change if running.len() < run.parallelism.get() && !run.cancel.is_cancelled() => {
                    let change = resolved(change, &outcome.outputs);
                    (run.on_event)(ApplyEvent::Started {
                        address: step.address.clone(),
                    });
                    running.push(async move {
                        let started = Instant::now();
                        let result = cloud.write(&step.address, &change).await;
                        (step.address, result, started.elapsed())
                    });
                }
                change => still_waiting.push(PlanStep { change, ..step }),
            }
        }
        waiting = still_waiting;

        let next = tokio::select! {
            biased;
            () = run.cancel.cancelled(), if !told => continue,
            next = running.next() => next,
        };
        match next {
            None => break,
            Some((address, Ok(output), took)) => {
                outcome
                    .outputs
                    .extend(output.map(|output| (address.clone(), output)));
                (run.on_event)(ApplyEvent::Finished {
                    address: address.clone(),
                    took,
                });
                done.insert(address.clone());
                outcome.applied.push(address);
            }
            Some((address, Err(error), _)) => {
                (run.on_event)(ApplyEvent::Failed {
                    address: address.clone(),
                    error: error.to_string(),
                });
                lost.insert(address.clone(), address.clone());
                outcome.failed.push((address, error));
            }
        }
    }
    outcome.left.extend(
        waiting
            .into_iter()
            .filter(|step| step.change.writes())
            .map(|step| step.address),
    );
    outcome
}

fn resolved<S: Spec>(change: PlannedChange<S>, known: &KnownOutputs) -> PlannedChange<S> {
    match change {
        PlannedChange::Create { to } => PlannedChange::Create {
            to: to.resolve(known),
        },
        PlannedChange::Update { from, to } => PlannedChange::Update {
            from,
            to: to.resolve(known),
        },
        PlannedChange::Adopt { from, to } => PlannedChange::Adopt {
            from,
            to: to.resolve(known),
        },
        change @ (PlannedChange::NoOp { .. }
        | PlannedChange::Delete { .. }
        | PlannedChange::Keep { .. }
        | PlannedChange::Blocked { .. }) => change,
    }
}
