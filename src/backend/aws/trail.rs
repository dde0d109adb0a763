//! The CloudTrail trail that records reads and writes of states and locks.

use crate::{
    backend::aws::{
        cost,
        permissions::{ActionTargets, PermissionScope},
        verify::catalogue as rules,
    },
    checks::Check,
    engine::spec::Address,
};
use aws_sdk_cloudtrail::types::{Tag, Trail as SdkTrail};
use serde::{Deserialize, Serialize};

use super::{
    AwsProvider,
    error::{ApiOperation, AwsError, found},
    ownership::{Tags, tags_over, tags_to_add, trips_to_tag},
    resource::{AwsResource, ObserveContext, ObservedResource},
};
use crate::engine::{observation::ResourceOwner, spec::Spec};

pub(crate) mod existing;
pub(crate) mod logging;
pub(crate) mod management;
pub(crate) mod selectors;

const GET: ApiOperation = ApiOperation::new("cloudtrail:GetTrail");
const DESCRIBE: ApiOperation = ApiOperation::new("cloudtrail:DescribeTrails");
const TAGS: ApiOperation = ApiOperation::new("cloudtrail:ListTags");
const CREATE: ApiOperation = ApiOperation::new("cloudtrail:CreateTrail");
const UPDATE: ApiOperation = ApiOperation::new("cloudtrail:UpdateTrail");
const STOP: ApiOperation = ApiOperation::new("cloudtrail:StopLogging");
const DELETE: ApiOperation = ApiOperation::new("cloudtrail:DeleteTrail");
const TAG: ApiOperation = ApiOperation::new("cloudtrail:AddTags");

pub(super) const ABSENT: &[&str] = &["TrailNotFoundException"];
/// A new trail is eventually consistent.
pub(super) const NOT_YET: &[&str] = &["TrailNotFoundException"];
/// Its bucket and key and their policies are eventually consistent, too.
const POLICIES_NOT_YET: &[&str] = &[
    "InsufficientS3BucketPolicyException",
    "InsufficientEncryptionPolicyException",
    "S3BucketDoesNotExistException",
    "KmsKeyNotFoundException",
];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrailSpec {
    pub name: String,
    pub bucket: String,
    pub prefix: Option<String>,
    /// The ARN of the key that encrypts the log files.
    pub key: Option<String>,
    pub multi_region: bool,
    /// True if log file validation is enabled.
    pub validation: bool,
    pub tags: Tags,
    /// The home region of a trail of this name, if it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
}

impl Spec for TrailSpec {
    fn title(&self) -> String {
        format!("CloudTrail trail {}", self.name)
    }

    fn note(&self) -> Option<String> {
        Some(format!(
            "each 100,000 reads and writes of states cost an additional ${:.2}",
            cost::EVENTS_100K
        ))
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, _) = setting.split_once('.').unwrap_or((setting, ""));
        Some(match field {
            "bucket" | "prefix" => "so that log files are stored where they cannot be forged",
            "key" => "so that only principals with access to the key can read log files",
            "multi_region" => "so that reads from all regions are recorded",
            "validation" => "so that changes of log files can be detected",
            _ => return None,
        })
    }

    /// It can only be changed in its home region, and its name is used in all regions.
    fn blocked_by(&self, observed: &Self) -> Option<String> {
        let home = observed.home.as_deref()?;
        Some(format!(
            "a trail of this name has the home region {home}; choose another project or \
             environment name, or --trail existing"
        ))
    }

    fn merge_onto(&self, observed: &Self) -> Self {
        Self {
            key: self.key.clone().or_else(|| observed.key.clone()),
            tags: tags_over(&self.tags, &observed.tags),
            ..self.clone()
        }
    }

    fn write_round_trips(&self, from: Option<&Self>) -> u32 {
        from.map_or(1, |from| {
            u32::from(self.has_other_settings(from)) + trips_to_tag(&from.tags, &self.tags)
        })
    }
}

impl TrailSpec {
    fn has_other_settings(&self, from: &Self) -> bool {
        Self {
            tags: self.tags.clone(),
            ..from.clone()
        } != *self
    }

