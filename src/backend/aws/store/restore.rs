//! Restores an older state: reads, plans as plain data, and runs under Terraform's lock.

use std::path::PathBuf;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    S3Store,
    content::AtRestEncryption,
    lock_acquire::{AcquireError, LockMechanisms, S3LockGuard},
    write::{ExpectedDigest, NotWritten, WriteCondition, WriteEncryption, WrittenObject},
};
use crate::{
    backend::aws::error::{ApiOperation, AwsError, ServiceErrorKind},
    state::snapshot::LARGEST,
    state::{
        digest,
        lock::LockInfo,
        recover::{self, NextState, StatePast, UnfitState},
        snapshot::{SnapshotError, StateSnapshot},
    },
    store::{
        backup::{file, write::ArchiveError},
        restore::{RestoreReport, RestoreStep},
        state_store::FetchedState,
    },
};

mod look;
mod touch;

pub(crate) use look::RestoreInputs;
pub(crate) use touch::TouchError;

const DELETE_VERSION: ApiOperation =
    ApiOperation::allowed_by("s3:DeleteObject", "s3:DeleteObjectVersion");

/// The plan of a restore, with its preconditions: if any of them changed under the lock, nothing is
/// done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestorePlan {
    pub path: String,
    pub how: RestoreAction,
    pub next: NextState,
    /// Encrypted like the current state, or as configured for the backend.
    pub encrypt: WriteEncryption,
    current: Option<FetchedState>,
    /// The current digest in the table.
    digest: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreAction {
    /// The current state is the requested one, and its digest is correct.
    Nothing,
    /// The current state is the requested one, but its digest is not correct, as after an
    /// interrupted restore.
    Digest,
    /// It was deleted, and not written since: the delete marker is removed, or it is written again.
    Undelete {
        marker: String,
    },
    Write,
    /// The current state with the next serial: nothing is replaced, so that nothing is saved.
    Touch,
}

impl RestoreInputs {
    /// Makes the plan.
    pub fn plan(
        self,
        encrypt: &WriteEncryption,
        allow_lineage: bool,
    ) -> Result<RestorePlan, UnfitState> {
        let Self {
            path,
            current,
            newest,
            wanted,
            is,
            undoes,
            digest,
            has_table,
        } = self;
        let before = StatePast {
            newest: newest.as_ref(),
            allow_lineage,
        };
        let there = current
            .as_ref()
            .is_some_and(|current| recover::is_same_but_serial(&current.bytes, &wanted));
        let (how, next) = match (&current, undoes) {
            (Some(current), _) if there => {
                let serial = recover::snapshot(&current.bytes)
                    .ok()
                    .and_then(|snapshot| snapshot.serial);
                let right = !has_table || digest.as_deref() == Some(&*digest::of(&current.bytes));
                (
                    if right {
                        RestoreAction::Nothing
                    } else {
                        RestoreAction::Digest
                    },
                    NextState {
                        bytes: current.bytes.clone(),
                        serial,
                    },
                )
            }
            (None, Some(marker)) => (
                RestoreAction::Undelete { marker },
                recover::next(&wanted, &is, before)?,
            ),
            (Some(_) | None, _) => (RestoreAction::Write, recover::next(&wanted, &is, before)?),
        };
        let is = current
            .as_ref()
            .and_then(|current| current.encryption.as_ref());
        let encrypt = is.map_or_else(|| encrypt.clone(), |is| like(is, encrypt));
        Ok(RestorePlan {
            path,
            how,
            next,
            encrypt,
            current,
            digest,
        })
    }
}

/// Never weaker than the current encryption, and never weaker than the configured one.
fn like(is: &AtRestEncryption, asked: &WriteEncryption) -> WriteEncryption {
    match (is.algorithm.as_deref(), &is.key, asked) {
        (Some("aws:kms"), Some(key), _) => WriteEncryption::Kms(key.clone()),
        (Some("AES256"), _, WriteEncryption::Unsaid) => WriteEncryption::OfS3,
        (_, _, asked) => asked.clone(),
    }
}

/// The context of a restore.
#[derive(Clone, Debug)]
pub struct RestoreContext<'a> {
    pub mechanisms: LockMechanisms,
    /// The info of the lock.
    pub info: LockInfo,
    /// The folder in which the current state is saved.
    pub dir: PathBuf,
    pub now: Timestamp,
    /// Checked between the steps before the first change.
    pub cancel: &'a CancellationToken,
}

