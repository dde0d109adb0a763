//! Finds the key of the environment: by its alias, or by its tags.

use std::future::Future;

use aws_sdk_kms::types::{KeyManagerType, KeyMetadata, KeyState};
use aws_smithy_types::DateTime;
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::{
    backend::aws::{
        AwsProvider,
        error::{ApiOperation, AwsError, ServiceErrorKind, found},
        key::AliasTarget,
        ownership::Tags,
    },
    engine::observation::ResourceOwner,
};

pub(super) const DESCRIBE: ApiOperation = ApiOperation::new("kms:DescribeKey");
const LIST: ApiOperation = ApiOperation::new("kms:ListKeys");
const TAGS: ApiOperation = ApiOperation::new("kms:ListResourceTags");

pub(super) const ABSENT: &[&str] = &["NotFoundException"];

/// The target of the alias, and then its tags: the sequential calls of [`find`].
pub(super) const TRIPS: u32 = 2;
/// Without an alias: all keys, their tags, and then the found one.
pub(super) const TRIPS_BY_TAGS: u32 = 3;

/// The number of keys whose tags are read concurrently in a search: few accounts have more.
const SEARCH_WIDTH: usize = 64;

/// A found key, with its commonly used fields.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FoundKey {
    pub arn: String,
    pub alias_leads: AliasTarget,
    pub state: String,
    /// The time of the scheduled deletion, if any.
    pub deleted_on: Option<Timestamp>,
    pub description: String,
    pub tags: Tags,
    pub owner: ResourceOwner,
}

/// Finds the owned key behind the alias, or else the oldest owned key that is not scheduled for
/// deletion.
///
/// The target of the alias is also returned if no key is owned: a manually created key can be
/// adopted.
pub(crate) async fn find(aws: &AwsProvider, alias: &str) -> Result<Option<FoundKey>, AwsError> {
    behind(aws, describe(aws, alias)).await
}

/// Returns the key the alias points to, regardless of owner.
pub(in crate::backend::aws) async fn at_alias(
    aws: &AwsProvider,
    aliased: impl Future<Output = Result<Option<KeyMetadata>, AwsError>>,
) -> Result<Option<FoundKey>, AwsError> {
    match aliased.await? {
        Some(metadata) => Box::pin(with_tags(aws, metadata)).await.map(Some),
        None => Ok(None),
    }
}

/// Returns whether the key with this ARN has the tags of this environment.
///
/// # Errors
/// If KMS returns an error.
pub(crate) async fn is_ours(aws: &AwsProvider, arn: &str) -> Result<bool, AwsError> {
    Ok(aws.mark.owner(&tags(aws, arn).await?) == ResourceOwner::Us)
}

/// Returns whether the key with this ARN is deleted or scheduled for deletion. An unreadable key
/// counts as usable.
pub(crate) async fn is_gone(aws: &AwsProvider, arn: &str) -> bool {
    let is_pending = |key: &KeyMetadata| {
        matches!(
            key.key_state(),
            Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion)
        )
    };
    match describe(aws, arn).await {
        Ok(key) => key.as_ref().is_none_or(is_pending),
        Err(_) => false,
    }
}

/// [`find`] with the target of the alias.
pub(in crate::backend::aws) async fn behind(
    aws: &AwsProvider,
    aliased: impl Future<Output = Result<Option<KeyMetadata>, AwsError>>,
) -> Result<Option<FoundKey>, AwsError> {
    let aliased = async {
        match aliased.await? {
            Some(metadata) => Box::pin(with_tags(aws, metadata)).await.map(Some),
            None => Ok(None),
        }
    };
    let (aliased, all) = tokio::join!(aliased, Box::pin(list(aws)));
    match aliased? {
        Some(key) if key.owner == ResourceOwner::Us => Ok(Some(key)),
        other => {
            let alias_leads = other.as_ref().map_or(AliasTarget::Nowhere, |key| {
                AliasTarget::Elsewhere(key.arn.clone())
            });
            let ours = Box::pin(search(aws, all?)).await?;
            Ok(ours.map(|key| FoundKey { alias_leads, ..key }).or(other))
        }
    }
}

