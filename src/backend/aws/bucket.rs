//! A bucket: the state bucket or the log bucket.
//!
//! Each setting is a part below `bucket/` that is compared, written and explained separately. Every
//! call except the creation sends the expected owner.

use crate::{
    backend::aws::{
        permissions::{ActionTargets, PermissionScope},
        verify::catalogue as rules,
    },
    checks::Check,
    engine::spec::Address,
};
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketNamespace, CreateBucketConfiguration, ObjectOwnership,
    OwnershipControls, OwnershipControlsRule,
};
use serde::{Deserialize, Serialize};

use super::{
    AwsProvider,
    error::{ApiOperation, AwsError, found},
    ownership::{EnvironmentId, Tags, tags_over, tags_to_add, trips_to_tag},
    resource::{AwsResource, ObserveContext, ObservedResource},
};
use crate::engine::{observation::ResourceOwner, spec::Spec};

mod acl;
mod deletion;
pub(crate) mod encryption;
pub mod lifecycle;
pub(crate) mod logging;
pub(crate) mod notifications;
pub(crate) mod policy;
pub(crate) mod public_access;
mod tags;
pub(crate) mod versioning;

const HEAD: ApiOperation = ApiOperation::allowed_by("s3:HeadBucket", "s3:ListBucket");
const CREATE: ApiOperation = ApiOperation::new("s3:CreateBucket");
const DELETE: ApiOperation = ApiOperation::new("s3:DeleteBucket");
const GET_OWNERSHIP: ApiOperation = ApiOperation::new("s3:GetBucketOwnershipControls");
const PUT_OWNERSHIP: ApiOperation = ApiOperation::new("s3:PutBucketOwnershipControls");

pub(super) const NO_BUCKET: &str = "NoSuchBucket";
/// A new bucket is eventually consistent.
pub(super) const NOT_YET: &[&str] = &[NO_BUCKET];
/// The partition in which S3 supports all settings.
const COMMERCIAL: &str = "aws";
/// The region that must not be sent as a location.
const DEFAULT_REGION: &str = "us-east-1";
/// Access control lists are disabled: only policies control access.
pub const ENFORCED: &str = "BucketOwnerEnforced";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BucketSpec {
    pub name: String,
    pub region: String,
    /// True if the name is in the account's own namespace.
    pub account_regional: bool,
    pub ownership: String,
    /// The grants of its access control list to others, if lists are enabled; expected to be
    /// empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<String>,
    pub tags: Tags,
}

impl Spec for BucketSpec {
    fn title(&self) -> String {
        format!("S3 bucket {}", self.name)
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, _) = setting.split_once('.').unwrap_or((setting, ""));
        Some(match field {
            "region" => "so that the states are stored in the configured region",
            "account_regional" => "so that no other account can use the name",
            "ownership" => "so that only policies control access",
            _ => return None,
        })
    }

    fn merge_onto(&self, observed: &Self) -> Self {
        Self {
            account_regional: observed.account_regional,
            tags: tags_over(&self.tags, &observed.tags),
            ..self.clone()
        }
    }

    fn write_round_trips(&self, from: Option<&Self>) -> u32 {
        from.map_or(1, |from| {
            u32::from(self.ownership != from.ownership) + trips_to_tag(&from.tags, &self.tags)
        })
    }

    fn blocked_by(&self, observed: &Self) -> Option<String> {
        if observed.region != self.region {
            let there = &observed.region;
            return Some(format!(
                "bucket {} exists in region {there}, not in {}; pass --region {there}",
                self.name, self.region
            ));
        }
        (!observed.grants.is_empty()).then(|| acl::in_the_way(&self.name, &observed.grants))
    }
}

