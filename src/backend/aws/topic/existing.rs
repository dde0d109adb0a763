//! A topic that the user brought: checked, never changed.

use aws_sdk_kms::types::KeyManagerType;
use serde::{Deserialize, Serialize};

use super::{KEY, MANAGED, attributes, policy_of};
use crate::{
    backend::aws::{
        AwsProvider,
        error::{ApiOperation, AwsError},
        key,
        resource::{AwsResource, ObserveContext, ObservedResource},
    },
    engine::{observation::ResourceOwner, spec::Spec},
};

const GET: ApiOperation = ApiOperation::new("sns:GetTopicAttributes");
const PUBLISH: &str = "sns:Publish";
/// What it takes to publish to an encrypted topic (SNS: key management).
const USE: [&str; 2] = ["kms:GenerateDataKey", "kms:Decrypt"];
const OWN_KEY: &str = "give it a key of the account's own (`aws sns set-topic-attributes \
                       --attribute-name KmsMasterKeyId`)";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExistingTopic {
    pub arn: String,
    /// The AWS services that its policy must let publish. Alarms need none: they publish as the
    /// account.
    pub publishers: Vec<String>,
    /// The AWS services that its key must let use it, if it has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_users: Vec<String>,
    /// What was seen of its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<TopicKey>,
}

/// The key that the messages of a topic are encrypted with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TopicKey {
    Usable,
    /// Those who publish may not use it: nothing is delivered, and no error is seen.
    Unusable {
        why: String,
    },
    Unreadable {
        error: String,
    },
}

impl ExistingTopic {
    pub fn new(arn: String, publishers: Vec<String>, key_users: Vec<String>) -> Self {
        Self {
            arn,
            publishers,
            key_users,
            key: None,
        }
    }

    /// Why those who must may not publish.
    pub fn denied(&self, observed: &Self) -> Option<String> {
        let missing: Vec<&str> = self
            .publishers
            .iter()
            .filter(|name| !observed.publishers.contains(name))
            .map(String::as_str)
            .collect();
        (!missing.is_empty()).then(|| {
            format!(
                "the topic's policy does not let {} publish, so nobody would hear of a deleted \
                 state; allow it {PUBLISH}, or leave that out (--delete-events=false)",
                missing.join(", ")
            )
        })
    }

    async fn key_seen(&self, aws: &AwsProvider, id: &str) -> TopicKey {
        let unusable = |why: String| TopicKey::Unusable { why };
        if id.ends_with(MANAGED) {
            return unusable(format!(
                "the topic is encrypted with {MANAGED}, which alarms and the bucket may not use: \
                 {OWN_KEY}"
            ));
        }
        let unreadable = |error: &AwsError| TopicKey::Unreadable {
            error: error.to_string(),
        };
        let metadata = match key::find::describe(aws, id).await {
            Ok(Some(metadata)) => metadata,
            Ok(None) => {
                return unusable(format!(
                    "the key of the topic, {id}, is not there: {OWN_KEY}"
                ));
            }
            Err(error) => return unreadable(&error),
        };
        if metadata.key_manager() == Some(&KeyManagerType::Aws) {
            return unusable(format!(
                "the topic is encrypted with a key of AWS's, which alarms and the bucket may not \
                 use: {OWN_KEY}"
            ));
        }
        let policy = match key::get_policy(aws, metadata.arn().unwrap_or(id)).await {
            Ok(policy) => policy,
            Err(error) => return unreadable(&error),
        };
        let may = |service: &String| {
            USE.iter()
                .all(|action| policy.allows_service(service, action))
        };
        let denied: Vec<&str> = self
            .key_users
            .iter()
            .filter(|service| !may(service))
            .map(String::as_str)
            .collect();
        if denied.is_empty() {
            return TopicKey::Usable;
        }
        let (who, what) = (denied.join(", "), USE.join(" and "));
        unusable(format!(
            "the key of the topic, {id}, does not let {who} use it, and nothing would be \
             delivered: allow it {what}"
        ))
    }
}

impl Spec for ExistingTopic {
    fn over(&self, observed: &Self) -> Self {
        Self {
            key: observed.key.clone(),
            ..self.clone()
        }
    }

    /// Its attributes, the key that they name, and the policy of that.
    fn trips_to_look(&self) -> u32 {
        3
    }

    fn blocked_by(&self, observed: &Self) -> Option<String> {
        let unusable = || match &observed.key {
            Some(TopicKey::Unusable { why }) => Some(why.clone()),
            Some(TopicKey::Usable | TopicKey::Unreadable { .. }) | None => None,
        };
        self.denied(observed).or_else(unusable)
    }

    fn reference(&self) -> Option<String> {
        Some(format!(
            "there is no topic {} that these credentials can see",
            self.arn
        ))
    }
}

impl AwsResource for ExistingTopic {
    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let Some(attributes) = attributes(look.aws, &self.arn).await? else {
            return Ok(None);
        };
        let key = match attributes.get(KEY).filter(|key| !key.is_empty()) {
            Some(id) => Some(self.key_seen(look.aws, id).await),
            None => None,
        };
        let policy = policy_of(&attributes, &self.arn)?;
        let publishers = self
            .publishers
            .iter()
            .filter(|name| policy.allows_service(name, PUBLISH))
            .cloned()
            .collect();
        Ok(Some(ObservedResource {
            spec: Self {
                publishers,
                key,
                ..self.clone()
            },
            output: Some(self.arn.clone()),
            owner: ResourceOwner::Unmanaged,
        }))
    }

    async fn write(
        &self,
        _aws: &AwsProvider,
        _from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        Err(AwsError::nonsense(
            GET,
            &self.arn,
            "a topic that was brought along is never written",
        ))
    }
}

#[cfg(test)]
mod tests;
