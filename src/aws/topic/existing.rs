//! A topic that the user brought: checked, never changed.

use serde::{Deserialize, Serialize};

use super::attributes;
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExistingTopic {
    pub arn: String,
}

impl Spec for ExistingTopic {
    fn reference(&self) -> Option<String> {
        Some(format!("there is no topic {} that these credentials can see", self.arn))
    }
}

impl Resource for ExistingTopic {
    async fn look(&self, look: &Look<'_>) -> Result<Option<Found<Self>>, AwsError> {
        let found = attributes(look.aws, &self.arn).await?;
        Ok(found.map(|_| Found { spec: self.clone(), output: Some(self.arn.clone()), owner: Owner::Unmanaged }))
    }

    async fn write(&self, _aws: &Aws, _from: Option<&Self>) -> Result<Option<String>, AwsError> {
        Err(AwsError::nonsense(GET, &self.arn, "a topic that was brought along is never written"))
    }
}

#[cfg(test)]
mod tests;
