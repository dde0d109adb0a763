//! An existing trail of the account that records the states: searched, never changed.

use crate::{
    backend::aws::{
        permissions::{ANYTHING, ActionTargets, PermissionScope},
        verify::catalogue as rules,
    },
    checks::Check,
    engine::spec::Address,
};
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

/// Requires a trail that is logging every read and write of the bucket's objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExistingTrail {
    /// `arn:aws:s3:::bucket/`
    pub objects: String,
    /// The ARN of the trail that the user specified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asserted: Option<String>,
    /// The ARN of the trail that was found.
    pub trail: Option<String>,
    /// The ARN of an organization trail that may record them, which a member account cannot read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untold: Option<String>,
}

/// Returns whether a trail belongs to another account, such as an organization trail.
pub(in crate::backend::aws) fn is_foreign(aws: &AwsProvider, arn: &str) -> bool {
    arn.split(':')
        .nth(4)
        .is_some_and(|owner| owner != aws.account())
}

/// The result for one trail.
#[derive(PartialEq)]
enum TrailCoverage {
    Yes,
    No,
    /// Unknown from this account.
    Untold,
}

impl Spec for ExistingTrail {
    fn title(&self) -> String {
        format!("a trail that records {}", self.objects)
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, _) = setting.split_once('.').unwrap_or((setting, ""));
        (field == "trail").then_some("so that reads and writes of states are recorded")
    }

    /// Lists the trails, and then reads the selectors of each.
    fn read_round_trips(&self) -> u32 {
        2
    }

    fn blocked_by(&self, observed: &Self) -> Option<String> {
        observed.untold.as_ref().map(|arn| {
            format!(
                "{arn} is an organization trail, and this account cannot read whether it records \
                 the data events of {}: if it does, pass --trail existing={arn}; otherwise, pass \
                 --trail new or --trail off",
                self.objects
            )
        })
    }

    fn data_source(&self) -> Option<String> {
        Some(format!(
            "no trail that these credentials can read records the data events of {}; pass --trail \
             new or --trail off",
            self.objects
        ))
    }
}

impl AwsResource for ExistingTrail {
    const CHECKS: &'static [&'static Check] = &[&rules::TRAIL];

    fn permission_arn(&self, scope: &PermissionScope<'_>, _: &Address) -> String {
        // An organization trail belongs to another account, and a multi-region trail may have any
        // home region.
        format!("arn:{}:cloudtrail:*:*:trail/*", scope.aws.caller.partition)
    }

    fn permissions_to_read(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["cloudtrail:DescribeTrails"], ANYTHING);
        on(
            &["cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus"],
            arn,
        );
    }

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
            // A trail of this account is read, not trusted.
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
        // An unreadable trail does not matter if another one records everything.
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
            "an existing trail is never written",
        ))
    }
}

/// Without custom selectors, a trail only records management events; only its owner can read its
/// selectors.
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

    /// A selector with an unknown condition may exclude events, and does not count.
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
