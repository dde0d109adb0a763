//! An existing SNS topic: checked, never changed.

use crate::{
    backend::aws::{
        permissions::{ActionTargets, PermissionScope},
        verify::catalogue as rules,
    },
    checks::Check,
    engine::spec::Address,
};
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
/// The actions to publish to an encrypted topic (SNS: key management).
const USE: [&str; 2] = ["kms:GenerateDataKey", "kms:Decrypt"];
const OWN_KEY: &str =
    "set a customer managed key (`aws sns set-topic-attributes --attribute-name KmsMasterKeyId`)";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExistingTopic {
    pub arn: String,
    /// The AWS services that its policy must allow to publish. Alarms need no statement: they
    /// publish as the account.
    pub publishers: Vec<String>,
    /// The AWS services that its key must allow, if it has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_users: Vec<String>,
    /// The observed key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<TopicKey>,
}

/// The key that encrypts the messages of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TopicKey {
    Usable,
    /// Publishers cannot use it: nothing is delivered, without an error.
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

    /// Returns why the services cannot publish.
    pub fn denied(&self, observed: &Self) -> Option<String> {
        let missing: Vec<&str> = self
            .publishers
            .iter()
            .filter(|name| !observed.publishers.contains(name))
            .map(String::as_str)
            .collect();
        (!missing.is_empty()).then(|| {
            format!(
                "the topic policy does not allow {} to publish, so that you would not be notified \
                 of deleted states; allow {PUBLISH}, or pass --delete-events=false",
                missing.join(", ")
            )
        })
    }

    async fn key_seen(&self, aws: &AwsProvider, id: &str) -> TopicKey {
        let unusable = |why: String| TopicKey::Unusable { why };
        if id.ends_with(MANAGED) {
            return unusable(format!(
                "the topic is encrypted with {MANAGED}, which alarms and the bucket cannot use: \
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
                    "the key of the topic, {id}, does not exist: {OWN_KEY}"
                ));
            }
            Err(error) => return unreadable(&error),
        };
        if metadata.key_manager() == Some(&KeyManagerType::Aws) {
            return unusable(format!(
                "the topic is encrypted with an AWS managed key, which alarms and the bucket \
                 cannot use: {OWN_KEY}"
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
            "the key of the topic, {id}, does not allow {who} to use it, and no message would be \
             delivered: allow {what}"
        ))
    }
}

impl Spec for ExistingTopic {
    fn title(&self) -> String {
        format!("your SNS topic {}", self.arn)
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, _) = setting.split_once('.').unwrap_or((setting, ""));
        match field {
            "publishers" => Some("so that the bucket can notify the topic of deleted states"),
            "key_users" => Some("so that messages to the topic can be encrypted"),
            _ => None,
        }
    }

    fn merge_onto(&self, observed: &Self) -> Self {
        Self {
            key: observed.key.clone(),
            ..self.clone()
        }
    }

    /// Reads its attributes, its key, and the key policy.
    fn read_round_trips(&self) -> u32 {
        3
    }

    fn blocked_by(&self, observed: &Self) -> Option<String> {
        let unusable = || match &observed.key {
            Some(TopicKey::Unusable { why }) => Some(why.clone()),
            Some(TopicKey::Usable | TopicKey::Unreadable { .. }) | None => None,
        };
        self.denied(observed).or_else(unusable)
    }

    fn data_source(&self) -> Option<String> {
        Some(format!(
            "no topic {} that these credentials can read",
            self.arn
        ))
    }
}

impl AwsResource for ExistingTopic {
    const CHECKS: &'static [&'static Check] = &[&rules::TOPIC, &rules::TOPIC_POLICY];

    fn permission_arn(&self, _: &PermissionScope<'_>, _: &Address) -> String {
        self.arn.clone()
    }

    fn permissions_to_read(
        &self,
        arn: &str,
        scope: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        on(&["sns:GetTopicAttributes"], arn);
        // The key of the topic.
        let keys = scope.aws.arn("kms", &scope.aws.region, "key/*");
        on(&["kms:DescribeKey", "kms:GetKeyPolicy"], &keys);
    }

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
            "an existing topic is never written",
        ))
    }
}

#[cfg(test)]
mod tests;
