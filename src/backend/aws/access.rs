//! The IAM policy for Terraform runs on this backend: what they need, and no more.

use crate::{
    backend::aws::{
        permissions::{ActionTargets, PermissionScope},
        rationale,
        verify::catalogue as rules,
    },
    checks::Check,
    engine::spec::Address,
};
use aws_sdk_iam::types::{Policy as SdkPolicy, Tag};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use super::{
    AwsProvider,
    error::{ApiOperation, AwsError, ServiceErrorKind, found},
    ownership::{Tags, tags_over, tags_to_add, trips_to_tag},
    policy::PolicyDocument,
    resource::{AwsResource, ObserveContext, ObservedResource},
};
use crate::engine::{observation::ResourceOwner, spec::Spec};

pub(crate) mod attachment;
pub(crate) mod former;
pub(crate) mod lock_files;
pub(crate) mod lock_rights;

const GET: ApiOperation = ApiOperation::new("iam:GetPolicy");
const GET_VERSION: ApiOperation = ApiOperation::new("iam:GetPolicyVersion");
const VERSIONS: ApiOperation = ApiOperation::new("iam:ListPolicyVersions");
const CREATE: ApiOperation = ApiOperation::new("iam:CreatePolicy");
const CREATE_VERSION: ApiOperation = ApiOperation::new("iam:CreatePolicyVersion");
const DELETE_VERSION: ApiOperation = ApiOperation::new("iam:DeletePolicyVersion");
const DELETE: ApiOperation = ApiOperation::new("iam:DeletePolicy");
const TAG: ApiOperation = ApiOperation::new("iam:TagPolicy");

pub(super) const ABSENT: &[&str] = &["NoSuchEntity", "NoSuchEntityException"];
/// IAM is eventually consistent.
pub(super) const NOT_YET: &[&str] = &["NoSuchEntity", "NoSuchEntityException"];
/// A managed policy has at most this many versions (IAM quotas).
const MOST_VERSIONS: usize = 5;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunnerPolicy {
    pub name: String,
    pub description: String,
    pub document: PolicyDocument,
    pub tags: Tags,
}

impl Spec for RunnerPolicy {
    fn title(&self) -> String {
        format!("IAM policy {}, for Terraform runs", self.name)
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, rest) = setting.split_once('.').unwrap_or((setting, ""));
        Some(match field {
            "description" => "so that the purpose of the policy is known",
            "document" => rationale::of_statement(rest),
            _ => return None,
        })
    }

    /// The document is owned by tfbackend: other permissions belong in another policy. Neither name
    /// nor description can be changed.
    fn merge_onto(&self, observed: &Self) -> Self {
        let document = if self.document.means(&observed.document) {
            &observed.document
        } else {
            &self.document
        };
        Self {
            name: observed.name.clone(),
            description: observed.description.clone(),
            document: document.clone(),
            tags: tags_over(&self.tags, &observed.tags),
        }
    }

    /// Terraform runs on another bucket would lose access.
    fn blocked_by(&self, observed: &Self) -> Option<String> {
        let (bucket, region) =
            former::serves_another(&observed.document, &former::bucket(&self.document)?)?;
        let place = region
            .map(|region| format!(" in {region}"))
            .unwrap_or_default();
        Some(format!(
            "policy {} is for bucket {bucket}{place}, and its principals would lose access to it; \
             choose another --project or --env, pass --policy=false, or delete the policy if that \
             bucket is no longer used",
            observed.name
        ))
    }

    /// Reads the policy and then its default version; with its former name, first the absence of
    /// the current name.
    fn read_round_trips(&self) -> u32 {
        2 + u32::from(former::is_former(&self.name))
    }

    /// Lists the versions, if there is room for one more, and creates the new one.
    fn write_round_trips(&self, from: Option<&Self>) -> u32 {
        from.map_or(1, |from| {
            2 * u32::from(!self.document.means(&from.document))
                + trips_to_tag(&from.tags, &self.tags)
        })
    }
}

/// Returns whether the policy is attached to any principal; `false` without a policy.
pub(super) async fn attached_to_anybody(
    aws: &AwsProvider,
    policy: Option<&RunnerPolicy>,
) -> Result<bool, AwsError> {
    let Some(policy) = policy else {
        return Ok(false);
    };
    let found = match get(aws, &policy.arn(aws)).await? {
        None => policy
            .under_its_former_name(aws)
            .await?
            .map(|(found, _)| found),
        found => found,
    };
    Ok(found
        .and_then(|policy| policy.attachment_count)
        .unwrap_or_default()
        > 0)
}

