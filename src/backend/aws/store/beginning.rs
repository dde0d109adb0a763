//! Reads the first bytes and the encryption of an object, with one small call for a possibly large
//! state.

use super::{S3Store, content::AtRestEncryption};
use crate::backend::aws::error::{ApiOperation, AwsError, found};

const GET: ApiOperation = ApiOperation::new("s3:GetObject");
const ABSENT: &[&str] = &["NoSuchKey"];
/// Both engines write their version before any variable content.
const BYTES: usize = 4096;

/// The beginning of an object.
pub struct ObjectHead {
    pub bytes: Vec<u8>,
    pub encryption: AtRestEncryption,
}

impl S3Store<'_> {
    /// Returns `None` if the object does not exist, or is empty.
    ///
    /// # Errors
    /// If it cannot be read, including objects with customer-provided keys.
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
        let encryption = AtRestEncryption {
            algorithm: answer
                .server_side_encryption()
                .map(|algorithm| algorithm.as_str().to_owned()),
            key: answer.ssekms_key_id().map(str::to_owned),
            bucket_key: answer.bucket_key_enabled().unwrap_or(false),
        };
        let mut bytes = vec![];
        // A server without support for ranges sends the whole object.
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