impl AwsResource for BucketSpec {
    const CHECKS: &'static [&'static Check] = &[
        &rules::BUCKET,
        &rules::BUCKET_ACLS,
        &rules::TAGS,
        &rules::UNMANAGED,
    ];

    fn permission_arn(&self, scope: &PermissionScope<'_>, _: &Address) -> String {
        scope.bucket_arn(&self.name)
    }

    fn permissions_to_read(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(
            &[
                "s3:GetBucketOwnershipControls",
                "s3:GetBucketTagging",
                "s3:ListBucket",
            ],
            arn,
        );
    }

    fn permissions_to_create(
        &self,
        arn: &str,
        scope: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        on(
            &[
                "s3:CreateBucket",
                "s3:PutBucketOwnershipControls",
                "s3:TagResource",
            ],
            arn,
        );
        // Outside the commercial partition, S3 may only support tags after the creation.
        if scope.aws.caller.partition != "aws" {
            on(&["s3:PutBucketTagging"], arn);
        }
    }

    fn permissions_to_change(
        &self,
        from: &Self,
        arn: &str,
        _: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        if !tags_to_add(Some(&from.tags), &self.tags).is_empty() {
            on(&["s3:PutBucketTagging"], arn);
        }
        if from.ownership != self.ownership {
            // Access control lists are read if not disabled yet.
            on(&["s3:GetBucketAcl", "s3:PutBucketOwnershipControls"], arn);
        }
    }

    fn permissions_to_delete(
        &self,
        arn: &str,
        _: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        on(&["s3:DeleteBucket"], arn);
    }

    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let aws = look.aws;
        let (head, tags, ownership) = tokio::join!(
            self.head(aws, aws.account()),
            tags::get(aws, &self.name),
            self.get_ownership(aws)
        );
        let Some(region) = head? else { return Ok(None) };
        if region != self.region {
            // The other responses are from the wrong region and invalid.
            let spec = Self {
                region,
                tags: Tags::new(),
                ..self.clone()
            };
            return Ok(Some(ObservedResource {
                spec,
                output: None,
                owner: ResourceOwner::Unmanaged,
            }));
        }
        let (tags, ownership) = (tags?, ownership?);
        let (Some(tags), Some(ownership)) = (tags, ownership) else {
            return Ok(None);
        };
        let grants = if ownership == ENFORCED {
            Some(vec![])
        } else {
            acl::grants(aws, &self.name).await?
        };
        let Some(grants) = grants else {
            return Ok(None);
        };
        let owner = match aws.mark.owner(&tags) {
            ResourceOwner::Unmanaged
                if self.may_be_without_tags(aws)
                    && tags.is_empty()
                    && self.is_untouched(aws).await =>
            {
                ResourceOwner::Us
            }
            owner => owner,
        };
        let spec = Self {
            region,
            ownership,
            grants,
            tags,
            ..self.clone()
        };
        Ok(Some(ObservedResource {
            spec,
            output: Some(self.name.clone()),
            owner,
        }))
    }

    async fn write(
        &self,
        aws: &AwsProvider,
        from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        let Some(from) = from else {
            self.create(aws).await?;
            return Ok(Some(self.name.clone()));
        };
        if self.ownership != from.ownership {
            let rule = OwnershipControlsRule::builder()
                .object_ownership(ObjectOwnership::from(&*self.ownership))
                .build()
                .expect("the rule is given");
            let controls = OwnershipControls::builder()
                .rules(rule)
                .build()
                .expect("the rules are given");
            let request = aws
                .clients
                .s3
                .put_bucket_ownership_controls()
                .bucket(&self.name)
                .ownership_controls(controls)
                .expected_bucket_owner(aws.account());
            aws.send(PUT_OWNERSHIP, &self.name, NOT_YET, || {
                request.clone().send()
            })
            .await?;
        }
        if !tags_to_add(Some(&from.tags), &self.tags).is_empty() {
            tags::put(aws, &self.name, &self.tags).await?;
        }
        Ok(Some(self.name.clone()))
    }

    async fn delete(&self, aws: &AwsProvider) -> Result<(), AwsError> {
        self.delete_at(aws).await.map(drop)
    }
}

impl BucketSpec {
    /// Returns the region of the bucket, if it exists and belongs to `owner`.
    ///
    /// A 403 is an error, not absence: the bucket belongs to another account, or access is denied.
    async fn head(&self, aws: &AwsProvider, owner: &str) -> Result<Option<String>, AwsError> {
        let request = aws
            .clients
            .s3
            .head_bucket()
            .bucket(&self.name)
            .expected_bucket_owner(owner);
        match aws.read(HEAD, &self.name, request.send()).await {
            Ok(answer) => Ok(Some(
                answer.bucket_region().unwrap_or(&self.region).to_owned(),
            )),
            Err(error) if error.status == Some(404) => Ok(None),
            Err(error) => match &error.bucket_region {
                Some(region) if **region != *self.region && error.status != Some(403) => {
                    Ok(Some(region.to_string()))
                }
                // There is no response body with a reason.
                _ if error.status == Some(403) => {
                    let why = "the bucket belongs to another account, or these credentials cannot \
                               access it";
                    Err(AwsError {
                        message: error.message.or_else(|| Some(why.into())),
                        ..error
                    })
                }
                _ => Err(error),
            },
        }
    }

