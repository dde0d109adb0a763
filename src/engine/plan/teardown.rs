//! The way down: the same nodes backwards, and nothing but what is ours.

use std::collections::{BTreeMap, BTreeSet};

use super::{BlockReason, KeepReason, Plan, PlanStep, PlannedChange};
use crate::engine::{
    blueprint::{Blueprint, BlueprintNode},
    observation::{Observation, Observed, ResourceOwner},
    spec::{Address, Spec},
};

/// How one teardown differs from taking down everything that is ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TeardownOptions {
    /// What stays, each with what to do if it should not.
    pub keep: BTreeMap<Address, String>,
    /// Pairs of which the first waits for the second, beside what the blueprint says: where that
    /// stays, the first stays.
    pub after: Vec<(Address, Address)>,
    /// Pairs of which the first, with its parts, waits for the second if that goes; if it stays,
    /// the first does not care.
    pub order: Vec<(Address, Address)>,
}

/// Whom each address waits for.
type DeletionOrder = BTreeMap<Address, BTreeSet<Address>>;

impl<S: Spec> Plan<S> {
    /// What takes down all that is there and ours: whatever needs something goes before it.
    ///
    /// A part that goes with its whole has no step, nor has what is gone already. What a kept thing
    /// needs is kept as well. What could not be seen is blocked, even where it would go with
    /// its whole: nobody knows what it is.
    pub fn to_teardown(
        blueprint: &Blueprint<S>,
        observation: &Observation<S>,
        terms: &TeardownOptions,
    ) -> Self {
        let mut changes: BTreeMap<Address, PlannedChange<S>> = BTreeMap::new();
        for node in blueprint.nodes() {
            // A whole comes before its parts.
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

/// `None` if there is nothing to do and nothing to say. `whole` is what becomes of the whole that
/// this is a part of.
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
        // Said once, of the whole.
        (Some(PlannedChange::Keep { .. }), _) => None,
        _ if node.spec.reference().is_some() => keep(KeepReason::Used),
        (_, ResourceOwner::Unmanaged) => keep(KeepReason::Unmanaged),
        (_, ResourceOwner::Other(owner)) => keep(KeepReason::Foreign {
            owner: owner.clone(),
        }),
        (whole, ResourceOwner::Us) => match terms.keep.get(&node.address) {
            Some(how) => keep(KeepReason::Asked { how: how.clone() }),
            None if whole.is_some() && spec.goes_with_its_whole() => None,
            None => Some(PlannedChange::Delete { from: spec.clone() }),
        },
    }
}

/// A step waits for those of all that need it, or one of the parts that go with it.
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
    // From the end: what is gone hands on who would have had to go before it.
    for node in blueprint.nodes().iter().rev() {
        let before = match step_of(&node.address) {
            Some(step) => BTreeSet::from([step]),
            None => waits.get(&node.address).cloned().unwrap_or_default(),
        };
        for need in node.needs.iter().chain(&node.address.parent()) {
            let need = step_of(need).unwrap_or_else(|| need.clone());
            // A part never waits for its own whole, whichever of its siblings goes with that.
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
        // A part that the second itself waits for has its place already.
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

/// What stays goes on needing what it needs. `false` once nothing more has to stay for that.
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

/// What comes last in the blueprint goes first, as far as it need not wait. Where parts of two
/// wholes need each other's whole, no order is right for both: then the whole that was made later
/// goes first.
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
