//! Uploads in parts that were begun and never finished: what they hold is paid for, and listed
//! nowhere else.

use aws_sdk_s3::types::EncodingType;

use super::{Store, objects::decoded};
use crate::backend::aws::error::{Api, AwsError};

const LIST: Api = Api::allowed_by("s3:ListMultipartUploads", "s3:ListBucketMultipartUploads");

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    pub key: String,
    pub id: String,
}

/// All of them, a page at a time.
#[derive(Debug)]
pub struct Uploads<'a> {
    store: Store<'a>,
    prefix: String,
    next: Next,
}

#[derive(Debug)]
enum Next {
    First,
    After(String, Option<String>),
    Done,
}

impl<'a> Store<'a> {
    pub fn uploads(&self, prefix: &str) -> Uploads<'a> {
        Uploads {
            store: *self,
            prefix: prefix.to_owned(),
            next: Next::First,
        }
    }
}

impl Uploads<'_> {
    /// Whether a page is still to come.
    pub fn more(&self) -> bool {
        !matches!(self.next, Next::Done)
    }

    /// `None` after the last page. After an error the same page can be asked for again.
    pub async fn next(&mut self) -> Result<Option<Vec<Upload>>, AwsError> {
        let (key, id) = match &self.next {
            Next::First => (None, None),
            Next::After(key, id) => (Some(key.clone()), id.clone()),
            Next::Done => return Ok(None),
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
            (Some(true), Some(key)) => Next::After(
                decoded(key, encoding.as_ref()),
                page.next_upload_id_marker().map(str::to_owned),
            ),
            (Some(true), None) => {
                return Err(AwsError::nonsense(
                    LIST,
                    &address.bucket,
                    "says that there is more, and not where",
                ));
            }
            (Some(false) | None, _) => Next::Done,
        };
        let upload = |upload: &aws_sdk_s3::types::MultipartUpload| {
            Some(Upload {
                key: decoded(upload.key()?, encoding.as_ref()),
                id: upload.upload_id()?.to_owned(),
            })
        };
        Ok(Some(page.uploads().iter().filter_map(upload).collect()))
    }
}
