//! Plans a teardown: the same nodes in reverse, and only owned resources.

use std::collections::{BTreeMap, BTreeSet};

use super::{BlockReason, KeepReason, Plan, PlanStep, PlannedChange};
use crate::engine::{
    blueprint::{Blueprint, BlueprintNode},
    observation::{Observation, Observed, ResourceOwner},
    spec::{Address, Spec},
};

/// The options of a teardown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TeardownOptions {
    /// The kept resources, each with how to delete it.
    pub keep: BTreeMap<Address, String>,
    /// Pairs in which the first waits for the second, in addition to the blueprint: if the second
    /// is kept, the first is kept.
    pub after: Vec<(Address, Address)>,
    /// Pairs in which the first, with its parts, waits for the second if that is deleted, and is
    /// independent of it if it is kept.
    pub order: Vec<(Address, Address)>,
}

/// The addresses that each address waits for.
type DeletionOrder = BTreeMap<Address, BTreeSet<Address>>;

impl<S: Spec> Plan<S> {
    /// Returns the plan that deletes all existing owned resources, dependents first.
    ///
    /// A part that is deleted with its parent has no step, and neither has a missing resource. The
    /// dependencies of a kept resource are kept. An unreadable resource is blocked, even if it
    /// would be deleted with its parent, because it is unknown.
    pub fn to_teardown(
        blueprint: &Blueprint<S>,
        observation: &Observation<S>,
        terms: &TeardownOptions,
    ) -> Self {
        let mut changes: BTreeMap<Address, PlannedChange<S>> = BTreeMap::new();
        for node in blueprint.nodes() {
            // A parent comes before its parts.
            let whole = node.address.parent().and_then(|whole| changes.get(&whole));
            let change = change(node, observation.get(&node.address), terms, whole);
            changes.extend(change.map(|change| (node.address.clone(), change)));
        }
        let there = |address: &Address| !matches!(observation.get(address), Some(Observed::Absent));
        loop {
            let waits = waits(blueprint, &changes, &there, terms);
            if !keep_one_more(&mut changes, &waits) {
                return Self {
                    steps: ordered(blueprint, changes, &waits),
                };
            }
        }
    }
}

/// Returns `None` if there is nothing to do or report. `whole` is the change of the parent.
fn change<S: Spec>(
    node: &BlueprintNode<S>,
    seen: Option<&Observed<S>>,
    terms: &TeardownOptions,
    whole: Option<&PlannedChange<S>>,
) -> Option<PlannedChange<S>> {
    let (spec, owner) = match seen {
        None => {
            return Some(PlannedChange::Blocked {
                reason: BlockReason::NotLookedAt,
            });
        }
        Some(Observed::Unreadable(error)) => {
            return Some(PlannedChange::Blocked {
                reason: BlockReason::Unreadable {
                    error: error.clone(),
                },
            });
        }
        Some(Observed::Absent) => return None,
        Some(Observed::Present { spec, owner, .. }) => (spec, owner),
    };
    let keep = |why| {
        Some(PlannedChange::Keep {
            spec: spec.clone(),
            why,
        })
    };
    match (whole, owner) {
        // Reported once, for the parent.
        (Some(PlannedChange::Keep { .. }), _) => None,
        _ if node.spec.data_source().is_some() => keep(KeepReason::Used),
        (_, ResourceOwner::Unmanaged) => keep(KeepReason::Unmanaged),
        (_, ResourceOwner::Other(owner)) => keep(KeepReason::Foreign {
            owner: owner.clone(),
        }),
        (whole, ResourceOwner::Us) => match terms.keep.get(&node.address) {
            Some(how) => keep(KeepReason::Asked { how: how.clone() }),
            None if whole.is_some() && spec.deleted_with_parent() => None,
            None => Some(PlannedChange::Delete { from: spec.clone() }),
        },
    }
}

