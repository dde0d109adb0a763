//! Moves states from one backend to another, of any kind: both locked, byte for byte, and nothing
//! deleted.
//!
//! Flow: `census` reads both sides, `plan` decides for each workspace what happens, and `carry_out`
//! does it: locks all sources, then all destinations, each in the order of their addresses; reads
//! again and compares with the plan; writes over what was read; reads back and compares; leaves the
//! sources locked, with lock info that says where the state is; releases the destinations.
//!
//! Guarantees: no state is written over one of another lineage or a newer one, none is lost, and a
//! run that is cut off anywhere is completed by the same run again. A lock that the run left is
//! recognised by its info, which names this very move.

use jiff::Timestamp;

use super::state_store::{StateId, StateStore, StoreError, StoredLock};
use crate::state::lock::{LockInfo, new_id};

pub(crate) mod census;
pub(crate) mod plan;
pub(crate) mod carry_out;

pub use carry_out::{MigrateError, MigrateEvent, MigrateFailure};
pub use plan::{MigrationPlan, MoveAction, MoveRefusal, PlannedMove};

/// The operation that Terraform shows for a lock of a migration.
pub const OPERATION: &str = "OperationTypeMigrate";

/// A move of states, and who does it.
#[derive(Debug)]
pub struct Migration<'a> {
    pub source: &'a dyn StateStore,
    pub destination: &'a dyn StateStore,
    /// `user@host`, as in the locks of Terraform.
    pub who: String,
    pub now: Timestamp,
}

/// A state of one workspace at both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
struct MovePath {
    source: StateId,
    destination: StateId,
}

impl Migration<'_> {
    /// Returns whether both sides are the same backend.
    ///
    /// # Errors
    /// If a side cannot have a default workspace.
    pub fn is_same_place(&self) -> Result<bool, StoreError> {
        let of = |store: &dyn StateStore| -> Result<String, StoreError> {
            Ok(store.address(&store.locate(crate::state::layout::DEFAULT_WORKSPACE)?))
        };
        Ok(of(self.source)? == of(self.destination)?)
    }

    fn path(&self, workspace: &str) -> Result<MovePath, StoreError> {
        Ok(MovePath {
            source: self.source.locate(workspace)?,
            destination: self.destination.locate(workspace)?,
        })
    }

    /// The lock info on a source, during the move and after it.
    fn source_info(&self, path: &MovePath) -> LockInfo {
        self.info(moved_to(&self.destination.address(&path.destination)))
    }

    /// The lock info on a destination, until it has the state.
    fn destination_info(&self, path: &MovePath) -> LockInfo {
        self.info(format!(
            "moving here from {} (tfbackend migrate)",
            self.source.address(&path.source)
        ))
    }

    fn info(&self, info: String) -> LockInfo {
        LockInfo {
            id: new_id(),
            operation: OPERATION.to_owned(),
            info,
            who: self.who.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            created: Some(self.now),
            path: String::new(),
        }
    }
}

/// The note on a state that moved, which Terraform shows.
fn moved_to(address: &str) -> String {
    format!("moved to {address} (tfbackend migrate)")
}

/// Returns whether a lock keeps runs from a state that moved to another backend.
pub fn is_moved(info: &LockInfo) -> bool {
    info.operation == OPERATION && info.info.starts_with("moved to ")
}

/// Returns whether a lock says this, and was taken by a migration.
fn is_lock_of(lock: &StoredLock, info: &str) -> bool {
    lock.info
        .as_ref()
        .is_ok_and(|lock| lock.operation == OPERATION && lock.info == info)
}
