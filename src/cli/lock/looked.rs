//! All locks of a backend, and what could not be looked at.

use crate::{
    backend::aws::{
        error::AwsError,
        store::live::{Extent, Held, LiveLock, Seen},
        verify::usage::AT_ONCE,
    },
    cli::{context::Context, explain, failure::Failure, target::Target},
};

#[derive(Debug, Default)]
pub struct Looked {
    pub locks: Vec<LiveLock>,
    /// Locks in the table on states of other buckets, by `<bucket>/<path>`.
    pub elsewhere: Vec<(String, Held)>,
    /// Why there may be more.
    pub unseen: Vec<AwsError>,
}

impl Looked {
    /// What could not be looked at is not empty.
    pub fn failure(&self, message: &str) -> Option<Failure> {
        let (first, _) = self.unseen.split_first()?;
        let failure = self
            .unseen
            .iter()
            .fold(Failure::failed(message), |failure, error| {
                failure.because(error)
            });
        Some(explain::aws(failure, first, None))
    }
}

/// Goes over table and bucket. Those who may not, as somebody with the rights of a runner, see the
/// state that they work on.
pub async fn at(target: &Target, cx: &mut Context<'_>) -> Result<Looked, Failure> {
    let mut looked = Looked::default();
    let store = target.store();
    let walk = store.walk(Extent::Locks, AT_ONCE, |seen| match seen {
        Seen::Lock(lock) => looked.locks.push(*lock),
        Seen::Elsewhere { lock_id, held } => looked.elsewhere.push((lock_id, *held)),
        Seen::NoTable(error) | Seen::NoListing(error) => looked.unseen.push(error),
        Seen::State(_) | Seen::Orphan { .. } => {}
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
