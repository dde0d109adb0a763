//! Checks whether a log bucket contains files of a trail, which are encrypted with the
//! environment's key.

use crate::backend::aws::{
    AwsProvider,
    bucket::NOT_YET as NO_BUCKET,
    error::{ApiOperation, AwsError, found},
    policies::TRAIL_PREFIX,
};

const LIST: ApiOperation = ApiOperation::allowed_by("s3:ListObjectsV2", "s3:ListBucket");

/// Returns whether there is any; false for a missing bucket.
///
/// # Errors
/// If the bucket cannot be listed.
pub(crate) async fn any(aws: &AwsProvider, bucket: &str) -> Result<bool, AwsError> {
    let request = aws
        .clients
        .s3
        .list_objects_v2()
        .bucket(bucket)
        .prefix(format!("{TRAIL_PREFIX}/"))
        .max_keys(1);
    let answer = aws
        .read(
            LIST,
            bucket,
            request.expected_bucket_owner(aws.account()).send(),
        )
        .await;
    Ok(found(answer, NO_BUCKET)?.is_some_and(|page| !page.contents().is_empty()))
}
