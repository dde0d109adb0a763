//! The SNS topic for alarms and deleted states.

use crate::{
    backend::aws::{
        permissions::{ActionTargets, PermissionScope},
        rationale,
        verify::catalogue as rules,
    },
    checks::Check,
    engine::spec::Address,
};
use std::collections::HashMap;

use aws_sdk_sns::types::Tag;
use serde::{Deserialize, Serialize};

use super::{
    AwsProvider,
    error::{ApiOperation, AwsError, found},
    ownership::{Tags, tags_over, tags_to_add, trips_to_tag},
    policy::PolicyDocument,
    resource::{AwsResource, ObserveContext, ObservedResource},
};
use crate::engine::spec::Spec;

pub(crate) mod existing;
pub(crate) mod subscription;

const GET: ApiOperation = ApiOperation::new("sns:GetTopicAttributes");
const TAGS: ApiOperation = ApiOperation::new("sns:ListTagsForResource");
const CREATE: ApiOperation = ApiOperation::new("sns:CreateTopic");
const SET: ApiOperation = ApiOperation::new("sns:SetTopicAttributes");
const DELETE: ApiOperation = ApiOperation::new("sns:DeleteTopic");
const TAG: ApiOperation = ApiOperation::new("sns:TagResource");

pub(super) const ABSENT: &[&str] = &[
    "NotFound",
    "NotFoundException",
    "ResourceNotFound",
    "ResourceNotFoundException",
];
const KEY: &str = "KmsMasterKeyId";
const POLICY: &str = "Policy";
/// The AWS managed key of SNS, which neither alarms nor the bucket can use.
const MANAGED: &str = "alias/aws/sns";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlarmTopic {
    pub name: String,
    /// The ARN of the key; alarms cannot publish to a topic with `alias/aws/sns` (SNS's
    /// documentation).
    pub key: Option<String>,
    pub policy: PolicyDocument,
    pub tags: Tags,
}

impl Spec for AlarmTopic {
    fn title(&self) -> String {
        format!("SNS topic {}", self.name)
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, rest) = setting.split_once('.').unwrap_or((setting, ""));
        Some(match field {
            "key" => "so that messages are encrypted",
            "policy" => rationale::of_statement(rest),
            _ => return None,
        })
    }

    fn merge_onto(&self, observed: &Self) -> Self {
        Self {
            name: self.name.clone(),
            // Without a configured key, an existing key is kept, except one that prevents delivery.
            key: self
                .key
                .clone()
                .or_else(|| observed.key.clone().filter(|key| !key.ends_with(MANAGED))),
            policy: self.policy.merge_onto(&observed.policy),
            tags: tags_over(&self.tags, &observed.tags),
        }
    }

    fn write_round_trips(&self, from: Option<&Self>) -> u32 {
        let Some(from) = from else { return 1 };
        u32::try_from(self.changed(from).len()).unwrap_or(u32::MAX)
            + trips_to_tag(&from.tags, &self.tags)
    }
}

impl AlarmTopic {
    /// Returns the attributes to set, one call for each.
    fn changed(&self, from: &Self) -> Vec<(&'static str, String)> {
        let mut changed = vec![];
        if self.key != from.key {
            changed.push((KEY, self.key.clone().unwrap_or_default()));
        }
        if !self.policy.means(&from.policy) {
            changed.push((POLICY, self.policy.to_json()));
        }
        changed
    }

    fn arn(&self, aws: &AwsProvider) -> String {
        aws.arn("sns", &aws.region, &self.name)
    }
}

