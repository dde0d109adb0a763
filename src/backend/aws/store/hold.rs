//! The lock on a state taken exactly as Terraform takes it: whoever meets it sees one of their own
//! kind.
//!
//! First the file, then the item of the table (`Lock` of Terraform's s3 backend). If the second
//! cannot be had, the first is given back. An answer that was lost is no answer: what is there is
//! read, and the ID says whose it is.

use jiff::Timestamp;

use super::{
    S3Store,
    live::{HeldLock, LiveLock, LockPlace},
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

/// Which locks a backend uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockMechanisms {
    pub table: bool,
    pub file: bool,
}

/// A lock that is ours, in every place that is in use, until it is released.
#[must_use = "whoever takes a lock has to release it"]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3LockGuard {
    pub info: LockInfo,
    /// As others see it.
    pub lock: LiveLock,
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// Somebody has it, in one place at least; in none, if it was released meanwhile.
    #[error("the state is locked")]
    Held {
        by: Box<LiveLock>,
        /// Why what had been taken by then could not be given back: it has our ID.
        left: Vec<AwsError>,
    },
    #[error("{error}")]
    Failed {
        error: AwsError,
        left: Vec<AwsError>,
    },
}

/// Why it could not be had in one place.
enum AcquireError {
    Held,
    Failed(AwsError),
    /// And nobody can say whether it was taken all the same, for the second reason.
    Unsure(AwsError, AwsError),
}

/// Somebody was first.
const HELD: &[&str] = &["PreconditionFailed", "ConditionalCheckFailedException"];

impl From<LockMechanism> for LockMechanisms {
    fn from(lock: LockMechanism) -> Self {
        Self {
            table: lock.uses_table(),
            file: lock.uses_lockfile(),
        }
    }
}

/// Whether AWS may have carried it out though it did not say so.
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
    /// What every lock of ours says of itself; `who` is [`Host::who`](crate::host::Host::who).
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

    /// Takes the lock on a state in every place that is in use.
    ///
    /// Guarantees: if this succeeds nobody else has it in these places, and if it does not, nothing
    /// of `info` is left but what the error names. Assumes that the call is waited for: one
    /// that is dropped on its way leaves what it took.
    ///
    /// # Errors
    /// If somebody has it, or a place does not let itself be written.
    pub async fn take(
        &self,
        path: &str,
        mechanisms: LockMechanisms,
        info: &LockInfo,
        encrypt: &WriteEncryption,
    ) -> Result<S3LockGuard, NotTaken> {
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
            match self.take_file(path, info, &raw, encrypt).await {
                Ok(held) => lock.file = LockPlace::held(held),
                Err(refusal) => return Err(self.not_taken(refusal, &lock).await),
            }
        }
        if mechanisms.table {
            match self.take_item(path, &raw).await {
                Ok(held) => lock.item = LockPlace::held(held),
                Err(refusal) => return Err(self.not_taken(refusal, &lock).await),
            }
        }
        Ok(S3LockGuard {
            info: info.clone(),
            lock,
        })
    }

    /// The lock on one state, as it is in both places now, and why a place is unknown.
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

    async fn take_file(
        &self,
        path: &str,
        info: &LockInfo,
        raw: &str,
        encrypt: &WriteEncryption,
    ) -> Result<HeldLock, AcquireError> {
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
            Ok(_) | Err(_) if error.is(HELD) => Err(AcquireError::Held),
            Err(unread) if may_be_done(&error) => Err(AcquireError::Unsure(error, unread)),
            Ok(_) | Err(_) => Err(AcquireError::Failed(error)),
        }
    }

    async fn take_item(&self, path: &str, raw: &str) -> Result<HeldLock, AcquireError> {
        let Err(error) = self.put_lock_item(path, raw).await else {
            return Ok(HeldLock::item(raw.to_owned()));
        };
        match self.lock_item(path).await {
            Ok(Some(there)) if there == raw => Ok(HeldLock::item(there)),
            Ok(_) | Err(_) if error.is(HELD) => Err(AcquireError::Held),
            Err(unread) if may_be_done(&error) => Err(AcquireError::Unsure(error, unread)),
            Ok(_) | Err(_) => Err(AcquireError::Failed(error)),
        }
    }

    /// Gives back what was taken, then looks who has it.
    async fn not_taken(&self, refusal: AcquireError, taken: &LiveLock) -> NotTaken {
        let mut left = self.release(taken).await.into_errors();
        match refusal {
            AcquireError::Unsure(error, unread) => {
                left.push(unread);
                NotTaken::Failed { error, left }
            }
            AcquireError::Held => NotTaken::Held {
                by: Box::new(self.lock_on(&taken.located.path).await.0),
                left,
            },
            AcquireError::Failed(error) => NotTaken::Failed { error, left },
        }
    }
}
