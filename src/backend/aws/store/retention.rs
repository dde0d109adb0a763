//! Reads what protects versions from deletion regardless of permissions: Object Lock and MFA
//! delete.

use aws_sdk_s3::types::{MfaDeleteStatus, ObjectLockEnabled};

use super::S3Store;
use crate::{
    backend::aws::error::{ApiOperation, AwsError, NOT_OFFERED},
    state::census::ObjectLock,
};

const GET_LOCK: ApiOperation = ApiOperation::allowed_by(
    "s3:GetObjectLockConfiguration",
    "s3:GetBucketObjectLockConfiguration",
);
const GET_VERSIONING: ApiOperation = ApiOperation::new("s3:GetBucketVersioning");
const NO_LOCK: &[&str] = &["ObjectLockConfigurationNotFoundError"];
/// The partition with Object Lock, in which a not-supported error does not mean absence.
const OFFERED_IN: [&str; 2] = ["aws", "aws-us-gov"];
/// A default retention is in days or in years.
const DAYS_OF_A_YEAR: i32 = 366;

impl S3Store<'_> {
    pub async fn object_lock(&self) -> Result<Option<ObjectLock>, AwsError> {
        let bucket = &self.address.bucket;
        let request = self
            .aws
            .clients
            .s3
            .get_object_lock_configuration()
            .bucket(bucket)
            .expected_bucket_owner(&self.address.owner);
        let answer = match self.aws.read(GET_LOCK, bucket, request.send()).await {
            Err(error) if error.is(NO_LOCK) => return Ok(None),
            Err(error)
                if error.is(NOT_OFFERED) && !OFFERED_IN.contains(&&*self.aws.caller.partition) =>
            {
                return Ok(None);
            }
            answer => answer?,
        };
        let Some(lock) = answer.object_lock_configuration else {
            return Ok(None);
        };
        let retention = lock.rule.and_then(|rule| rule.default_retention);
        if lock.object_lock_enabled != Some(ObjectLockEnabled::Enabled) && retention.is_none() {
            return Ok(None);
        }
        let days = retention.as_ref().and_then(|it| {
            it.days
                .or_else(|| it.years.map(|years| years.saturating_mul(DAYS_OF_A_YEAR)))
        });
        Ok(Some(ObjectLock {
            mode: retention
                .and_then(|it| it.mode)
                .map(|mode| mode.as_str().to_owned()),
            days: days.and_then(|days| u32::try_from(days).ok()),
        }))
    }

    pub async fn mfa_delete(&self) -> Result<bool, AwsError> {
        let bucket = &self.address.bucket;
        let request = self
            .aws
            .clients
            .s3
            .get_bucket_versioning()
            .bucket(bucket)
            .expected_bucket_owner(&self.address.owner);
        let answer = self
            .aws
            .read(GET_VERSIONING, bucket, request.send())
            .await?;
        Ok(answer.mfa_delete().map(MfaDeleteStatus::as_str) == Some("Enabled"))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        backend::aws::{
            store::{S3Store, StoreAddress},
            testing::{ACCOUNT, ScriptedServer, error},
        },
        state::layout::StateLayout,
    };

    /// In a partition with Object Lock, a not-supported error does not mean absence.
    #[tokio::test]
    async fn object_lock_is_absent_where_the_partition_does_not_have_it() {
        let none = "ObjectLockConfigurationNotFoundError";
        for (partition, code, absent) in [
            ("aws", none, true),
            ("aws", "MethodNotAllowed", false),
            ("aws-us-gov", "NotImplemented", false),
            ("aws-cn", "MethodNotAllowed", true),
            ("aws-eusc", "XNotImplemented", true),
            ("aws-eusc", "AccessDenied", false),
        ] {
            let script = ScriptedServer::new().on("GET ?object-lock", error(400, code));
            let aws = script.aws_in(partition, "eu-west-1");
            let layout = StateLayout {
                key: None,
                workspace_prefix: String::new(),
            };
            let address = StoreAddress {
                bucket: "states".to_owned(),
                owner: ACCOUNT.to_owned(),
                table: None,
                layout,
            };
            let found = S3Store::new(&aws, &address).object_lock().await;
            assert_eq!(
                found.is_ok_and(|lock| lock.is_none()),
                absent,
                "{partition} {code}"
            );
        }
    }
}
