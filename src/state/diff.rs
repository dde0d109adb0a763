//! The differences between two states, by name, without values.

use std::{collections::BTreeMap, fmt};

use super::{
    fingerprint::ValueFingerprint,
    outline::{OutlineAttributes, StateObject, StateOutline},
};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StateDiff {
    pub added: Vec<StateObject>,
    pub removed: Vec<StateObject>,
    pub changed: Vec<ChangedObject>,
    pub outputs: ChangedOutputs,
}

/// An object in both states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChangedObject {
    pub object: StateObject,
    /// The names of attributes whose values differ.
    pub attributes: Vec<String>,
    /// True if its taint changed.
    pub taint: bool,
    /// True if anything other than attributes differs: dependencies, or private data of the
    /// provider.
    pub beside: bool,
}

/// Names of outputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChangedOutputs {
    pub added: Vec<String>,
    pub removed: Vec<String>,
    pub changed: Vec<String>,
}

impl StateDiff {
    /// Returns the differences; `None` if the content of one of them is unknown.
    pub(crate) fn of(from: &StateOutline, to: &StateOutline) -> Option<Self> {
        if !from.is_known() || !to.is_known() {
            return None;
        }
        let (added, removed) = (
            only(&to.objects, &from.objects),
            only(&from.objects, &to.objects),
        );
        let both = from
            .objects
            .iter()
            .filter_map(|(object, before)| Some((object, before, to.objects.get(object)?)));
        let changed = both
            .filter_map(|(object, before, after)| change(object, before, after))
            .collect();
        let outputs = ChangedOutputs {
            added: only(&to.outputs, &from.outputs),
            removed: only(&from.outputs, &to.outputs),
            changed: differing(&from.outputs, &to.outputs)
                .filter(|name| from.outputs.contains_key(name) && to.outputs.contains_key(name))
                .collect(),
        };
        Some(Self {
            added,
            removed,
            changed,
            outputs,
        })
    }
}

impl fmt::Display for StateObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

fn only<K: Clone + Ord, V>(these: &BTreeMap<K, V>, those: &BTreeMap<K, V>) -> Vec<K> {
    these
        .keys()
        .filter(|key| !those.contains_key(key))
        .cloned()
        .collect()
}

/// Returns the names whose values differ, or that are in only one of them.
fn differing<'a>(
    one: &'a BTreeMap<String, ValueFingerprint>,
    other: &'a BTreeMap<String, ValueFingerprint>,
) -> impl Iterator<Item = String> + 'a {
    let missing = other.keys().filter(|name| !one.contains_key(*name));
    let mut all: Vec<&String> = one
        .iter()
        .filter(|(name, value)| other.get(*name) != Some(value))
        .map(|(name, _)| name)
        .chain(missing)
        .collect();
    all.sort();
    all.into_iter().cloned()
}

fn change(
    object: &StateObject,
    before: &OutlineAttributes,
    after: &OutlineAttributes,
) -> Option<ChangedObject> {
    let changed = ChangedObject {
        object: object.clone(),
        attributes: differing(&before.by_name, &after.by_name).collect(),
        taint: before.tainted != after.tainted,
        beside: before.rest != after.rest,
    };
    (before != after).then_some(changed)
}

#[cfg(test)]
mod tests;
