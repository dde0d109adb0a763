//! Puts right what can be: under the lock of the state, over exactly what was looked at, and with
//! the old item kept.

use std::path::PathBuf;

use aws_sdk_s3::types::{MetadataDirective, ServerSideEncryption};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::{
    super::{
        Store,
        content::Head,
        hold::Hold,
        restore::{Failed, Why, Work},
        write::{Deleted, Encrypt, Expected},
    },
    Fault, Should, StateBytes, Wrong,
};
use crate::{
    backend::aws::error::{Api, AwsError},
    state::{
        digest::digest_id,
        layout::{Kind, Located},
    },
    store::backup::file,
};

const COPY: Api = Api::allowed_by("s3:CopyObject", "s3:PutObject");
/// What stands for itself in the header that names the source of a copy.
const IN_SOURCE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// What was put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// The file that has the old item.
    pub kept: Option<PathBuf>,
    /// Of a state that was encrypted again.
    pub version: Option<String>,
}

/// An item of the table, as it is kept.
#[derive(Serialize)]
struct Item<'a> {
    #[serde(rename = "LockID")]
    lock_id: String,
    #[serde(rename = "Digest")]
    digest: &'a str,
}

impl Store<'_> {
    /// Puts one fault right, if it still is one.
    ///
    /// Flow: takes the lock as Terraform does; looks again; keeps the old item in a file; writes;
    /// looks; releases.
    ///
    /// Guarantees: nothing is written over what was not looked at, no byte of a state is changed,
    /// and no digest or new version is written for bytes that are not a state.
    ///
    /// # Errors
    /// As of [`restore`](Store::restore).
    pub async fn repair(
        &self,
        fault: &Fault,
        should: &Should<'_>,
        work: &Work<'_>,
    ) -> Result<Repaired, Failed> {
        let path = &fault.located.path;
        let taken = self
            .take(path, work.mechanisms, &work.info, should.encrypt)
            .await;
        let Hold { info, lock } = taken.map_err(|error| Failed {
            why: Why::NotLocked(Box::new(error)),
            written: false,
            kept: None,
            left: None,
        })?;
        let mut kept = None;
        let result = match &fault.what {
            Wrong::Stale { stored, .. } => self
                .right_digest(path, Some(stored), work, &mut kept)
                .await
                .map(|()| None),
            Wrong::Missing { stored, .. } => self
                .right_digest(path, stored.as_deref(), work, &mut kept)
                .await
                .map(|()| None),
            Wrong::Orphaned { stored, .. } => self
                .without_digest(path, stored, work, &mut kept)
                .await
                .map(|()| None),
            Wrong::Key { .. } => self.encrypted_again(&fault.located, should, work).await,
            Wrong::LockFile { .. }
            | Wrong::Unreadable { .. }
            | Wrong::Deleted { .. }
            | Wrong::Unread { .. } => Ok(None),
        };
        let left = self.release(&lock).await.into_errors();
        let left = (!left.is_empty()).then_some((info.id, left));
        match (result, left) {
            (Ok(version), None) => Ok(Repaired { kept, version }),
            (Ok(_), left) => Err(Failed {
                why: Why::NotReleased,
                written: true,
                kept,
                left,
            }),
            (Err(why), left) => Err(Failed {
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
        work: &Work<'_>,
        kept: &mut Option<PathBuf>,
    ) -> Result<(), Why> {
        let read = self.read_state(path, None).await?.ok_or(Why::Changed)?;
        let is = match read.bytes {
            StateBytes::Readable { md5, .. } => md5,
            StateBytes::Empty => return Err(Why::Changed),
            StateBytes::Unreadable { error, .. } => return Err(Why::NotAState(error)),
        };
        let now = self.digest_item(path).await?;
        if now.as_ref() == Some(&is) {
            return Ok(());
        }
        if now.as_deref() != old {
            return Err(Why::Changed);
        }
        self.keep_item(path, old, work, kept)?;
        self.put_digest(path, &is, old.map_or(Expected::Absent, Expected::Exact))
            .await?;
        let again = self
            .head(path, None)
            .await?
            .is_some_and(|again| again.etag == read.etag);
        if again && self.digest_item(path).await?.as_ref() == Some(&is) {
            Ok(())
        } else {
            Err(Why::NotWhatWasWritten)
        }
    }

    /// An object of 0 bytes is no state, as for Terraform.
    async fn without_digest(
        &self,
        path: &str,
        old: &str,
        work: &Work<'_>,
        kept: &mut Option<PathBuf>,
    ) -> Result<(), Why> {
        if self
            .head(path, None)
            .await?
            .is_some_and(|head| head.size > 0)
        {
            return Err(Why::Changed);
        }
        self.keep_item(path, Some(old), work, kept)?;
        match self.delete_digest(path, old).await? {
            Deleted::Done | Deleted::AlreadyGone => Ok(()),
            Deleted::Changed => Err(Why::Changed),
        }
    }

    fn keep_item(
        &self,
        path: &str,
        old: Option<&str>,
        work: &Work<'_>,
        kept: &mut Option<PathBuf>,
    ) -> Result<(), Why> {
        if work.cancel.is_cancelled() {
            return Err(Why::Interrupted);
        }
        let Some(digest) = old else { return Ok(()) };
        let item = Item {
            lock_id: digest_id(&self.address.bucket, path),
            digest,
        };
        let bytes = serde_json::to_vec_pretty(&item).map_err(std::io::Error::from);
        let bytes = bytes.map_err(crate::store::backup::write::ArchiveError::io(
            "keep the old digest in",
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

    /// A copy onto itself is a new version with the same bytes, under another key.
    async fn encrypted_again(
        &self,
        located: &Located,
        should: &Should<'_>,
        work: &Work<'_>,
    ) -> Result<Option<String>, Why> {
        let path = &*located.path;
        if work.cancel.is_cancelled() {
            return Err(Why::Interrupted);
        }
        let head = self.head(path, None).await?.ok_or(Why::Changed)?;
        if should.is(&head.encryption) {
            return Ok(head.version);
        }
        let before = self
            .read_state(path, None)
            .await?
            .filter(|read| read.etag == head.etag)
            .ok_or(Why::Changed)?;
        // What else is in the bucket need not be a state.
        match before.bytes {
            StateBytes::Unreadable { error, .. } if located.kind == Kind::State => {
                return Err(Why::NotAState(error));
            }
            _ => {}
        }
        self.copied(path, &head, should.encrypt).await?;
        let now = self
            .read_state(path, None)
            .await?
            .ok_or(Why::NotWhatWasWritten)?;
        if now.bytes == before.bytes && should.is(&now.encryption) {
            Ok(now.version)
        } else {
            Err(Why::NotWhatWasWritten)
        }
    }

    async fn copied(&self, path: &str, head: &Head, encrypt: &Encrypt) -> Result<(), AwsError> {
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
            Encrypt::Unsaid => request,
            Encrypt::OfS3 => request.server_side_encryption(ServerSideEncryption::Aes256),
            Encrypt::Kms(key) => request
                .server_side_encryption(ServerSideEncryption::AwsKms)
                .ssekms_key_id(key),
        };
        self.aws
            .read(COPY, &self.url(path), request.send())
            .await
            .map(drop)
    }
}
