//! What a teardown would destroy, counted before anything is: states, locks, versions, uploads.
//!
//! Told one thing at a time, and of a fixed size: what needs no attention is counted, and of the
//! rest no more than [`MOST`] are named. No value of any state is in it.

use jiff::Timestamp;

use super::snapshot::{SnapshotError, StateFile, StateSnapshot};

/// How many states, locks and faults are named; all are counted.
pub const MOST: usize = 1000;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateCensus {
    pub states: NamedSample<StateRow>,
    /// With nothing in them.
    pub empty: usize,
    /// With resources, encrypted, or of another format: somebody needs them.
    pub in_use: usize,
    /// Nobody can say what is in them: they count as in use.
    pub unreadable: usize,
    pub locks: NamedSample<LockRow>,
    /// Held by a teardown that was cut off, which the next one takes over.
    pub frozen: usize,
    /// Who has the policy, as in `role/ci`.
    pub attached: NamedSample<String>,
    /// Who hears of alarms and deletions, as in `email ops@example.com`.
    pub subscribers: NamedSample<String>,
    pub versions: VersionCensus,
    /// Begun and never finished.
    pub uploads: usize,
    pub mfa_delete: bool,
    pub object_lock: Option<ObjectLock>,
    /// What could not be looked at, and so is not counted.
    pub unseen: NamedSample<String>,
}

/// The first of many, and how many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedSample<T> {
    pub rows: Vec<T>,
    pub count: usize,
}

/// One object that is a state, or may be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRow {
    /// The name of the object.
    pub path: String,
    pub workspace: String,
    pub size: u64,
    pub modified: Option<Timestamp>,
    pub holds: StateContentsKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateContentsKind {
    Known(StateFacts),
    /// By OpenTofu: counted as in use.
    Encrypted(StateFacts),
    /// A format that is older or newer: counted as in use.
    OtherFormat(StateFacts),
    /// Why nobody can say.
    Unreadable(String),
}

/// All that is kept of a state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateFacts {
    pub serial: Option<u64>,
    pub lineage: Option<String>,
    /// Of Terraform or OpenTofu.
    pub engine: Option<String>,
    /// Instances of resources that exist because of it, where it can be counted.
    pub managed: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockRow {
    /// The state that is locked.
    pub path: String,
    /// In the table, as a lock file, or both.
    pub item: bool,
    pub file: bool,
    /// Nothing is known of the holder if the lock could not be read.
    pub who: Option<String>,
    pub operation: Option<String>,
    pub since: Option<Timestamp>,
}

/// Everything that the bucket holds, current or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionCensus {
    pub count: u64,
    pub bytes: u64,
    pub delete_markers: u64,
    /// When the youngest was written.
    pub newest: Option<Timestamp>,
}

/// What every new version gets if nobody says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectLock {
    /// `GOVERNANCE` or `COMPLIANCE`; none without a default.
    pub mode: Option<String>,
    pub days: Option<u32>,
}

impl<T> Default for NamedSample<T> {
    fn default() -> Self {
        Self {
            rows: vec![],
            count: 0,
        }
    }
}

impl<T> NamedSample<T> {
    pub fn add(&mut self, row: T) {
        self.count += 1;
        if self.rows.len() < MOST {
            self.rows.push(row);
        }
    }
}

impl StateCensus {
    /// What is in use pushes what is empty out of the rows, never the other way round.
    pub fn state(&mut self, row: StateRow) {
        let empty = row.holds.is_empty();
        match &row.holds {
            StateContentsKind::Unreadable(_) => self.unreadable += 1,
            _ if empty => self.empty += 1,
            StateContentsKind::Known(_)
            | StateContentsKind::Encrypted(_)
            | StateContentsKind::OtherFormat(_) => self.in_use += 1,
        }
        let full = self.states.rows.len() == MOST;
        let room = self
            .states
            .rows
            .iter()
            .position(|other| full && !empty && other.holds.is_empty());
        if let Some(at) = room {
            self.states.rows.remove(at);
        }
        self.states.add(row);
    }

    pub fn version(&mut self, bytes: u64, modified: Option<Timestamp>) {
        self.versions.count += 1;
        self.versions.bytes = self.versions.bytes.saturating_add(bytes);
        self.versions.newest = self.versions.newest.max(modified);
    }

    pub fn delete_marker(&mut self) {
        self.versions.delete_markers += 1;
    }

    /// States that must not be lost without somebody saying so.
    pub fn needed(&self) -> usize {
        self.in_use + self.unreadable
    }

    /// Until when the default of the Object Lock keeps the youngest version, whatever anybody may
    /// do.
    pub fn kept_until(&self) -> Option<Timestamp> {
        let days = i64::from(self.object_lock.as_ref()?.days?);
        Some(
            self.versions
                .newest?
                .saturating_add(jiff::SignedDuration::from_hours(24 * days))
                .unwrap_or(Timestamp::MAX),
        )
    }
}

impl StateContentsKind {
    pub fn of(read: Result<StateSnapshot, SnapshotError>) -> Self {
        let snapshot = match read {
            Ok(snapshot) => snapshot,
            Err(error) => return Self::Unreadable(error.to_string()),
        };
        let StateSnapshot {
            format: _,
            terraform_version,
            serial,
            lineage,
            contents,
            writer: _,
        } = snapshot;
        let facts = |managed| StateFacts {
            serial,
            lineage,
            engine: terraform_version,
            managed,
        };
        match contents {
            StateFile::Known(counts) => Self::Known(facts(Some(counts.managed))),
            StateFile::Encrypted => Self::Encrypted(facts(None)),
            StateFile::OtherFormat => Self::OtherFormat(facts(None)),
        }
    }

    /// What is known of it, if it is a state.
    pub fn facts(&self) -> Option<&StateFacts> {
        match self {
            Self::Known(facts) | Self::Encrypted(facts) | Self::OtherFormat(facts) => Some(facts),
            Self::Unreadable(_) => None,
        }
    }

    /// Only where it is known that nothing exists because of it.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Known(facts) => facts.managed == Some(0),
            Self::Encrypted(_) | Self::OtherFormat(_) | Self::Unreadable(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