    fn observed(&self, trail: SdkTrail, tags: Tags) -> Self {
        Self {
            name: self.name.clone(),
            bucket: trail.s3_bucket_name.unwrap_or_default(),
            prefix: trail.s3_key_prefix.filter(|prefix| !prefix.is_empty()),
            key: trail.kms_key_id.filter(|key| !key.is_empty()),
            multi_region: trail.is_multi_region_trail.unwrap_or(false),
            validation: trail.log_file_validation_enabled.unwrap_or(false),
            tags,
            home: None,
        }
    }

    /// It does not belong to this environment, which is in one region.
    fn of_another_region(&self, trail: SdkTrail) -> ObservedResource<Self> {
        let (home, arn) = (trail.home_region.clone(), trail.trail_arn.clone());
        let owner = ResourceOwner::Other(format!(
            "the region {}",
            home.as_deref().unwrap_or(", its home region")
        ));
        ObservedResource {
            spec: Self {
                home,
                ..self.observed(trail, Tags::new())
            },
            output: arn,
            owner,
        }
    }

    fn arn(&self, aws: &AwsProvider) -> String {
        aws.arn("cloudtrail", &aws.region, &format!("trail/{}", self.name))
    }
}

impl AwsResource for TrailSpec {
    const CHECKS: &'static [&'static Check] = &[
        &rules::TRAIL,
        &rules::TRAIL_VALIDATION,
        &rules::TRAIL_ENCRYPTION,
        &rules::TRAIL_REGIONS,
        &rules::TRAIL_BUCKET,
        &rules::TAGS,
        &rules::UNMANAGED,
    ];

    fn permission_arn(&self, scope: &PermissionScope<'_>, _: &Address) -> String {
        scope.trail_arn(&self.name)
    }

    fn permissions_to_read(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["cloudtrail:GetTrail", "cloudtrail:ListTags"], arn);
    }

    fn permissions_to_create(
        &self,
        arn: &str,
        _: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        on(&["cloudtrail:AddTags", "cloudtrail:CreateTrail"], arn);
    }

    fn permissions_to_change(
        &self,
        from: &Self,
        arn: &str,
        _: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        if !tags_to_add(Some(&from.tags), &self.tags).is_empty() {
            on(&["cloudtrail:AddTags"], arn);
        }
        let with_tags = Self {
            tags: self.tags.clone(),
            ..from.clone()
        };
        if with_tags != *self {
            on(&["cloudtrail:UpdateTrail"], arn);
        }
    }

    fn permissions_to_delete(
        &self,
        arn: &str,
        _: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        on(&["cloudtrail:DeleteTrail", "cloudtrail:StopLogging"], arn);
    }

    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let aws = look.aws;
        let arn = self.arn(aws);
        let (trail, tags) = tokio::join!(get(aws, &self.name), get_tags(aws, &arn));
        let Some(trail) = trail? else {
            // A trail is only found by its name in its home region.
            return Ok(of_other_regions(aws, &self.name)
                .await?
                .map(|trail| self.of_another_region(trail)));
        };
        if trail
            .home_region
            .as_deref()
            .is_some_and(|home| home != aws.region)
        {
            return Ok(Some(self.of_another_region(trail)));
        }
        let Some(tags) = tags? else { return Ok(None) };
        let owner = aws.mark.owner(&tags);
        Ok(Some(ObservedResource {
            spec: self.observed(trail, tags),
            output: Some(arn),
            owner,
        }))
    }

    async fn write(
        &self,
        aws: &AwsProvider,
        from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        let arn = self.arn(aws);
        let Some(from) = from else {
            let request = aws
                .clients
                .cloudtrail
                .create_trail()
                .name(&self.name)
                .s3_bucket_name(&self.bucket)
                .set_s3_key_prefix(self.prefix.clone())
                .set_kms_key_id(self.key.clone())
                .is_multi_region_trail(self.multi_region)
                .include_global_service_events(self.multi_region)
                .enable_log_file_validation(self.validation)
                .set_tags_list(Some(sdk_tags(&self.tags)));
            return match aws
                .send(CREATE, &self.name, POLICIES_NOT_YET, || {
                    request.clone().send()
                })
                .await
            {
                // Another run was faster, or the response to this one was lost.
                Err(error) if error.is(&["TrailAlreadyExistsException"]) => {
                    match get_tags(aws, &arn).await? {
                        Some(tags) if aws.mark.owner(&tags) == ResourceOwner::Us => Ok(Some(arn)),
                        _ => Err(error),
                    }
                }
                result => result.map(|_| Some(arn)),
            };
        };
        if self.has_other_settings(from) {
            let request = aws
                .clients
                .cloudtrail
                .update_trail()
                .name(&self.name)
                .s3_bucket_name(&self.bucket)
                .s3_key_prefix(self.prefix.clone().unwrap_or_default())
                .set_kms_key_id(self.key.clone())
                .is_multi_region_trail(self.multi_region)
                .include_global_service_events(self.multi_region)
                .enable_log_file_validation(self.validation);
            aws.send(UPDATE, &self.name, POLICIES_NOT_YET, || {
                request.clone().send()
            })
            .await?;
        }
        let tags = tags_to_add(Some(&from.tags), &self.tags);
        if !tags.is_empty() {
            let request = aws
                .clients
                .cloudtrail
                .add_tags()
                .resource_id(&arn)
                .set_tags_list(Some(sdk_tags(&tags)));
            aws.send(TAG, &self.name, NOT_YET, || request.clone().send())
                .await?;
        }
        Ok(Some(arn))
    }

    /// Delivered log files are kept.
    async fn delete(&self, aws: &AwsProvider) -> Result<(), AwsError> {
        let stop = aws.clients.cloudtrail.stop_logging().name(&self.name);
        if found(
            aws.send(STOP, &self.name, &[], || stop.clone().send())
                .await,
            ABSENT,
        )?
        .is_none()
        {
            return Ok(());
        }
        let delete = aws.clients.cloudtrail.delete_trail().name(&self.name);
        found(
            aws.send(DELETE, &self.name, &[], || delete.clone().send())
                .await,
            ABSENT,
        )
        .map(drop)
    }
}

