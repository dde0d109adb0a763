//! The order in which versions are deleted: a run may be interrupted at any point, and a listing
//! must not lose its position.
//!
//! - The current version of each name is deleted last, at the earliest together with the last of
//!   the others. After an interruption, current versions are still current: no older or deleted state
//!   becomes current.
//! - The marker of the next page is kept until that page is read. In S3, a marker is a position; in
//!   other implementations, a deleted marker skips the rest of its name.
//! - All batches except the last are full.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::backend::aws::store::objects::ObjectVersion;

/// The maximum of `DeleteObjects`.
pub(super) const BATCH: usize = 1000;

/// To return when it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ByteTicket(u64);

#[derive(Debug, Default)]
pub(super) struct ByteBudget {
    ready: VecDeque<ObjectVersion>,
    /// Current versions whose names still had pending versions.
    waiting: VecDeque<ObjectVersion>,
    /// The versions of the name that is being listed.
    current: Option<ObjectVersion>,
    /// The last version of a page that is not the last page.
    marker: Option<ObjectVersion>,
    ended: bool,
    /// Names with older versions in a running batch.
    open: BTreeMap<ByteTicket, BTreeSet<String>>,
    given: u64,
}

impl ByteBudget {
    /// Returns the number of waiting versions.
    pub(super) fn len(&self) -> usize {
        self.ready.len() + self.waiting.len()
    }

    /// Adds a page, and the name and version marker of the next one; `None` after the last.
    pub(super) fn page(&mut self, page: Vec<ObjectVersion>, next: Option<(&str, Option<&str>)>) {
        let before = self.marker.take();
        for version in before.into_iter().chain(page) {
            if next == Some((&version.key, Some(&version.id))) {
                self.marker = Some(version);
            } else {
                self.push(version);
            }
        }
        if next.is_none() {
            self.close();
            self.ended = true;
        }
    }

    /// Returns the next batch, if ready.
    pub(super) fn batch(&mut self) -> Option<(ByteTicket, Vec<ObjectVersion>)> {
        if self.len() < BATCH && !self.ended {
            return None;
        }
        let (mut batch, mut waiting) = (Vec::new(), VecDeque::new());
        while batch.len() < BATCH {
            let Some(version) = self.waiting.pop_front().or_else(|| self.ready.pop_front()) else {
                break;
            };
            if version.latest && self.open.values().any(|names| names.contains(&version.key)) {
                waiting.push_back(version);
            } else {
                batch.push(version);
            }
        }
        waiting.append(&mut self.waiting);
        self.waiting = waiting;
        // A partial batch is only sent if the waiting versions would not fit.
        let enough = batch.len() == BATCH
            || self.ended && (self.waiting.is_empty() || batch.len() + self.waiting.len() > BATCH);
        if batch.is_empty() || !enough {
            batch
                .into_iter()
                .rev()
                .for_each(|version| self.ready.push_front(version));
            return None;
        }
        let ticket = ByteTicket(self.given);
        self.given += 1;
        self.open.insert(
            ticket,
            batch
                .iter()
                .filter(|version| !version.latest)
                .map(|version| version.key.clone())
                .collect(),
        );
        Some((ticket, batch))
    }

    /// Marks the batch as done.
    pub(super) fn done(&mut self, ticket: ByteTicket) {
        self.open.remove(&ticket);
    }

    fn push(&mut self, version: ObjectVersion) {
        if self
            .current
            .as_ref()
            .is_some_and(|current| current.key != version.key)
        {
            self.close();
        }
        // A concurrent delete may make another version current while this name is listed.
        if version.latest && self.current.is_none() {
            self.current = Some(version);
        } else {
            self.ready.push_back(version);
        }
    }

    /// Closes this name.
    fn close(&mut self) {
        self.ready.extend(self.current.take());
    }
}

#[cfg(test)]
mod tests;
