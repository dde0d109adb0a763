//! Repairs problems of states: under the lock of the state, conditional on what was read, and with
//! the old item saved.

use std::path::PathBuf;

use aws_sdk_s3::types::{MetadataDirective, ServerSideEncryption};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::{
    super::{
        S3Store,
        content::ObjectHeaders,
        lock_acquire::S3LockGuard,
        restore::{RestoreContext, RestoreError, RestoreErrorKind},
        write::{ConditionalDelete, ExpectedDigest, WriteEncryption},
    },
    ExpectedEncryption, ProblemKind, StateBytes, StateProblem,
};
use crate::{
    backend::aws::error::{ApiOperation, AwsError},
    state::{
        digest::digest_id,
        layout::{LocatedObject, ObjectKind},
    },
    store::backup::file,
};

const COPY: ApiOperation = ApiOperation::allowed_by("s3:CopyObject", "s3:PutObject");
/// Characters that need no escaping in the copy source header.
const IN_SOURCE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The result of a repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepairReport {
    /// The file with the old item.
    pub kept: Option<PathBuf>,
    /// The new version of a re-encrypted state.
    pub version: Option<String>,
}

/// A saved item of the table.
#[derive(Serialize)]
struct DigestItem<'a> {
    #[serde(rename = "LockID")]
    lock_id: String,
    #[serde(rename = "Digest")]
    digest: &'a str,
}

