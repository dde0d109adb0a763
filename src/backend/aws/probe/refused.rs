//! Tries writes that the bucket must deny: with another algorithm, another key, or a
//! customer-provided key.

use aws_sdk_s3::types::ServerSideEncryption;
use aws_smithy_types::base64;
use md5::{Digest, Md5};

use super::{BackendProbe, ProbeEncryption, ProbeResult};
use crate::state::lock::new_id;

/// Each is `Ok` if the write succeeded.
#[derive(Debug)]
pub struct RefusedWrites {
    pub other_algorithm: ProbeResult,
    /// `None` without a KMS key.
    pub other_key: Option<ProbeResult>,
    /// SSE-C.
    pub customer_key: ProbeResult,
}

impl BackendProbe<'_> {
    pub(super) async fn refused(&self) -> RefusedWrites {
        let other_key = if self.target.key != ProbeEncryption::OfS3 {
            Some(self.under_another_key().await)
        } else {
            None
        };
        RefusedWrites {
            other_algorithm: self.under_another_algorithm().await,
            other_key,
            customer_key: self.under_a_customer_key().await,
        }
    }

    async fn under_another_algorithm(&self) -> ProbeResult {
        let key = self
            .name
            .beside(&self.target.address.layout, "other-algorithm");
        let request = self.put(&key, "");
        let request = match &self.target.key {
            ProbeEncryption::Arn(_) | ProbeEncryption::Unknown => {
                request.server_side_encryption(ServerSideEncryption::Aes256)
            }
            ProbeEncryption::OfS3 => request
                .server_side_encryption(ServerSideEncryption::AwsKms)
                .ssekms_key_id(self.no_key()),
        };
        self.send(&key, request).await.map(drop)
    }

    async fn under_another_key(&self) -> ProbeResult {
        let key = self.name.beside(&self.target.address.layout, "other-key");
        let request = self
            .put(&key, "")
            .server_side_encryption(ServerSideEncryption::AwsKms)
            .ssekms_key_id(self.no_key());
        self.send(&key, request).await.map(drop)
    }

    async fn under_a_customer_key(&self) -> ProbeResult {
        let key = self
            .name
            .beside(&self.target.address.layout, "customer-key");
        let secret: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..))
            .take(32)
            .collect();
        let request = self
            .put(&key, "")
            .sse_customer_algorithm("AES256")
            .sse_customer_key(base64::encode(&secret));
        let request = request.sse_customer_key_md5(base64::encode(Md5::digest(&secret)));
        self.send(&key, request).await.map(drop)
    }

    /// A key that does not exist: nothing is written with it, even if the bucket allows it.
    fn no_key(&self) -> String {
        self.cleaner
            .arn("kms", &self.cleaner.region, &format!("key/{}", new_id()))
    }
}
