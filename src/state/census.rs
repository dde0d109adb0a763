//! A census of what a teardown would destroy: states, locks, versions, uploads.
//!
//! Built incrementally, with a fixed size: uncritical items are counted, and at most [`MOST`] of
//! the others are listed. It contains no values of states.

use jiff::Timestamp;

use super::snapshot::{SnapshotError, StateFile, StateSnapshot};

/// The maximum number of states, locks and errors that are listed; all are counted.
pub const MOST: usize = 1000;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateCensus {
    pub states: NamedSample<StateRow>,
    /// States without resources.
    pub empty: usize,
    /// States with resources, encrypted ones, and ones in another format.
    pub in_use: usize,
    /// Unreadable states, which count as in use.
    pub unreadable: usize,
    pub locks: NamedSample<LockRow>,
    /// Locks of an interrupted teardown, which the next one takes over.
    pub frozen: usize,
    /// States that moved to another backend, and whose copies are still here.
    pub moved: usize,
    /// The principals that have the policy, as in `role/ci`.
    pub attached: NamedSample<String>,
    /// The subscribers of alarms and deletions, as in `email ops@example.com`.
    pub subscribers: NamedSample<String>,
    pub versions: VersionCensus,
    /// Incomplete multipart uploads.
    pub uploads: usize,
    pub mfa_delete: bool,
    pub object_lock: Option<ObjectLock>,
    /// Errors of reads; what could not be read is not counted.
    pub unseen: NamedSample<String>,
}

/// The first entries and the number of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedSample<T> {
    pub rows: Vec<T>,
    pub count: usize,
}

/// An object that is or may be a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRow {
    /// The object key.
    pub path: String,
    pub workspace: String,
    pub size: u64,
    pub modified: Option<Timestamp>,
    pub holds: StateContentsKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateContentsKind {
    Known(StateFacts),
    /// Encrypted by OpenTofu: counted as in use.
    Encrypted(StateFacts),
    /// An older or newer format: counted as in use.
    OtherFormat(StateFacts),
    /// The reason why it is unknown.
    Unreadable(String),
}

/// Facts about a state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateFacts {
    pub serial: Option<u64>,
    pub lineage: Option<String>,
    /// The version of Terraform or OpenTofu.
    pub engine: Option<String>,
    /// Instances of managed resources, if known.
    pub managed: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockRow {
    /// The state that is locked.
    pub path: String,
    /// Held in the table, as a lock file, or both.
    pub item: bool,
    pub file: bool,
    /// `None` if the lock could not be read.
    pub who: Option<String>,
    pub operation: Option<String>,
    pub since: Option<Timestamp>,
}

/// All versions in the bucket, current and noncurrent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionCensus {
    pub count: u64,
    pub bytes: u64,
    pub delete_markers: u64,
    /// The time of the newest version.
    pub newest: Option<Timestamp>,
}

/// The default retention of new versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectLock {
    /// `GOVERNANCE` or `COMPLIANCE`; `None` without a default.
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
    /// States in use replace empty ones in the rows, never the other way round.
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

    /// Returns the number of states that are only deleted with explicit confirmation.
    pub fn needed(&self) -> usize {
        self.in_use + self.unreadable
    }

    /// Returns until when the default retention of Object Lock keeps the newest version, regardless
    /// of permissions.
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

    /// Returns its facts, if it is a state.
    pub fn facts(&self) -> Option<&StateFacts> {
        match self {
            Self::Known(facts) | Self::Encrypted(facts) | Self::OtherFormat(facts) => Some(facts),
            Self::Unreadable(_) => None,
        }
    }

    /// Returns true only if it is known to have no managed resources.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Known(facts) => facts.managed == Some(0),
            Self::Encrypted(_) | Self::OtherFormat(_) | Self::Unreadable(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
