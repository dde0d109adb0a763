//! An email subscription of the topic, which its owner must confirm.

use crate::{
    backend::aws::{
        permissions::{ActionTargets, PermissionScope},
        verify::catalogue as rules,
    },
    checks::Check,
    engine::spec::Address,
};
use aws_sdk_sns::types::Subscription as SdkSubscription;
use serde::{Deserialize, Serialize};

use super::ABSENT;
use crate::{
    backend::aws::{
        AwsProvider,
        error::{ApiOperation, AwsError, found},
        resource::{AwsResource, ObserveContext, ObservedResource},
    },
    engine::spec::Spec,
};

const LIST: ApiOperation = ApiOperation::new("sns:ListSubscriptionsByTopic");
const SUBSCRIBE: ApiOperation = ApiOperation::new("sns:Subscribe");
const EMAIL: &str = "email";
/// The placeholder for the ARN of a deleted subscription that is still listed.
const DELETED: &str = "Deleted";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopicSubscription {
    /// The ARN of the topic.
    pub topic: String,
    pub email: String,
    /// Whether its owner has confirmed it, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<bool>,
}

impl Spec for TopicSubscription {
    fn title(&self) -> String {
        "e-mail subscription".to_owned()
    }

    fn note(&self) -> Option<String> {
        Some("AWS sends an e-mail with a confirmation link".to_owned())
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, _) = setting.split_once('.').unwrap_or((setting, ""));
        (field == "email").then_some("so that you are notified of alarms")
    }

    fn merge_onto(&self, observed: &Self) -> Self {
        Self {
            confirmed: observed.confirmed,
            ..self.clone()
        }
    }

    fn deleted_with_parent(&self) -> bool {
        true
    }
}

impl AwsResource for TopicSubscription {
    const CHECKS: &'static [&'static Check] = &[&rules::SUBSCRIBED];

    fn permission_arn(&self, _: &PermissionScope<'_>, _: &Address) -> String {
        self.topic.clone()
    }

    fn permissions_to_read(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["sns:ListSubscriptionsByTopic"], arn);
    }

    fn permissions_to_put(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["sns:Subscribe"], arn);
    }

    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let all = all(look.aws, &self.topic).await?;
        let found = all.and_then(|all| all.into_iter().find(|subscription| self.is(subscription)));
        Ok(found.map(|found| {
            ObservedResource::part(Self {
                confirmed: Some(is_confirmed(&found)),
                ..self.clone()
            })
        }))
    }

    async fn write(
        &self,
        aws: &AwsProvider,
        _from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        let request = aws
            .clients
            .sns
            .subscribe()
            .topic_arn(&self.topic)
            .protocol(EMAIL)
            .endpoint(&self.email);
        aws.send(SUBSCRIBE, &self.topic, &[], || request.clone().send())
            .await?;
        Ok(None)
    }
}

/// Returns all existing subscriptions; `None` if there is no such topic.
pub(in crate::backend::aws) async fn all(
    aws: &AwsProvider,
    topic: &str,
) -> Result<Option<Vec<SdkSubscription>>, AwsError> {
    let (mut all, mut next) = (vec![], None);
    loop {
        let request = aws
            .clients
            .sns
            .list_subscriptions_by_topic()
            .topic_arn(topic)
            .set_next_token(next);
        let Some(page) = found(aws.read(LIST, topic, request.send()).await, ABSENT)? else {
            return Ok(None);
        };
        all.extend(
            page.subscriptions
                .unwrap_or_default()
                .into_iter()
                .filter(|one| one.subscription_arn() != Some(DELETED)),
        );
        next = page.next_token;
        if next.is_none() {
            return Ok(Some(all));
        }
    }
}

/// Returns whether it is confirmed, or needs no confirmation: until then, its ARN is a placeholder.
pub(in crate::backend::aws) fn is_confirmed(subscription: &SdkSubscription) -> bool {
    subscription
        .subscription_arn()
        .is_some_and(|arn| arn.starts_with("arn:"))
}

impl TopicSubscription {
    pub(in crate::backend::aws) fn is(&self, subscription: &SdkSubscription) -> bool {
        subscription.protocol() == Some(EMAIL)
            && subscription
                .endpoint()
                .is_some_and(|endpoint| endpoint.eq_ignore_ascii_case(&self.email))
    }
}

#[cfg(test)]
mod tests;
