//! Freezes a backend during a teardown: all states are locked, writes are denied, and concurrent
//! changes are detected.
//!
//! First the locks, like Terraform, so that other runs see the holder, and `force-unlock` works
//! after a crash; then a statement in the bucket policy, for clients without locks. The statement
//! therefore implies that all locks were acquired: a later teardown continues from there.

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use super::{change_guard::ObjectFingerprint, scope::TeardownScope};
use crate::{
    backend::aws::{
        AwsProvider,
        bucket::policy as bucket_policy,
        error::AwsError,
        policies::{self, FREEZE},
        policy::PolicyDocument,
        store::{
            S3Store,
            lock_acquire::{AcquireError, LockMechanisms},
            objects::CurrentObject,
            scan::{LiveLock, ScanItem, ScanScope},
            write::WriteEncryption,
        },
    },
    state::layout::{self, ObjectKind},
    store::migrate,
};

/// The operation in the locks of a teardown.
pub(crate) const OPERATION: &str = "tfbackend teardown";
/// The number of locks that are acquired concurrently.
const AT_ONCE: usize = 16;
/// The maximum bytes of an object key (S3: creating object key names).
const LONGEST_NAME: usize = 1024;
/// The maximum number of other locks that are listed.
const MOST: usize = 5;

/// The parameters of the locks.
#[derive(Debug)]
pub(crate) struct FreezeOptions<'a> {
    pub mechanisms: LockMechanisms,
    pub encrypt: &'a WriteEncryption,
    /// In a shared bucket, only these are locked, and writes are not denied.
    pub scope: &'a TeardownScope,
    /// `user@host`
    pub who: &'a str,
    pub now: Timestamp,
}

