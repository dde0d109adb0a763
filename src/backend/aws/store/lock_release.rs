//! Releases exactly the lock that was read, and not one that was acquired in the meantime.

use super::{
    S3Store,
    scan::{LiveLock, LockPlace},
    table::INFO,
    write::{ConditionalDelete, after},
};
use crate::{
    backend::aws::error::{ApiOperation, AwsError},
    state::{digest, layout},
};

const DELETE: ApiOperation = ApiOperation::new("s3:DeleteObject");
/// A concurrent write or delete.
const CONFLICT: &[&str] = &["ConditionalRequestConflict"];

/// The result for each place where the lock was held; `None` if it was not.
#[derive(Debug, Default)]
pub struct ReleaseReport {
    pub file: Option<Result<ConditionalDelete, AwsError>>,
    pub item: Option<Result<ConditionalDelete, AwsError>>,
}

impl ReleaseReport {
    pub fn outcomes(&self) -> impl Iterator<Item = &Result<ConditionalDelete, AwsError>> {
        [&self.file, &self.item].into_iter().flatten()
    }

    /// Returns whether the lock no longer exists, regardless of who removed it.
    pub fn is_gone(&self) -> bool {
        self.outcomes().all(Result::is_ok)
    }

    /// Returns whether another client has locked the state since.
    pub fn is_changed(&self) -> bool {
        self.outcomes()
            .any(|outcome| matches!(outcome, Ok(ConditionalDelete::Changed)))
    }

    pub fn into_errors(self) -> Vec<AwsError> {
        [self.file, self.item]
            .into_iter()
            .flatten()
            .filter_map(Result::err)
            .collect()
    }
}

impl S3Store<'_> {
    /// Releases a lock where it is held, the file first, like Terraform: an own lock, or one that
    /// was read.
    ///
    /// Each place is only deleted if it is still what was read. Both are tried, regardless of the
    /// result of the first.
    pub async fn release(&self, lock: &LiveLock) -> ReleaseReport {
        let path = &lock.located.path;
        let mut released = ReleaseReport::default();
        if let LockPlace::Held(held) = &lock.file {
            released.file = Some(
                self.release_file(path, held.etag.as_deref().unwrap_or_default())
                    .await,
            );
        }
        if let LockPlace::Held(held) = &lock.item {
            released.item = Some(self.release_item(path, &held.raw).await);
        }
        released
    }

    pub(in crate::backend::aws) async fn release_file(
        &self,
        path: &str,
        etag: &str,
    ) -> Result<ConditionalDelete, AwsError> {
        let key = layout::lock_file(path);
        let url = self.url(&key);
        if etag.is_empty() {
            return Err(AwsError::nonsense(
                DELETE,
                &url,
                "S3 returned no version ID",
            ));
        }
        let Err(error) = self.send_delete_if(&key, etag).await else {
            return Ok(ConditionalDelete::Done);
        };
        after(error, self.lock_file(path).await, |now| now.etag != etag)
    }

    /// Deletes an object if its current version has this ETag. A versioned bucket keeps the
    /// version.
    pub async fn delete_object_if(
        &self,
        key: &str,
        etag: &str,
    ) -> Result<ConditionalDelete, AwsError> {
        let Err(error) = self.send_delete_if(key, etag).await else {
            return Ok(ConditionalDelete::Done);
        };
        after(error, self.head(key, None).await, |now| now.etag != etag)
    }

    async fn send_delete_if(&self, key: &str, etag: &str) -> Result<(), AwsError> {
        let request = || {
            let request = self
                .aws
                .clients
                .s3
                .delete_object()
                .bucket(&self.address.bucket)
                .key(key);
            request
                .expected_bucket_owner(&self.address.owner)
                .if_match(etag)
                .send()
        };
        self.aws
            .send(DELETE, &self.url(key), CONFLICT, request)
            .await
            .map(drop)
    }

    pub(in crate::backend::aws) async fn release_item(
        &self,
        path: &str,
        exact: &str,
    ) -> Result<ConditionalDelete, AwsError> {
        let deleted = self
            .delete_item(digest::lock_id(&self.address.bucket, path), INFO, exact)
            .await;
        let Err(error) = deleted else {
            return Ok(ConditionalDelete::Done);
        };
        after(error, self.lock_item(path).await, |now| now != exact)
    }
}