async fn get(aws: &AwsProvider, name: &str) -> Result<Option<SdkTrail>, AwsError> {
    let answer = aws
        .read(
            GET,
            name,
            aws.clients.cloudtrail.get_trail().name(name).send(),
        )
        .await;
    Ok(found(answer, ABSENT)?.and_then(|answer| answer.trail))
}

/// Returns a shadow trail of this name in this region.
async fn of_other_regions(aws: &AwsProvider, name: &str) -> Result<Option<SdkTrail>, AwsError> {
    let answer = aws
        .read(
            DESCRIBE,
            name,
            aws.clients.cloudtrail.describe_trails().send(),
        )
        .await?;
    let is_it = |trail: &SdkTrail| {
        trail.name.as_deref() == Some(name)
            && trail
                .home_region
                .as_deref()
                .is_some_and(|home| home != aws.region)
    };
    Ok(answer
        .trail_list
        .unwrap_or_default()
        .into_iter()
        .find(is_it))
}

async fn get_tags(aws: &AwsProvider, arn: &str) -> Result<Option<Tags>, AwsError> {
    const ABSENT: &[&str] = &[
        "TrailNotFoundException",
        "ResourceNotFoundException",
        "CloudTrailARNInvalidException",
    ];
    let answer = found(
        aws.read(
            TAGS,
            arn,
            aws.clients
                .cloudtrail
                .list_tags()
                .resource_id_list(arn)
                .send(),
        )
        .await,
        ABSENT,
    )?;
    let lists = answer.map(|answer| answer.resource_tag_list.unwrap_or_default());
    let tag = |tag: Tag| (tag.key, tag.value.unwrap_or_default());
    Ok(lists.map(|lists| {
        lists
            .into_iter()
            .flat_map(|list| list.tags_list.unwrap_or_default())
            .map(tag)
            .collect()
    }))
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| {
            Tag::builder()
                .key(key)
                .value(value)
                .build()
                .expect("the key is given")
        })
        .collect()
}

#[cfg(test)]
mod tests;
