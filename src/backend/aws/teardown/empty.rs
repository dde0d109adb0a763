//! Empties a bucket, or what is one's own of it: unfinished uploads, every version, every delete
//! marker.
//!
//! - **Flow.** The listing runs ahead while batches of what was listed are deleted, several at
//!   once; and again from the start, until a listing finds nothing. Uploads go before the last
//!   listing, since one that is completed becomes a version.
//! - **Guarantees.** Only what was listed is deleted, each by the id of its version: what somebody
//!   writes meanwhile survives the pass, and is found by the next. Cut off anywhere, what was
//!   current is current ([`queue`]). No more than a few pages are in memory. It makes as many calls
//!   as there are pages and batches, one to see that nothing is left, and one for uploads; more
//!   only where S3 asks for it.
//! - **Assumptions.** Nobody writes: somebody who does not stop makes it give up after [`PASSES`],
//!   and not loop.
//! - **Caveats.** What retention holds, or what is denied, stays and is named; the rest goes.
//!   Governance is never bypassed. A bucket that somebody else removes meanwhile is as empty as can
//!   be.

use std::{
    num::NonZeroUsize,
    sync::atomic::{AtomicU64, Ordering},
};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::{
    backend::aws::{
        AwsProvider,
        error::AwsError,
        store::{S3Store, StoreAddress},
    },
    state::{census::NamedSample, layout::StateLayout},
};

mod batch;
mod pass;
mod queue;
mod uploads;

/// How often somebody else may have written something new before it is given up.
pub const PASSES: usize = 5;
/// As many batches at once as S3 takes from one prefix without asking to slow down: 3,500 deletes a
/// second.
pub const AT_ONCE: NonZeroUsize = NonZeroUsize::new(8).expect("not zero");

const NO_BUCKET: &[&str] = &["NoSuchBucket"];

/// What is to be emptied.
#[derive(Clone, Copy)]
pub struct BucketEmptier<'a> {
    pub aws: &'a AwsProvider,
    pub bucket: &'a str,
    /// The account that it must belong to.
    pub owner: &'a str,
    /// Empty for all of it.
    pub prefix: &'a str,
    /// Which names are one's own, where others share the bucket.
    pub ours: &'a (dyn Fn(&str) -> bool + Sync),
    /// What was written later, by the clock of S3, is somebody's who does not know: it stays, and
    /// is named.
    pub until: Option<Timestamp>,
    /// Batches at once.
    pub parallelism: NonZeroUsize,
    /// Once cancelled, what is under way is finished and nothing more is begun.
    pub cancel: &'a CancellationToken,
}

/// What has gone so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmptyTotals {
    pub versions: u64,
    pub markers: u64,
    pub uploads: u64,
    pub bytes: u64,
    /// Without those that the SDK makes again by itself.
    pub calls: u64,
}

impl EmptyTotals {
    pub(super) fn add(&mut self, more: &Self) {
        let Self {
            versions,
            markers,
            uploads,
            bytes,
            calls,
        } = more;
        self.versions += versions;
        self.markers += markers;
        self.uploads += uploads;
        self.bytes += bytes;
        self.calls += calls;
    }
}

/// Something is left, or may be.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct NotEmptied {
    pub emptied: EmptyTotals,
    /// What was found and not deleted.
    pub left: NamedSample<LeftoverObject>,
    #[source]
    pub why: EmptyError,
}

#[derive(Debug, thiserror::Error)]
pub enum EmptyError {
    #[error("not everything may be deleted")]
    Kept,
    #[error("somebody keeps writing")]
    StillWritten,
    #[error("it was interrupted")]
    Interrupted,
    #[error(transparent)]
    Call(AwsError),
}

/// One thing that is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftoverObject {
    pub key: String,
    /// Of the version or of the upload.
    pub id: String,
    pub reason: LeftoverReason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftoverReason {
    /// As S3 says: denied, locked, or it did not come to it however often it was asked.
    Refused { code: String, message: String },
    /// Written after what was said to be the last.
    Newer,
    /// There after the last pass: written meanwhile, or it is not gone though S3 says so.
    Again,
}

impl LeftoverReason {
    fn said(error: AwsError) -> Self {
        let AwsError { code, message, .. } = error;
        Self::Refused {
            code: code.unwrap_or_default().into(),
            message: message.unwrap_or_default().into(),
        }
    }
}

/// Why a run ends early.
enum EmptyStopped {
    /// Removed by somebody else, and all that was in it.
    Gone,
    Because(EmptyError),
}

impl From<AwsError> for EmptyStopped {
    fn from(error: AwsError) -> Self {
        if error.is(NO_BUCKET) {
            Self::Gone
        } else {
            Self::Because(EmptyError::Call(error))
        }
    }
}

/// One run: what it has done, and what it could not.
struct EmptyRun<'r> {
    emptying: BucketEmptier<'r>,
    store: S3Store<'r>,
    emptied: EmptyTotals,
    calls: &'r AtomicU64,
    left: NamedSample<LeftoverObject>,
    on_progress: &'r mut (dyn FnMut(&EmptyTotals) + Send),
}

impl BucketEmptier<'_> {
    /// Until nothing is left; after each batch it is told how far that is.
    ///
    /// # Errors
    /// If something is left, may not be deleted, or could not be looked at.
    pub async fn run(
        &self,
        on_progress: &mut (dyn FnMut(&EmptyTotals) + Send),
    ) -> Result<EmptyTotals, NotEmptied> {
        // Which of the objects are states does not matter here.
        let layout = StateLayout {
            key: None,
            workspace_prefix: String::new(),
        };
        let address = StoreAddress {
            bucket: self.bucket.to_owned(),
            owner: self.owner.to_owned(),
            table: None,
            layout,
        };
        let store = S3Store::new(self.aws, &address);
        let calls = AtomicU64::new(0);
        let mut run = EmptyRun {
            emptying: *self,
            store,
            emptied: EmptyTotals::default(),
            calls: &calls,
            left: NamedSample::default(),
            on_progress,
        };
        let ended = run.all().await;
        let EmptyRun { emptied, left, .. } = run;
        let emptied = EmptyTotals {
            calls: calls.load(Ordering::Relaxed),
            ..emptied
        };
        let why = match ended {
            Ok(()) if left.count > 0 => EmptyError::Kept,
            Ok(()) | Err(EmptyStopped::Gone) => return Ok(emptied),
            Err(EmptyStopped::Because(why)) => why,
        };
        Err(NotEmptied { emptied, left, why })
    }
}

#[cfg(test)]
mod tests;
