//! Taking a backend down: what stays unless somebody says otherwise, and what goes later than it could.

use super::blueprint::{KEY, LOCK_TABLE, LOG_BUCKET, STATE_BUCKET};
use crate::plan::teardown::Terms;

pub mod census;
pub mod empty;
pub mod guards;

/// What goes only if it is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Also {
    /// Schedules the deletion of the key, without which no copy of a state can be read.
    pub key: bool,
    /// The log bucket: audit logs outlive what they audit.
    pub logs: bool,
}

/// The terms of a teardown.
pub fn terms(also: Also) -> Terms {
    let kept = [(also.key, KEY, "kept unless --delete-key is given"), (also.logs, LOG_BUCKET, "kept: audit logs outlive what they audit")];
    let keep = kept.into_iter().filter(|(goes, ..)| !goes).map(|(_, address, how)| (address, how.to_owned())).collect();
    // Locks must be held until no state is left that they lock.
    Terms { keep, after: vec![(LOCK_TABLE, STATE_BUCKET)] }
}

#[cfg(test)]
mod tests;
