//! Carries out a plan, under the locks of both sides.

use tokio_util::sync::CancellationToken;

use super::{
    Migration, MovePath,
    census::content,
    plan::{
        LockSighting, MigrationPlan, MoveAction, MoveRefusal, PlannedMove, StateContent,
        StateSighting,
    },
};
use crate::{
    state::lock::LockInfo,
    state::snapshot::LARGEST,
    store::state_store::{
        Expected, FetchedState, LockGuard, Release, Revision, StateId, StateLockError, StateStore,
        StoreError, StoredLock, WriteError,
    },
};

/// A step that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MigrateEvent {
    /// All states of both sides.
    Locked(usize),
    /// Written, read back, and the same bytes.
    Copied { workspace: String, to: String },
    /// Locked for good.
    Fenced { workspace: String, from: String },
}

/// A migration that did not come to its end. The same run again completes it.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct MigrateFailure {
    pub error: MigrateError,
    /// The states that were written, or locked for good, before.
    pub changed: usize,
    /// Locks of this run that are not released.
    pub left: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("{address} is locked")]
    Locked {
        address: String,
        lock: Option<Box<StoredLock>>,
    },
    /// Something else is there than when the plan was made.
    #[error("{address} changed in the meantime")]
    Changed { address: String },
    #[error("{address}: {refusal}")]
    Refused {
        address: String,
        refusal: MoveRefusal,
    },
    /// What was written is not what is read.
    #[error("{address} does not have the bytes that were written to it")]
    ReadBack { address: String },
    #[error("interrupted")]
    Interrupted,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The locks on one state at both sides.
#[derive(Debug)]
struct LockedMove<'a> {
    planned: &'a PlannedMove,
    /// `None` if it is locked for good already.
    source: Option<TakenLock<'a>>,
    destination: Option<TakenLock<'a>>,
}

#[derive(Debug)]
struct TakenLock<'a> {
    guard: Box<dyn LockGuard + 'a>,
    /// It was locked for good before this run, and is again if this run fails.
    kept_at: Option<Revision>,
}

impl<'a> Migration<'a> {
    /// Carries out `plan`. Its future must not be dropped before its end: locks would remain.
    ///
    /// # Errors
    /// With what was done before. If nothing was, both sides are as they were.
    pub async fn carry_out(
        &self,
        plan: &MigrationPlan,
        cancel: &CancellationToken,
        mut event: impl FnMut(MigrateEvent),
    ) -> Result<(), MigrateFailure> {
        let mut moves: Vec<LockedMove<'_>> = plan
            .to_do()
            .map(|planned| LockedMove {
                planned,
                source: None,
                destination: None,
            })
            .collect();
        let mut changed = 0;
        let done = self
            .steps(plan, &mut moves, cancel, &mut changed, &mut event)
            .await;
        // Also after a success: the destinations are ready for Terraform.
        let mut left = vec![];
        for locked in moves {
            for lock in [locked.destination, locked.source].into_iter().flatten() {
                left.extend(give_back(lock, done.is_ok()).await);
            }
        }
        let done = match (done, left.is_empty()) {
            (Ok(()), false) => Err(MigrateError::Store(StoreError::Failed {
                message: "a lock of this migration is not released".to_owned(),
                source: None,
            })),
            (done, _) => done,
        };
        done.map_err(|error| MigrateFailure {
            error,
            changed,
            left,
        })
    }

    async fn steps<'p>(
        &self,
        plan: &MigrationPlan,
        moves: &mut [LockedMove<'p>],
        cancel: &CancellationToken,
        changed: &mut usize,
        event: &mut impl FnMut(MigrateEvent),
    ) -> Result<(), MigrateError>
    where
        'a: 'p,
    {
        let go_on = || match cancel.is_cancelled() {
            true => Err(MigrateError::Interrupted),
            false => Ok(()),
        };
        if let Some((planned, refusal)) = plan.refused().next() {
            return Err(MigrateError::Refused {
                address: planned.source.address.clone(),
                refusal: refusal.clone(),
            });
        }
        self.lock_all(moves, &go_on).await?;
        event(MigrateEvent::Locked(moves.len()));
        for locked in &*moves {
            self.must_be_as_planned(locked.planned).await?;
        }
        for locked in &mut *moves {
            go_on()?;
            if locked.planned.action == MoveAction::Copy {
                self.copy(locked, changed).await?;
                event(MigrateEvent::Copied {
                    workspace: locked.planned.workspace.clone(),
                    to: locked.planned.destination.address.clone(),
                });
            }
        }
        // All are there: from here on only the end is sensible.
        for locked in &mut *moves {
            let source = &locked.planned.source;
            let (Some(lock), Some(state)) = (locked.source.take(), source.content.known()) else {
                continue;
            };
            let address = &source.address;
            lock.guard
                .keep(&state.revision)
                .await
                .map_err(|error| of_write(error, address))?;
            *changed += 1;
            event(MigrateEvent::Fenced {
                workspace: locked.planned.workspace.clone(),
                from: address.clone(),
            });
        }
        Ok(())
    }

