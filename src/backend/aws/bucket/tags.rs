//! The tags of a bucket, which identify its owner, and how to set them if the ordinary call is
//! rejected.

use aws_sdk_s3::types::{BucketAbacStatus, Tag, Tagging};

use super::{NOT_YET, policy};
use crate::backend::aws::{
    AwsProvider,
    error::{ApiOperation, AwsError, ServiceErrorKind, found},
    ownership::Tags,
};

const GET: ApiOperation = ApiOperation::new("s3:GetBucketTagging");
const PUT: ApiOperation = ApiOperation::new("s3:PutBucketTagging");
const GET_ABAC: ApiOperation = ApiOperation::allowed_by("s3:GetBucketAbac", "s3:GetBucketABAC");
const TAG: ApiOperation = ApiOperation::new("s3:TagResource");
const GET_VERSIONING: ApiOperation = ApiOperation::new("s3:GetBucketVersioning");
const LIST: ApiOperation = ApiOperation::allowed_by("s3:ListObjectsV2", "s3:ListBucket");

/// The errors of S3 for a creation with tags if not supported, as in `aws-eusc`.
pub(super) const REFUSED: &[&str] = &["UnsupportedArgument", "NotImplemented", "XNotImplemented"];

/// `None` if the bucket does not exist.
pub(super) async fn get(aws: &AwsProvider, bucket: &str) -> Result<Option<Tags>, AwsError> {
    let request = aws
        .clients
        .s3
        .get_bucket_tagging()
        .bucket(bucket)
        .expected_bucket_owner(aws.account());
    match aws.read(GET, bucket, request.send()).await {
        Err(error) if error.is(&["NoSuchTagSet"]) => Ok(Some(Tags::new())),
        answer => Ok(found(answer, NOT_YET)?.map(|answer| {
            answer
                .tag_set
                .into_iter()
                .map(|tag| (tag.key, tag.value))
                .collect()
        })),
    }
}

/// Replaces the whole set, so that `tags` includes those of others.
pub(super) async fn put(aws: &AwsProvider, bucket: &str, tags: &Tags) -> Result<(), AwsError> {
    let tagging = Tagging::builder()
        .set_tag_set(Some(to_sdk(tags)))
        .build()
        .expect("the set is given");
    let request = aws
        .clients
        .s3
        .put_bucket_tagging()
        .bucket(bucket)
        .tagging(tagging)
        .expected_bucket_owner(aws.account());
    let Err(error) = aws
        .send(PUT, bucket, NOT_YET, || request.clone().send())
        .await
    else {
        return Ok(());
    };
    // With attribute-based access control, bucket tags are only set with S3 Control; the error code
    // is not documented.
    let may_be_abac = matches!(
        error.kind,
        ServiceErrorKind::Refused | ServiceErrorKind::Denied
    ) && !error.is(NOT_YET);
    if may_be_abac && has_abac(aws, bucket).await {
        add(aws, bucket, tags).await
    } else {
        Err(error)
    }
}

/// False if unknown: then the first error is returned.
async fn has_abac(aws: &AwsProvider, bucket: &str) -> bool {
    let request = aws
        .clients
        .s3
        .get_bucket_abac()
        .bucket(bucket)
        .expected_bucket_owner(aws.account());
    let answer = aws
        .read(GET_ABAC, bucket, request.send())
        .await
        .ok()
        .and_then(|answer| answer.abac_status);
    answer.and_then(|abac| abac.status) == Some(BucketAbacStatus::Enabled)
}

async fn add(aws: &AwsProvider, bucket: &str, tags: &Tags) -> Result<(), AwsError> {
    let tag = |(key, value): (&String, &String)| {
        aws_sdk_s3control::types::Tag::builder()
            .key(key)
            .value(value)
            .build()
            .expect("both parts are given")
    };
    let arn = format!("arn:{}:s3:::{bucket}", aws.caller.partition);
    let request = aws
        .clients
        .s3control
        .tag_resource()
        .account_id(aws.account())
        .resource_arn(arn);
    let request = request.set_tags(Some(tags.iter().map(tag).collect()));
    aws.send(TAG, bucket, NOT_YET, || request.clone().send())
        .await
        .map(drop)
}

/// Returns whether a bucket is unused: no object, no policy, and versioning was never enabled.
pub(super) async fn is_untouched(aws: &AwsProvider, bucket: &str) -> Result<bool, AwsError> {
    let versioning = aws
        .clients
        .s3
        .get_bucket_versioning()
        .bucket(bucket)
        .expected_bucket_owner(aws.account());
    let list = aws
        .clients
        .s3
        .list_objects_v2()
        .bucket(bucket)
        .max_keys(1)
        .expected_bucket_owner(aws.account());
    let (versioning, policy, list) = tokio::join!(
        aws.read(GET_VERSIONING, bucket, versioning.send()),
        policy::get(aws, bucket),
        aws.read(LIST, bucket, list.send())
    );
    Ok(versioning?.status.is_none() && policy?.is_none() && list?.contents().is_empty())
}

pub(super) fn to_sdk(tags: &Tags) -> Vec<Tag> {
    let tag = |(key, value): (&String, &String)| {
        Tag::builder()
            .key(key)
            .value(value)
            .build()
            .expect("both parts are given")
    };
    tags.iter().map(tag).collect()
}

#[cfg(test)]
mod tests;