    async fn get_ownership(&self, aws: &AwsProvider) -> Result<Option<String>, AwsError> {
        let request = aws
            .clients
            .s3
            .get_bucket_ownership_controls()
            .bucket(&self.name)
            .expected_bucket_owner(aws.account());
        let answer = match aws.read(GET_OWNERSHIP, &self.name, request.send()).await {
            Err(error) if error.is(&["OwnershipControlsNotFoundError"]) => {
                return Ok(Some("not set".to_owned()));
            }
            answer => found(answer, NOT_YET)?,
        };
        let rule = answer
            .and_then(|answer| answer.ownership_controls)
            .and_then(|controls| controls.rules.into_iter().next());
        Ok(rule.map(|rule| rule.object_ownership.as_str().to_owned()))
    }

    /// Tags and ownership are part of the creation, so that the next run recognizes the bucket
    /// after an interruption.
    async fn create(&self, aws: &AwsProvider) -> Result<(), AwsError> {
        let (created, may_be_without_tags) = match self.send_create(aws, Some(&self.tags)).await {
            Err(error) if error.is(tags::REFUSED) => (self.send_create(aws, None).await, true),
            created => (created, self.may_be_without_tags(aws)),
        };
        match created {
            Ok(tagged) if tagged => Ok(()),
            Ok(_) => tags::put(aws, &self.name, &self.tags).await,
            // Another run was faster, or the response to this one was lost.
            Err(error) if error.is(&["BucketAlreadyOwnedByYou"]) => {
                match tags::get(aws, &self.name).await? {
                    Some(tags) if aws.mark.owner(&tags) == ResourceOwner::Us => Ok(()),
                    Some(tags)
                        if may_be_without_tags
                            && tags.is_empty()
                            && self.is_untouched(aws).await =>
                    {
                        tags::put(aws, &self.name, &self.tags).await
                    }
                    _ => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Returns whether it has its tags now.
    async fn send_create(&self, aws: &AwsProvider, tags: Option<&Tags>) -> Result<bool, AwsError> {
        let mut configuration =
            CreateBucketConfiguration::builder().set_tags(tags.map(tags::to_sdk));
        if self.region != DEFAULT_REGION {
            configuration =
                configuration.location_constraint(BucketLocationConstraint::from(&*self.region));
        }
        let request = aws
            .clients
            .s3
            .create_bucket()
            .bucket(&self.name)
            .object_ownership(ObjectOwnership::from(&*self.ownership));
        // S3 does not accept an empty configuration.
        let says_something = tags.is_some() || self.region != DEFAULT_REGION;
        let mut request =
            request.set_create_bucket_configuration(says_something.then(|| configuration.build()));
        if self.account_regional {
            request = request.bucket_namespace(BucketNamespace::AccountRegional);
        }
        aws.send(CREATE, &self.name, &[], || request.clone().send())
            .await
            .map(|_| tags.is_some())
    }

    /// Returns whether an interrupted run may have left it without tags. The commercial partition
    /// supports tags at creation, and a name with the account ID is derived by tfbackend.
    fn may_be_without_tags(&self, aws: &AwsProvider) -> bool {
        aws.caller.partition != COMMERCIAL && self.name.contains(aws.account())
    }

    /// False if unknown: then it is only adopted with `--adopt`.
    async fn is_untouched(&self, aws: &AwsProvider) -> bool {
        tags::is_untouched(aws, &self.name).await.unwrap_or(false)
    }
}

/// Returns the region of an unknown bucket, if it exists and belongs to `owner`.
pub(super) async fn region(
    aws: &AwsProvider,
    name: &str,
    owner: &str,
) -> Result<Option<String>, AwsError> {
    let bucket = BucketSpec {
        name: name.to_owned(),
        region: aws.region.clone(),
        account_regional: false,
        ownership: ENFORCED.to_owned(),
        grants: vec![],
        tags: Tags::new(),
    };
    bucket.head(aws, owner).await
}

/// Returns the environment of a bucket, if tfbackend created it.
///
/// # Errors
/// If its tags cannot be read.
pub async fn made_for(aws: &AwsProvider, bucket: &str) -> Result<Option<EnvironmentId>, AwsError> {
    Ok(tags::get(aws, bucket)
        .await?
        .and_then(|tags| EnvironmentId::of(&tags)))
}

#[cfg(test)]
mod tests;
