//! Aborts incomplete uploads by their IDs, and lists again until there are none.

use std::sync::atomic::Ordering;

use futures_util::{StreamExt, stream};

use super::{
    EmptyError, EmptyRun, EmptyStopped, LeftoverObject, LeftoverReason, NO_BUCKET, PASSES,
};
use crate::{
    backend::aws::{
        error::{ApiOperation, AwsError, ServiceErrorKind},
        store::uploads::{MultipartUpload, UploadPages},
    },
    state::census::NamedSample,
};

const ABORT: ApiOperation = ApiOperation::new("s3:AbortMultipartUpload");
/// Completed or aborted after it was listed.
const GONE: &[&str] = &["NoSuchUpload"];

impl EmptyRun<'_> {
    /// Aborts all uploads, and returns whether there were any. Uploads that cannot be aborted
    /// remain.
    pub(super) async fn uploads(
        &mut self,
        page: Option<Vec<MultipartUpload>>,
        pages: UploadPages<'_>,
    ) -> Result<bool, EmptyStopped> {
        let mut found = self.uploads_once(page, pages).await?;
        let any = found > 0;
        let mut before = 0;
        for _ in 1..PASSES {
            if found == 0 || self.emptied.uploads == before {
                break;
            }
            before = self.emptied.uploads;
            self.left = NamedSample::default();
            let mut pages = self.store.uploads(self.emptying.prefix);
            self.calls.fetch_add(1, Ordering::Relaxed);
            let page = pages.next().await?;
            found = self.uploads_once(page, pages).await?;
        }
        Ok(any)
    }

    /// Returns the number of uploads. Their markers are positions in all implementations: uploads
    /// before them can be aborted.
    async fn uploads_once(
        &mut self,
        mut page: Option<Vec<MultipartUpload>>,
        mut pages: UploadPages<'_>,
    ) -> Result<usize, EmptyStopped> {
        let (emptying, calls) = (self.emptying, self.calls);
        let mut found = 0;
        while let Some(uploads) = page {
            let ours = uploads
                .into_iter()
                .filter(|upload| (emptying.ours)(&upload.key));
            let aborts = ours.map(|upload| async move {
                if emptying.cancel.is_cancelled() {
                    return Err(EmptyStopped::Because(EmptyError::Interrupted));
                }
                calls.fetch_add(1, Ordering::Relaxed);
                Ok(emptying.abort(upload).await?)
            });
            let mut aborts = stream::iter(aborts).buffer_unordered(emptying.parallelism.get());
            while let Some(left) = aborts.next().await {
                found += 1;
                match left? {
                    None => self.emptied.uploads += 1,
                    Some(left) => self.left.add(left),
                }
                self.emptied.calls = calls.load(Ordering::Relaxed);
                (self.on_progress)(&self.emptied);
            }
            calls.fetch_add(u64::from(pages.more()), Ordering::Relaxed);
            page = pages.next().await?;
        }
        Ok(found)
    }
}

impl super::BucketEmptier<'_> {
    /// Returns `None` if it no longer exists.
    async fn abort(&self, upload: MultipartUpload) -> Result<Option<LeftoverObject>, AwsError> {
        let MultipartUpload { key, id } = upload;
        let url = format!("s3://{}/{key}", self.bucket);
        let request = self
            .aws
            .clients
            .s3
            .abort_multipart_upload()
            .bucket(self.bucket)
            .expected_bucket_owner(self.owner);
        match self
            .aws
            .read(ABORT, &url, request.key(&key).upload_id(&id).send())
            .await
        {
            Err(error) if error.is(GONE) => Ok(None),
            Err(error)
                if matches!(
                    error.kind,
                    ServiceErrorKind::Denied | ServiceErrorKind::Refused
                ) && !error.is(NO_BUCKET) =>
            {
                Ok(Some(LeftoverObject {
                    key,
                    id,
                    reason: LeftoverReason::said(error),
                }))
            }
            answer => answer.map(|_| None),
        }
    }
}
