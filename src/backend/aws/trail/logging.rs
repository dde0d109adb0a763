//! The logging status of the trail: a new trail does not log, and an existing one can be stopped.

use crate::{
    backend::aws::{
        permissions::{ActionTargets, PermissionScope},
        verify::catalogue as rules,
    },
    checks::Check,
    engine::spec::Address,
};
use serde::{Deserialize, Serialize};

use super::{ABSENT, NOT_YET};
use crate::{
    backend::aws::{
        AwsProvider,
        error::{ApiOperation, AwsError, found},
        resource::{AwsResource, ObserveContext, ObservedResource},
    },
    engine::spec::Spec,
};

pub(in crate::backend::aws) const GET: ApiOperation =
    ApiOperation::new("cloudtrail:GetTrailStatus");
const START: ApiOperation = ApiOperation::new("cloudtrail:StartLogging");

/// Returns whether a trail is logging; false for a missing one. A member of an organization can
/// only read this of its trail.
pub(in crate::backend::aws) async fn is_on(aws: &AwsProvider, arn: &str) -> Result<bool, AwsError> {
    let status = found(
        aws.read(
            GET,
            arn,
            aws.clients.cloudtrail.get_trail_status().name(arn).send(),
        )
        .await,
        ABSENT,
    )?;
    Ok(status.is_some_and(|status| status.is_logging() == Some(true)))
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrailLogging {
    pub trail: String,
    pub on: bool,
    /// Returns why the last log file could not be delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_error: Option<String>,
}

impl TrailLogging {
    pub fn on(trail: String) -> Self {
        Self {
            trail,
            on: true,
            delivery_error: None,
        }
    }
}

impl Spec for TrailLogging {
    fn title(&self) -> String {
        "records events".to_owned()
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, _) = setting.split_once('.').unwrap_or((setting, ""));
        (field == "on").then_some("so that the trail records events")
    }

    fn merge_onto(&self, observed: &Self) -> Self {
        Self {
            delivery_error: observed.delivery_error.clone(),
            ..self.clone()
        }
    }

    fn deleted_with_parent(&self) -> bool {
        true
    }
}

impl AwsResource for TrailLogging {
    const CHECKS: &'static [&'static Check] = &[&rules::TRAIL_LOGGING];

    fn permission_arn(&self, scope: &PermissionScope<'_>, _: &Address) -> String {
        scope.trail_arn(&self.trail)
    }

    fn permissions_to_read(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["cloudtrail:GetTrailStatus"], arn);
    }

    fn permissions_to_put(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["cloudtrail:StartLogging"], arn);
    }

    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let request = look
            .aws
            .clients
            .cloudtrail
            .get_trail_status()
            .name(&self.trail);
        let answer = found(
            look.aws.read(GET, &self.trail, request.send()).await,
            ABSENT,
        )?;
        Ok(answer.map(|answer| {
            let on = answer.is_logging().unwrap_or(false);
            // Also `FAILURE` of digests; empty if the last one was delivered.
            let errors = [
                answer.latest_delivery_error,
                answer.latest_digest_delivery_error,
            ];
            let delivery_error = errors.into_iter().flatten().find(|error| !error.is_empty());
            ObservedResource::part(Self {
                trail: self.trail.clone(),
                on,
                delivery_error,
            })
        }))
    }

    async fn write(
        &self,
        aws: &AwsProvider,
        _from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        let request = aws.clients.cloudtrail.start_logging().name(&self.trail);
        aws.send(START, &self.trail, NOT_YET, || request.clone().send())
            .await?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
