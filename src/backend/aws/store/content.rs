//! Reads an object: its encryption, and the bytes of one version.

use std::fmt;

use aws_smithy_types::byte_stream::ByteStream;
use jiff::Timestamp;

use super::{S3Store, timestamp};
use crate::{
    backend::aws::error::{ApiOperation, AwsError, ServiceErrorKind, chain, found},
    state::{
        layout,
        lock::{self, LockError, LockInfo},
    },
    store::state_store::{FetchedState, Revision, VersionId},
};

pub(crate) use crate::store::state_store::AtRestEncryption;

/// S3 requires permission to read an object for any information about it.
const HEAD: ApiOperation = ApiOperation::allowed_by("s3:HeadObject", "s3:GetObject");
const GET: ApiOperation = ApiOperation::new("s3:GetObject");
const GET_VERSION: ApiOperation = ApiOperation::allowed_by("s3:GetObject", "s3:GetObjectVersion");
const HEAD_VERSION: ApiOperation = ApiOperation::allowed_by("s3:HeadObject", "s3:GetObjectVersion");

const ABSENT: &[&str] = &["NoSuchKey", "NoSuchVersion"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectHeaders {
    pub size: u64,
    pub modified: Option<Timestamp>,
    /// `None` if the bucket never had versioning enabled.
    pub version: Option<String>,
    /// With quotes, as S3 expects it in requests.
    pub etag: String,
    pub encryption: AtRestEncryption,
}

/// The content of a version. `Debug` shows the size, not the content, which may be a state.
#[derive(Clone, PartialEq, Eq)]
pub struct VersionContent {
    pub bytes: Vec<u8>,
    pub etag: String,
    pub version: Option<String>,
    pub modified: Option<Timestamp>,
    pub encryption: AtRestEncryption,
}

/// A version whose bytes are streamed.
pub struct PendingRead {
    pub size: Option<u64>,
    pub etag: String,
    pub version: Option<String>,
    pub modified: Option<Timestamp>,
    pub encryption: AtRestEncryption,
    body: ByteStream,
    api: ApiOperation,
    url: String,
}

/// An existing lock file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLockFile {
    /// The unmodified text.
    pub raw: String,
    pub info: Result<LockInfo, LockError>,
    /// To delete exactly this version.
    pub etag: String,
    pub modified: Option<Timestamp>,
}

impl fmt::Debug for VersionContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes, {})", self.bytes.len(), self.etag)
    }
}

impl From<VersionContent> for FetchedState {
    fn from(content: VersionContent) -> Self {
        Self {
            bytes: content.bytes,
            revision: Revision::new(content.etag),
            version: content.version.map(VersionId),
            modified: content.modified,
            encryption: Some(content.encryption),
        }
    }
}

impl ObjectHeaders {
    /// Returns the MD5 of the bytes, if S3 has it: not with KMS encryption or a multipart upload.
    pub fn md5(&self) -> Option<&str> {
        let etag = self.etag.trim_matches('"');
        let is_md5 = etag.len() == 32 && etag.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_md5 && self.encryption.algorithm.as_deref() == Some("AES256")).then_some(etag)
    }
}