async fn get(aws: &AwsProvider, arn: &str) -> Result<Option<SdkPolicy>, AwsError> {
    let answer = found(
        aws.read(
            GET,
            arn,
            aws.clients.iam.get_policy().policy_arn(arn).send(),
        )
        .await,
        ABSENT,
    )?;
    Ok(answer.and_then(|answer| answer.policy))
}

/// Reads the policy with its default document.
async fn read(
    aws: &AwsProvider,
    arn: &str,
) -> Result<Option<(SdkPolicy, PolicyDocument)>, AwsError> {
    let Some(policy) = get(aws, arn).await? else {
        return Ok(None);
    };
    let version = policy.default_version_id().unwrap_or("v1").to_owned();
    let request = aws
        .clients
        .iam
        .get_policy_version()
        .policy_arn(arn)
        .version_id(&version);
    let answer = found(aws.read(GET_VERSION, arn, request.send()).await, ABSENT)?;
    let Some(encoded) = answer
        .and_then(|answer| answer.policy_version)
        .and_then(|version| version.document)
    else {
        return Ok(None);
    };
    let text = percent_decode_str(&encoded).decode_utf8_lossy();
    let document = serde_json::from_str(&text).map_err(|error| {
        AwsError::nonsense(GET_VERSION, arn, &format!("invalid policy: {error}"))
    })?;
    Ok(Some((policy, document)))
}

fn tags_of(policy: &SdkPolicy) -> Tags {
    policy
        .tags()
        .iter()
        .map(|tag| (tag.key.clone(), tag.value.clone()))
        .collect()
}

impl RunnerPolicy {
    pub fn arn(&self, aws: &AwsProvider) -> String {
        arn(aws, &self.name)
    }

    /// Returns the ARN of its former name, without the region, if possible.
    pub fn former_arn(&self, aws: &AwsProvider) -> Option<String> {
        former::former_name(&self.name, &aws.region).map(|name| arn(aws, name))
    }

    /// Returns the policy that an older version of tfbackend created for the same bucket: it is
    /// still used, because it cannot be renamed.
    async fn under_its_former_name(
        &self,
        aws: &AwsProvider,
    ) -> Result<Option<(SdkPolicy, PolicyDocument)>, AwsError> {
        let (Some(arn), Some(bucket)) = (self.former_arn(aws), former::bucket(&self.document))
        else {
            return Ok(None);
        };
        let is_it = |(policy, document): &(SdkPolicy, PolicyDocument)| {
            aws.mark.owner(&tags_of(policy)) == ResourceOwner::Us
                && former::serves(document, &bucket)
        };
        Ok(read(aws, &arn).await?.filter(is_it))
    }

    /// Returns the policy in use, under its current or former name.
    pub(super) async fn in_use(
        &self,
        aws: &AwsProvider,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let current = read(aws, &self.arn(aws)).await;
        let may_be_former = match &current {
            Ok(found) => found.is_none(),
            Err(error) => error.kind == ServiceErrorKind::Denied,
        };
        let former = if may_be_former {
            self.under_its_former_name(aws).await
        } else {
            Ok(None)
        };
        let found = match (former, current) {
            (Ok(Some(former)), _) => Some(former),
            // If neither can be read, the error is that of the current name.
            (Ok(None), current) | (Err(_), current @ Err(_)) => current?,
            (Err(error), Ok(_)) => return Err(error),
        };
        let Some((policy, document)) = found else {
            return Ok(None);
        };
        let (tags, name) = (
            tags_of(&policy),
            policy.policy_name.unwrap_or_else(|| self.name.clone()),
        );
        let owner = aws.mark.owner(&tags);
        let spec = Self {
            name,
            description: policy.description.unwrap_or_default(),
            document,
            tags,
        };
        Ok(Some(ObservedResource {
            output: Some(spec.arn(aws)),
            spec,
            owner,
        }))
    }

    /// Deletes the oldest non-default version first, if necessary.
    async fn new_version(&self, aws: &AwsProvider, arn: &str) -> Result<(), AwsError> {
        let iam = &aws.clients.iam;
        let answer = aws
            .read(
                VERSIONS,
                arn,
                iam.list_policy_versions().policy_arn(arn).send(),
            )
            .await?;
        let mut versions = answer.versions.unwrap_or_default();
        if versions.len() >= MOST_VERSIONS {
            versions.retain(|version| !version.is_default_version);
            versions.sort_by_key(|version| version.create_date.map(|at| at.as_nanos()));
            if let Some(id) = versions.first().and_then(|version| version.version_id()) {
                let request = iam.delete_policy_version().policy_arn(arn).version_id(id);
                aws.send(DELETE_VERSION, arn, &[], || request.clone().send())
                    .await?;
            }
        }
        let request = iam
            .create_policy_version()
            .policy_arn(arn)
            .policy_document(self.document.to_json())
            .set_as_default(true);
        aws.send(CREATE_VERSION, arn, &[], || request.clone().send())
            .await?;
        Ok(())
    }
}

