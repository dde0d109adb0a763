//! Access logging of the bucket to the log bucket.

use crate::{
    backend::aws::{
        permissions::{ActionTargets, PermissionScope},
        verify::catalogue as rules,
    },
    checks::Check,
    engine::spec::Address,
};
use aws_sdk_s3::types::{BucketLoggingStatus, LoggingEnabled};
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

const GET: ApiOperation = ApiOperation::new("s3:GetBucketLogging");
const PUT: ApiOperation = ApiOperation::new("s3:PutBucketLogging");
/// The policy of the target is eventually consistent.
const TARGET_NOT_YET: &[&str] = &["NoSuchBucket", "InvalidTargetBucketForLogging"];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccessLogging {
    pub bucket: String,
    pub target: Option<String>,
    pub prefix: Option<String>,
}

impl Spec for AccessLogging {
    fn title(&self) -> String {
        format!(
            "access logs into {}",
            self.target.as_deref().unwrap_or("nothing")
        )
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, _) = setting.split_once('.').unwrap_or((setting, ""));
        matches!(field, "target" | "prefix").then_some("so that S3 logs the requests")
    }

    /// Readers of the existing target would miss the logs.
    fn adoption_blocked_by(&self, observed: &Self) -> Option<String> {
        let theirs = observed
            .target
            .as_ref()
            .filter(|theirs| self.target.as_ref() != Some(theirs))?;
        Some(format!(
            "bucket {} writes its access logs to {theirs}, and S3 supports one target bucket \
             only; pass --access-logs=false to keep it",
            self.bucket
        ))
    }

    fn deleted_with_parent(&self) -> bool {
        true
    }
}

impl AwsResource for AccessLogging {
    const CHECKS: &'static [&'static Check] = &[&rules::ACCESS_LOGS];

    fn permission_arn(&self, scope: &PermissionScope<'_>, _: &Address) -> String {
        scope.bucket_arn(&self.bucket)
    }

    fn permissions_to_read(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["s3:GetBucketLogging"], arn);
    }

    fn permissions_to_put(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["s3:PutBucketLogging"], arn);
    }

    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let request = look
            .aws
            .clients
            .s3
            .get_bucket_logging()
            .bucket(&self.bucket)
            .expected_bucket_owner(look.aws.account());
        let answer = found(
            look.aws.read(GET, &self.bucket, request.send()).await,
            NOT_YET,
        )?;
        Ok(answer.map(|answer| {
            let (target, prefix) = match answer.logging_enabled {
                Some(logging) => (Some(logging.target_bucket), Some(logging.target_prefix)),
                None => (None, None),
            };
            ObservedResource::part(Self {
                bucket: self.bucket.clone(),
                target,
                prefix,
            })
        }))
    }

    async fn write(
        &self,
        aws: &AwsProvider,
        _from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        let target = self.target.clone().unwrap_or_default();
        let logging = LoggingEnabled::builder()
            .target_bucket(target)
            .target_prefix(self.prefix.clone().unwrap_or_default())
            .build()
            .expect("both parts are given");
        let status = BucketLoggingStatus::builder()
            .logging_enabled(logging)
            .build();
        let request = aws
            .clients
            .s3
            .put_bucket_logging()
            .bucket(&self.bucket)
            .bucket_logging_status(status)
            .expected_bucket_owner(aws.account());
        aws.send(PUT, &self.bucket, TARGET_NOT_YET, || request.clone().send())
            .await?;
        Ok(None)
    }

    /// Delivered logs are kept.
    async fn delete(&self, aws: &AwsProvider) -> Result<(), AwsError> {
        let status = BucketLoggingStatus::builder().build();
        let request = aws
            .clients
            .s3
            .put_bucket_logging()
            .bucket(&self.bucket)
            .bucket_logging_status(status)
            .expected_bucket_owner(aws.account());
        found(
            aws.send(PUT, &self.bucket, &[], || request.clone().send())
                .await,
            NOT_YET,
        )
        .map(drop)
    }
}

#[cfg(test)]
mod tests;