/// A step waits for the steps of all dependents, including dependents of the parts that are deleted
/// with it.
fn waits<S: Spec>(
    blueprint: &Blueprint<S>,
    changes: &BTreeMap<Address, PlannedChange<S>>,
    there: &dyn Fn(&Address) -> bool,
    terms: &TeardownOptions,
) -> DeletionOrder {
    let step_of = |address: &Address| match address.parent() {
        _ if changes.contains_key(address) => Some(address.clone()),
        Some(whole) if there(address) && changes.contains_key(&whole) => Some(whole),
        Some(_) | None => None,
    };
    let mut waits = DeletionOrder::new();
    // From the end: a missing resource passes on the addresses that it waits for.
    for node in blueprint.nodes().iter().rev() {
        let before = match step_of(&node.address) {
            Some(step) => BTreeSet::from([step]),
            None => waits.get(&node.address).cloned().unwrap_or_default(),
        };
        for need in node.needs.iter().chain(&node.address.parent()) {
            let need = step_of(need).unwrap_or_else(|| need.clone());
            // A part never waits for its own parent, even if its siblings are deleted with it.
            let before = before
                .iter()
                .filter(|step| **step != need && need.parent().as_ref() != Some(step))
                .cloned();
            waits.entry(need.clone()).or_default().extend(before);
        }
    }
    for (later, earlier) in &terms.after {
        if let (Some(later), Some(earlier)) = (step_of(later), step_of(earlier)) {
            waits.entry(later).or_default().insert(earlier);
        }
    }
    for (later, earlier) in &terms.order {
        if !matches!(changes.get(earlier), Some(PlannedChange::Delete { .. })) {
            continue;
        }
        // A part that the second waits for already has its order.
        let is_before =
            |step: &Address| waits.get(earlier).is_some_and(|waits| waits.contains(step));
        let parts = changes
            .keys()
            .filter(|step| step.parent().as_ref() == Some(later) && !is_before(step));
        let steps: Vec<Address> = parts
            .chain(changes.contains_key(later).then_some(later))
            .cloned()
            .collect();
        for step in steps {
            waits.entry(step).or_default().insert(earlier.clone());
        }
    }
    waits
}

/// Keeps the dependencies of kept resources. Returns `false` if nothing else has to be kept.
fn keep_one_more<S: Spec>(
    changes: &mut BTreeMap<Address, PlannedChange<S>>,
    waits: &DeletionOrder,
) -> bool {
    let stays =
        |address: &&Address| matches!(changes.get(*address), Some(PlannedChange::Keep { .. }));
    let needed = changes.iter().find_map(|(address, change)| match change {
        PlannedChange::Delete { from } => Some((
            address.clone(),
            from.clone(),
            waits.get(address)?.iter().find(stays)?.clone(),
        )),
        _ => None,
    });
    let Some((address, spec, by)) = needed else {
        return false;
    };
    changes.retain(|part, change| {
        part.parent().as_ref() != Some(&address) || !matches!(change, PlannedChange::Delete { .. })
    });
    changes.insert(
        address,
        PlannedChange::Keep {
            spec,
            why: KeepReason::Needed { by },
        },
    );
    true
}

/// Orders the steps in reverse order of the blueprint, as far as dependencies allow. If parts of
/// two resources depend on each other's parent, no order satisfies both: then the resource that was
/// created later is deleted first.
fn ordered<S: Spec>(
    blueprint: &Blueprint<S>,
    mut changes: BTreeMap<Address, PlannedChange<S>>,
    waits: &DeletionOrder,
) -> Vec<PlanStep<S>> {
    let mut left: Vec<&Address> = blueprint
        .nodes()
        .iter()
        .rev()
        .map(|node| &node.address)
        .filter(|at| changes.contains_key(at))
        .collect();
    let mut steps: Vec<PlanStep<S>> = vec![];
    while !left.is_empty() {
        let waits_for = |address: &Address, other: &Address| {
            waits
                .get(address)
                .is_some_and(|waits| waits.contains(other))
        };
        let ready = left
            .iter()
            .position(|address| !left.iter().any(|other| waits_for(address, other)));
        let address = left.remove(ready.unwrap_or(0));
        let needs = steps
            .iter()
            .map(|step| &step.address)
            .filter(|other| waits_for(address, other))
            .cloned()
            .collect();
        steps.extend(changes.remove(address).map(|change| PlanStep {
            address: address.clone(),
            needs,
            consequence: None,
            change,
        }));
    }
    steps
}