pub(in crate::backend::aws) async fn describe(
    aws: &AwsProvider,
    id: &str,
) -> Result<Option<KeyMetadata>, AwsError> {
    let answer = aws
        .read(
            DESCRIBE,
            id,
            aws.clients.kms.describe_key().key_id(id).send(),
        )
        .await;
    Ok(found(answer, ABSENT)?.and_then(|answer| answer.key_metadata))
}

async fn list(aws: &AwsProvider) -> Result<Vec<String>, AwsError> {
    let pages = aws
        .clients
        .kms
        .list_keys()
        .limit(1000)
        .into_paginator()
        .items()
        .send();
    let keys = pages
        .try_collect()
        .await
        .map_err(|error| AwsError::from_sdk(LIST, "the keys of the account", error))?;
    Ok(keys.into_iter().filter_map(|key| key.key_id).collect())
}

/// Keys whose tags cannot be read are not owned, since owned keys delegate to IAM. But if no tags
/// can be read, the result is unknown.
async fn search(aws: &AwsProvider, ids: Vec<String>) -> Result<Option<FoundKey>, AwsError> {
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
                if aws.mark.owner(&tags) == ResourceOwner::Us {
                    ours.push((id, tags));
                }
            }
            Err(error) if error.kind == ServiceErrorKind::Denied => denied = Some(error),
            // Deleted after it was listed.
            Err(error) if error.is(ABSENT) => {}
            Err(error) => return Err(error),
        }
    }
    if let (Some(error), false) = (denied, readable) {
        return Err(error);
    }
    let described: Vec<(KeyMetadata, Tags)> = stream::iter(ours)
        .map(|(id, tags)| async move {
            Ok::<_, AwsError>(describe(aws, &id).await?.map(|key| (key, tags)))
        })
        .buffered(SEARCH_WIDTH)
        .try_filter_map(|found| async { Ok(found) })
        .try_collect()
        .await?;
    let oldest = described
        .into_iter()
        .filter(|(key, _)| key.key_manager() == Some(&KeyManagerType::Customer))
        .filter(|(key, _)| {
            !matches!(
                key.key_state(),
                Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion)
            )
        })
        .min_by_key(|(key, _)| {
            (
                key.creation_date().map(|at| at.as_nanos()),
                key.key_id().to_owned(),
            )
        });
    Ok(oldest.map(|(metadata, tags)| found_key(aws, metadata, tags)))
}

/// Returns the ARN of a key by its ID, ARN or alias; `None` if there is no such key.
pub(crate) async fn arn(aws: &AwsProvider, id: &str) -> Result<Option<String>, AwsError> {
    Ok(describe(aws, id).await?.map(|key| arn_of(&key)))
}

pub(in crate::backend::aws) fn arn_of(key: &KeyMetadata) -> String {
    key.arn().unwrap_or_else(|| key.key_id()).to_owned()
}

/// As if an alias pointed to it.
pub(super) async fn with_tags(
    aws: &AwsProvider,
    metadata: KeyMetadata,
) -> Result<FoundKey, AwsError> {
    let tags = tags(aws, metadata.key_id()).await?;
    Ok(found_key(aws, metadata, tags))
}

fn found_key(aws: &AwsProvider, metadata: KeyMetadata, tags: Tags) -> FoundKey {
    FoundKey {
        deleted_on: metadata.deletion_date.as_ref().and_then(timestamp),
        arn: arn_of(&metadata),
        alias_leads: AliasTarget::Here,
        state: metadata
            .key_state
            .map(|state| state.as_str().to_owned())
            .unwrap_or_default(),
        description: metadata.description.unwrap_or_default(),
        owner: aws.mark.owner(&tags),
        tags,
    }
}

pub(super) fn timestamp(time: &DateTime) -> Option<Timestamp> {
    Timestamp::from_second(time.secs()).ok()
}

async fn tags(aws: &AwsProvider, id: &str) -> Result<Tags, AwsError> {
    let pages = aws
        .clients
        .kms
        .list_resource_tags()
        .key_id(id)
        .into_paginator()
        .items()
        .send();
    let tags = pages
        .try_collect()
        .await
        .map_err(|error| AwsError::from_sdk(TAGS, id, error))?;
    Ok(tags
        .into_iter()
        .map(|tag| (tag.tag_key, tag.tag_value))
        .collect())
}
