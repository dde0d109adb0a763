//! Whom the access control list of a bucket lets in beside its owner. S3 turns lists off only where
//! they let in no other (S3 User Guide, "Error responses when you apply the bucket owner enforced
//! setting").

use aws_sdk_s3::types::{Grant, Grantee};

use super::NOT_YET;
use crate::backend::aws::{
    AwsProvider,
    error::{ApiOperation, AwsError, found},
};

const GET: ApiOperation = ApiOperation::new("s3:GetBucketAcl");

/// Each grant to another than the owner, as `READ to the group LogDelivery`; `None` if there is no
/// such bucket.
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

/// Why lists cannot be turned off, and what to do.
pub(super) fn in_the_way(bucket: &str, grants: &[String]) -> String {
    format!(
        "the access control list of bucket {bucket} grants {}, and S3 does not turn lists off \
         while they grant anything to others: give those who still need it a statement in the \
         bucket policy, then take the grants away with `aws s3api put-bucket-acl --bucket \
         {bucket} --acl private`",
        grants.join(", ")
    )
}
