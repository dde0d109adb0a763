//! The grants of a bucket's access control list to others than its owner. S3 only disables lists
//! without such grants (S3 User Guide, "Error responses when you apply the bucket owner enforced
//! setting").

use aws_sdk_s3::types::{Grant, Grantee};

use super::NOT_YET;
use crate::backend::aws::{
    AwsProvider,
    error::{ApiOperation, AwsError, found},
};

const GET: ApiOperation = ApiOperation::new("s3:GetBucketAcl");

/// Returns each grant to others than the owner, as `READ to the group LogDelivery`; `None` if the
/// bucket does not exist.
pub(super) async fn grants(
    aws: &AwsProvider,
    bucket: &str,
) -> Result<Option<Vec<String>>, AwsError> {
    let request = aws
        .clients
        .s3
        .get_bucket_acl()
        .bucket(bucket)
        .expected_bucket_owner(aws.account());
    let Some(acl) = found(aws.read(GET, bucket, request.send()).await, NOT_YET)? else {
        return Ok(None);
    };
    let owner = acl.owner().and_then(|owner| owner.id());
    let others = acl.grants().iter().filter(|grant| {
        grant
            .grantee()
            .and_then(Grantee::id)
            .is_none_or(|id| Some(id) != owner)
    });
    Ok(Some(others.map(in_words).collect()))
}

fn in_words(grant: &Grant) -> String {
    let what = grant
        .permission()
        .map_or("something", |permission| permission.as_str());
    let Some(grantee) = grant.grantee() else {
        return format!("{what} to an unknown grantee");
    };
    match (grantee.uri(), grantee.id(), grantee.email_address()) {
        (Some(group), ..) => format!(
            "{what} to the group {}",
            group.rsplit('/').next().unwrap_or(group)
        ),
        (None, Some(id), _) => format!("{what} to the account with the canonical ID {id}"),
        (None, None, Some(email)) => format!("{what} to {email}"),
        (None, None, None) => format!("{what} to an unknown grantee"),
    }
}

/// Returns why lists cannot be disabled, with the fix.
pub(super) fn in_the_way(bucket: &str, grants: &[String]) -> String {
    format!(
        "the access control list of bucket {bucket} grants {}, and S3 cannot disable access \
         control lists while they grant access to others: if the access is still needed, allow it \
         in the bucket policy, then remove the grants with `aws s3api put-bucket-acl --bucket \
         {bucket} --acl private`",
        grants.join(", ")
    )
}
