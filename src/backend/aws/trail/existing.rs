//! A trail of the account that records the states already: looked for, never changed.

use aws_sdk_cloudtrail::types::{EventSelector, ReadWriteType};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use super::{
    ABSENT, logging,
    selectors::{self, AdvancedSelector},
};
use crate::{
    backend::aws::{
        AwsProvider,
        error::{ApiOperation, AwsError, found},
        resource::{AwsResource, ObserveContext, ObservedResource},
    },
    engine::{observation::ResourceOwner, spec::Spec},
};

const DESCRIBE: ApiOperation = ApiOperation::new("cloudtrail:DescribeTrails");
const TRAILS_AT_ONCE: usize = 8;

/// Asks for a trail that logs, right now, every read and write of the bucket's objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExistingTrail {
    /// `arn:aws:s3:::bucket/`
    pub objects: String,
    /// The ARN of the trail that the user says does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asserted: Option<String>,
    /// The ARN of the trail that does.
    pub trail: Option<String>,
    /// The ARN of one of the organization that may: what it records, a member account may not ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untold: Option<String>,
}

/// Whether a trail is another account's, as one of the organization is to its members.
pub(in crate::backend::aws) fn is_foreign(aws: &AwsProvider, arn: &str) -> bool {
    arn.split(':')
        .nth(4)
        .is_some_and(|owner| owner != aws.account())
}

/// What can be told of one trail.
#[derive(PartialEq)]
enum TrailCoverage {
    Yes,
    No,
    /// Nothing, from this account.
    Untold,
}

impl Spec for ExistingTrail {
    /// Which trails there are, and then what each records.
    fn trips_to_look(&self) -> u32 {
        2
    }

    fn blocked_by(&self, observed: &Self) -> Option<String> {
        observed.untold.as_ref().map(|arn| {
            format!(
                "whether {arn}, a trail of the organization, records the data events of {} cannot \
                 be told from this account: if it does, say so with --trail existing={arn}; else \
                 use --trail new, or --trail off",
                self.objects
            )
        })
    }

    fn reference(&self) -> Option<String> {
        Some(format!(
            "no trail that these credentials can see is logging the data events of {}; use \
             --trail new, or --trail off",
            self.objects
        ))
    }
}

impl AwsResource for ExistingTrail {
    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let aws = look.aws;
        let found = |trail: Option<String>, untold: Option<String>| {
            Some(ObservedResource {
                spec: Self {
                    trail: trail.clone(),
                    untold,
                    ..self.clone()
                },
                output: trail,
                owner: ResourceOwner::Unmanaged,
            })
        };
        if let Some(arn) = &self.asserted {
            // One of this account is not asserted, but asked.
            let covers = if is_foreign(aws, arn) {
                logging::is_on(aws, arn).await?
            } else {
                self.covered_by(aws, arn).await? == TrailCoverage::Yes
            };
            return Ok(if covers {
                found(Some(arn.clone()), None)
            } else {
                None
            });
        }
        let answer = aws
            .read(
                DESCRIBE,
                "the trails of the account",
                aws.clients.cloudtrail.describe_trails().send(),
            )
            .await?;
        let trails = answer.trail_list.unwrap_or_default().into_iter();
        let trails: Vec<(String, bool)> = trails
            .filter_map(|trail| {
                Some((
                    trail.trail_arn?,
                    trail.has_custom_event_selectors != Some(false),
                ))
            })
            .collect();
        let look = |(arn, custom): (String, bool)| async move {
            let covers = if is_foreign(aws, &arn) {
                foreign(aws, &arn, custom).await
            } else {
                self.covered_by(aws, &arn).await
            };
            (covers, arn)
        };
        let mut answers = stream::iter(trails).map(look).buffered(TRAILS_AT_ONCE);
        let (mut unseen, mut untold) = (None, None);
        while let Some((covers, arn)) = answers.next().await {
            match covers {
                Ok(TrailCoverage::Yes) => return Ok(found(Some(arn), None)),
                Ok(TrailCoverage::No) => {}
                Ok(TrailCoverage::Untold) => untold = Some(arn),
                Err(error) => unseen = Some(error),
            }
        }
        // One trail that may not be looked at is no matter where another records everything.
        match (unseen, untold) {
            (Some(error), _) => Err(error),
            (None, Some(arn)) => Ok(found(None, Some(arn))),
            (None, None) => Ok(None),
        }
    }

    async fn write(
        &self,
        _aws: &AwsProvider,
        _from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        Err(AwsError::nonsense(
            DESCRIBE,
            &self.objects,
            "a trail that was there before is never written",
        ))
    }
}

/// Without selectors of its own a trail records management events only; what its selectors are, its
/// owner alone may ask.
async fn foreign(aws: &AwsProvider, arn: &str, custom: bool) -> Result<TrailCoverage, AwsError> {
    Ok(if custom && logging::is_on(aws, arn).await? {
        TrailCoverage::Untold
    } else {
        TrailCoverage::No
    })
}

impl ExistingTrail {
    pub fn new(objects: String, asserted: Option<String>) -> Self {
        Self {
            objects,
            asserted,
            trail: None,
            untold: None,
        }
    }

    async fn covered_by(&self, aws: &AwsProvider, arn: &str) -> Result<TrailCoverage, AwsError> {
        let client = &aws.clients.cloudtrail;
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
            return Ok(TrailCoverage::No);
        };
        let advanced = selectors
            .advanced_event_selectors()
            .iter()
            .map(AdvancedSelector::from_sdk)
            .any(|s| self.in_advanced(&s));
        let basic = selectors.event_selectors().iter().any(|s| self.in_basic(s));
        Ok(
            if status.is_logging().unwrap_or(false) && (advanced || basic) {
                TrailCoverage::Yes
            } else {
                TrailCoverage::No
            },
        )
    }

    /// Values of basic selectors are prefixes.
    pub(in crate::backend::aws) fn in_basic(&self, selector: &EventSelector) -> bool {
        selector.read_write_type() == Some(&ReadWriteType::All)
            && selector.data_resources().iter().any(|data| {
                data.r#type() == Some("AWS::S3::Object")
                    && data
                        .values()
                        .iter()
                        .any(|value| self.objects.starts_with(&**value))
            })
    }

    /// Any condition that we do not know may leave events out, and so does not count.
    pub(in crate::backend::aws) fn in_advanced(&self, selector: &AdvancedSelector) -> bool {
        selector.fields.iter().all(|field| {
            field.other.is_empty()
                && match &*field.field {
                    "eventCategory" => field.equals == ["Data"],
                    "resources.type" => field.equals == ["AWS::S3::Object"],
                    "resources.ARN" => {
                        field.equals.is_empty()
                            && field
                                .starts_with
                                .iter()
                                .any(|start| self.objects.starts_with(&**start))
                    }
                    _ => false,
                }
        })
    }
}

#[cfg(test)]
mod tests;
