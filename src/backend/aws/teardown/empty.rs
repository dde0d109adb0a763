//! Empties a bucket, or a part of it: incomplete uploads, all versions, all delete markers.
//!
//! - **Flow.** The listing runs ahead while batches of listed versions are deleted concurrently;
//!   and again from the start, until a listing is empty. Uploads are aborted before the last listing,
//!   since a completed one becomes a version.
//! - **Guarantees.** Only listed versions are deleted, each by its version ID: concurrent writes
//!   survive the pass, and are found by the next. After an interruption at any point, current
//!   versions are still current ([`queue`]). At most a few pages are in memory. It makes one call per
//!   page and batch, one to verify that nothing remains, and one for uploads; more only on
//!   throttling.
//! - **Assumptions.** No concurrent writes: a client that keeps writing makes it fail after
//!   [`PASSES`] instead of looping.
//! - **Caveats.** Versions under retention and denied ones remain and are reported; all others are
//!   deleted. Governance mode is never bypassed. A bucket that another client deletes in the meantime
//!   counts as empty.

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

/// The maximum number of passes with concurrent writes.
pub const PASSES: usize = 5;
/// The number of concurrent batches that S3 allows for one prefix without throttling: 3,500 deletes
/// a second.
pub const AT_ONCE: NonZeroUsize = NonZeroUsize::new(8).expect("not zero");

const NO_BUCKET: &[&str] = &["NoSuchBucket"];

/// The bucket or part to empty.
#[derive(Clone, Copy)]
pub struct BucketEmptier<'a> {
    pub aws: &'a AwsProvider,
    pub bucket: &'a str,
    /// The expected owner account.
    pub owner: &'a str,
    /// Empty for the whole bucket.
    pub prefix: &'a str,
    /// The names to delete in a shared bucket.
    pub ours: &'a (dyn Fn(&str) -> bool + Sync),
    /// Later versions, by the clock of S3, belong to clients that are unaware of the teardown:
    /// they are kept and reported.
    pub until: Option<Timestamp>,
    /// The number of concurrent batches.
    pub parallelism: NonZeroUsize,
    /// Once cancelled, running batches finish and no more are started.
    pub cancel: &'a CancellationToken,
}

/// The deleted objects so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmptyTotals {
    pub versions: u64,
    pub markers: u64,
    pub uploads: u64,
    pub bytes: u64,
    /// Without retries of the SDK.
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

/// Objects remain, or may remain.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct NotEmptied {
    pub emptied: EmptyTotals,
    /// Objects that were found and not deleted.
    pub left: NamedSample<LeftoverObject>,
    #[source]
    pub why: EmptyError,
}

#[derive(Debug, thiserror::Error)]
pub enum EmptyError {
    #[error("some objects cannot be deleted")]
    Kept,
    #[error("another client keeps writing")]
    StillWritten,
    #[error("it was interrupted")]
    Interrupted,
    #[error(transparent)]
    Call(AwsError),
}

/// A remaining object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftoverObject {
    pub key: String,
    /// The ID of the version or the upload.
    pub id: String,
    pub reason: LeftoverReason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftoverReason {
    /// The error of S3: denied, locked, or not processed after all attempts.
    Refused { code: String, message: String },
    /// Written after the cut-off time.
    Newer,
    /// Present after the last pass: written in the meantime, or not deleted despite the response of
    /// S3.
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

/// The reason why a run ends early.
enum EmptyStopped {
    /// The bucket was deleted by another client.
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

/// The result of a run: deleted and remaining objects.
struct EmptyRun<'r> {
    emptying: BucketEmptier<'r>,
    store: S3Store<'r>,
    emptied: EmptyTotals,
    calls: &'r AtomicU64,
    left: NamedSample<LeftoverObject>,
    on_progress: &'r mut (dyn FnMut(&EmptyTotals) + Send),
}

impl BucketEmptier<'_> {
    /// Deletes until nothing remains; the callback receives the progress after each batch.
    ///
    /// # Errors
    /// If something remains, cannot be deleted, or cannot be read.
    pub async fn run(
        &self,
        on_progress: &mut (dyn FnMut(&EmptyTotals) + Send),
    ) -> Result<EmptyTotals, NotEmptied> {
        // Whether objects are states does not matter here.
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
