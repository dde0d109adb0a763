//! The locks of a backend, and how much of it is read at the same time.

use std::collections::BTreeMap;

use super::{
    S3Store,
    scan::{LiveLock, ScanItem, ScanScope},
};
use crate::backend::aws::error::AwsError;

/// The number of states that are read concurrently: enough to hide the latency, and far below the
/// limit of S3 for one prefix (5,500 reads a second).
pub(crate) const AT_ONCE: usize = 64;

impl S3Store<'_> {
    /// Returns held locks, and errors of reads.
    pub async fn held(&self) -> (BTreeMap<String, LiveLock>, Vec<AwsError>) {
        let (mut locks, mut unseen) = (BTreeMap::new(), vec![]);
        let see = |seen| match seen {
            ScanItem::Lock(lock) => drop(locks.insert(lock.located.path.clone(), *lock)),
            ScanItem::NoTable(error) | ScanItem::NoListing(error) => unseen.push(error),
            ScanItem::State(_) | ScanItem::Orphan { .. } | ScanItem::Elsewhere { .. } => {}
        };
        self.walk(ScanScope::Locks, AT_ONCE, see).await;
        (locks, unseen)
    }
}
