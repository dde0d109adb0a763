//! All locks of a backend, and the places that could not be read.

use crate::{
    backend::aws::{
        error::AwsError,
        store::scan::{HeldLock, LiveLock, ScanItem, ScanScope},
        verify::usage::AT_ONCE,
    },
    cli::{context::Context, explain, failure::CliError, target::S3Target},
};

#[derive(Debug, Default)]
pub(super) struct LockSurvey {
    pub locks: Vec<LiveLock>,
    /// Locks in the table on states of other buckets, by `<bucket>/<path>`.
    pub elsewhere: Vec<(String, HeldLock)>,
    /// Errors because of which there may be more.
    pub unseen: Vec<AwsError>,
}

impl LockSurvey {
    /// Returns a failure if a place could not be read, because it may hold locks.
    pub(super) fn failure(&self, message: &str) -> Option<CliError> {
        let (first, _) = self.unseen.split_first()?;
        let failure = self
            .unseen
            .iter()
            .fold(CliError::failed(message), |failure, error| {
                failure.because(error)
            });
        Some(explain::aws(failure, first, None))
    }
}

/// Reads table and bucket. A caller without permission to list them, such as a principal with the
/// runner policy, sees the locks of its own state.
pub(super) async fn at(target: &S3Target, cx: &mut Context<'_>) -> Result<LockSurvey, CliError> {
    let mut looked = LockSurvey::default();
    let store = target.store();
    let walk = store.walk(ScanScope::Locks, AT_ONCE, |seen| match seen {
        ScanItem::Lock(lock) => looked.locks.push(*lock),
        ScanItem::Elsewhere { lock_id, held } => looked.elsewhere.push((lock_id, *held)),
        ScanItem::NoTable(error) | ScanItem::NoListing(error) => looked.unseen.push(error),
        ScanItem::State(_) | ScanItem::Orphan { .. } => {}
    });
    cx.busy_with("looking for locks", walk).await?;
    if let (false, Some(key)) = (looked.unseen.is_empty(), &target.address.layout.key) {
        let path = target.address.layout.path(key, &target.workspace);
        let (lock, _) = cx.until_cancelled(store.lock_on(&path)).await?;
        if lock.halves().next().is_some() {
            looked.locks.retain(|seen| seen.located.path != path);
            looked.locks.push(lock);
        }
    }
    Ok(looked)
}
