//! The KMS key that encrypts states, locks, alarms and audit logs: losing it loses all of them.

use aws_sdk_kms::types::{KeyManagerType, KeyMetadata, KeyState, Tag};
use aws_smithy_types::retry::RetryConfig;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use super::{
    Aws,
    error::{Api, AwsError, Kind, found},
    policy::Document,
    resource::{Found, Look, Resource, Tags, tags_over, tags_to_add},
    settle::Pauses,
};
use crate::{observation::Owner, spec::Spec};

pub mod alias;
pub mod own;
pub mod rotation;

const DESCRIBE: Api = Api::new("kms:DescribeKey");
const LIST: Api = Api::new("kms:ListKeys");
const TAGS: Api = Api::new("kms:ListResourceTags");
const GET_POLICY: Api = Api::new("kms:GetKeyPolicy");
const CREATE: Api = Api::new("kms:CreateKey");
const PUT_POLICY: Api = Api::new("kms:PutKeyPolicy");
const TAG: Api = Api::new("kms:TagResource");

const ABSENT: &[&str] = &["NotFoundException"];
/// A key that was just made is not seen everywhere at once.
pub(super) const NOT_YET: &[&str] = &["NotFoundException"];
const ENABLED: &str = "Enabled";

/// How many keys are asked for their tags at the same time, when one is searched for.
const SEARCH_WIDTH: usize = 16;
const CREATE_TRIES: usize = 4;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// The alias that leads to it.
    pub alias: String,
    pub description: String,
    pub state: String,
    pub policy: Document,
    pub tags: Tags,
}

impl Key {
    pub fn new(alias: String, description: String, policy: Document, tags: Tags) -> Self {
        Self { alias, description, state: ENABLED.to_owned(), policy, tags }
    }
}

impl Spec for Key {
    fn over(&self, observed: &Self) -> Self {
        Self {
            alias: self.alias.clone(),
            description: observed.description.clone(),
            state: self.state.clone(),
            policy: self.policy.over(&observed.policy),
            tags: tags_over(&self.tags, &observed.tags),
        }
    }

    fn blocked_by(&self, observed: &Self) -> Option<String> {
        unusable(&observed.state)
    }
}

/// Why a key in this state cannot be used, and what to do.
pub(super) fn unusable(state: &str) -> Option<String> {
    match state {
        ENABLED => None,
        "Disabled" => Some("the key is disabled; enable it with `aws kms enable-key`".to_owned()),
        "PendingDeletion" => Some(
            "the key is scheduled for deletion; take it back with `aws kms cancel-key-deletion` and then `aws kms enable-key`".to_owned(),
        ),
        other => Some(format!("the key is in state {other}, and must be {ENABLED}")),
    }
}

/// A key that was found, with what most looks need of it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundKey {
    pub arn: String,
    pub state: String,
    pub description: String,
    pub tags: Tags,
    pub owner: Owner,
}

impl Resource for Key {
    async fn look(&self, look: &Look<'_>) -> Result<Option<Found<Self>>, AwsError> {
        let Some(key) = look.key(&self.alias).await? else { return Ok(None) };
        let policy = get_policy(look.aws, &key.arn).await?;
        Ok(Some(Found {
            spec: Self {
                alias: self.alias.clone(),
                description: key.description.clone(),
                state: key.state.clone(),
                policy,
                tags: key.tags.clone(),
            },
            output: Some(key.arn.clone()),
            owner: key.owner.clone(),
        }))
    }

    async fn write(&self, aws: &Aws, from: Option<&Self>) -> Result<Option<String>, AwsError> {
        let Some(from) = from else { return self.create(aws).await.map(Some) };
        let arn = match find(aws, &self.alias).await? {
            Some(key) => key.arn,
            None => return Err(AwsError::vanished(DESCRIBE, &self.alias)),
        };
        if !self.policy.means(&from.policy) {
            let request = aws.clients.kms.put_key_policy().key_id(&arn).policy(self.policy.to_json());
            aws.send(PUT_POLICY, &arn, NOT_YET, || request.clone().send()).await?;
        }
        let tags = tags_to_add(Some(&from.tags), &self.tags);
        if !tags.is_empty() {
            let request = aws.clients.kms.tag_resource().key_id(&arn).set_tags(Some(sdk_tags(&tags)));
            aws.send(TAG, &arn, NOT_YET, || request.clone().send()).await?;
        }
        Ok(Some(arn))
    }
}

impl Key {
    /// `CreateKey` takes no token that would make it idempotent: after an answer that was lost,
    /// the key is looked for by its tags before another is made.
    async fn create(&self, aws: &Aws) -> Result<String, AwsError> {
        let once = || aws_sdk_kms::config::Config::builder().retry_config(RetryConfig::disabled());
        let request =
            aws.clients.kms.create_key().description(&self.description).policy(self.policy.to_json()).set_tags(Some(sdk_tags(&self.tags)));
        let mut pauses = Pauses::default();
        let mut tries = CREATE_TRIES;
        loop {
            let error = match aws.read(CREATE, &self.alias, request.clone().customize().config_override(once()).send()).await {
                Ok(answer) => {
                    let arn = answer.key_metadata().and_then(KeyMetadata::arn).map(str::to_owned);
                    return arn.ok_or_else(|| AwsError::nonsense(CREATE, &self.alias, "the answer names no key"));
                }
                Err(error) => error,
            };
            tries -= 1;
            let may_have_been_made = matches!(error.kind, Kind::Network | Kind::Server | Kind::Throttled);
            if !may_have_been_made || tries == 0 {
                return Err(error);
            }
            pauses.wait().await;
            if let Some(key) = find(aws, &self.alias).await?.filter(|key| key.owner == Owner::Us) {
                return Ok(key.arn);
            }
        }
    }
}

