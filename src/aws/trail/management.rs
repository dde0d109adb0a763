//! Whether the account records who changes anything, beside who reads states.

use aws_sdk_cloudtrail::types::{EventSelector, ReadWriteType, Trail};
use futures_util::{StreamExt, stream};

use super::{
    ABSENT, logging,
    selectors::{self, Selector},
};
use crate::aws::{
    Aws,
    error::{Api, AwsError, found},
};

const DESCRIBE: Api = Api::new("cloudtrail:DescribeTrails");
const TRAILS_AT_ONCE: usize = 8;

/// Whether any trail that can be seen records all management events of all regions, now.
///
/// # Errors
/// If there is none, and one of the others could not be looked at.
pub async fn is_recorded(aws: &Aws) -> Result<bool, AwsError> {
    let answer = aws.read(DESCRIBE, "the trails of the account", aws.clients.cloudtrail.describe_trails().send()).await?;
    let trails: Vec<Trail> =
        answer.trail_list.unwrap_or_default().into_iter().filter(|trail| trail.is_multi_region_trail() == Some(true)).collect();
    let mut looked = stream::iter(trails).map(|trail| async move { records(aws, &trail).await }).buffer_unordered(TRAILS_AT_ONCE);
    let mut unseen = None;
    while let Some(answer) = looked.next().await {
        match answer {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(error) => unseen = Some(error),
        }
    }
    unseen.map_or(Ok(false), Err)
}

async fn records(aws: &Aws, trail: &Trail) -> Result<bool, AwsError> {
    let Some(arn) = trail.trail_arn() else { return Ok(false) };
    let client = &aws.clients.cloudtrail;
    let (selectors, status) = tokio::join!(
        aws.read(selectors::GET, arn, client.get_event_selectors().trail_name(arn).send()),
        aws.read(logging::GET, arn, client.get_trail_status().name(arn).send()),
    );
    let (Some(selectors), Some(status)) = (found(selectors, ABSENT)?, found(status, ABSENT)?) else { return Ok(false) };
    let basic = |selector: &EventSelector| {
        selector.include_management_events() == Some(true) && selector.read_write_type() == Some(&ReadWriteType::All)
    };
    // A condition beside the category leaves events out.
    let advanced =
        |selector: Selector| matches!(&selector.fields[..], [only] if only.field == "eventCategory" && only.equals == ["Management"]);
    let all =
        selectors.event_selectors().iter().any(basic) || selectors.advanced_event_selectors().iter().map(Selector::from_sdk).any(advanced);
    Ok(status.is_logging() == Some(true) && all)
}

#[cfg(test)]
mod tests;
