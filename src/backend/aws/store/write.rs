//! Writes states and their digests like Terraform, and only over the content that was read.

use aws_sdk_dynamodb::{
    operation::delete_item::builders::DeleteItemFluentBuilder, types::AttributeValue,
};
use aws_sdk_s3::{
    operation::put_object::{PutObjectOutput, builders::PutObjectFluentBuilder},
    types::{ChecksumAlgorithm, ServerSideEncryption},
};
use aws_smithy_types::byte_stream::ByteStream;

use super::{
    S3Store,
    table::{DIGEST, INFO},
};
use crate::{
    backend::aws::{
        clients::upload_timeouts,
        error::{ApiOperation, AwsError},
        lock_table,
    },
    state::digest,
};

pub(super) const PUT: ApiOperation = ApiOperation::new("s3:PutObject");
const PUT_ITEM: ApiOperation = ApiOperation::new("dynamodb:PutItem");
const DELETE_ITEM: ApiOperation = ApiOperation::new("dynamodb:DeleteItem");

const JSON: &str = "application/json";
/// Only if it does not exist.
const NONE: &str = "*";
/// The condition failed; with `If-Match`, S3 also returns this for a missing object.
const NOT_SO: &[&str] = &["PreconditionFailed", "NoSuchKey"];
/// A concurrent write of the same object.
const CONFLICT: &[&str] = &["ConditionalRequestConflict"];
const NOT_SO_IN_TABLE: &[&str] = &["ConditionalCheckFailedException"];

/// The encryption headers of Terraform for states and lock files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteEncryption {
    /// No headers, without `encrypt = true`: the default encryption of the bucket applies.
    Unsaid,
    /// An S3 managed key: `encrypt = true`.
    OfS3,
    /// With the unmodified `kms_key_id`.
    Kms(String),
}

/// The condition of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteCondition {
    /// No object, or a delete marker.
    IfNoneMatch,
    /// The version with this ETag, including quotes.
    IfMatch(String),
}

/// The condition of a digest write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedDigest<'a> {
    Absent,
    Exact(&'a str),
}

/// A written object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenObject {
    /// `None` without versioning.
    pub version: Option<String>,
    /// With its quotes, as S3 wants it back.
    pub etag: String,
}

/// The reason why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum NotWritten {
    /// The current content differs from what was read, and is not changed.
    #[error("it was changed in the meantime")]
    Changed,
    #[error(transparent)]
    Failed(#[from] AwsError),
}

/// The result of a conditional delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionalDelete {
    Done,
    /// Already deleted, by another client or by an attempt whose response was lost.
    AlreadyGone,
    /// The current content is another one, and is kept.
    Changed,
}

