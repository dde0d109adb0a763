//! Automatic rotation of the key material.

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
        key::find,
        resource::{AwsResource, ObserveContext, ObservedResource},
    },
    engine::spec::Spec,
};

pub(in crate::backend::aws) const GET: ApiOperation = ApiOperation::new("kms:GetKeyRotationStatus");
const ENABLE: ApiOperation = ApiOperation::new("kms:EnableKeyRotation");
/// A new key is eventually consistent, also in its enabled state.
const NOT_YET: &[&str] = &["NotFoundException", "DisabledException"];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyRotation {
    pub alias: String,
    /// ARN of the key.
    pub key: String,
    pub enabled: bool,
    /// The maximum number of days between rotations, 90 to 2560.
    pub days: u32,
}

impl Spec for KeyRotation {
    fn title(&self) -> String {
        format!("new key material every {} days", self.days)
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, _) = setting.split_once('.').unwrap_or((setting, ""));
        matches!(field, "enabled" | "days").then_some("so that key material is replaced regularly")
    }

    fn read_round_trips(&self) -> u32 {
        find::TRIPS
    }

    /// A shorter rotation period is kept.
    fn merge_onto(&self, observed: &Self) -> Self {
        let days = if observed.enabled {
            self.days.min(observed.days)
        } else {
            self.days
        };
        Self {
            days,
            ..self.clone()
        }
    }

    fn deleted_with_parent(&self) -> bool {
        true
    }
}

impl AwsResource for KeyRotation {
    const CHECKS: &'static [&'static Check] = &[&rules::KEY_ROTATION];

    fn permission_arn(&self, scope: &PermissionScope<'_>, _: &Address) -> String {
        scope.key.clone()
    }

    fn permissions_to_read(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["kms:GetKeyRotationStatus"], arn);
    }

    fn permissions_to_put(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["kms:EnableKeyRotation"], arn);
    }

    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let kms = &look.aws.clients.kms;
        let status = |arn: String| async move {
            look.aws
                .read(GET, &arn, kms.get_key_rotation_status().key_id(&arn).send())
                .await
        };
        let Some((key, answer)) = look.key_and(&self.alias, status).await? else {
            return Ok(None);
        };
        let days = answer
            .rotation_period_in_days()
            .and_then(|days| u32::try_from(days).ok());
        let enabled = answer.key_rotation_enabled();
        Ok(Some(ObservedResource::part(Self {
            alias: self.alias.clone(),
            key: key.arn.clone(),
            enabled,
            days: days.unwrap_or(if enabled { 365 } else { 0 }),
        })))
    }

    async fn write(
        &self,
        aws: &AwsProvider,
        _from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        let days = i32::try_from(self.days).unwrap_or(i32::MAX);
        let request = aws
            .clients
            .kms
            .enable_key_rotation()
            .key_id(&self.key)
            .rotation_period_in_days(days);
        aws.send(ENABLE, &self.key, NOT_YET, || request.clone().send())
            .await?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
