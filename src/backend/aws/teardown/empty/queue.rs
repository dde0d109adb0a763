//! The order in which versions go: a run may be cut off anywhere, and a listing must not lose its
//! place.
//!
//! - Of each name the current version goes last, with the last of the others at the earliest.
//!   Whatever is left of a cut-off run, what was current still is: no older state comes back, and
//!   none that somebody deleted.
//! - What the next page is asked for by stays until that page is here. On S3 a marker is a
//!   position; elsewhere a marker that is gone loses the rest of its name.
//! - Batches are full but for the last.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::backend::aws::store::objects::ObjectVersion;

/// The most that `DeleteObjects` takes.
pub const BATCH: usize = 1000;

/// What to give back when it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteTicket(u64);

#[derive(Debug, Default)]
pub struct ByteBudget {
    ready: VecDeque<ObjectVersion>,
    /// Current versions of names that were still open when it was their turn.
    waiting: VecDeque<ObjectVersion>,
    /// Of the name that is being listed.
    current: Option<ObjectVersion>,
    /// The last of a page that is not the last.
    marker: Option<ObjectVersion>,
    ended: bool,
    /// Names with older versions in a batch that is under way.
    open: BTreeMap<ByteTicket, BTreeSet<String>>,
    given: u64,
}

impl ByteBudget {
    /// How much is waiting.
    pub fn len(&self) -> usize {
        self.ready.len() + self.waiting.len()
    }

    /// Takes a page, and the name and version that the next one is asked for by; `None` after the
    /// last.
    pub fn page(&mut self, page: Vec<ObjectVersion>, next: Option<(&str, Option<&str>)>) {
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

    /// The next batch, if it is time for one.
    pub fn batch(&mut self) -> Option<(ByteTicket, Vec<ObjectVersion>)> {
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
        // A batch that is not full is worth its call only if what waits would not fit in.
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

    /// All of that batch was tried.
    pub fn done(&mut self, ticket: ByteTicket) {
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
        // Whoever deletes as well may make another one current while this name is listed.
        if version.latest && self.current.is_none() {
            self.current = Some(version);
        } else {
            self.ready.push_back(version);
        }
    }

    /// Nothing more of this name comes.
    fn close(&mut self) {
        self.ready.extend(self.current.take());
    }
}

#[cfg(test)]
mod tests;
