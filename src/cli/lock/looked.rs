//! All locks of a backend, and what could not be looked at.

use crate::{
    backend::aws::{
        error::AwsError,
        store::live::{HeldLock, LiveLock, ScanItem, ScanScope},
        verify::usage::AT_ONCE,
    },
    cli::{context::Context, explain, failure::CliError, target::BackendTarget},
};

#[derive(Debug, Default)]
pub struct LockSurvey {
    pub locks: Vec<LiveLock>,
    /// Locks in the table on states of other buckets, by `<bucket>/<path>`.
    pub elsewhere: Vec<(String, HeldLock)>,
    /// Why there may be more.
    pub unseen: Vec<AwsError>,
}

impl LockSurvey {
    /// What could not be looked at is not empty.
    pub fn failure(&self, message: &str) -> Option<CliError> {
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

/// Goes over table and bucket. Those who may not, as somebody with the rights of a runner, see the
/// state that they work on.
pub async fn at(target: &BackendTarget, cx: &mut Context<'_>) -> Result<LockSurvey, CliError> {
    let mut looked = LockSurvey::default();
    let store = target.store();
    let walk = store.walk(ScanScope::Locks, AT_ONCE, |seen| match seen {
        ScanItem::Lock(lock) => looked.locks.push(*lock),
        ScanItem::Elsewhere { lock_id, held } => looked.elsewhere.push((lock_id, *held)),
        ScanItem::NoTable(error) | ScanItem::NoListing(error) => looked.unseen.push(error),
        ScanItem::State(_) | ScanItem::Orphan { .. } => {}
    });
    cx.look(walk).await?;
    if let (false, Some(key)) = (looked.unseen.is_empty(), &target.address.layout.key) {
        let path = target.address.layout.path(key, &target.workspace);
        let (lock, _) = cx.look(store.lock_on(&path)).await?;
        if lock.halves().next().is_some() {
            looked.locks.retain(|seen| seen.located.path != path);
            looked.locks.push(lock);
        }
    }
    Ok(looked)
}
