//! An existing KMS key: checked, never changed.

use crate::{
    backend::aws::{
        permissions::{ActionTargets, PermissionScope},
        verify::catalogue as rules,
    },
    checks::Check,
    engine::spec::Address,
};
use serde::{Deserialize, Serialize};

use crate::{
    backend::aws::{
        AwsProvider,
        error::{ApiOperation, AwsError},
        key::{find::describe, get_policy, unusable},
        resource::{AwsResource, ObserveContext, ObservedResource},
    },
    engine::{observation::ResourceOwner, spec::Spec},
};

const DESCRIBE: ApiOperation = ApiOperation::new("kms:DescribeKey");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnKey {
    pub arn: String,
    pub state: String,
    /// `ENCRYPT_DECRYPT` for a key that S3 can use.
    pub usage: String,
    /// `SYMMETRIC_DEFAULT` for a key that S3 can use.
    pub key_spec: String,
    /// The actions that the key policy must allow for AWS services, as `service action`.
    pub service_grants: Vec<String>,
}

impl OwnKey {
    pub fn new(arn: String, service_grants: Vec<String>) -> Self {
        Self {
            arn,
            state: "Enabled".to_owned(),
            usage: "ENCRYPT_DECRYPT".to_owned(),
            key_spec: "SYMMETRIC_DEFAULT".to_owned(),
            service_grants,
        }
    }
}

impl Spec for OwnKey {
    fn title(&self) -> String {
        format!("your KMS key {}", self.arn)
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, _) = setting.split_once('.').unwrap_or((setting, ""));
        Some(match field {
            "state" => "so that states can be read and written",
            "usage" | "key_spec" => "so that S3 can encrypt with it",
            "service_grants" => "so that the trail and the alarms can use the key",
            _ => return None,
        })
    }

    fn blocked_by(&self, observed: &Self) -> Option<String> {
        if observed.usage != self.usage || observed.key_spec != self.key_spec {
            return Some(format!(
                "S3 needs a symmetric key for encryption ({} {}), and this one is {} {}",
                self.key_spec, self.usage, observed.key_spec, observed.usage
            ));
        }
        if let Some(why) = unusable(&observed.state) {
            return Some(why);
        }
        let missing: Vec<&str> = self
            .service_grants
            .iter()
            .filter(|grant| !observed.service_grants.contains(grant))
            .map(String::as_str)
            .collect();
        (!missing.is_empty()).then(|| {
            format!(
                "the key policy does not grant the permissions that trail and alarms need ({}); \
                 grant them, or pass --trail off --alarms=false",
                missing.join(", ")
            )
        })
    }

    fn read_round_trips(&self) -> u32 {
        1 + u32::from(!self.service_grants.is_empty())
    }

    fn data_source(&self) -> Option<String> {
        Some(format!(
            "no key {} that these credentials can read",
            self.arn
        ))
    }
}

impl AwsResource for OwnKey {
    const CHECKS: &'static [&'static Check] = &[&rules::KEY, &rules::KEY_USABLE];

    fn permission_arn(&self, _: &PermissionScope<'_>, _: &Address) -> String {
        self.arn.clone()
    }

    fn permissions_to_read(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["kms:DescribeKey"], arn);
        if !self.service_grants.is_empty() {
            on(&["kms:GetKeyPolicy"], arn);
        }
    }

    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let Some(key) = describe(look.aws, &self.arn).await? else {
            return Ok(None);
        };
        let mut service_grants = vec![];
        if !self.service_grants.is_empty() {
            let policy = get_policy(look.aws, &self.arn).await?;
            service_grants = self
                .service_grants
                .iter()
                .filter(|grant| {
                    grant
                        .split_once(' ')
                        .is_some_and(|(service, action)| policy.allows_service(service, action))
                })
                .cloned()
                .collect();
        }
        let spec = Self {
            arn: key.arn.clone().unwrap_or(key.key_id),
            state: key
                .key_state
                .map(|state| state.as_str().to_owned())
                .unwrap_or_default(),
            usage: key
                .key_usage
                .map(|usage| usage.as_str().to_owned())
                .unwrap_or_default(),
            key_spec: key
                .key_spec
                .map(|spec| spec.as_str().to_owned())
                .unwrap_or_default(),
            service_grants,
        };
        Ok(Some(ObservedResource {
            output: Some(spec.arn.clone()),
            spec,
            owner: ResourceOwner::Unmanaged,
        }))
    }

    async fn write(
        &self,
        _aws: &AwsProvider,
        _from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        Err(AwsError::nonsense(
            DESCRIBE,
            &self.arn,
            "an existing key is never written",
        ))
    }
}

#[cfg(test)]
mod tests;