impl AwsResource for AlarmTopic {
    const CHECKS: &'static [&'static Check] = &[
        &rules::TOPIC,
        &rules::TOPIC_ENCRYPTION,
        &rules::TOPIC_POLICY,
        &rules::TAGS,
        &rules::UNMANAGED,
    ];

    fn permission_arn(&self, scope: &PermissionScope<'_>, _: &Address) -> String {
        scope.aws.arn("sns", &scope.aws.region, &self.name)
    }

    fn permissions_to_read(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["sns:GetTopicAttributes", "sns:ListTagsForResource"], arn);
    }

    fn permissions_to_create(
        &self,
        arn: &str,
        _: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        on(&["sns:CreateTopic", "sns:TagResource"], arn);
    }

    fn permissions_to_change(
        &self,
        from: &Self,
        arn: &str,
        _: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        if !tags_to_add(Some(&from.tags), &self.tags).is_empty() {
            on(&["sns:TagResource"], arn);
        }
        if from.key != self.key || !self.policy.means(&from.policy) {
            on(&["sns:SetTopicAttributes"], arn);
        }
    }

    fn permissions_to_delete(
        &self,
        arn: &str,
        _: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        on(&["sns:DeleteTopic"], arn);
    }

    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let aws = look.aws;
        let arn = self.arn(aws);
        let (attributes, tags) = tokio::join!(attributes(aws, &arn), get_tags(aws, &arn));
        let Some(mut attributes) = attributes? else {
            return Ok(None);
        };
        let Some(tags) = tags? else { return Ok(None) };
        let policy = policy_of(&attributes, &arn)?;
        let owner = aws.mark.owner(&tags);
        let key = attributes.remove(KEY).filter(|key| !key.is_empty());
        Ok(Some(ObservedResource {
            spec: Self {
                name: self.name.clone(),
                key,
                policy,
                tags,
            },
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
            let mut attributes = HashMap::from([(POLICY.to_owned(), self.policy.to_json())]);
            attributes.extend(self.key.clone().map(|key| (KEY.to_owned(), key)));
            let request = aws
                .clients
                .sns
                .create_topic()
                .name(&self.name)
                .set_attributes(Some(attributes))
                .set_tags(Some(sdk_tags(&self.tags)));
            aws.send(CREATE, &self.name, &[], || request.clone().send())
                .await?;
            return Ok(Some(arn));
        };
        for (name, value) in self.changed(from) {
            let request = aws
                .clients
                .sns
                .set_topic_attributes()
                .topic_arn(&arn)
                .attribute_name(name)
                .attribute_value(value);
            aws.send(SET, &arn, &[], || request.clone().send()).await?;
        }
        let tags = tags_to_add(Some(&from.tags), &self.tags);
        if !tags.is_empty() {
            let request = aws
                .clients
                .sns
                .tag_resource()
                .resource_arn(&arn)
                .set_tags(Some(sdk_tags(&tags)));
            aws.send(TAG, &arn, &[], || request.clone().send()).await?;
        }
        Ok(Some(arn))
    }

    /// Deletes the topic with all its subscriptions.
    async fn delete(&self, aws: &AwsProvider) -> Result<(), AwsError> {
        let arn = self.arn(aws);
        let request = aws.clients.sns.delete_topic().topic_arn(&arn);
        found(
            aws.send(DELETE, &arn, &[], || request.clone().send()).await,
            ABSENT,
        )
        .map(drop)
    }
}

pub(super) async fn attributes(
    aws: &AwsProvider,
    arn: &str,
) -> Result<Option<HashMap<String, String>>, AwsError> {
    let answer = aws
        .read(
            GET,
            arn,
            aws.clients.sns.get_topic_attributes().topic_arn(arn).send(),
        )
        .await;
    Ok(found(answer, ABSENT)?.map(|answer| answer.attributes.unwrap_or_default()))
}

fn policy_of(attributes: &HashMap<String, String>, arn: &str) -> Result<PolicyDocument, AwsError> {
    serde_json::from_str(attributes.get(POLICY).map_or("{}", String::as_str))
        .map_err(|error| AwsError::nonsense(GET, arn, &format!("invalid policy: {error}")))
}

async fn get_tags(aws: &AwsProvider, arn: &str) -> Result<Option<Tags>, AwsError> {
    let answer = aws
        .read(
            TAGS,
            arn,
            aws.clients
                .sns
                .list_tags_for_resource()
                .resource_arn(arn)
                .send(),
        )
        .await;
    Ok(found(answer, ABSENT)?.map(|answer| {
        answer
            .tags
            .unwrap_or_default()
            .into_iter()
            .map(|tag| (tag.key, tag.value))
            .collect()
    }))
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
