//! No policy and no access control list can make the bucket public.

use crate::{
    backend::aws::{
        permissions::{ActionTargets, PermissionScope},
        verify::catalogue as rules,
    },
    checks::Check,
    engine::spec::Address,
};
use aws_sdk_s3::types::PublicAccessBlockConfiguration;
use serde::{Deserialize, Serialize};

use super::{NO_BUCKET, NOT_YET};
use crate::{
    backend::aws::{
        AwsProvider,
        error::{ApiOperation, AwsError, found},
        resource::{AwsResource, ObserveContext, ObservedResource},
    },
    engine::spec::Spec,
};

const GET: ApiOperation =
    ApiOperation::allowed_by("s3:GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock");
const PUT: ApiOperation =
    ApiOperation::allowed_by("s3:PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock");
const ABSENT: &[&str] = &["NoSuchPublicAccessBlockConfiguration", NO_BUCKET];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublicAccess {
    pub bucket: String,
    pub block_public_acls: bool,
    pub ignore_public_acls: bool,
    pub block_public_policy: bool,
    pub restrict_public_buckets: bool,
}

impl PublicAccess {
    pub fn blocked(bucket: String) -> Self {
        Self {
            bucket,
            block_public_acls: true,
            ignore_public_acls: true,
            block_public_policy: true,
            restrict_public_buckets: true,
        }
    }
}

impl Spec for PublicAccess {
    fn title(&self) -> String {
        "no public access of any kind".to_owned()
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, _) = setting.split_once('.').unwrap_or((setting, ""));
        Some(match field {
            "block_public_acls" => "so that no access control list can make the bucket public",
            "ignore_public_acls" => "so that existing public access control lists are ignored",
            "block_public_policy" => "so that no policy can make the bucket public",
            "restrict_public_buckets" => {
                "so that a public policy does not allow access from outside the account"
            }
            _ => return None,
        })
    }

    fn deleted_with_parent(&self) -> bool {
        true
    }
}

impl AwsResource for PublicAccess {
    const CHECKS: &'static [&'static Check] = &[&rules::PUBLIC_ACCESS];

    fn permission_arn(&self, scope: &PermissionScope<'_>, _: &Address) -> String {
        scope.bucket_arn(&self.bucket)
    }

    fn permissions_to_read(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["s3:GetBucketPublicAccessBlock"], arn);
    }

    fn permissions_to_put(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["s3:PutBucketPublicAccessBlock"], arn);
    }

    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let request = look
            .aws
            .clients
            .s3
            .get_public_access_block()
            .bucket(&self.bucket)
            .expected_bucket_owner(look.aws.account());
        let answer = found(
            look.aws.read(GET, &self.bucket, request.send()).await,
            ABSENT,
        )?;
        Ok(answer
            .and_then(|answer| answer.public_access_block_configuration)
            .map(|block| {
                ObservedResource::part(Self {
                    bucket: self.bucket.clone(),
                    block_public_acls: block.block_public_acls.unwrap_or(false),
                    ignore_public_acls: block.ignore_public_acls.unwrap_or(false),
                    block_public_policy: block.block_public_policy.unwrap_or(false),
                    restrict_public_buckets: block.restrict_public_buckets.unwrap_or(false),
                })
            }))
    }

    async fn write(
        &self,
        aws: &AwsProvider,
        _from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        let block = PublicAccessBlockConfiguration::builder()
            .block_public_acls(self.block_public_acls)
            .ignore_public_acls(self.ignore_public_acls)
            .block_public_policy(self.block_public_policy)
            .restrict_public_buckets(self.restrict_public_buckets)
            .build();
        let request = aws
            .clients
            .s3
            .put_public_access_block()
            .bucket(&self.bucket)
            .public_access_block_configuration(block)
            .expected_bucket_owner(aws.account());
        aws.send(PUT, &self.bucket, NOT_YET, || request.clone().send())
            .await?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
