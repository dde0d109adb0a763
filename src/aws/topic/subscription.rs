//! An e-mail address that hears of alarms, once its owner has confirmed it.

use aws_sdk_sns::types::Subscription as SdkSubscription;
use serde::{Deserialize, Serialize};

use super::ABSENT;
use crate::{
    aws::{
        Aws,
        error::{Api, AwsError, found},
        resource::{Found, Look, Resource},
    },
    spec::Spec,
};

const LIST: Api = Api::new("sns:ListSubscriptionsByTopic");
const SUBSCRIBE: Api = Api::new("sns:Subscribe");
const EMAIL: &str = "email";
/// Stands for the ARN of a subscription that is listed for a while after it ended.
const DELETED: &str = "Deleted";
/// Stands for the ARN of one that nobody has confirmed.
const PENDING: &str = "PendingConfirmation";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subscription {
    /// ARN of the topic.
    pub topic: String,
    pub email: String,
    /// Whether its owner has, where it is known: nobody else can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<bool>,
}

impl Spec for Subscription {
    fn over(&self, observed: &Self) -> Self {
        Self { confirmed: observed.confirmed, ..self.clone() }
    }

    fn goes_with_its_whole(&self) -> bool {
        true
    }
}

impl Resource for Subscription {
    async fn look(&self, look: &Look<'_>) -> Result<Option<Found<Self>>, AwsError> {
        let mut next = None;
        loop {
            let request = look.aws.clients.sns.list_subscriptions_by_topic().topic_arn(&self.topic).set_next_token(next);
            let Some(page) = found(look.aws.read(LIST, &self.topic, request.send()).await, ABSENT)? else { return Ok(None) };
            if let Some(found) = page.subscriptions().iter().find(|subscription| self.is(subscription)) {
                let confirmed = Some(found.subscription_arn() != Some(PENDING));
                return Ok(Some(Found::part(Self { confirmed, ..self.clone() })));
            }
            next = page.next_token;
            if next.is_none() {
                return Ok(None);
            }
        }
    }

    async fn write(&self, aws: &Aws, _from: Option<&Self>) -> Result<Option<String>, AwsError> {
        let request = aws.clients.sns.subscribe().topic_arn(&self.topic).protocol(EMAIL).endpoint(&self.email);
        aws.send(SUBSCRIBE, &self.email, &[], || request.clone().send()).await?;
        Ok(None)
    }
}

impl Subscription {
    fn is(&self, subscription: &SdkSubscription) -> bool {
        subscription.protocol() == Some(EMAIL)
            && subscription.endpoint().is_some_and(|endpoint| endpoint.eq_ignore_ascii_case(&self.email))
            && subscription.subscription_arn() != Some(DELETED)
    }
}

#[cfg(test)]
mod tests;