/// A frozen backend.
#[must_use = "a frozen backend must be unfrozen or deleted"]
#[derive(Debug)]
pub(crate) struct BackendFreeze<'a> {
    aws: &'a AwsProvider,
    store: S3Store<'a>,
    locks: Vec<LiveLock>,
    /// The previous bucket policy.
    before: Option<PolicyDocument>,
    denied: bool,
    /// The time when the last lock was acquired, by the clock of S3.
    since: Option<Timestamp>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum NotFrozen {
    #[error("another client locked {} since the census", .0.join(", "))]
    Locked(Vec<String>),
    #[error("another client wrote {} since the census", .0.join(", "))]
    Appeared(Vec<String>),
    #[error(transparent)]
    Aws(#[from] AwsError),
}

impl<'a> BackendFreeze<'a> {
    /// Locks all states of the store, denies writes, and checks for changes since `sight`.
    ///
    /// # Errors
    /// If a lock cannot be acquired, or there were changes. Then everything is unfrozen; the second
    /// value has the errors of that.
    pub(crate) async fn put(
        aws: &'a AwsProvider,
        store: S3Store<'a>,
        sight: &ObjectFingerprint,
        how: &FreezeOptions<'_>,
    ) -> Result<Self, (NotFrozen, Vec<AwsError>)> {
        let mut freeze = Self {
            aws,
            store,
            locks: vec![],
            before: None,
            denied: false,
            since: None,
        };
        match freeze.all(sight, how).await {
            Ok(()) => Ok(freeze),
            Err(error) => Err((error, freeze.lift().await)),
        }
    }

    /// Returns what an interrupted teardown left: locks, and the statement in the policy. `None` if
    /// there is nothing.
    ///
    /// # Errors
    /// If the locks or the policy cannot be read.
    pub(crate) async fn found(
        aws: &'a AwsProvider,
        store: S3Store<'a>,
        scope: &TeardownScope,
    ) -> Result<Option<Self>, AwsError> {
        let mut freeze = Self {
            aws,
            store,
            locks: vec![],
            before: None,
            denied: false,
            since: None,
        };
        if scope.is_whole() {
            let policy = bucket_policy::get(aws, &store.address().bucket).await?;
            freeze.denied = policy.as_ref().is_some_and(|policy| policy.has(FREEZE));
            freeze.before = policy.map(|policy| policy.without(FREEZE));
        }
        freeze.locks = freeze
            .all_locks()
            .await?
            .into_iter()
            .filter(|lock| scope.has(&lock.located) && is_ours(lock))
            .collect();
        Ok((freeze.denied || !freeze.locks.is_empty()).then_some(freeze))
    }

    /// Returns the number of locked states.
    pub(crate) fn locks(&self) -> usize {
        self.locks.len()
    }

    async fn all(
        &mut self,
        sight: &ObjectFingerprint,
        how: &FreezeOptions<'_>,
    ) -> Result<(), NotFrozen> {
        if !how.scope.is_whole() {
            self.lock_all(how).await?;
            return self.nothing_came_in(sight, how).await;
        }
        let bucket = &self.store.address().bucket;
        let policy = bucket_policy::get(self.aws, bucket).await?;
        let earlier = policy.as_ref().is_some_and(|policy| policy.has(FREEZE));
        self.before = policy.as_ref().map(|policy| policy.without(FREEZE));
        if earlier {
            self.denied = true;
        } else {
            self.lock_all(how).await?;
            let arn = format!("arn:{}:s3:::{bucket}", self.aws.caller.partition);
            let policy = policy.unwrap_or_else(|| PolicyDocument::new(vec![]));
            bucket_policy::put(self.aws, bucket, &policy.with(policies::freeze(&arn)), &[]).await?;
            self.denied = true;
        }
        self.nothing_came_in(sight, how).await
    }

    async fn nothing_came_in(
        &mut self,
        sight: &ObjectFingerprint,
        how: &FreezeOptions<'_>,
    ) -> Result<(), NotFrozen> {
        let (ours, others): (Vec<LiveLock>, Vec<LiveLock>) = self
            .all_locks()
            .await?
            .into_iter()
            .filter(|lock| how.scope.has(&lock.located))
            .partition(is_ours);
        let last = ours
            .iter()
            .flat_map(LiveLock::halves)
            .filter_map(|held| held.modified)
            .max();
        // S3 returns whole seconds for one object, and fractions in a listing.
        self.since = last.map(|last| {
            last.saturating_add(SignedDuration::from_secs(1))
                .unwrap_or(Timestamp::MAX)
        });
        // Includes those of an interrupted teardown: they are released or deleted in any case.
        self.locks = ours;
        if !others.is_empty() {
            return Err(NotFrozen::Locked(named(&others)));
        }
        let appeared = sight.appeared(&self.store).await?;
        if appeared.is_empty() {
            Ok(())
        } else {
            Err(NotFrozen::Appeared(appeared))
        }
    }

    async fn lock_all(&mut self, how: &FreezeOptions<'_>) -> Result<(), NotFrozen> {
        let (store, layout) = (self.store, &self.store.address().layout);
        let mut failed = None;
        // A first run with the state of the settings sees a lock, too.
        let mut first: Vec<String> = layout.key.iter().cloned().collect();
        let mut pages = store.objects("");
        while let (Some(page), None) = (pages.next().await?, &failed) {
            let is_state = |object: &CurrentObject| {
                let folder = object.key.ends_with('/') && object.size == 0;
                let located = layout.locate(&object.key);
                !folder
                    && located.kind != ObjectKind::LockFile
                    && layout.key.as_ref() != Some(&object.key)
                    && how.scope.has(&located)
            };
            let paths = first
                .drain(..)
                .chain(page.into_iter().filter(is_state).map(|object| object.key))
                .collect::<Vec<_>>();
            let mut takes = stream::iter(paths)
                .map(|path| take(store, path, how))
                .buffer_unordered(AT_ONCE);
            while let Some(taken) = takes.next().await {
                match taken {
                    Ok(lock) => self.locks.push(lock),
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn all_locks(&self) -> Result<Vec<LiveLock>, AwsError> {
        let (mut locks, mut failed) = (vec![], None);
        let see = |seen| match seen {
            ScanItem::Lock(lock) => locks.push(*lock),
            ScanItem::NoTable(error) | ScanItem::NoListing(error) => failed = Some(error),
            ScanItem::State(_) | ScanItem::Orphan { .. } | ScanItem::Elsewhere { .. } => {}
        };
        self.store.walk(ScanScope::Locks, AT_ONCE, see).await;
        failed.map_or(Ok(locks), Err)
    }

    /// Unfreezes the backend, and returns what could not be undone.
    pub(crate) async fn lift(self) -> Vec<AwsError> {
        let bucket = &self.store.address().bucket;
        let mut errors = vec![];
        if self.denied {
            let lifted = match &self.before {
                Some(before) if !before.statements.is_empty() => {
                    bucket_policy::put(self.aws, bucket, before, &[]).await
                }
                Some(_) | None => bucket_policy::delete(self.aws, bucket).await,
            };
            errors.extend(lifted.err());
        }
        // The lock on a state that moved was there before.
        let ours = self
            .locks
            .iter()
            .filter(|lock| !lock.info().is_some_and(migrate::is_moved));
        let releases = ours.map(|lock| async { self.store.release(lock).await.into_errors() });
        let mut releases = stream::iter(releases).buffer_unordered(AT_ONCE);
        while let Some(left) = releases.next().await {
            errors.extend(left);
        }
        errors
    }

    /// Returns the time when everything was frozen, by the clock of S3; later objects were written
    /// anyway.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        self.since
    }
}

async fn take(
    store: S3Store<'_>,
    path: String,
    how: &FreezeOptions<'_>,
) -> Result<LiveLock, NotFrozen> {
    let info = store.lock_info(&path, OPERATION, how.who, how.now);
    // A state whose lock file name would be too long for S3 cannot be locked with a file.
    let file = how.mechanisms.file && layout::lock_file(&path).len() <= LONGEST_NAME;
    match store
        .acquire(
            &path,
            LockMechanisms {
                file,
                ..how.mechanisms
            },
            &info,
            how.encrypt,
        )
        .await
    {
        Ok(hold) => Ok(hold.lock),
        // From a teardown that did not write the policy.
        Err(AcquireError::Held { by, .. }) if is_ours(&by) => Ok(*by),
        Err(AcquireError::Held { by, .. }) => Err(NotFrozen::Locked(named(&[*by]))),
        Err(AcquireError::Failed { error, .. }) => Err(error.into()),
    }
}

/// Returns whether the lock keeps runs out already: of a teardown, or of a state that moved to
/// another backend.
fn is_ours(lock: &LiveLock) -> bool {
    lock.info()
        .is_some_and(|info| info.operation == OPERATION || migrate::is_moved(info))
}

fn named(locks: &[LiveLock]) -> Vec<String> {
    let name = |lock: &LiveLock| match lock.info() {
        Some(info) => format!("{} ({}, {})", lock.located.path, info.who, info.operation),
        None => lock.located.path.clone(),
    };
    locks.iter().take(MOST).map(name).collect()
}
