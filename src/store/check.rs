//! Checks the states of a backend of any kind: bytes that Terraform cannot read, and locks that
//! belong to no run. What only one kind has, such as digests, that kind checks itself.

use super::{
    inventory::StateInventory,
    state_store::{StateId, StateStore, StoreError, StoredLock},
};
use crate::state::census::StateContentsKind;

/// The result of a check.
#[derive(Debug, Default)]
pub struct StoreCheck {
    pub states: usize,
    /// By path.
    pub faults: Vec<StoreFault>,
    /// Errors of reads: there may be more locks.
    pub unseen: Vec<StoreError>,
}

/// A problem of a state or of its lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFault {
    pub id: StateId,
    pub what: StoreFaultKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreFaultKind {
    /// Terraform cannot read it.
    Unreadable { error: String },
    /// The backend cannot read it: its content is unknown.
    Unread { error: String },
    /// A lock without a state, as during a first run, or after one that was killed.
    LockWithoutState(Box<StoredLock>),
    /// What a lock left whose holder has ended.
    LockLeftBehind(Box<StoredLock>),
}

impl StoreFaultKind {
    /// The name in JSON and in texts.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "state-unreadable",
            Self::Unread { .. } => "unread",
            Self::LockWithoutState(_) => "lock-without-state",
            Self::LockLeftBehind(_) => "lock-left-behind",
        }
    }
}

impl StoreCheck {
    /// Checks everything, or one state.
    ///
    /// # Errors
    /// If the states cannot be listed.
    pub async fn run(store: &dyn StateStore, only: Option<&StateId>) -> Result<Self, StoreError> {
        let inventory = StateInventory::read(store).await?;
        let is_wanted = |id: &StateId| only.is_none_or(|only| only == id);
        let states = inventory
            .entries
            .iter()
            .filter(|entry| is_wanted(&entry.id));
        let mut check = Self {
            states: states.clone().count(),
            ..Self::default()
        };
        for entry in states {
            if let StateContentsKind::Unreadable(error) = &entry.holds {
                let error = error.clone();
                let what = if entry.is_read {
                    StoreFaultKind::Unreadable { error }
                } else {
                    StoreFaultKind::Unread { error }
                };
                check.faults.push(StoreFault {
                    id: entry.id.clone(),
                    what,
                });
            }
        }
        let without: Vec<&StateId> = inventory
            .locks_without_state()
            .map(|lock| &lock.id)
            .collect();
        for lock in inventory.locks.values().filter(|lock| is_wanted(&lock.id)) {
            let boxed = || Box::new(lock.clone());
            let what = match (lock.is_left_behind, without.contains(&&lock.id)) {
                (true, _) => StoreFaultKind::LockLeftBehind(boxed()),
                (false, true) => StoreFaultKind::LockWithoutState(boxed()),
                (false, false) => continue,
            };
            check.faults.push(StoreFault {
                id: lock.id.clone(),
                what,
            });
        }
        check
            .faults
            .sort_by(|one, other| one.id.path.cmp(&other.id.path));
        check.unseen = inventory.unseen;
        Ok(check)
    }
}
