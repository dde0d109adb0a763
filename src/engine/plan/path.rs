//! The critical path of a plan: sequential calls, from identifying the caller to the final read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Plan, PlanStep, PlannedChange};
use crate::engine::spec::{Address, Spec};

/// Identifying the caller is the first call.
const CALLER: u32 = 1;

/// The number of sequential round trips, if each call succeeds at the first attempt, with maximum
/// concurrency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CriticalPath {
    /// The sum.
    pub round_trips: u32,
    /// To identify the caller.
    pub caller: u32,
    /// To read all resources.
    pub look: u32,
    /// To apply the changes.
    pub make: u32,
    /// To read all resources again; 0 if nothing changes.
    pub look_again: u32,
    /// The longest chain of changes.
    pub through: Vec<Address>,
}

/// A chain of changes and its number of round trips.
#[derive(Clone, Default)]
struct StepChain {
    trips: u32,
    through: Vec<Address>,
}

impl<S: Spec> Plan<S> {
    /// Returns `None` for a blocked plan or a teardown.
    pub fn critical_path(&self) -> Option<CriticalPath> {
        let mut chains: Vec<StepChain> = Vec::with_capacity(self.steps.len());
        let mut look = 0;
        for step in &self.steps {
            let before = self.before(step, &chains);
            let (spec, trips) = match &step.change {
                PlannedChange::NoOp { spec } => (spec, 0),
                PlannedChange::Create { to } => (to, to.write_round_trips(None)),
                PlannedChange::Update { from, to } | PlannedChange::Adopt { from, to } => {
                    (to, to.write_round_trips(Some(from)))
                }
                PlannedChange::Delete { .. }
                | PlannedChange::Keep { .. }
                | PlannedChange::Blocked { .. } => {
                    return None;
                }
            };
            look = look.max(spec.read_round_trips());
            let own = step.change.writes().then(|| step.address.clone());
            chains.push(StepChain {
                trips: before.trips + trips,
                through: before.through.into_iter().chain(own).collect(),
            });
        }
        let look_again = if self.is_empty() { 0 } else { look };
        let StepChain {
            trips: make,
            through,
        } = longest(&chains);
        Some(CriticalPath {
            round_trips: CALLER + look + make + look_again,
            caller: CALLER,
            look,
            make,
            look_again,
            through,
        })
    }

    /// Returns the longest chain that the step waits for.
    fn before(&self, step: &PlanStep<S>, chains: &[StepChain]) -> StepChain {
        let needed = self
            .steps
            .iter()
            .zip(chains)
            .filter(|(earlier, _)| step.needs.contains(&earlier.address));
        longest(needed.map(|(_, chain)| chain))
    }
}

/// Returns the first of the longest chains.
fn longest<'a>(chains: impl IntoIterator<Item = &'a StepChain>) -> StepChain {
    let first = |longest: &'a StepChain, chain: &'a StepChain| {
        if chain.trips > longest.trips {
            chain
        } else {
            longest
        }
    };
    chains
        .into_iter()
        .reduce(first)
        .cloned()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
