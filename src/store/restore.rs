//! Restores an older state in a backend of any kind: reads, plans as plain data, and runs under
//! Terraform's lock.
//!
//! A kind that keeps more than the state has a restore of its own from the same reading: on S3,
//! the digest is put right, and a deletion is undone without a write (`backend/aws/store/restore`).

use std::path::PathBuf;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    backup::{file, write::ArchiveError},
    state_store::{
        Expected, FetchedState, LockGuard, Release, StateId, StateLockError, StateStore,
        StoreError, VersionId, WriteError,
    },
};
use crate::state::snapshot::LARGEST;
use crate::state::{
    digest,
    lock::LockInfo,
    recover::{self, NextState, StatePast, UnfitState},
};

mod look;

pub use look::{LookError, RestoreCandidate, RestoreSource};

/// What is written, with its precondition: if the state changed under the lock, nothing is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedRestore {
    pub id: StateId,
    /// False if the current state is the requested one already.
    pub is_needed: bool,
    pub next: NextState,
    current: Option<FetchedState>,
}

impl RestoreCandidate {
    /// Makes the plan.
    ///
    /// # Errors
    /// If Terraform would not accept the state after the current one.
    pub fn plan(self, allow_lineage: bool) -> Result<PlannedRestore, UnfitState> {
        let Self {
            id,
            current,
            newest,
            wanted,
            is,
            ..
        } = self;
        let same = current
            .as_ref()
            .filter(|current| recover::is_same_but_serial(&current.bytes, &wanted));
        let (is_needed, next) = match same {
            Some(current) => (
                false,
                NextState {
                    bytes: current.bytes.clone(),
                    serial: serial(&current.bytes),
                },
            ),
            None => {
                let before = StatePast {
                    newest: newest.as_ref(),
                    allow_lineage,
                };
                (true, recover::next(&wanted, &is, before)?)
            }
        };
        Ok(PlannedRestore {
            id,
            is_needed,
            next,
            current,
        })
    }
}

/// The context of a restore.
#[derive(Clone, Debug)]
pub struct RestoreRun<'a> {
    /// The info of the lock.
    pub info: LockInfo,
    /// The folder in which the current state is saved.
    pub dir: PathBuf,
    pub now: Timestamp,
    /// Checked between the steps before the first change.
    pub cancel: &'a CancellationToken,
}

/// An event of a restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreStep {
    Locked {
        id: String,
    },
    /// The previous state.
    Kept(PathBuf),
    Undeleted,
    Written {
        version: Option<String>,
    },
    Digest,
    Released,
}

/// The restored and verified state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreReport {
    /// The version ID that is now current.
    pub version: Option<String>,
    pub serial: Option<u64>,
    pub digest: String,
    pub kept: Option<PathBuf>,
}

/// A failed or partial restore.
#[derive(Debug)]
pub struct RestoreFailure {
    pub why: RestoreFailureKind,
    /// True if the state was written, or may have been.
    pub written: bool,
    pub kept: Option<PathBuf>,
    /// The lock is still held, with this ID, because of this error.
    pub left: Option<(String, StoreError)>,
}

#[derive(Debug, thiserror::Error)]
pub enum RestoreFailureKind {
    #[error(transparent)]
    NotLocked(StateLockError),
    #[error("the state was changed in the meantime")]
    Changed,
    #[error("interrupted")]
    Interrupted,
    #[error(transparent)]
    NotKept(#[from] ArchiveError),
    #[error(transparent)]
    Failed(#[from] StoreError),
    #[error("the state differs from what was written")]
    NotWhatWasWritten,
    /// Everything else was done.
    #[error("the lock could not be released")]
    NotReleased,
}

impl From<WriteError> for RestoreFailureKind {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Changed => Self::Changed,
            WriteError::Store(error) => Self::Failed(error),
        }
    }
}

/// The progress of a restore.
#[derive(Default)]
struct RunProgress {
    written: bool,
    kept: Option<PathBuf>,
}

