//! Writes objects like Terraform, and without encryption headers; reads and deletes them.

use aws_sdk_s3::operation::put_object::{PutObjectOutput, builders::PutObjectFluentBuilder};
use aws_smithy_types::byte_stream::ByteStream;

use super::{BackendProbe, ProbeResult};
use crate::backend::aws::{
    error::{ApiOperation, AwsError},
    store::{content::AtRestEncryption, write::encrypted},
};

pub(super) const PUT: ApiOperation = ApiOperation::new("s3:PutObject");
pub(super) const DELETE: ApiOperation = ApiOperation::new("s3:DeleteObject");
const GET: ApiOperation = ApiOperation::new("s3:GetObject");
const JSON: &str = "application/json";
/// An empty state.
const CONTENT: &str = r#"{"version":4,"terraform_version":"1.0.0","serial":1,"lineage":"","outputs":{},"resources":[]}"#;
/// Larger than any object of the probe.
const MAX: usize = 64 * 1024;

/// A written object.
#[derive(Debug)]
pub struct ProbeObject {
    /// The encryption that S3 reports.
    pub encryption: ProbeResult<AtRestEncryption>,
    /// `None` without versioning.
    pub version: Option<String>,
}

#[derive(Debug)]
pub struct ProbeObjects {
    pub written: ProbeResult<ProbeObject>,
    /// If it was written: whether the read content is the written one.
    pub read: Option<ProbeResult>,
    /// Without encryption headers; if the first could be written.
    pub without_headers: Option<ProbeResult<ProbeObject>>,
}

impl BackendProbe<'_> {
    pub(super) async fn objects(&self) -> ProbeObjects {
        let layout = &self.target.address.layout;
        let key = self.name.object(layout);
        let written = self
            .write(&key, self.encrypted(self.put(&key, CONTENT)))
            .await;
        if written.is_err() {
            return ProbeObjects {
                written,
                read: None,
                without_headers: None,
            };
        }
        let read = self.read_back(&key).await;
        let beside = self.name.beside(layout, "without-headers");
        let without_headers = self.write(&beside, self.put(&beside, CONTENT)).await;
        ProbeObjects {
            written,
            read: Some(read),
            without_headers: Some(without_headers),
        }
    }

    /// Returns a write without headers.
    pub(super) fn put(&self, key: &str, content: &str) -> PutObjectFluentBuilder {
        let request = self
            .tried
            .clients
            .s3
            .put_object()
            .bucket(self.bucket())
            .key(key)
            .expected_bucket_owner(self.owner());
        request
            .content_type(JSON)
            .body(ByteStream::from(content.as_bytes().to_vec()))
    }

    /// Sets the headers of `encrypt = true`, and `kms_key_id` if there is a key.
    pub(super) fn encrypted(&self, request: PutObjectFluentBuilder) -> PutObjectFluentBuilder {
        encrypted(request, &self.target.key.encrypt())
    }

    pub(super) async fn send(
        &self,
        key: &str,
        request: PutObjectFluentBuilder,
    ) -> ProbeResult<PutObjectOutput> {
        self.tried.read(PUT, &self.url(key), request.send()).await
    }

    async fn write(&self, key: &str, request: PutObjectFluentBuilder) -> ProbeResult<ProbeObject> {
        let version = self.send(key, request).await?.version_id;
        let gone = || AwsError::vanished(GET, &self.url(key));
        let encryption = self
            .store()
            .head(key, None)
            .await
            .and_then(|head| head.ok_or_else(gone))
            .map(|head| head.encryption);
        Ok(ProbeObject {
            encryption,
            version,
        })
    }

    async fn read_back(&self, key: &str) -> ProbeResult {
        let content = self
            .store()
            .get(key, None, MAX)
            .await?
            .ok_or_else(|| AwsError::vanished(GET, &self.url(key)))?;
        if content.bytes == CONTENT.as_bytes() {
            Ok(())
        } else {
            Err(AwsError::nonsense(
                GET,
                &self.url(key),
                "is not what was written",
            ))
        }
    }

    /// Deletes the other object first, then the one that marks the start of a probe.
    pub(super) async fn end(&self) -> ProbeResult {
        let layout = &self.target.address.layout;
        let beside = self
            .delete(&self.name.beside(layout, "without-headers"))
            .await;
        self.delete(&self.name.object(layout)).await.and(beside)
    }

    pub(super) async fn delete(&self, key: &str) -> ProbeResult {
        let request = self
            .tried
            .clients
            .s3
            .delete_object()
            .bucket(self.bucket())
            .key(key)
            .expected_bucket_owner(self.owner());
        self.tried
            .read(DELETE, &self.url(key), request.send())
            .await
            .map(drop)
    }
}
