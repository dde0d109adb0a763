//! The start of using lock files in addition to the table, stored as a tag of the table, so that
//! all users of a migration share it.

use jiff::Timestamp;

use super::{TAG, TAGS, Tags, get_tags, sdk_tags};
use crate::backend::aws::{
    AwsProvider,
    error::{ApiOperation, AwsError},
};

/// RFC 3339. A tag of the table, because the migration ends with the deletion of the table.
pub(crate) const BOTH_SINCE: &str = "tfbackend:lock-files-since";
const UNTAG: ApiOperation = ApiOperation::new("dynamodb:UntagResource");

/// Returns `None` if the migration has not started.
///
/// # Errors
/// If the tags cannot be read, or the value is not a valid time.
pub(crate) async fn both_since(
    aws: &AwsProvider,
    table: &str,
) -> Result<Option<Timestamp>, AwsError> {
    let tags = get_tags(aws, &arn(aws, table)).await?.unwrap_or_default();
    let nonsense = |_| {
        AwsError::nonsense(
            TAGS,
            table,
            &format!("the tag {BOTH_SINCE} is not a valid time"),
        )
    };
    tags.get(BOTH_SINCE)
        .map(|since| since.parse().map_err(nonsense))
        .transpose()
}

pub(crate) async fn set_both_since(
    aws: &AwsProvider,
    table: &str,
    since: Timestamp,
) -> Result<(), AwsError> {
    let tags = sdk_tags(&Tags::from([(BOTH_SINCE.to_owned(), since.to_string())]));
    let request = aws
        .clients
        .dynamodb
        .tag_resource()
        .resource_arn(arn(aws, table))
        .set_tags(Some(tags));
    aws.send(TAG, table, super::BUSY, || request.clone().send())
        .await
        .map(drop)
}

pub(crate) async fn clear_both_since(aws: &AwsProvider, table: &str) -> Result<(), AwsError> {
    let request = aws
        .clients
        .dynamodb
        .untag_resource()
        .resource_arn(arn(aws, table))
        .tag_keys(BOTH_SINCE);
    aws.send(UNTAG, table, super::BUSY, || request.clone().send())
        .await
        .map(drop)
}

/// A table may be specified by its ARN.
fn arn(aws: &AwsProvider, table: &str) -> String {
    if table.starts_with("arn:") {
        table.to_owned()
    } else {
        aws.arn("dynamodb", &aws.region, &format!("table/{table}"))
    }
}
