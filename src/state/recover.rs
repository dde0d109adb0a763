//! An older state made fit to be the next one: what is in it stays byte for byte, and only its
//! serial is another.

use std::{collections::BTreeSet, ops::Range};

use super::{
    json::JsonWalk,
    lenient::folded,
    snapshot::{Address, Contents, Snapshot, SnapshotError, Want},
};

/// A state that is to be written, and what it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Next {
    pub bytes: Vec<u8>,
    /// None of what OpenTofu encrypted without one.
    pub serial: Option<u64>,
}

/// `Debug` says how much, and not what: it is a state.
impl std::fmt::Debug for Next {
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
pub enum Unfit {
    #[error("it has another lineage: {} and not {}", named(wanted.as_deref()), named(current.as_deref()))]
    Lineage {
        current: Option<String>,
        wanted: Option<String>,
    },
    #[error("it has no serial")]
    NoSerial,
    #[error("it has more than one serial")]
    TwoSerials,
    #[error("no serial is higher than {0}")]
    LastSerial(u64),
}

fn named(lineage: Option<&str>) -> &str {
    lineage.unwrap_or("none")
}

/// What else is known of the history of a state.
#[derive(Clone, Copy, Debug)]
pub struct Before<'a> {
    /// The newest that can be read: the current one, if it can.
    pub newest: Option<&'a Snapshot>,
    pub allow_lineage: bool,
}

/// The state to write so that Terraform goes on from `wanted`: with a serial above all that were,
/// or as it is if there never was another.
pub fn next(wanted: &[u8], is: &Snapshot, before: Before<'_>) -> Result<Next, Unfit> {
    let Some(newest) = before.newest else {
        return Ok(Next {
            bytes: wanted.to_vec(),
            serial: is.serial,
        });
    };
    if newest.lineage != is.lineage && !before.allow_lineage {
        return Err(Unfit::Lineage {
            current: newest.lineage.clone(),
            wanted: is.lineage.clone(),
        });
    }
    let Some(place) = serial_in(wanted)? else {
        return match is.contents {
            // Nothing outside what is encrypted says it.
            Contents::Encrypted => Ok(Next {
                bytes: wanted.to_vec(),
                serial: None,
            }),
            Contents::Known(_) | Contents::OtherFormat => Err(Unfit::NoSerial),
        };
    };
    let highest = newest.serial.max(is.serial).unwrap_or_default();
    let serial = highest.checked_add(1).ok_or(Unfit::LastSerial(highest))?;
    Ok(Next {
        bytes: replaced(wanted, place, serial),
        serial: Some(serial),
    })
}

/// Whether `current` is `wanted` with another serial: a restore that was cut off is done but for
/// its digest.
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

/// Where the number is that follows `"serial"` in the outermost object. The bytes are known to be
/// JSON.
///
/// Go compares names without case, so that a second one in another spelling is a second serial.
fn serial_in(bytes: &[u8]) -> Result<Option<Range<usize>>, Unfit> {
    let mut serials = vec![];
    let read = JsonWalk::new(bytes).object(|json, name| {
        let place = json.place()?;
        if folded(&name) == "serial" {
            serials.push(place);
        }
        Some(())
    });
    match (read, &serials[..]) {
        (None, _) => Err(Unfit::NoSerial),
        (Some(()), []) => Ok(None),
        (Some(()), [serial]) if bytes[serial.clone()].iter().all(u8::is_ascii_digit) => {
            Ok(Some(serial.clone()))
        }
        (Some(()), [_]) => Err(Unfit::NoSerial),
        (Some(()), [_, _, ..]) => Err(Unfit::TwoSerials),
    }
}

/// What of a state comes and goes with another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    pub added: Vec<Address>,
    pub removed: Vec<Address>,
}

impl Difference {
    /// `None` where either cannot be looked into. `from` is none where there is no state.
    pub fn of(from: Option<&[u8]>, to: &[u8]) -> Option<Self> {
        let addresses = |bytes: &[u8]| match Snapshot::parse(bytes, Want::Addresses).ok()?.contents
        {
            Contents::Known(counts) => {
                Some(counts.addresses.into_iter().collect::<BTreeSet<Address>>())
            }
            Contents::Encrypted | Contents::OtherFormat => None,
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

/// What is known of a state, read from its bytes.
pub fn snapshot(bytes: &[u8]) -> Result<Snapshot, SnapshotError> {
    Snapshot::parse(bytes, Want::Counts)
}

#[cfg(test)]
mod tests;
