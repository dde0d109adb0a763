//! The actual state: what was seen at each address, and what could not be seen.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::spec::{Address, KnownOutputs, Spec};

#[derive(Clone, Debug, PartialEq)]
pub enum Observed<S> {
    /// It is certain that there is nothing here: the service's own not-found code said so.
    Absent,
    Present {
        spec: S,
        output: Option<String>,
        owner: ResourceOwner,
    },
    /// We may not look, or could not. Never to be taken for absence.
    Unreadable(String),
}

/// Whose a resource is, by its tags; a part has the owner of the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceOwner {
    Us,
    /// In our account, without our tags: ours to adopt, not to change unasked.
    Unmanaged,
    /// Another tfbackend environment's, or another tool's claim: not even to be adopted.
    Other(String),
}

pub type Observation<S> = BTreeMap<Address, Observed<S>>;

/// What the nodes that are there give out.
pub fn outputs<S>(observation: &Observation<S>) -> KnownOutputs {
    observation
        .iter()
        .filter_map(|(address, seen)| match seen {
            Observed::Present {
                output: Some(output),
                ..
            } => Some((address.clone(), output.clone())),
            Observed::Present { output: None, .. } | Observed::Absent | Observed::Unreadable(_) => {
                None
            }
        })
        .collect()
}

/// Those of [`outputs`] that may be written elsewhere: see [`Spec::output_is_final`].
pub fn final_outputs<S: Spec>(observation: &Observation<S>) -> KnownOutputs {
    let is_final = |address: &Address| match observation.get(address) {
        Some(Observed::Present { spec, .. }) => spec.output_is_final(),
        Some(Observed::Absent | Observed::Unreadable(_)) | None => false,
    };
    outputs(observation)
        .into_iter()
        .filter(|(address, _)| is_final(address))
        .collect()
}

/// The wholes that were seen as absent, and parts of them as present: they were made, or deleted,
/// while they were looked at.
pub fn torn<S>(observation: &Observation<S>) -> BTreeSet<Address> {
    let present = observation
        .iter()
        .filter(|(_, seen)| matches!(seen, Observed::Present { .. }));
    let wholes = present.filter_map(|(address, _)| address.parent());
    wholes
        .filter(|whole| matches!(observation.get(whole), Some(Observed::Absent)))
        .collect()
}

/// Gives each part the owner of its parent: only whole resources carry tags. Of a whole that could
/// not be seen, nobody knows whose the parts are, and so they count as not seen either.
pub fn inherit_owners<S>(observation: &mut Observation<S>) {
    let wholes: BTreeMap<Address, Observed<()>> = observation
        .iter()
        .filter(|(address, _)| address.parent().is_none())
        .map(|(address, seen)| {
            let seen = match seen {
                Observed::Present { owner, .. } => Observed::Present {
                    spec: (),
                    output: None,
                    owner: owner.clone(),
                },
                Observed::Absent => Observed::Absent,
                Observed::Unreadable(why) => Observed::Unreadable(why.clone()),
            };
            (address.clone(), seen)
        })
        .collect();
    for (address, seen) in observation {
        let Some(whole) = address.parent().and_then(|parent| wholes.get(&parent)) else {
            continue;
        };
        match (whole, &mut *seen) {
            (Observed::Present { owner: whole, .. }, Observed::Present { owner, .. }) => {
                *owner = whole.clone()
            }
            (Observed::Unreadable(why), Observed::Present { .. }) => {
                *seen = Observed::Unreadable(why.clone())
            }
            (Observed::Present { .. } | Observed::Absent | Observed::Unreadable(_), _) => {}
        }
    }
}
