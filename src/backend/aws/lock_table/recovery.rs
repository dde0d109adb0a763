//! Point-in-time recovery of the lock table, to restore the digests of the states.

use crate::{
    backend::aws::{
        permissions::{ActionTargets, PermissionScope},
        verify::catalogue as rules,
    },
    checks::Check,
    engine::spec::Address,
};
use aws_sdk_dynamodb::types::{
    ContinuousBackupsDescription, PointInTimeRecoverySpecification, PointInTimeRecoveryStatus,
};
use serde::{Deserialize, Serialize};

use crate::{
    backend::aws::{
        AwsProvider,
        error::{ApiOperation, AwsError, found},
        resource::{AwsResource, ObserveContext, ObservedResource},
        retry::{TABLE, WaitLimit},
    },
    engine::spec::Spec,
};

const GET: ApiOperation = ApiOperation::new("dynamodb:DescribeContinuousBackups");
const PUT: ApiOperation = ApiOperation::new("dynamodb:UpdateContinuousBackups");
const ABSENT: &[&str] = &["TableNotFoundException", "ResourceNotFoundException"];
/// Continuous backups become available some time after the table.
const NOT_YET: &[&str] = &[
    "ContinuousBackupsUnavailableException",
    "TableNotFoundException",
    "ResourceInUseException",
];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointInTimeRecovery {
    pub table: String,
    pub enabled: bool,
}

impl Spec for PointInTimeRecovery {
    fn title(&self) -> String {
        "point-in-time recovery".to_owned()
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, _) = setting.split_once('.').unwrap_or((setting, ""));
        (field == "enabled").then_some("so that the digests of the states can be restored")
    }

    fn deleted_with_parent(&self) -> bool {
        true
    }
}

impl AwsResource for PointInTimeRecovery {
    const CHECKS: &'static [&'static Check] = &[&rules::TABLE_RECOVERY];

    fn permission_arn(&self, scope: &PermissionScope<'_>, _: &Address) -> String {
        scope.table_arn(&self.table)
    }

    fn permissions_to_read(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["dynamodb:DescribeContinuousBackups"], arn);
    }

    fn permissions_to_put(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["dynamodb:UpdateContinuousBackups"], arn);
    }

    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let request = look
            .aws
            .clients
            .dynamodb
            .describe_continuous_backups()
            .table_name(&self.table);
        let answer = found(
            look.aws.read(GET, &self.table, request.send()).await,
            ABSENT,
        )?;
        Ok(answer.map(|answer| {
            let enabled = is_enabled(answer.continuous_backups_description.as_ref());
            ObservedResource::part(Self {
                table: self.table.clone(),
                enabled,
            })
        }))
    }

    async fn write(
        &self,
        aws: &AwsProvider,
        _from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        let recovery = PointInTimeRecoverySpecification::builder()
            .point_in_time_recovery_enabled(self.enabled)
            .build()
            .expect("the switch is given");
        let request = aws
            .clients
            .dynamodb
            .update_continuous_backups()
            .table_name(&self.table)
            .point_in_time_recovery_specification(recovery);
        let answer = aws
            .send(PUT, &self.table, NOT_YET, || request.clone().send())
            .await?;
        // DynamoDB may return the old value for some time.
        let mut shown = is_enabled(answer.continuous_backups_description());
        let mut waiting = WaitLimit::at_most(TABLE).until_cancelled(&aws.cancel);
        while shown != self.enabled {
            if !waiting.again().await {
                let still = if shown { "ENABLED" } else { "DISABLED" };
                let why = if waiting.is_cancelled() {
                    format!(
                        "interrupted while point-in-time recovery was {still}; DynamoDB continues \
                         in the background"
                    )
                } else {
                    format!(
                        "point-in-time recovery is still {still} after {} minutes",
                        TABLE.as_secs() / 60
                    )
                };
                return Err(AwsError::nonsense(GET, &self.table, &why));
            }
            let request = aws
                .clients
                .dynamodb
                .describe_continuous_backups()
                .table_name(&self.table);
            shown = is_enabled(
                aws.read(GET, &self.table, request.send())
                    .await?
                    .continuous_backups_description(),
            );
        }
        Ok(None)
    }
}

fn is_enabled(backups: Option<&ContinuousBackupsDescription>) -> bool {
    let recovery = backups.and_then(|backups| backups.point_in_time_recovery_description());
    recovery.and_then(|recovery| recovery.point_in_time_recovery_status())
        == Some(&PointInTimeRecoveryStatus::Enabled)
}

#[cfg(test)]
mod tests;