/// Runs a plan: locks as Terraform does; reads again; saves the current state to a private file;
/// writes over what was read; reads back; releases the lock.
///
/// After an interruption at any point there is the old state or the new one, and the same restore
/// goes on from there.
///
/// # Errors
/// If the state is locked, differs from the plan, or a write fails. Nothing was changed then,
/// unless [`RestoreFailure::written`] is set.
pub async fn run(
    store: &dyn StateStore,
    plan: &PlannedRestore,
    run: &RestoreRun<'_>,
    done: &mut (dyn FnMut(RestoreStep) + Send),
) -> Result<RestoreReport, RestoreFailure> {
    let failure = |why, progress: RunProgress, left| RestoreFailure {
        why,
        written: progress.written,
        kept: progress.kept,
        left,
    };
    let lock = match store.lock(&plan.id, &run.info).await {
        Ok(lock) => lock,
        Err(error) => {
            let why = RestoreFailureKind::NotLocked(error);
            return Err(failure(why, RunProgress::default(), None));
        }
    };
    let lock_id = lock.info().id.clone();
    done(RestoreStep::Locked {
        id: lock_id.clone(),
    });
    let mut progress = RunProgress::default();
    let result = under_lock(store, plan, run, &*lock, &mut progress, done).await;
    let left = match lock.release().await {
        // A lock that another run took over is not ours.
        Ok(Release::Released | Release::AlreadyReleased | Release::Changed) => None,
        Err(error) => Some((lock_id, error)),
    };
    if left.is_none() {
        done(RestoreStep::Released);
    }
    match (result, left) {
        (Ok(report), None) => Ok(report),
        (Ok(_), left) => Err(failure(RestoreFailureKind::NotReleased, progress, left)),
        (Err(why), left) => Err(failure(why, progress, left)),
    }
}

async fn under_lock(
    store: &dyn StateStore,
    plan: &PlannedRestore,
    run: &RestoreRun<'_>,
    lock: &dyn LockGuard,
    progress: &mut RunProgress,
    done: &mut (dyn FnMut(RestoreStep) + Send),
) -> Result<RestoreReport, RestoreFailureKind> {
    let PlannedRestore {
        id,
        is_needed,
        next,
        current,
    } = plan;
    go_on(run)?;
    let now = store.read(id, None, LARGEST).await?;
    if !is_same(now.as_ref(), current.as_ref()) {
        return Err(RestoreFailureKind::Changed);
    }
    if *is_needed {
        if let Some(current) = current {
            go_on(run)?;
            let kept = file::keep(
                &run.dir,
                "tfbackend-before-restore",
                ".tfstate",
                run.now,
                &current.bytes,
            )?;
            done(RestoreStep::Kept(kept.clone()));
            progress.kept = Some(kept);
        }
        go_on(run)?;
        let expected = current.as_ref().map_or(Expected::Absent, |current| {
            Expected::Exactly(&current.revision)
        });
        let written = store.write(id, &next.bytes, expected, lock).await;
        progress.written = match &written {
            Ok(_) => true,
            Err(WriteError::Changed) => false,
            // Its outcome is what is there now; unknown is as bad as written.
            Err(WriteError::Store(_)) => store
                .read(id, None, LARGEST)
                .await
                .map_or(true, |now| !is_same(now.as_ref(), current.as_ref())),
        };
        written?;
    }
    let back = match store.read(id, None, next.bytes.len()).await {
        Err(StoreError::TooLarge { .. }) => None,
        back => back?,
    };
    let back = back
        .filter(|back| back.bytes == next.bytes)
        .ok_or(RestoreFailureKind::NotWhatWasWritten)?;
    let version = back.version.map(|VersionId(version)| version);
    if *is_needed {
        done(RestoreStep::Written {
            version: version.clone(),
        });
    }
    Ok(RestoreReport {
        version,
        serial: serial(&next.bytes),
        digest: digest::of(&next.bytes),
        kept: progress.kept.clone(),
    })
}

fn is_same(one: Option<&FetchedState>, other: Option<&FetchedState>) -> bool {
    let what = |state: &FetchedState| (state.revision.clone(), digest::of(&state.bytes));
    one.map(what) == other.map(what)
}

fn serial(bytes: &[u8]) -> Option<u64> {
    recover::snapshot(bytes).ok()?.serial
}

fn go_on(run: &RestoreRun<'_>) -> Result<(), RestoreFailureKind> {
    if run.cancel.is_cancelled() {
        Err(RestoreFailureKind::Interrupted)
    } else {
        Ok(())
    }
}
