//! A trail of the account that records the states already: looked for, never changed.

use aws_sdk_cloudtrail::types::{EventSelector, ReadWriteType};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use super::{
    ABSENT, logging,
    selectors::{self, Selector},
};
use crate::{
    aws::{
        Aws,
        error::{Api, AwsError, found},
        resource::{Found, Look, Resource},
    },
    observation::Owner,
    spec::Spec,
};

const DESCRIBE: Api = Api::new("cloudtrail:DescribeTrails");
const TRAILS_AT_ONCE: usize = 8;

/// Asks for a trail that logs, right now, every read and write of the bucket's objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExistingTrail {
    /// `arn:aws:s3:::bucket/`
    pub objects: String,
    /// The ARN of the trail that does.
    pub trail: Option<String>,
}

impl Spec for ExistingTrail {
    /// Which trails there are, and then what each records.
    fn trips_to_look(&self) -> u32 {
        2
    }

    fn reference(&self) -> Option<String> {
        Some(format!(
            "no trail that these credentials can see is logging the data events of {}; use --trail new, or --trail off",
            self.objects
        ))
    }
}

impl Resource for ExistingTrail {
    async fn look(&self, look: &Look<'_>) -> Result<Option<Found<Self>>, AwsError> {
        let aws = look.aws;
        let answer = aws.read(DESCRIBE, "the trails of the account", aws.clients.cloudtrail.describe_trails().send()).await?;
        let arns: Vec<String> = answer.trail_list.unwrap_or_default().into_iter().filter_map(|trail| trail.trail_arn).collect();
        let mut answers = stream::iter(arns).map(|arn| async move { (self.covered_by(aws, &arn).await, arn) }).buffered(TRAILS_AT_ONCE);
        let mut unseen = None;
        while let Some((covered, arn)) = answers.next().await {
            match covered {
                Ok(true) => {
                    let spec = Self { objects: self.objects.clone(), trail: Some(arn.clone()) };
                    return Ok(Some(Found { spec, output: Some(arn), owner: Owner::Unmanaged }));
                }
                Ok(false) => {}
                Err(error) => unseen = Some(error),
            }
        }
        // One trail that may not be looked at is no matter where another records everything.
        unseen.map_or(Ok(None), Err)
    }

    async fn write(&self, _aws: &Aws, _from: Option<&Self>) -> Result<Option<String>, AwsError> {
        Err(AwsError::nonsense(DESCRIBE, &self.objects, "a trail that was there before is never written"))
    }
}

impl ExistingTrail {
    async fn covered_by(&self, aws: &Aws, arn: &str) -> Result<bool, AwsError> {
        let client = &aws.clients.cloudtrail;
        let (selectors, status) = tokio::join!(
            aws.read(selectors::GET, arn, client.get_event_selectors().trail_name(arn).send()),
            aws.read(logging::GET, arn, client.get_trail_status().name(arn).send()),
        );
        let (Some(selectors), Some(status)) = (found(selectors, ABSENT)?, found(status, ABSENT)?) else { return Ok(false) };
        let advanced = selectors.advanced_event_selectors().iter().map(Selector::from_sdk).any(|s| self.in_advanced(&s));
        let basic = selectors.event_selectors().iter().any(|s| self.in_basic(s));
        Ok(status.is_logging().unwrap_or(false) && (advanced || basic))
    }

    /// Values of basic selectors are prefixes.
    pub(in crate::aws) fn in_basic(&self, selector: &EventSelector) -> bool {
        selector.read_write_type() == Some(&ReadWriteType::All)
            && selector.data_resources().iter().any(|data| {
                data.r#type() == Some("AWS::S3::Object") && data.values().iter().any(|value| self.objects.starts_with(&**value))
            })
    }

    /// Any condition that we do not know may leave events out, and so does not count.
    pub(in crate::aws) fn in_advanced(&self, selector: &Selector) -> bool {
        selector.fields.iter().all(|field| {
            field.other.is_empty()
                && match &*field.field {
                    "eventCategory" => field.equals == ["Data"],
                    "resources.type" => field.equals == ["AWS::S3::Object"],
                    "resources.ARN" => field.equals.is_empty() && field.starts_with.iter().any(|start| self.objects.starts_with(&**start)),
                    _ => false,
                }
        })
    }
}

#[cfg(test)]
mod tests;
