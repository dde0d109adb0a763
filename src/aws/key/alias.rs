//! The alias of the key: how it is found again, and what a person sees in the console.

use serde::{Deserialize, Serialize};

use crate::{
    aws::{
        Aws,
        error::{Api, AwsError},
        key::{
            NOT_YET,
            find::{arn_of, describe},
        },
        resource::{Found, Look, Resource},
    },
    spec::Spec,
};

const CREATE: Api = Api::new("kms:CreateAlias");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alias {
    pub name: String,
    /// ARN of the key.
    pub key: String,
}

impl Spec for Alias {
    /// An alias is never pointed elsewhere: somebody's states may be encrypted by way of it.
    fn blocked_by(&self, observed: &Self) -> Option<String> {
        (observed.key != self.key).then(|| {
            format!(
                "{} points at another key, {}; delete the alias, or choose another project or environment name",
                self.name, observed.key
            )
        })
    }

    fn goes_with_its_whole(&self) -> bool {
        true
    }
}

impl Resource for Alias {
    async fn look(&self, look: &Look<'_>) -> Result<Option<Found<Self>>, AwsError> {
        let found = look.aliased(&self.name).await?;
        Ok(found.map(|key| Found::part(Self { name: self.name.clone(), key: arn_of(key) })))
    }

    async fn write(&self, aws: &Aws, _from: Option<&Self>) -> Result<Option<String>, AwsError> {
        let request = aws.clients.kms.create_alias().alias_name(&self.name).target_key_id(&self.key);
        match aws.send(CREATE, &self.name, NOT_YET, || request.clone().send()).await {
            // Another run was faster: fine if it leads to the same key.
            Err(error) if error.is(&["AlreadyExistsException"]) => {
                let target = describe(aws, &self.name).await?.and_then(|key| key.arn);
                if target.as_deref() == Some(&*self.key) { Ok(None) } else { Err(error) }
            }
            result => result.map(|_| None),
        }
    }
}

#[cfg(test)]
mod tests;