/// The key behind the alias if it is ours, else the oldest with our tags that is not on its way out.
///
/// What the alias leads to is also returned when it is not ours and no other is: a hand-made key
/// may be adopted.
pub async fn find(aws: &Aws, alias: &str) -> Result<Option<FoundKey>, AwsError> {
    let (aliased, all) = tokio::join!(describe(aws, alias), list(aws));
    let aliased = match aliased? {
        Some(metadata) => Some(with_tags(aws, metadata).await?),
        None => None,
    };
    match aliased {
        Some(key) if key.owner == Owner::Us => Ok(Some(key)),
        other => Ok(search(aws, all?).await?.or(other)),
    }
}

pub(super) async fn describe(aws: &Aws, id: &str) -> Result<Option<KeyMetadata>, AwsError> {
    let answer = aws.read(DESCRIBE, id, aws.clients.kms.describe_key().key_id(id).send()).await;
    Ok(found(answer, ABSENT)?.and_then(|answer| answer.key_metadata))
}

async fn list(aws: &Aws) -> Result<Vec<String>, AwsError> {
    let pages = aws.clients.kms.list_keys().limit(1000).into_paginator().items().send();
    let keys = pages.try_collect().await.map_err(|error| AwsError::from_sdk(LIST, "the keys of the account", error))?;
    Ok(keys.into_iter().filter_map(|key| key.key_id).collect())
}

/// Keys whose tags may not be read are not ours: ours delegate to IAM. But if none may be read,
/// nothing is known.
async fn search(aws: &Aws, ids: Vec<String>) -> Result<Option<FoundKey>, AwsError> {
    let answers: Vec<(String, Result<Tags, AwsError>)> = stream::iter(ids)
        .map(|id| async {
            let tags = tags(aws, &id).await;
            (id, tags)
        })
        .buffer_unordered(SEARCH_WIDTH)
        .collect()
        .await;
    let mut ours = vec![];
    let mut denied = None;
    let mut readable = false;
    for (id, tags) in answers {
        match tags {
            Ok(tags) => {
                readable = true;
                if aws.mark.owner(&tags) == Owner::Us {
                    ours.push(id);
                }
            }
            Err(error) if error.kind == Kind::Denied => denied = Some(error),
            // Deleted between the list and the look.
            Err(error) if error.is(ABSENT) => {}
            Err(error) => return Err(error),
        }
    }
    if let (Some(error), false) = (denied, readable) {
        return Err(error);
    }
    let described: Vec<KeyMetadata> =
        stream::iter(ours).then(|id| async move { describe(aws, &id).await }).try_filter_map(|key| async { Ok(key) }).try_collect().await?;
    let oldest = described
        .into_iter()
        .filter(|key| key.key_manager() == Some(&KeyManagerType::Customer))
        .filter(|key| !matches!(key.key_state(), Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion)))
        .min_by_key(|key| (key.creation_date().map(|at| at.as_nanos()), key.key_id().to_owned()));
    match oldest {
        Some(metadata) => Ok(Some(with_tags(aws, metadata).await?)),
        None => Ok(None),
    }
}

async fn with_tags(aws: &Aws, metadata: KeyMetadata) -> Result<FoundKey, AwsError> {
    let tags = tags(aws, metadata.key_id()).await?;
    Ok(FoundKey {
        arn: metadata.arn.unwrap_or(metadata.key_id),
        state: metadata.key_state.map(|state| state.as_str().to_owned()).unwrap_or_default(),
        description: metadata.description.unwrap_or_default(),
        owner: aws.mark.owner(&tags),
        tags,
    })
}

async fn tags(aws: &Aws, id: &str) -> Result<Tags, AwsError> {
    let pages = aws.clients.kms.list_resource_tags().key_id(id).into_paginator().items().send();
    let tags = pages.try_collect().await.map_err(|error| AwsError::from_sdk(TAGS, id, error))?;
    Ok(tags.into_iter().map(|tag| (tag.tag_key, tag.tag_value)).collect())
}

pub(super) async fn get_policy(aws: &Aws, arn: &str) -> Result<Document, AwsError> {
    let answer = aws.read(GET_POLICY, arn, aws.clients.kms.get_key_policy().key_id(arn).policy_name("default").send()).await?;
    serde_json::from_str(answer.policy().unwrap_or("{}")).map_err(|error| AwsError::nonsense(GET_POLICY, arn, &error.to_string()))
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    let tag = |(key, value): (&String, &String)| Tag::builder().tag_key(key).tag_value(value).build().expect("both parts are given");
    tags.iter().map(tag).collect()
}

#[cfg(test)]
mod tests;