impl S3Store<'_> {
    /// Returns `None` if the object does not exist. Without `s3:ListBucket`, S3 returns a denial
    /// instead.
    pub async fn head(
        &self,
        key: &str,
        version: Option<&str>,
    ) -> Result<Option<ObjectHeaders>, AwsError> {
        let url = self.url(key);
        let request = self
            .aws
            .clients
            .s3
            .head_object()
            .bucket(&self.address.bucket)
            .key(key);
        let request = request
            .set_version_id(version.map(str::to_owned))
            .expected_bucket_owner(&self.address.owner);
        let api = if version.is_some() {
            HEAD_VERSION
        } else {
            HEAD
        };
        let head = match self.aws.read(api, &url, request.send()).await {
            Ok(head) => head,
            // There is no response body with details.
            Err(error) if error.status == Some(404) => return Ok(None),
            Err(error) => return Err(error),
        };
        let encryption = AtRestEncryption {
            algorithm: head
                .server_side_encryption()
                .map(|algorithm| algorithm.as_str().to_owned()),
            key: head.ssekms_key_id().map(str::to_owned),
            bucket_key: head.bucket_key_enabled().unwrap_or(false),
        };
        Ok(Some(ObjectHeaders {
            size: head
                .content_length()
                .and_then(|size| u64::try_from(size).ok())
                .unwrap_or_default(),
            modified: head.last_modified().and_then(timestamp),
            version: head.version_id().map(str::to_owned),
            etag: head.e_tag().unwrap_or_default().to_owned(),
            encryption,
        }))
    }

    /// Opens the current version, or another one, as a stream.
    pub async fn open(
        &self,
        key: &str,
        version: Option<&str>,
    ) -> Result<Option<PendingRead>, AwsError> {
        let url = self.url(key);
        let request = self
            .aws
            .clients
            .s3
            .get_object()
            .bucket(&self.address.bucket)
            .key(key);
        let request = request
            .set_version_id(version.map(str::to_owned))
            .expected_bucket_owner(&self.address.owner);
        let api = if version.is_some() { GET_VERSION } else { GET };
        let Some(answer) = found(self.aws.read(api, &url, request.send()).await, ABSENT)? else {
            return Ok(None);
        };
        Ok(Some(PendingRead {
            size: answer
                .content_length()
                .and_then(|size| u64::try_from(size).ok()),
            etag: answer.e_tag().unwrap_or_default().to_owned(),
            version: answer.version_id().map(str::to_owned),
            modified: answer.last_modified().and_then(timestamp),
            encryption: AtRestEncryption {
                algorithm: answer
                    .server_side_encryption()
                    .map(|algorithm| algorithm.as_str().to_owned()),
                key: answer.ssekms_key_id().map(str::to_owned),
                bucket_key: answer.bucket_key_enabled().unwrap_or(false),
            },
            body: answer.body,
            api,
            url,
        }))
    }

    /// Returns the bytes of the current version, or another one, if at most `max`.
    pub async fn get(
        &self,
        key: &str,
        version: Option<&str>,
        max: usize,
    ) -> Result<Option<VersionContent>, AwsError> {
        let Some(reading) = self.open(key, version).await? else {
            return Ok(None);
        };
        let too_long = AwsError::nonsense(
            reading.api,
            &reading.url,
            &format!("is longer than {max} bytes"),
        );
        reading.whole(max).await?.ok_or(too_long).map(Some)
    }

    /// Returns the lock file of a state; `None` if there is none.
    pub async fn lock_file(&self, path: &str) -> Result<Option<StoredLockFile>, AwsError> {
        let content = self
            .get(&layout::lock_file(path), None, lock::MAX_BYTES)
            .await?;
        Ok(content.map(|content| StoredLockFile {
            info: LockInfo::parse(&content.bytes),
            raw: String::from_utf8_lossy(&content.bytes).into_owned(),
            etag: content.etag,
            modified: content.modified,
        }))
    }
}

impl PendingRead {
    /// Returns the next bytes; `None` after the last. The SDK checks the announced length.
    pub async fn next(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, AwsError> {
        let broken = |error: &dyn std::error::Error| AwsError {
            kind: ServiceErrorKind::Network,
            ..AwsError::nonsense(self.api, &self.url, &chain(error))
        };
        self.body.try_next().await.map_err(|error| broken(&error))
    }

    /// Returns all bytes; `None` if more than `max`.
    pub async fn whole(mut self, max: usize) -> Result<Option<VersionContent>, AwsError> {
        if self
            .size
            .and_then(|size| usize::try_from(size).ok())
            .is_some_and(|size| size > max)
        {
            return Ok(None);
        }
        let mut bytes = vec![];
        while let Some(chunk) = self.next().await? {
            if bytes.len() + chunk.as_ref().len() > max {
                return Ok(None);
            }
            bytes.extend_from_slice(chunk.as_ref());
        }
        let Self {
            etag,
            version,
            modified,
            encryption,
            ..
        } = self;
        Ok(Some(VersionContent {
            bytes,
            etag,
            version,
            modified,
            encryption,
        }))
    }
}