    /// All sources, then all destinations, each in the order of their addresses, so that of two
    /// migrations one waits for nothing that the other holds.
    async fn lock_all<'p>(
        &self,
        moves: &mut [LockedMove<'p>],
        go_on: &impl Fn() -> Result<(), MigrateError>,
    ) -> Result<(), MigrateError>
    where
        'a: 'p,
    {
        moves.sort_by(|a, b| a.planned.source.address.cmp(&b.planned.source.address));
        for locked in &mut *moves {
            go_on()?;
            let planned = locked.planned;
            // Nothing is left to be done there.
            let is_fenced = planned.action == MoveAction::Finish
                && matches!(planned.source.lock, LockSighting::Ours(_));
            if !is_fenced {
                let info = self.source_info(&path(planned));
                locked.source = Some(take(self.source, &planned.source, &info).await?);
            }
        }
        moves.sort_by(|a, b| {
            let (one, other) = (&a.planned.destination, &b.planned.destination);
            one.address.cmp(&other.address)
        });
        for locked in &mut *moves {
            go_on()?;
            let planned = locked.planned;
            let info = self.destination_info(&path(planned));
            locked.destination = Some(take(self.destination, &planned.destination, &info).await?);
        }
        Ok(())
    }

    /// Reads both sides again, under their locks, and compares with the plan.
    async fn must_be_as_planned(&self, planned: &PlannedMove) -> Result<(), MigrateError> {
        let (source, destination) = (&planned.source, &planned.destination);
        read_as_seen(self.source, source).await?;
        read_as_seen(self.destination, destination).await?;
        Ok(())
    }

    async fn copy(&self, locked: &LockedMove<'_>, changed: &mut usize) -> Result<(), MigrateError> {
        let PlannedMove {
            source,
            destination,
            ..
        } = locked.planned;
        // Once more: of all states, only one is in memory.
        let state = read_as_seen(self.source, source).await?;
        let (Some(state), Some(lock)) = (state, &locked.destination) else {
            return Err(MigrateError::Changed {
                address: source.address.clone(),
            });
        };
        let expected = match &destination.content {
            StateContent::Known(there) => Expected::Exactly(&there.revision),
            StateContent::Absent | StateContent::Unreadable(_) => Expected::Absent,
        };
        let written = self
            .destination
            .write(&destination.id, &state.bytes, expected, &*lock.guard)
            .await;
        // Whether an error came before the write or after it is unknown.
        *changed += 1;
        written.map_err(|error| of_write(error, &destination.address))?;
        let back = self
            .destination
            .read(&destination.id, None, LARGEST)
            .await?;
        if back.is_none_or(|back| back.bytes != state.bytes) {
            return Err(MigrateError::ReadBack {
                address: destination.address.clone(),
            });
        }
        Ok(())
    }
}

/// The state, if it still is what was seen.
async fn read_as_seen(
    store: &dyn StateStore,
    seen: &StateSighting,
) -> Result<Option<FetchedState>, MigrateError> {
    let read = store.read(&seen.id, None, LARGEST).await?;
    if content(read.as_ref()) == seen.content {
        Ok(read)
    } else {
        Err(MigrateError::Changed {
            address: seen.address.clone(),
        })
    }
}

fn path(planned: &PlannedMove) -> MovePath {
    MovePath {
        source: planned.source.id.clone(),
        destination: planned.destination.id.clone(),
    }
}

/// Takes the lock, over one that an earlier run left.
async fn take<'p>(
    store: &'p dyn StateStore,
    sighting: &StateSighting,
    info: &LockInfo,
) -> Result<TakenLock<'p>, MigrateError> {
    let address = || sighting.address.clone();
    let mut kept_at = None;
    if let Some(left) = sighting.lock.to_take_over() {
        if store.release(left).await? == Release::Changed {
            return Err(MigrateError::Changed { address: address() });
        }
        kept_at = sighting.content.known().map(|state| state.revision.clone());
    }
    match store.lock(&sighting.id, info).await {
        Ok(guard) => Ok(TakenLock { guard, kept_at }),
        Err(StateLockError::Held(lock)) => Err(MigrateError::Locked {
            address: address(),
            lock,
        }),
        Err(StateLockError::Store(error)) => Err(error.into()),
    }
}

/// Releases a lock, or leaves it where it was before this run, if this run fails. Returns what is
/// left of it.
async fn give_back(lock: TakenLock<'_>, succeeded: bool) -> Option<String> {
    let (id, info): (StateId, LockInfo) = (lock.guard.id().clone(), lock.guard.info().clone());
    let outcome = match lock.kept_at {
        Some(revision) if !succeeded => match lock.guard.keep(&revision).await {
            Err(WriteError::Store(error)) => Err(error),
            Ok(()) | Err(WriteError::Changed) => Ok(()),
        },
        Some(_) | None => lock.guard.release().await.map(drop),
    };
    outcome
        .err()
        .map(|error| format!("{} (lock {}): {error}", id.path, info.id))
}

fn of_write(error: WriteError, address: &str) -> MigrateError {
    match error {
        WriteError::Changed => MigrateError::Changed {
            address: address.to_owned(),
        },
        WriteError::Store(error) => error.into(),
    }
}
