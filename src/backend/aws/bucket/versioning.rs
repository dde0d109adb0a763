//! Versioning of the bucket, so that a broken or deleted state can be restored.

use crate::{
    backend::aws::{
        permissions::{ActionTargets, PermissionScope},
        verify::catalogue as rules,
    },
    checks::Check,
    engine::spec::Address,
};
use aws_sdk_s3::types::{BucketVersioningStatus, MfaDeleteStatus, VersioningConfiguration};
use serde::{Deserialize, Serialize};

use super::NOT_YET;
use crate::{
    backend::aws::{
        AwsProvider,
        error::{ApiOperation, AwsError, found},
        resource::{AwsResource, ObserveContext, ObservedResource},
    },
    engine::spec::Spec,
};

const GET: ApiOperation = ApiOperation::new("s3:GetBucketVersioning");
const PUT: ApiOperation = ApiOperation::new("s3:PutBucketVersioning");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BucketVersioning {
    pub bucket: String,
    /// `Enabled`, `Suspended`, or `Off` if never enabled.
    pub status: String,
    pub mfa_delete: bool,
}

impl BucketVersioning {
    pub fn enabled(bucket: String) -> Self {
        Self {
            bucket,
            status: BucketVersioningStatus::Enabled.as_str().to_owned(),
            mfa_delete: false,
        }
    }
}

impl Spec for BucketVersioning {
    fn title(&self) -> String {
        "keeps every version".to_owned()
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, _) = setting.split_once('.').unwrap_or((setting, ""));
        Some(match field {
            "status" => "so that no version of a state can be lost",
            "mfa_delete" => "so that the stricter setting is kept",
            _ => return None,
        })
    }

    /// MFA delete is stricter than the blueprint, and only the root user can change it.
    fn merge_onto(&self, observed: &Self) -> Self {
        Self {
            mfa_delete: observed.mfa_delete,
            ..self.clone()
        }
    }

    fn deleted_with_parent(&self) -> bool {
        true
    }
}

impl AwsResource for BucketVersioning {
    const CHECKS: &'static [&'static Check] = &[&rules::VERSIONING];

    fn permission_arn(&self, scope: &PermissionScope<'_>, _: &Address) -> String {
        scope.bucket_arn(&self.bucket)
    }

    fn permissions_to_read(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["s3:GetBucketVersioning"], arn);
    }

    fn permissions_to_put(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["s3:PutBucketVersioning"], arn);
    }

    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let request = look
            .aws
            .clients
            .s3
            .get_bucket_versioning()
            .bucket(&self.bucket)
            .expected_bucket_owner(look.aws.account());
        let answer = found(
            look.aws.read(GET, &self.bucket, request.send()).await,
            NOT_YET,
        )?;
        Ok(answer.map(|answer| {
            ObservedResource::part(Self {
                bucket: self.bucket.clone(),
                status: answer
                    .status()
                    .map_or("Off", BucketVersioningStatus::as_str)
                    .to_owned(),
                mfa_delete: answer.mfa_delete().map(MfaDeleteStatus::as_str) == Some("Enabled"),
            })
        }))
    }

    async fn write(
        &self,
        aws: &AwsProvider,
        _from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        let configuration = VersioningConfiguration::builder()
            .status(BucketVersioningStatus::from(&*self.status))
            .build();
        let request = aws
            .clients
            .s3
            .put_bucket_versioning()
            .bucket(&self.bucket)
            .versioning_configuration(configuration)
            .expected_bucket_owner(aws.account());
        aws.send(PUT, &self.bucket, NOT_YET, || request.clone().send())
            .await?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
