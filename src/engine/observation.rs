//! The actual state: the result of the read at each address.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::spec::{Address, KnownOutputs, Spec};

#[derive(Clone, Debug, PartialEq)]
pub enum Observed<S> {
    /// The resource does not exist: the service returned its not-found code.
    Absent,
    Present {
        spec: S,
        output: Option<String>,
        owner: ResourceOwner,
    },
    /// The read was denied or failed. It must never be treated as absence.
    Unreadable(String),
}

/// The owner of a resource, by its tags; a part has the owner of its parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceOwner {
    Us,
    /// In this account, without tags of tfbackend: can be adopted, but is not changed without
    /// request.
    Unmanaged,
    /// Belongs to another tfbackend environment or another tool: cannot be adopted.
    Other(String),
}

pub type Observation<S> = BTreeMap<Address, Observed<S>>;

/// Returns the outputs of existing nodes.
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

/// Returns those of [`outputs`] that can be used in writes: see [`Spec::output_is_final`].
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

/// Returns parents that were absent with parts that were present: they were created or deleted
/// during the read.
pub fn torn<S>(observation: &Observation<S>) -> BTreeSet<Address> {
    let present = observation
        .iter()
        .filter(|(_, seen)| matches!(seen, Observed::Present { .. }));
    let wholes = present.filter_map(|(address, _)| address.parent());
    wholes
        .filter(|whole| matches!(observation.get(whole), Some(Observed::Absent)))
        .collect()
}

/// Sets the owner of each part to that of its parent: only parents have tags. The parts of an
/// unreadable parent have an unknown owner and count as unreadable, too.
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
