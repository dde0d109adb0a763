//! How long carrying a plan out takes at least: calls that wait for each other, from who calls to
//! looking again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Plan, PlanStep, PlannedChange};
use crate::engine::spec::{Address, Spec};

/// Who calls is asked before anything else.
const CALLER: u32 = 1;

/// Round trips one after the other, where each call succeeds the first time and as many go at once
/// as can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CriticalPath {
    /// All of them.
    pub round_trips: u32,
    /// To find out who calls.
    pub caller: u32,
    /// To look at everything.
    pub look: u32,
    /// To make the changes.
    pub make: u32,
    /// To look at everything once more; 0 where nothing is changed.
    pub look_again: u32,
    /// The changes that take longest one after the other.
    pub through: Vec<Address>,
}

/// Which changes come one after the other before something is done, and how many round trips that
/// is.
#[derive(Clone, Default)]
struct StepChain {
    trips: u32,
    through: Vec<Address>,
}

impl<S: Spec> Plan<S> {
    /// `None` for a plan that is not carried out as it is, or that takes something down.
    pub fn critical_path(&self) -> Option<CriticalPath> {
        let mut chains: Vec<StepChain> = Vec::with_capacity(self.steps.len());
        let mut look = 0;
        for step in &self.steps {
            let before = self.before(step, &chains);
            let (spec, trips) = match &step.change {
                PlannedChange::NoOp { spec } => (spec, 0),
                PlannedChange::Create { to } => (to, to.trips_to_write(None)),
                PlannedChange::Update { from, to } | PlannedChange::Adopt { from, to } => {
                    (to, to.trips_to_write(Some(from)))
                }
                PlannedChange::Delete { .. }
                | PlannedChange::Keep { .. }
                | PlannedChange::Blocked { .. } => {
                    return None;
                }
            };
            look = look.max(spec.trips_to_look());
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

    /// What takes longest of what the step waits for.
    fn before(&self, step: &PlanStep<S>, chains: &[StepChain]) -> StepChain {
        let needed = self
            .steps
            .iter()
            .zip(chains)
            .filter(|(earlier, _)| step.needs.contains(&earlier.address));
        longest(needed.map(|(_, chain)| chain))
    }
}

/// The first of those that take longest.
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