impl S3Store<'_> {
    /// Repairs one problem, if it still exists.
    ///
    /// Flow: acquires the lock like Terraform; reads again; saves the old item to a file; writes;
    /// reads; releases the lock.
    ///
    /// Guarantees: only content that was read is overwritten, no byte of a state is changed, and no
    /// digest or new version is written for bytes that are not a state.
    ///
    /// # Errors
    /// As of [`restore`](Store::restore).
    pub async fn repair(
        &self,
        fault: &StateProblem,
        should: &ExpectedEncryption<'_>,
        work: &RestoreContext<'_>,
    ) -> Result<RepairReport, RestoreError> {
        let path = &fault.located.path;
        let acquired = self
            .acquire(path, work.mechanisms, &work.info, should.encrypt)
            .await;
        let S3LockGuard { info, lock } = acquired.map_err(|error| RestoreError {
            why: RestoreErrorKind::NotLocked(Box::new(error)),
            written: false,
            kept: None,
            left: None,
        })?;
        let mut kept = None;
        let result = match &fault.what {
            ProblemKind::Stale { stored, .. } => self
                .right_digest(path, Some(stored), work, &mut kept)
                .await
                .map(|()| None),
            ProblemKind::Missing { stored, .. } => self
                .right_digest(path, stored.as_deref(), work, &mut kept)
                .await
                .map(|()| None),
            ProblemKind::Orphaned { stored, .. } => self
                .without_digest(path, stored, work, &mut kept)
                .await
                .map(|()| None),
            ProblemKind::Key { .. } => self.encrypted_again(&fault.located, should, work).await,
            ProblemKind::LockFile { .. }
            | ProblemKind::Unreadable { .. }
            | ProblemKind::Deleted { .. }
            | ProblemKind::Unread { .. } => Ok(None),
        };
        let left = self.release(&lock).await.into_errors();
        let left = (!left.is_empty()).then_some((info.id, left));
        match (result, left) {
            (Ok(version), None) => Ok(RepairReport { kept, version }),
            (Ok(_), left) => Err(RestoreError {
                why: RestoreErrorKind::NotReleased,
                written: true,
                kept,
                left,
            }),
            (Err(why), left) => Err(RestoreError {
                why,
                written: false,
                kept,
                left,
            }),
        }
    }

    async fn right_digest(
        &self,
        path: &str,
        old: Option<&str>,
        work: &RestoreContext<'_>,
        kept: &mut Option<PathBuf>,
    ) -> Result<(), RestoreErrorKind> {
        let read = self
            .read_state(path, None)
            .await?
            .ok_or(RestoreErrorKind::Changed)?;
        let is = match read.bytes {
            StateBytes::Readable { md5, .. } => md5,
            StateBytes::Empty => return Err(RestoreErrorKind::Changed),
            StateBytes::Unreadable { error, .. } => return Err(RestoreErrorKind::NotAState(error)),
        };
        let now = self.digest_item(path).await?;
        if now.as_ref() == Some(&is) {
            return Ok(());
        }
        if now.as_deref() != old {
            return Err(RestoreErrorKind::Changed);
        }
        self.keep_item(path, old, work, kept)?;
        self.put_digest(
            path,
            &is,
            old.map_or(ExpectedDigest::Absent, ExpectedDigest::Exact),
        )
        .await?;
        let again = self
            .head(path, None)
            .await?
            .is_some_and(|again| again.etag == read.etag);
        if again && self.digest_item(path).await?.as_ref() == Some(&is) {
            Ok(())
        } else {
            Err(RestoreErrorKind::NotWhatWasWritten)
        }
    }

    /// An empty object is not a state, as for Terraform.
    async fn without_digest(
        &self,
        path: &str,
        old: &str,
        work: &RestoreContext<'_>,
        kept: &mut Option<PathBuf>,
    ) -> Result<(), RestoreErrorKind> {
        if self
            .head(path, None)
            .await?
            .is_some_and(|head| head.size > 0)
        {
            return Err(RestoreErrorKind::Changed);
        }
        self.keep_item(path, Some(old), work, kept)?;
        match self.delete_digest(path, old).await? {
            ConditionalDelete::Done | ConditionalDelete::AlreadyGone => Ok(()),
            ConditionalDelete::Changed => Err(RestoreErrorKind::Changed),
        }
    }

    fn keep_item(
        &self,
        path: &str,
        old: Option<&str>,
        work: &RestoreContext<'_>,
        kept: &mut Option<PathBuf>,
    ) -> Result<(), RestoreErrorKind> {
        if work.cancel.is_cancelled() {
            return Err(RestoreErrorKind::Interrupted);
        }
        let Some(digest) = old else { return Ok(()) };
        let item = DigestItem {
            lock_id: digest_id(&self.address.bucket, path),
            digest,
        };
        let bytes = serde_json::to_vec_pretty(&item).map_err(std::io::Error::from);
        let bytes = bytes.map_err(crate::store::backup::write::ArchiveError::io(
            "save the old digest in",
            &work.dir,
        ))?;
        *kept = Some(file::keep(
            &work.dir,
            "tfbackend-digest-before-repair",
            ".json",
            work.now,
            &bytes,
        )?);
        Ok(())
    }

    /// Copies the object onto itself, which creates a version with the same bytes and another key.
    async fn encrypted_again(
        &self,
        located: &LocatedObject,
        should: &ExpectedEncryption<'_>,
        work: &RestoreContext<'_>,
    ) -> Result<Option<String>, RestoreErrorKind> {
        let path = &*located.path;
        if work.cancel.is_cancelled() {
            return Err(RestoreErrorKind::Interrupted);
        }
        let head = self
            .head(path, None)
            .await?
            .ok_or(RestoreErrorKind::Changed)?;
        if should.is(&head.encryption) {
            return Ok(head.version);
        }
        let before = self
            .read_state(path, None)
            .await?
            .filter(|read| read.etag == head.etag)
            .ok_or(RestoreErrorKind::Changed)?;
        // Other objects in the bucket need not be states.
        match before.bytes {
            StateBytes::Unreadable { error, .. } if located.kind == ObjectKind::State => {
                return Err(RestoreErrorKind::NotAState(error));
            }
            _ => {}
        }
        self.copied(path, &head, should.encrypt).await?;
        let now = self
            .read_state(path, None)
            .await?
            .ok_or(RestoreErrorKind::NotWhatWasWritten)?;
        if now.bytes == before.bytes && should.is(&now.encryption) {
            Ok(now.version)
        } else {
            Err(RestoreErrorKind::NotWhatWasWritten)
        }
    }

    async fn copied(
        &self,
        path: &str,
        head: &ObjectHeaders,
        encrypt: &WriteEncryption,
    ) -> Result<(), AwsError> {
        let (bucket, owner) = (&self.address.bucket, &self.address.owner);
        let source = format!("{bucket}/{}", utf8_percent_encode(path, IN_SOURCE));
        let request = self
            .aws
            .clients
            .s3
            .copy_object()
            .bucket(bucket)
            .key(path)
            .copy_source(source)
            .copy_source_if_match(&head.etag);
        let request = request
            .expected_bucket_owner(owner)
            .expected_source_bucket_owner(owner)
            .metadata_directive(MetadataDirective::Copy);
        let request = match encrypt {
            WriteEncryption::Unsaid => request,
            WriteEncryption::OfS3 => request.server_side_encryption(ServerSideEncryption::Aes256),
            WriteEncryption::Kms(key) => request
                .server_side_encryption(ServerSideEncryption::AwsKms)
                .ssekms_key_id(key),
        };
        self.aws
            .read(COPY, &self.url(path), request.send())
            .await
            .map(drop)
    }
}