impl S3Store<'_> {
    /// Writes a state like Terraform, but in one piece regardless of its size, and conditionally.
    ///
    /// The caller holds the lock of the state. After a lost response, the state is read: if it is
    /// the new one, it was written.
    pub async fn put_state(
        &self,
        path: &str,
        bytes: Vec<u8>,
        encrypt: &WriteEncryption,
        condition: &WriteCondition,
    ) -> Result<WrittenObject, NotWritten> {
        let error = match self.put_object(path, &bytes, encrypt, condition).await {
            Ok(put) => return Ok(put),
            Err(error) => error,
        };
        match self.get(path, None, bytes.len()).await {
            Ok(Some(now)) if now.bytes == bytes => Ok(WrittenObject {
                version: now.version,
                etag: now.etag,
            }),
            Ok(_) | Err(_) if error.is(NOT_SO) => Err(NotWritten::Changed),
            Ok(_) | Err(_) => Err(NotWritten::Failed(error)),
        }
    }

    /// Writes the digest of a state, if the table has the value that was read. The caller holds the
    /// lock of the state.
    pub async fn put_digest(
        &self,
        path: &str,
        md5: &str,
        expected: ExpectedDigest<'_>,
    ) -> Result<(), NotWritten> {
        let table = self.the_table(PUT_ITEM)?;
        let request = self.aws.clients.dynamodb.put_item().table_name(table);
        let request = request.item(
            lock_table::KEY,
            AttributeValue::S(digest::digest_id(&self.address.bucket, path)),
        );
        let request = request.item(DIGEST, AttributeValue::S(md5.to_owned()));
        let request = match expected {
            ExpectedDigest::Absent => {
                request.condition_expression(format!("attribute_not_exists({})", lock_table::KEY))
            }
            ExpectedDigest::Exact(exact) => request
                .condition_expression(format!("{DIGEST} = :exact"))
                .expression_attribute_values(":exact", AttributeValue::S(exact.to_owned())),
        };
        let Err(error) = self.aws.read(PUT_ITEM, table, request.send()).await else {
            return Ok(());
        };
        match self.digest_item(path).await {
            Ok(Some(now)) if now == md5 => Ok(()),
            Ok(_) | Err(_) if error.is(NOT_SO_IN_TABLE) => Err(NotWritten::Changed),
            Ok(_) | Err(_) => Err(NotWritten::Failed(error)),
        }
    }

    /// Deletes the digest of a state, if it is still this one.
    pub async fn delete_digest(
        &self,
        path: &str,
        exact: &str,
    ) -> Result<ConditionalDelete, AwsError> {
        let deleted = self
            .delete_item(digest::digest_id(&self.address.bucket, path), DIGEST, exact)
            .await;
        let Err(error) = deleted else {
            return Ok(ConditionalDelete::Done);
        };
        after(error, self.digest_item(path).await, |now| now != exact)
    }

    /// Returns a write with Terraform's headers: content type, checksum, encryption.
    pub(in crate::backend::aws) async fn put_object(
        &self,
        key: &str,
        bytes: &[u8],
        encrypt: &WriteEncryption,
        condition: &WriteCondition,
    ) -> Result<WrittenObject, AwsError> {
        let url = self.url(key);
        let request = || {
            let request = self
                .aws
                .clients
                .s3
                .put_object()
                .bucket(&self.address.bucket)
                .key(key);
            let request = request
                .expected_bucket_owner(&self.address.owner)
                .content_type(JSON);
            let request = request
                .checksum_algorithm(ChecksumAlgorithm::Sha256)
                .body(ByteStream::from(bytes.to_vec()));
            let request = match condition {
                WriteCondition::IfNoneMatch => request.if_none_match(NONE),
                WriteCondition::IfMatch(etag) => request.if_match(etag),
            };
            let config =
                aws_sdk_s3::config::Config::builder().timeout_config(upload_timeouts(bytes.len()));
            encrypted(request, encrypt)
                .customize()
                .config_override(config)
                .send()
        };
        let PutObjectOutput {
            version_id, e_tag, ..
        } = self.aws.send(PUT, &url, CONFLICT, request).await?;
        Ok(WrittenObject {
            version: version_id,
            etag: e_tag.unwrap_or_default(),
        })
    }

    /// Writes the lock on a state as an item, if there is none.
    pub(in crate::backend::aws) async fn put_lock_item(
        &self,
        path: &str,
        info: &str,
    ) -> Result<(), AwsError> {
        let table = self.the_table(PUT_ITEM)?;
        let request = self.aws.clients.dynamodb.put_item().table_name(table);
        let request = request.item(
            lock_table::KEY,
            AttributeValue::S(digest::lock_id(&self.address.bucket, path)),
        );
        let request = request.item(INFO, AttributeValue::S(info.to_owned()));
        let request =
            request.condition_expression(format!("attribute_not_exists({})", lock_table::KEY));
        self.aws
            .read(PUT_ITEM, table, request.send())
            .await
            .map(drop)
    }

    /// Deletes an item of the table if an attribute has exactly this value; for an empty value, if
    /// it is empty or not a text.
    pub(super) async fn delete_item(
        &self,
        lock_id: String,
        attribute: &str,
        exact: &str,
    ) -> Result<(), AwsError> {
        let table = self.the_table(DELETE_ITEM)?;
        let request = self
            .aws
            .clients
            .dynamodb
            .delete_item()
            .table_name(table)
            .key(lock_table::KEY, AttributeValue::S(lock_id));
        let text = |request: DeleteItemFluentBuilder, name: &str, text: &str| {
            request.expression_attribute_values(name, AttributeValue::S(text.to_owned()))
        };
        let request = if exact.is_empty() {
            let condition = format!(
                "attribute_exists({}) AND (NOT attribute_type({attribute}, :text) OR {attribute} \
                 = :exact)",
                lock_table::KEY
            );
            text(request.condition_expression(condition), ":text", "S")
        } else {
            request.condition_expression(format!("{attribute} = :exact"))
        };
        let request = text(request, ":exact", exact);
        self.aws
            .read(DELETE_ITEM, table, request.send())
            .await
            .map(drop)
    }

    fn the_table(&self, api: ApiOperation) -> Result<&str, AwsError> {
        self.address.table.as_deref().ok_or_else(|| {
            AwsError::nonsense(api, &self.address.bucket, "this backend has no lock table")
        })
    }
}

/// Returns the result of a rejected delete, from the current content.
pub(super) fn after<T>(
    error: AwsError,
    now: Result<Option<T>, AwsError>,
    is_another: impl Fn(&T) -> bool,
) -> Result<ConditionalDelete, AwsError> {
    match now {
        Ok(None) => Ok(ConditionalDelete::AlreadyGone),
        Ok(Some(now)) if is_another(&now) => Ok(ConditionalDelete::Changed),
        Ok(Some(_)) | Err(_) => Err(error),
    }
}

/// Returns the encryption headers.
pub(in crate::backend::aws) fn encrypted(
    request: PutObjectFluentBuilder,
    encrypt: &WriteEncryption,
) -> PutObjectFluentBuilder {
    match encrypt {
        WriteEncryption::Unsaid => request,
        WriteEncryption::OfS3 => request.server_side_encryption(ServerSideEncryption::Aes256),
        WriteEncryption::Kms(key) => request
            .server_side_encryption(ServerSideEncryption::AwsKms)
            .ssekms_key_id(key),
    }
}
