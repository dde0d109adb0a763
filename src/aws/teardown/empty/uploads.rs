//! Unfinished uploads: each is given up by its id, and the listing is asked again until it finds none.

use std::sync::atomic::Ordering;

use futures_util::{StreamExt, stream};

use super::{Left, NO_BUCKET, PASSES, Reason, Run, Stop, Why};
use crate::{
    aws::{
        error::{Api, AwsError, Kind},
        store::uploads::Upload,
    },
    state::census::Named,
};

const ABORT: Api = Api::new("s3:AbortMultipartUpload");
/// Finished or given up since it was listed.
const GONE: &[&str] = &["NoSuchUpload"];

impl Run<'_> {
    /// What may not be given up is left, and does not hold up the versions.
    pub(super) async fn uploads(&mut self) -> Result<(), Stop> {
        for _ in 0..PASSES {
            self.left = Named::default();
            let before = self.emptied.uploads;
            if self.uploads_once().await? == 0 || self.emptied.uploads == before {
                break;
            }
        }
        Ok(())
    }

    /// How many were found. Here markers are positions with everybody: what is before them may go.
    async fn uploads_once(&mut self) -> Result<usize, Stop> {
        let (emptying, calls) = (self.emptying, self.calls);
        let mut pages = self.store.uploads(emptying.prefix);
        let mut found = 0;
        loop {
            calls.fetch_add(1, Ordering::Relaxed);
            let Some(page) = pages.next().await? else { return Ok(found) };
            let ours = page.into_iter().filter(|upload| (emptying.ours)(&upload.key));
            let aborts = ours.map(|upload| async move {
                if emptying.cancel.is_cancelled() {
                    return Err(Stop::Because(Why::Interrupted));
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
            if !pages.more() {
                return Ok(found);
            }
        }
    }
}

impl super::Emptying<'_> {
    /// `None` if it is gone.
    async fn abort(&self, upload: Upload) -> Result<Option<Left>, AwsError> {
        let Upload { key, id } = upload;
        let url = format!("s3://{}/{key}", self.bucket);
        let request = self.aws.clients.s3.abort_multipart_upload().bucket(self.bucket).expected_bucket_owner(self.owner);
        match self.aws.read(ABORT, &url, request.key(&key).upload_id(&id).send()).await {
            Err(error) if error.is(GONE) => Ok(None),
            Err(error) if matches!(error.kind, Kind::Denied | Kind::Refused) && !error.is(NO_BUCKET) => {
                Ok(Some(Left { key, id, reason: Reason::said(error) }))
            }
            answer => answer.map(|_| None),
        }
    }
}