/// A failed or partial restore.
#[derive(Debug)]
pub struct RestoreError {
    pub why: RestoreErrorKind,
    /// True if the state had been written.
    pub written: bool,
    pub kept: Option<PathBuf>,
    /// The lock is still held, with this ID, because of these errors.
    pub left: Option<(String, Vec<AwsError>)>,
}

#[derive(Debug, thiserror::Error)]
pub enum RestoreErrorKind {
    #[error(transparent)]
    NotLocked(Box<AcquireError>),
    #[error("the state or its digest was changed in the meantime")]
    Changed,
    /// Content that is not a state must not be made to look like one.
    #[error("the current object is not a state: {0}")]
    NotAState(SnapshotError),
    #[error("interrupted")]
    Interrupted,
    #[error(transparent)]
    NotKept(#[from] ArchiveError),
    #[error(transparent)]
    Failed(Box<AwsError>),
    #[error("the object differs from what was written")]
    NotWhatWasWritten,
    /// Everything else was done.
    #[error("the lock could not be released")]
    NotReleased,
}

impl From<AwsError> for RestoreErrorKind {
    fn from(error: AwsError) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl From<NotWritten> for RestoreErrorKind {
    fn from(error: NotWritten) -> Self {
        match error {
            NotWritten::Changed => Self::Changed,
            NotWritten::Failed(error) => error.into(),
        }
    }
}

/// The progress of a restore.
#[derive(Default)]
struct RestoreProgress {
    written: bool,
    kept: Option<PathBuf>,
}

impl S3Store<'_> {
    /// Runs a plan.
    ///
    /// Flow: acquires the lock like Terraform; reads again; saves the current state to a file;
    /// writes conditionally; corrects the digest; reads both back; releases the lock.
    ///
    /// Guarantees: after an interruption at any point, there is the old state with its digest, or
    /// the new one with its digest, or a lock that prevents Terraform from reading a mismatch, and
    /// that it can release. The replaced state remains as a version and as a file. After the first
    /// write, it does not stop before the digest is correct.
    ///
    /// # Errors
    /// If the state is locked, differs from the plan, or a write fails. Then nothing was changed,
    /// unless [`Failed::written`] is set: the same restore continues from there.
    pub async fn restore(
        &self,
        plan: &RestorePlan,
        work: &RestoreContext<'_>,
        encrypt: &WriteEncryption,
        done: &mut (dyn FnMut(RestoreStep) + Send),
    ) -> Result<RestoreReport, RestoreError> {
        let acquired = self
            .acquire(&plan.path, work.mechanisms, &work.info, encrypt)
            .await;
        let S3LockGuard { info, lock } = acquired.map_err(|error| RestoreError {
            why: RestoreErrorKind::NotLocked(Box::new(error)),
            written: false,
            kept: None,
            left: None,
        })?;
        done(RestoreStep::Locked {
            id: info.id.clone(),
        });
        let mut so = RestoreProgress::default();
        let result = self.under_lock(plan, work, &mut so, done).await;
        let left = self.release(&lock).await.into_errors();
        let RestoreProgress { written, kept } = so;
        let left = (!left.is_empty()).then_some((info.id, left));
        if left.is_none() {
            done(RestoreStep::Released);
        }
        match (result, left) {
            (Ok(restored), None) => Ok(restored),
            (Ok(_), left) => Err(RestoreError {
                why: RestoreErrorKind::NotReleased,
                written,
                kept,
                left,
            }),
            (Err(why), left) => Err(RestoreError {
                why,
                written,
                kept,
                left,
            }),
        }
    }

