//! Prepares an older state as the next one: its content is unchanged byte for byte, except for its
//! serial.

use std::{collections::BTreeSet, ops::Range};

use super::{
    json::JsonWalk,
    lenient::folded,
    snapshot::{ResourceAddress, SnapshotDetail, SnapshotError, StateFile, StateSnapshot},
};

/// A state to write, with its facts.
#[derive(Clone, PartialEq, Eq)]
pub struct NextState {
    pub bytes: Vec<u8>,
    /// `None` for an encrypted state of OpenTofu without a serial.
    pub serial: Option<u64>,
}

/// `Debug` shows the size, not the content, which is a state.
impl std::fmt::Debug for NextState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Next({} bytes, serial {:?})",
            self.bytes.len(),
            self.serial
        )
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitState {
    #[error("it has another lineage: {}, expected {}", named(wanted.as_deref()), named(current.as_deref()))]
    Lineage {
        current: Option<String>,
        wanted: Option<String>,
    },
    #[error("it has no serial")]
    NoSerial,
    #[error("it has more than one serial")]
    TwoSerials,
    #[error("there is no higher serial than {0}")]
    LastSerial(u64),
}

fn named(lineage: Option<&str>) -> &str {
    lineage.unwrap_or("none")
}

/// Facts about the history of a state.
#[derive(Clone, Copy, Debug)]
pub struct StatePast<'a> {
    /// The newest readable version: the current one, if readable.
    pub newest: Option<&'a StateSnapshot>,
    pub allow_lineage: bool,
}

/// Returns the state to write so that Terraform continues from `wanted`: with a serial above all
/// previous ones, or unchanged if there was no other.
pub fn next(
    wanted: &[u8],
    is: &StateSnapshot,
    before: StatePast<'_>,
) -> Result<NextState, UnfitState> {
    let Some(newest) = before.newest else {
        return Ok(NextState {
            bytes: wanted.to_vec(),
            serial: is.serial,
        });
    };
    if newest.lineage != is.lineage && !before.allow_lineage {
        return Err(UnfitState::Lineage {
            current: newest.lineage.clone(),
            wanted: is.lineage.clone(),
        });
    }
    let Some(place) = serial_in(wanted)? else {
        return match is.contents {
            // It is only inside the encrypted part.
            StateFile::Encrypted => Ok(NextState {
                bytes: wanted.to_vec(),
                serial: None,
            }),
            StateFile::Known(_) | StateFile::OtherFormat => Err(UnfitState::NoSerial),
        };
    };
    let highest = newest.serial.max(is.serial).unwrap_or_default();
    let serial = highest
        .checked_add(1)
        .ok_or(UnfitState::LastSerial(highest))?;
    Ok(NextState {
        bytes: replaced(wanted, place, serial),
        serial: Some(serial),
    })
}

/// Returns whether `current` is `wanted` with another serial: then only the digest of an
/// interrupted restore is missing.
pub fn is_same_but_serial(current: &[u8], wanted: &[u8]) -> bool {
    let without = |bytes: &[u8]| Some(replaced(bytes, serial_in(bytes).ok()??, 0));
    current == wanted || without(current).is_some_and(|current| Some(current) == without(wanted))
}

fn replaced(bytes: &[u8], place: Range<usize>, serial: u64) -> Vec<u8> {
    [
        &bytes[..place.start],
        serial.to_string().as_bytes(),
        &bytes[place.end..],
    ]
    .concat()
}

/// Returns the position of the number after `"serial"` in the outermost object. The bytes are known
/// to be JSON.
///
/// Go compares names case-insensitively, so that another spelling is a second serial.
fn serial_in(bytes: &[u8]) -> Result<Option<Range<usize>>, UnfitState> {
    let mut serials = vec![];
    let read = JsonWalk::new(bytes).object(|json, name| {
        let place = json.place()?;
        if folded(&name) == "serial" {
            serials.push(place);
        }
        Some(())
    });
    match (read, &serials[..]) {
        (None, _) => Err(UnfitState::NoSerial),
        (Some(()), []) => Ok(None),
        (Some(()), [serial]) if bytes[serial.clone()].iter().all(u8::is_ascii_digit) => {
            Ok(Some(serial.clone()))
        }
        (Some(()), [_]) => Err(UnfitState::NoSerial),
        (Some(()), [_, _, ..]) => Err(UnfitState::TwoSerials),
    }
}

/// The added and removed addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateChanges {
    pub added: Vec<ResourceAddress>,
    pub removed: Vec<ResourceAddress>,
}

impl StateChanges {
    /// Returns `None` if the content of one of them is unknown. `from` is `None` if there is no
    /// state.
    pub fn of(from: Option<&[u8]>, to: &[u8]) -> Option<Self> {
        let addresses = |bytes: &[u8]| match StateSnapshot::parse(bytes, SnapshotDetail::Addresses)
            .ok()?
            .contents
        {
            StateFile::Known(counts) => Some(
                counts
                    .addresses
                    .into_iter()
                    .collect::<BTreeSet<ResourceAddress>>(),
            ),
            StateFile::Encrypted | StateFile::OtherFormat => None,
        };
        let (from, to) = (
            from.map_or_else(|| Some(BTreeSet::new()), addresses)?,
            addresses(to)?,
        );
        Some(Self {
            added: to.difference(&from).cloned().collect(),
            removed: from.difference(&to).cloned().collect(),
        })
    }
}

/// Returns the facts about a state from its bytes.
pub fn snapshot(bytes: &[u8]) -> Result<StateSnapshot, SnapshotError> {
    StateSnapshot::parse(bytes, SnapshotDetail::Counts)
}

#[cfg(test)]
mod tests;