impl AwsResource for RunnerPolicy {
    const CHECKS: &'static [&'static Check] =
        &[&rules::RUNNER_POLICY, &rules::TAGS, &rules::UNMANAGED];

    fn permission_arn(&self, scope: &PermissionScope<'_>, _: &Address) -> String {
        self.arn(scope.aws)
    }

    fn permissions_to_read(
        &self,
        arn: &str,
        scope: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        on(&["iam:GetPolicy", "iam:GetPolicyVersion"], arn);
        // If there is no policy of the current name, an older version may have created it.
        let is_named_so = scope.policy.as_deref() == Some(arn);
        if let Some(former) = self.former_arn(scope.aws).filter(|_| !is_named_so) {
            on(&["iam:GetPolicy", "iam:GetPolicyVersion"], &former);
        }
    }

    fn permissions_to_create(
        &self,
        arn: &str,
        _: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        on(&["iam:CreatePolicy", "iam:TagPolicy"], arn);
    }

    fn permissions_to_change(
        &self,
        from: &Self,
        arn: &str,
        _: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        if !tags_to_add(Some(&from.tags), &self.tags).is_empty() {
            on(&["iam:TagPolicy"], arn);
        }
        if !self.document.means(&from.document) {
            // An old version is deleted if necessary.
            on(
                &[
                    "iam:CreatePolicyVersion",
                    "iam:DeletePolicyVersion",
                    "iam:ListPolicyVersions",
                ],
                arn,
            );
        }
    }

    fn permissions_to_delete(
        &self,
        arn: &str,
        _: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        on(
            &[
                "iam:DeletePolicy",
                "iam:DeletePolicyVersion",
                "iam:ListPolicyVersions",
            ],
            arn,
        );
    }

    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        look.policy(self).await
    }

    async fn write(
        &self,
        aws: &AwsProvider,
        from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        let arn = self.arn(aws);
        let iam = &aws.clients.iam;
        let Some(from) = from else {
            let request = iam
                .create_policy()
                .policy_name(&self.name)
                .description(&self.description)
                .policy_document(self.document.to_json())
                .set_tags(Some(sdk_tags(&self.tags)));
            return match aws
                .send(CREATE, &self.name, &[], || request.clone().send())
                .await
            {
                // Another run was faster, or the response to this one was lost.
                Err(error)
                    if error.is(&["EntityAlreadyExists", "EntityAlreadyExistsException"]) =>
                {
                    match self.look(&ObserveContext::new(aws)).await? {
                        Some(there) if there.owner == ResourceOwner::Us => Ok(Some(arn)),
                        _ => Err(error),
                    }
                }
                result => result.map(|_| Some(arn)),
            };
        };
        if !self.document.means(&from.document) {
            self.new_version(aws, &arn).await?;
        }
        let tags = tags_to_add(Some(&from.tags), &self.tags);
        if !tags.is_empty() {
            let request = iam
                .tag_policy()
                .policy_arn(&arn)
                .set_tags(Some(sdk_tags(&tags)));
            aws.send(TAG, &arn, &[], || request.clone().send()).await?;
        }
        Ok(Some(arn))
    }

    /// Deletes all versions first, then the policy. Principals are not detached here.
    async fn delete(&self, aws: &AwsProvider) -> Result<(), AwsError> {
        let arn = self.arn(aws);
        let iam = &aws.clients.iam;
        let Some(answer) = found(
            aws.read(
                VERSIONS,
                &arn,
                iam.list_policy_versions().policy_arn(&arn).send(),
            )
            .await,
            ABSENT,
        )?
        else {
            return Ok(());
        };
        for version in answer
            .versions
            .unwrap_or_default()
            .into_iter()
            .filter(|version| !version.is_default_version)
        {
            let request = iam
                .delete_policy_version()
                .policy_arn(&arn)
                .set_version_id(version.version_id);
            found(
                aws.send(DELETE_VERSION, &arn, &[], || request.clone().send())
                    .await,
                ABSENT,
            )?;
        }
        let request = iam.delete_policy().policy_arn(&arn);
        found(
            aws.send(DELETE, &arn, &[], || request.clone().send()).await,
            ABSENT,
        )
        .map(drop)
    }
}

fn arn(aws: &AwsProvider, name: &str) -> String {
    aws.arn("iam", "", &format!("policy/{name}"))
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    let tag = |(key, value): (&String, &String)| {
        Tag::builder()
            .key(key)
            .value(value)
            .build()
            .expect("both parts are given")
    };
    tags.iter().map(tag).collect()
}

#[cfg(test)]
mod tests;
