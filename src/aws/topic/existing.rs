//! A topic that the user brought: checked, never changed.

use serde::{Deserialize, Serialize};

use super::{attributes, policy_of};
use crate::{
    aws::{
        Aws,
        error::{Api, AwsError},
        resource::{Found, Look, Resource},
    },
    observation::Owner,
    spec::Spec,
};

const GET: Api = Api::new("sns:GetTopicAttributes");
const PUBLISH: &str = "sns:Publish";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExistingTopic {
    pub arn: String,
    /// The AWS services that its policy must let publish. Alarms need none: they publish as the account.
    pub publishers: Vec<String>,
}

impl Spec for ExistingTopic {
    fn blocked_by(&self, observed: &Self) -> Option<String> {
        let missing: Vec<&str> = self.publishers.iter().filter(|name| !observed.publishers.contains(name)).map(String::as_str).collect();
        (!missing.is_empty()).then(|| {
            format!(
                "the topic's policy does not let {} publish, so nobody would hear of a deleted state; allow it {PUBLISH}, or leave that out \
                 (--delete-events=false)",
                missing.join(", ")
            )
        })
    }

    fn reference(&self) -> Option<String> {
        Some(format!("there is no topic {} that these credentials can see", self.arn))
    }
}

impl Resource for ExistingTopic {
    async fn look(&self, look: &Look<'_>) -> Result<Option<Found<Self>>, AwsError> {
        let Some(attributes) = attributes(look.aws, &self.arn).await? else { return Ok(None) };
        let policy = policy_of(&attributes, &self.arn)?;
        let publishers = self.publishers.iter().filter(|name| policy.allows_service(name, PUBLISH)).cloned().collect();
        Ok(Some(Found { spec: Self { arn: self.arn.clone(), publishers }, output: Some(self.arn.clone()), owner: Owner::Unmanaged }))
    }

    async fn write(&self, _aws: &Aws, _from: Option<&Self>) -> Result<Option<String>, AwsError> {
        Err(AwsError::nonsense(GET, &self.arn, "a topic that was brought along is never written"))
    }
}

#[cfg(test)]
mod tests;
