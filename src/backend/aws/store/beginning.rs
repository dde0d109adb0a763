//! The first bytes of an object, and how it is encrypted: one small call where a state may have
//! many megabytes.

use super::{S3Store, content::ObjectEncryption};
use crate::backend::aws::error::{ApiOperation, AwsError, found};

const GET: ApiOperation = ApiOperation::new("s3:GetObject");
const ABSENT: &[&str] = &["NoSuchKey"];
/// Both engines write their version before anything that grows.
const BYTES: usize = 4096;

/// The beginning of an object.
pub struct ObjectHead {
    pub bytes: Vec<u8>,
    pub encryption: ObjectEncryption,
}

impl S3Store<'_> {
    /// `None` if there is no such object now, or it is empty.
    ///
    /// # Errors
    /// If it cannot be read, also where the caller would have to send the key that it is encrypted
    /// with.
    pub async fn beginning(&self, key: &str) -> Result<Option<ObjectHead>, AwsError> {
        let url = self.url(key);
        let request = self
            .aws
            .clients
            .s3
            .get_object()
            .bucket(&self.address.bucket)
            .key(key)
            .range(format!("bytes=0-{}", BYTES - 1));
        let request = request.expected_bucket_owner(&self.address.owner);
        let answer = match found(self.aws.read(GET, &url, request.send()).await, ABSENT) {
            Err(error) if error.status == Some(416) => return Ok(None),
            answer => answer?,
        };
        let Some(mut answer) = answer else {
            return Ok(None);
        };
        let encryption = ObjectEncryption {
            algorithm: answer
                .server_side_encryption()
                .map(|algorithm| algorithm.as_str().to_owned()),
            key: answer.ssekms_key_id().map(str::to_owned),
            bucket_key: answer.bucket_key_enabled().unwrap_or(false),
        };
        let mut bytes = vec![];
        // A server that knows no ranges sends all of it.
        while bytes.len() < BYTES {
            let next = answer.body.try_next().await;
            match next.map_err(|error| AwsError::nonsense(GET, &url, &error.to_string()))? {
                Some(chunk) => bytes.extend_from_slice(&chunk),
                None => break,
            }
        }
        bytes.truncate(BYTES);
        Ok(Some(ObjectHead { bytes, encryption }))
    }
}
