//! Acquires the lock on a state exactly like Terraform, so that other clients recognize it.
//!
//! First the file, then the item of the table (`Lock` of Terraform's s3 backend). If the second
//! cannot be acquired, the first is released. After a lost response, the lock is read, and its ID
//! identifies the holder.

use jiff::Timestamp;

use super::{
    S3Store,
    scan::{HeldLock, LiveLock, LockPlace},
    write::{WriteCondition, WriteEncryption},
};
use crate::{
    backend::aws::error::{AwsError, ServiceErrorKind},
    settings::layer::LockMechanism,
    state::{
        digest,
        layout::{self, LocatedObject},
        lock::{LockInfo, new_id},
    },
};

/// The lock mechanisms of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockMechanisms {
    pub table: bool,
    pub file: bool,
}

/// A held lock, in every used place, until it is released.
#[must_use = "a lock must be released"]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3LockGuard {
    pub info: LockInfo,
    /// The lock info that other clients see.
    pub lock: LiveLock,
}

/// The reason why a lock was not acquired.
#[derive(Debug, thiserror::Error)]
pub enum AcquireError {
    /// Another client holds it, in at least one place; in none, if it was released in the meantime.
    #[error("the state is locked")]
    Held {
        by: Box<LiveLock>,
        /// The errors of releasing what had been acquired, which has the ID of this lock.
        left: Vec<AwsError>,
    },
    #[error("{error}")]
    Failed {
        error: AwsError,
        left: Vec<AwsError>,
    },
}

/// The error of one place.
enum PlaceError {
    Held,
    Failed(AwsError),
    /// Whether it was acquired anyway is unknown, because of the second error.
    Unsure(AwsError, AwsError),
}

/// Another client was first.
const HELD: &[&str] = &["PreconditionFailed", "ConditionalCheckFailedException"];

impl From<LockMechanism> for LockMechanisms {
    fn from(lock: LockMechanism) -> Self {
        Self {
            table: lock.uses_table(),
            file: lock.uses_lockfile(),
        }
    }
}

/// Returns whether AWS may have executed the call despite the error.
fn may_be_done(error: &AwsError) -> bool {
    matches!(
        error.kind,
        ServiceErrorKind::Network
            | ServiceErrorKind::Server
            | ServiceErrorKind::Throttled
            | ServiceErrorKind::Unreadable
    )
}

impl S3Store<'_> {
    /// Returns the lock info of tfbackend; `who` is [`Host::who`](crate::host::Host::who).
    pub fn lock_info(&self, path: &str, operation: &str, who: &str, now: Timestamp) -> LockInfo {
        LockInfo {
            id: new_id(),
            operation: operation.to_owned(),
            info: String::new(),
            who: who.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            created: Some(now),
            path: digest::lock_id(&self.address.bucket, path),
        }
    }

    /// Acquires the lock on a state in every used place.
    ///
    /// Guarantees: if this succeeds, no other client holds it in these places; if it fails, nothing
    /// of `info` remains except what the error reports. Assumes that the future is completed: a
    /// dropped one leaves what it acquired.
    ///
    /// # Errors
    /// If another client holds it, or a write fails.
    pub async fn acquire(
        &self,
        path: &str,
        mechanisms: LockMechanisms,
        info: &LockInfo,
        encrypt: &WriteEncryption,
    ) -> Result<S3LockGuard, AcquireError> {
        let located = LocatedObject {
            kind: layout::ObjectKind::State,
            ..self.address.layout.locate(path)
        };
        let mut lock = LiveLock {
            located,
            item: LockPlace::Unknown,
            file: LockPlace::Unknown,
        };
        let raw = info.to_go_json();
        if mechanisms.file {
            match self.acquire_file(path, info, &raw, encrypt).await {
                Ok(held) => lock.file = LockPlace::held(held),
                Err(refusal) => return Err(self.not_acquired(refusal, &lock).await),
            }
        }
        if mechanisms.table {
            match self.acquire_item(path, &raw).await {
                Ok(held) => lock.item = LockPlace::held(held),
                Err(refusal) => return Err(self.not_acquired(refusal, &lock).await),
            }
        }
        Ok(S3LockGuard {
            info: info.clone(),
            lock,
        })
    }

    /// Returns the current lock on a state in both places, and the errors of reads.
    pub async fn lock_on(&self, path: &str) -> (LiveLock, Vec<AwsError>) {
        let located = LocatedObject {
            kind: layout::ObjectKind::State,
            ..self.address.layout.locate(path)
        };
        let mut unread = vec![];
        let mut known = |half: Result<LockPlace, AwsError>| {
            half.unwrap_or_else(|error| {
                unread.push(error);
                LockPlace::Unknown
            })
        };
        let file = known(self.file_half(path).await);
        let item = match &self.address.table {
            Some(_) => known(self.lock_item(path).await.map(|item| {
                item.map_or(LockPlace::Free, |raw| LockPlace::held(HeldLock::item(raw)))
            })),
            None => LockPlace::Unknown,
        };
        (
            LiveLock {
                located,
                item,
                file,
            },
            unread,
        )
    }

    async fn acquire_file(
        &self,
        path: &str,
        info: &LockInfo,
        raw: &str,
        encrypt: &WriteEncryption,
    ) -> Result<HeldLock, PlaceError> {
        let error = match self
            .put_object(
                &layout::lock_file(path),
                raw.as_bytes(),
                encrypt,
                &WriteCondition::IfNoneMatch,
            )
            .await
        {
            Ok(put) => {
                return Ok(HeldLock {
                    raw: raw.to_owned(),
                    info: Ok(info.clone()),
                    etag: Some(put.etag),
                    modified: None,
                });
            }
            Err(error) => error,
        };
        match self.lock_file(path).await {
            Ok(Some(file)) if file.info.as_ref().is_ok_and(|there| there.id == info.id) => {
                Ok(HeldLock::file(file))
            }
            Ok(_) | Err(_) if error.is(HELD) => Err(PlaceError::Held),
            Err(unread) if may_be_done(&error) => Err(PlaceError::Unsure(error, unread)),
            Ok(_) | Err(_) => Err(PlaceError::Failed(error)),
        }
    }

    async fn acquire_item(&self, path: &str, raw: &str) -> Result<HeldLock, PlaceError> {
        let Err(error) = self.put_lock_item(path, raw).await else {
            return Ok(HeldLock::item(raw.to_owned()));
        };
        match self.lock_item(path).await {
            Ok(Some(there)) if there == raw => Ok(HeldLock::item(there)),
            Ok(_) | Err(_) if error.is(HELD) => Err(PlaceError::Held),
            Err(unread) if may_be_done(&error) => Err(PlaceError::Unsure(error, unread)),
            Ok(_) | Err(_) => Err(PlaceError::Failed(error)),
        }
    }

    /// Releases what was acquired, then reads the holder.
    async fn not_acquired(&self, refusal: PlaceError, taken: &LiveLock) -> AcquireError {
        let mut left = self.release(taken).await.into_errors();
        match refusal {
            PlaceError::Unsure(error, unread) => {
                left.push(unread);
                AcquireError::Failed { error, left }
            }
            PlaceError::Held => AcquireError::Held {
                by: Box::new(self.lock_on(&taken.located.path).await.0),
                left,
            },
            PlaceError::Failed(error) => AcquireError::Failed { error, left },
        }
    }
}