    async fn under_lock(
        &self,
        plan: &RestorePlan,
        work: &RestoreContext<'_>,
        so: &mut RestoreProgress,
        done: &mut (dyn FnMut(RestoreStep) + Send),
    ) -> Result<RestoreReport, RestoreErrorKind> {
        let RestorePlan {
            path,
            how,
            next,
            encrypt,
            current,
            digest: old,
        } = plan;
        go_on(work)?;
        let now = self.get(path, None, LARGEST).await?;
        let same = now.as_ref().map(|now| (&now.bytes, now.etag.as_str()))
            == current
                .as_ref()
                .map(|then| (&then.bytes, then.revision.as_str()));
        if !same || self.digest_item(path).await? != *old {
            return Err(RestoreErrorKind::Changed);
        }
        if let (RestoreAction::Write, Some(current)) = (how, current) {
            go_on(work)?;
            let kept = file::keep(
                &work.dir,
                "tfbackend-before-restore",
                ".tfstate",
                work.now,
                &current.bytes,
            )?;
            done(RestoreStep::Kept(kept.clone()));
            so.kept = Some(kept);
        }
        go_on(work)?;
        let (version, bytes) = match how {
            RestoreAction::Nothing | RestoreAction::Digest => {
                (now.and_then(|now| now.version), next.bytes.clone())
            }
            RestoreAction::Undelete { marker } => {
                self.undelete(path, marker, next, encrypt, so, done).await?
            }
            RestoreAction::Write | RestoreAction::Touch => {
                let condition = current
                    .as_ref()
                    .map_or(WriteCondition::IfNoneMatch, |current| {
                        WriteCondition::IfMatch(current.revision.as_str().to_owned())
                    });
                (
                    self.write_version(path, next, encrypt, &condition, so, done)
                        .await?,
                    next.bytes.clone(),
                )
            }
        };
        let md5 = digest::of(&bytes);
        if self.address.table.is_some() && old.as_deref() != Some(&md5) {
            self.put_digest(
                path,
                &md5,
                old.as_deref()
                    .map_or(ExpectedDigest::Absent, ExpectedDigest::Exact),
            )
            .await?;
            done(RestoreStep::Digest);
        }
        let back = self.get(path, None, bytes.len()).await?;
        let right =
            self.address.table.is_none() || self.digest_item(path).await?.as_deref() == Some(&md5);
        if back.is_none_or(|back| back.bytes != bytes) || !right {
            return Err(RestoreErrorKind::NotWhatWasWritten);
        }
        let serial = recover::snapshot(&bytes)
            .ok()
            .and_then(|snapshot: StateSnapshot| snapshot.serial);
        Ok(RestoreReport {
            version,
            serial,
            digest: md5,
            kept: so.kept.clone(),
        })
    }

    async fn write_version(
        &self,
        path: &str,
        next: &NextState,
        encrypt: &WriteEncryption,
        condition: &WriteCondition,
        so: &mut RestoreProgress,
        done: &mut (dyn FnMut(RestoreStep) + Send),
    ) -> Result<Option<String>, RestoreErrorKind> {
        let put = self
            .put_state(path, next.bytes.clone(), encrypt, condition)
            .await;
        // The outcome of a write with a lost response is unknown.
        so.written = match &put {
            Ok(_) => true,
            Err(NotWritten::Changed) => false,
            Err(NotWritten::Failed(error)) => {
                matches!(
                    error.kind,
                    ServiceErrorKind::Network
                        | ServiceErrorKind::Server
                        | ServiceErrorKind::Unreadable
                )
            }
        };
        let WrittenObject { version, etag: _ } = put?;
        done(RestoreStep::Written {
            version: version.clone(),
        });
        Ok(version)
    }

    /// If versions cannot be deleted, including delete markers, it is written again.
    async fn undelete(
        &self,
        path: &str,
        marker: &str,
        next: &NextState,
        encrypt: &WriteEncryption,
        so: &mut RestoreProgress,
        done: &mut (dyn FnMut(RestoreStep) + Send),
    ) -> Result<(Option<String>, Vec<u8>), RestoreErrorKind> {
        let request = self
            .aws
            .clients
            .s3
            .delete_object()
            .bucket(&self.address.bucket)
            .key(path)
            .version_id(marker);
        let request = request.expected_bucket_owner(&self.address.owner).send();
        match self
            .aws
            .read(DELETE_VERSION, &self.url(path), request)
            .await
        {
            Ok(_) => {
                so.written = true;
                done(RestoreStep::Undeleted);
                let there = self.get(path, None, LARGEST).await?;
                let there = there
                    .filter(|there| recover::is_same_but_serial(&there.bytes, &next.bytes))
                    .ok_or(RestoreErrorKind::NotWhatWasWritten)?;
                Ok((there.version, there.bytes))
            }
            Err(error) if error.kind == ServiceErrorKind::Denied => {
                let version = self
                    .write_version(path, next, encrypt, &WriteCondition::IfNoneMatch, so, done)
                    .await?;
                Ok((version, next.bytes.clone()))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn go_on(work: &RestoreContext<'_>) -> Result<(), RestoreErrorKind> {
    if work.cancel.is_cancelled() {
        Err(RestoreErrorKind::Interrupted)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
