//! Runs passes over the bucket until it is empty, with concurrent listing and deletion.

use std::sync::atomic::Ordering;

use futures_util::{StreamExt, future::OptionFuture, stream::FuturesUnordered};

use super::{
    EmptyError, EmptyRun, EmptyStopped, LeftoverObject, LeftoverReason, PASSES,
    batch::BatchOutcome,
    queue::{BATCH, ByteBudget},
};
use crate::{
    backend::aws::{
        error::AwsError,
        store::objects::{ObjectChange, ObjectVersion, VersionPages},
    },
    state::census::NamedSample,
};

/// The listing waits while this many versions are pending.
const AHEAD: usize = 2 * BATCH;

/// The result of one pass.
#[derive(Default)]
struct PassTally {
    found: usize,
    deleted: usize,
}

impl EmptyRun<'_> {
    pub(super) async fn all(&mut self) -> Result<(), EmptyStopped> {
        let mut pages = self.store.uploads(self.emptying.prefix);
        self.calls.fetch_add(1, Ordering::Relaxed);
        let (uploads, first) = tokio::join!(pages.next(), self.pass());
        let first = first?;
        // Before the last pass: a completed upload becomes a version.
        let versions = std::mem::take(&mut self.left);
        let any = self.uploads(uploads?, pages).await?;
        let uploads = std::mem::replace(&mut self.left, versions);
        let ended = if first.found == 0 && !any {
            Ok(())
        } else {
            self.again(first).await
        };
        self.left.count += uploads.count;
        self.left.rows.splice(..0, uploads.rows);
        ended
    }

    async fn again(&mut self, mut last: PassTally) -> Result<(), EmptyStopped> {
        for _ in 1..PASSES {
            if last.found > 0 && last.deleted == 0 {
                return Ok(());
            }
            // Each pass finds remaining versions again.
            self.left = NamedSample::default();
            last = self.pass().await?;
            if last.found == 0 {
                return Ok(());
            }
        }
        if last.deleted == 0 {
            Ok(())
        } else {
            self.look().await
        }
    }

    /// Reports the remaining versions.
    async fn look(&mut self) -> Result<(), EmptyStopped> {
        let before = std::mem::take(&mut self.left).rows;
        self.calls.fetch_add(1, Ordering::Relaxed);
        let page = self
            .store
            .versions(self.emptying.prefix)
            .next()
            .await?
            .unwrap_or_default();
        for ObjectVersion { key, id, .. } in self.ours(page) {
            let known = before
                .iter()
                .find(|left| left.key == key && left.id == id)
                .cloned();
            self.left.add(known.unwrap_or(LeftoverObject {
                key,
                id,
                reason: LeftoverReason::Again,
            }));
        }
        if self.left.count == 0 {
            Ok(())
        } else {
            Err(EmptyStopped::Because(EmptyError::StillWritten))
        }
    }

    async fn pass(&mut self) -> Result<PassTally, EmptyStopped> {
        let (mut tally, mut queue, mut running) = (
            PassTally::default(),
            ByteBudget::default(),
            FuturesUnordered::new(),
        );
        let (emptying, calls) = (self.emptying, self.calls);
        let (mut pages, mut listing) = (Some(self.store.versions(emptying.prefix)), None);
        // Halves the concurrency after throttling, and increments it after each successful batch.
        let most = emptying.parallelism.get();
        let mut at_once = most;
        let mut stop = None;
        loop {
            while stop.is_none()
                && running.len() < at_once
                && let Some((ticket, versions)) = queue.batch()
            {
                running.push(async move { (ticket, emptying.delete(versions, calls).await) });
            }
            if queue.len() < AHEAD
                && let Some(pages) = pages.take()
            {
                calls.fetch_add(1, Ordering::Relaxed);
                listing = Some(Box::pin(next(pages)));
            }
            if running.is_empty() && (stop.is_some() || listing.is_none()) {
                return stop.map_or(Ok(tally), Err);
            }
            tokio::select! {
                biased;
                () = emptying.cancel.cancelled(), if stop.is_none() => stop = Some(EmptyStopped::Because(EmptyError::Interrupted)),
                Some((ticket, outcome)) = running.next() => {
                    queue.done(ticket);
                    at_once = if outcome.slowed { (at_once / 2).max(1) } else { (at_once + 1).min(most) };
                    tally.deleted += outcome.deleted.len();
                    stop = self.take(outcome).or(stop);
                }
                Some((after, page)) = OptionFuture::from(listing.as_mut()), if stop.is_none() => {
                    listing = None;
                    match page {
                        Err(error) => stop = Some(error.into()),
                        Ok(page) => {
                            let page = self.ours(page.unwrap_or_default());
                            tally.found += page.len();
                            queue.page(page, after.after());
                            pages = after.after().is_some().then_some(after);
                        }
                    }
                }
            }
        }
    }

    /// Returns the versions of a page to delete.
    fn ours(&mut self, page: Vec<ObjectVersion>) -> Vec<ObjectVersion> {
        let Self { emptying, left, .. } = self;
        let may_go = |version: &ObjectVersion| match (version.modified, emptying.until) {
            (Some(modified), Some(until)) if modified > until => {
                left.add(LeftoverObject {
                    key: version.key.clone(),
                    id: version.id.clone(),
                    reason: LeftoverReason::Newer,
                });
                false
            }
            _ => true,
        };
        page.into_iter()
            .filter(|version| (emptying.ours)(&version.key))
            .filter(may_go)
            .collect()
    }

    fn take(&mut self, outcome: BatchOutcome) -> Option<EmptyStopped> {
        for what in outcome.deleted {
            match what {
                ObjectChange::Data { size, .. } => {
                    self.emptied.versions += 1;
                    self.emptied.bytes = self.emptied.bytes.saturating_add(size);
                }
                ObjectChange::DeleteMarker => self.emptied.markers += 1,
            }
        }
        outcome
            .left
            .into_iter()
            .for_each(|left| self.left.add(left));
        self.emptied.calls = self.calls.load(Ordering::Relaxed);
        (self.on_progress)(&self.emptied);
        outcome.error.map(EmptyStopped::from)
    }
}

async fn next(
    mut pages: VersionPages<'_>,
) -> (
    VersionPages<'_>,
    Result<Option<Vec<ObjectVersion>>, AwsError>,
) {
    let page = pages.next().await;
    (pages, page)
}
