//! Decides what happens to the state of each workspace. Pure.

use crate::store::state_store::{Revision, StateId, StoredLock};

/// What happens to each workspace, in the order of their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationPlan {
    pub moves: Vec<PlannedMove>,
}

/// What happens to the state of one workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedMove {
    pub workspace: String,
    pub source: StateSighting,
    pub destination: StateSighting,
    pub action: MoveAction,
}

/// A state as one side has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateSighting {
    pub id: StateId,
    /// Names it for people.
    pub address: String,
    pub content: StateContent,
    pub lock: LockSighting,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateContent {
    Absent,
    Known(KnownState),
    /// With the reason, and nothing of the content.
    Unreadable(String),
}

/// What identifies a state, and no value of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownState {
    pub revision: Revision,
    /// MD5 of its bytes.
    pub digest: String,
    /// In bytes.
    pub size: u64,
    /// Unknown for an encrypted state.
    pub lineage: Option<String>,
    pub serial: Option<u64>,
    /// Managed resources, if that is known.
    pub resources: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockSighting {
    Free,
    /// An earlier run of this very migration left it.
    Ours(StoredLock),
    /// It says that the state moved from here to the place that it now comes back from.
    WayBack(StoredLock),
    Other(StoredLock),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoveAction {
    /// The state is written to the destination, and the source locked for good.
    Copy,
    /// The destination has the state: what is left of an earlier run is completed.
    Finish,
    /// It moved already.
    Done,
    /// Only the destination has a state of this workspace. It stays.
    Stays,
    Refused(MoveRefusal),
}

/// The reason why a state is not moved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoveRefusal {
    #[error("the source is locked")]
    SourceLocked,
    #[error("the destination is locked")]
    DestinationLocked,
    #[error("the source cannot be read: {0}")]
    SourceUnreadable(String),
    #[error("the destination cannot be read: {0}")]
    DestinationUnreadable(String),
    #[error("the destination has another lineage")]
    OtherLineage,
    /// Of an encrypted state, the lineage is unknown.
    #[error("the destination has another state, and the lineage of one of them is unknown")]
    UnknownLineage,
    #[error(
        "the destination has other content with serial {destination}, not lower than {source_serial}"
    )]
    NotOlder {
        source_serial: u64,
        destination: u64,
    },
    /// The lock says that it moved, and the destination has none.
    #[error("the state moved, and the destination does not have it")]
    Lost,
}

impl MigrationPlan {
    /// The workspaces that are written, or completed.
    pub fn to_do(&self) -> impl Iterator<Item = &PlannedMove> {
        self.moves
            .iter()
            .filter(|planned| matches!(planned.action, MoveAction::Copy | MoveAction::Finish))
    }

    pub fn refused(&self) -> impl Iterator<Item = (&PlannedMove, &MoveRefusal)> {
        self.moves.iter().filter_map(|planned| {
            let MoveAction::Refused(refusal) = &planned.action else {
                return None;
            };
            Some((planned, refusal))
        })
    }

    /// The states that are written.
    pub fn copies(&self) -> usize {
        let is_copy = |planned: &&PlannedMove| planned.action == MoveAction::Copy;
        self.moves.iter().filter(is_copy).count()
    }
}

impl StateContent {
    pub fn known(&self) -> Option<&KnownState> {
        match self {
            Self::Known(state) => Some(state),
            Self::Absent | Self::Unreadable(_) => None,
        }
    }
}

impl LockSighting {
    /// The lock that a run of tfbackend left, and that this run takes over.
    pub fn to_take_over(&self) -> Option<&StoredLock> {
        match self {
            Self::Ours(lock) | Self::WayBack(lock) => Some(lock),
            Self::Free | Self::Other(_) => None,
        }
    }

    /// The lock, if there is one.
    pub fn lock(&self) -> Option<&StoredLock> {
        match self {
            Self::Ours(lock) | Self::WayBack(lock) | Self::Other(lock) => Some(lock),
            Self::Free => None,
        }
    }
}

/// Decides for one workspace; `None` if neither side has a state, nor ever had.
pub(crate) fn decide(source: &StateSighting, destination: &StateSighting) -> Option<MoveAction> {
    let refused = |refusal| Some(MoveAction::Refused(refusal));
    if (&source.content, &source.lock) == (&StateContent::Absent, &LockSighting::Free) {
        let is_there = destination.content != StateContent::Absent;
        return is_there.then_some(MoveAction::Stays);
    }
    match (&source.lock, &destination.lock) {
        // Without a state, it is the lock of a first run.
        (LockSighting::Other(_) | LockSighting::WayBack(_), _) => {
            return refused(MoveRefusal::SourceLocked);
        }
        (_, LockSighting::Other(_)) => return refused(MoveRefusal::DestinationLocked),
        (LockSighting::Free | LockSighting::Ours(_), _) => {}
    }
    let begun = matches!(source.lock, LockSighting::Ours(_));
    let moved = || match (begun, &destination.lock) {
        (true, LockSighting::Free) => Some(MoveAction::Done),
        (true | false, _) => Some(MoveAction::Finish),
    };
    let (state, there) = match (&source.content, &destination.content) {
        (StateContent::Unreadable(why), _) => {
            return refused(MoveRefusal::SourceUnreadable(why.clone()));
        }
        (_, StateContent::Unreadable(why)) => {
            return refused(MoveRefusal::DestinationUnreadable(why.clone()));
        }
        // Only what was locked for good is not read any more.
        (StateContent::Absent, StateContent::Known(_)) => return moved(),
        (StateContent::Absent, StateContent::Absent) => return refused(MoveRefusal::Lost),
        (StateContent::Known(_), StateContent::Absent) => return Some(MoveAction::Copy),
        (StateContent::Known(state), StateContent::Known(there)) => (state, there),
    };
    if state.digest == there.digest {
        return moved();
    }
    let (Some(lineage), Some(other)) = (&state.lineage, &there.lineage) else {
        return refused(MoveRefusal::UnknownLineage);
    };
    let (Some(serial), Some(other_serial)) = (state.serial, there.serial) else {
        return refused(MoveRefusal::UnknownLineage);
    };
    match lineage == other {
        false => refused(MoveRefusal::OtherLineage),
        true if other_serial < serial => Some(MoveAction::Copy),
        // It is in use there since.
        true if begun && other_serial > serial => moved(),
        true => refused(MoveRefusal::NotOlder {
            source_serial: serial,
            destination: other_serial,
        }),
    }
}

#[cfg(test)]
mod tests;
