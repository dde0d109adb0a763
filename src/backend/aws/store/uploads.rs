//! Lists incomplete multipart uploads: their parts cost money and are not listed elsewhere.

use aws_sdk_s3::types::EncodingType;

use super::{S3Store, objects::decoded};
use crate::backend::aws::error::{ApiOperation, AwsError};

const LIST: ApiOperation =
    ApiOperation::allowed_by("s3:ListMultipartUploads", "s3:ListBucketMultipartUploads");

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultipartUpload {
    pub key: String,
    pub id: String,
}

/// Lists all uploads, a page at a time.
#[derive(Debug)]
pub struct UploadPages<'a> {
    store: S3Store<'a>,
    prefix: String,
    next: NextUploadPage,
}

#[derive(Debug)]
enum NextUploadPage {
    First,
    After(String, Option<String>),
    Done,
}

impl<'a> S3Store<'a> {
    pub fn uploads(&self, prefix: &str) -> UploadPages<'a> {
        UploadPages {
            store: *self,
            prefix: prefix.to_owned(),
            next: NextUploadPage::First,
        }
    }
}

impl UploadPages<'_> {
    /// Returns whether there is a next page.
    pub fn more(&self) -> bool {
        !matches!(self.next, NextUploadPage::Done)
    }

    /// Returns `None` after the last page. After an error, the same page can be requested again.
    pub async fn next(&mut self) -> Result<Option<Vec<MultipartUpload>>, AwsError> {
        let (key, id) = match &self.next {
            NextUploadPage::First => (None, None),
            NextUploadPage::After(key, id) => (Some(key.clone()), id.clone()),
            NextUploadPage::Done => return Ok(None),
        };
        let address = self.store.address;
        let request = self
            .store
            .aws
            .clients
            .s3
            .list_multipart_uploads()
            .encoding_type(EncodingType::Url);
        let request = request
            .bucket(&address.bucket)
            .expected_bucket_owner(&address.owner);
        let prefix = (!self.prefix.is_empty()).then(|| self.prefix.clone());
        let request = request
            .set_prefix(prefix)
            .set_key_marker(key)
            .set_upload_id_marker(id);
        let page = self
            .store
            .aws
            .read(LIST, &address.bucket, request.send())
            .await?;
        let encoding = page.encoding_type().cloned();
        self.next = match (page.is_truncated(), page.next_key_marker()) {
            (Some(true), Some(key)) => NextUploadPage::After(
                decoded(key, encoding.as_ref()),
                page.next_upload_id_marker().map(str::to_owned),
            ),
            (Some(true), None) => {
                return Err(AwsError::nonsense(
                    LIST,
                    &address.bucket,
                    "is truncated, but has no marker for the next page",
                ));
            }
            (Some(false) | None, _) => NextUploadPage::Done,
        };
        let upload = |upload: &aws_sdk_s3::types::MultipartUpload| {
            Some(MultipartUpload {
                key: decoded(upload.key()?, encoding.as_ref()),
                id: upload.upload_id()?.to_owned(),
            })
        };
        Ok(Some(page.uploads().iter().filter_map(upload).collect()))
    }
}
