//! Checks whether the account records management events.

use aws_sdk_cloudtrail::types::{EventSelector, ReadWriteType, Trail};
use futures_util::{StreamExt, stream};

use super::{
    ABSENT,
    existing::is_foreign,
    logging,
    selectors::{self, AdvancedSelector},
};
use crate::backend::aws::{
    AwsProvider,
    error::{ApiOperation, AwsError, found},
};

const DESCRIBE: ApiOperation = ApiOperation::new("cloudtrail:DescribeTrails");
const TRAILS_AT_ONCE: usize = 8;

/// The result of the check for management events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ManagementEvents {
    Yes,
    No,
    /// Unknown: a member account cannot read the selectors of the organization trail with this ARN.
    Untold(String),
}

/// Returns whether any readable trail is recording all management events of all regions.
///
/// # Errors
/// If there is none, and one of the others cannot be read.
pub(crate) async fn is_recorded(aws: &AwsProvider) -> Result<ManagementEvents, AwsError> {
    let answer = aws
        .read(
            DESCRIBE,
            "the trails of the account",
            aws.clients.cloudtrail.describe_trails().send(),
        )
        .await?;
    let trails: Vec<Trail> = answer
        .trail_list
        .unwrap_or_default()
        .into_iter()
        .filter(|trail| trail.is_multi_region_trail() == Some(true))
        .collect();
    let mut looked = stream::iter(trails)
        .map(|trail| async move { records(aws, &trail).await })
        .buffer_unordered(TRAILS_AT_ONCE);
    let (mut unseen, mut untold) = (None, ManagementEvents::No);
    while let Some(answer) = looked.next().await {
        match answer {
            Ok(ManagementEvents::Yes) => return Ok(ManagementEvents::Yes),
            Ok(ManagementEvents::No) => {}
            Ok(other) => untold = other,
            Err(error) => unseen = Some(error),
        }
    }
    unseen.map_or(Ok(untold), Err)
}

/// Members of an organization can read whether its trail is logging and has custom selectors:
/// without any, it records all management events (CloudTrail: GetTrailStatus, DescribeTrails).
async fn records(aws: &AwsProvider, trail: &Trail) -> Result<ManagementEvents, AwsError> {
    let Some(arn) = trail.trail_arn() else {
        return Ok(ManagementEvents::No);
    };
    let client = &aws.clients.cloudtrail;
    if is_foreign(aws, arn) {
        return Ok(
            match (
                logging::is_on(aws, arn).await?,
                trail.has_custom_event_selectors(),
            ) {
                (false, _) => ManagementEvents::No,
                (true, Some(false)) => ManagementEvents::Yes,
                (true, _) => ManagementEvents::Untold(arn.to_owned()),
            },
        );
    }
    let (selectors, status) = tokio::join!(
        aws.read(
            selectors::GET,
            arn,
            client.get_event_selectors().trail_name(arn).send()
        ),
        aws.read(
            logging::GET,
            arn,
            client.get_trail_status().name(arn).send()
        ),
    );
    let (Some(selectors), Some(status)) = (found(selectors, ABSENT)?, found(status, ABSENT)?)
    else {
        return Ok(ManagementEvents::No);
    };
    let basic = |selector: &EventSelector| {
        selector.include_management_events() == Some(true)
            && selector.read_write_type() == Some(&ReadWriteType::All)
    };
    // A condition besides the category excludes events.
    let advanced = |selector: AdvancedSelector| matches!(&selector.fields[..], [only] if only.field == "eventCategory" && only.equals == ["Management"]);
    let all = selectors.event_selectors().iter().any(basic)
        || selectors
            .advanced_event_selectors()
            .iter()
            .map(AdvancedSelector::from_sdk)
            .any(advanced);
    Ok(if status.is_logging() == Some(true) && all {
        ManagementEvents::Yes
    } else {
        ManagementEvents::No
    })
}

#[cfg(test)]
mod tests;
