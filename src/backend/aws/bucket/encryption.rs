//! Default encryption of a bucket, with customer-provided keys (SSE-C) blocked, which ransomware
//! uses.

use crate::{
    backend::aws::{
        permissions::{ActionTargets, PermissionScope},
        verify::catalogue as rules,
    },
    checks::Check,
    engine::spec::Address,
};
use aws_sdk_s3::types::{
    BlockedEncryptionTypes, EncryptionType, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};
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
    ApiOperation::allowed_by("s3:GetBucketEncryption", "s3:GetEncryptionConfiguration");
const PUT: ApiOperation =
    ApiOperation::allowed_by("s3:PutBucketEncryption", "s3:PutEncryptionConfiguration");
/// The suffix of the alias of the AWS managed key of S3.
const MANAGED: &str = "alias/aws/s3";
/// The value of `s3:x-amz-server-side-encryption` for a KMS key.
pub(crate) const KMS: &str = "aws:kms";
/// The value of `s3:x-amz-server-side-encryption` for S3 managed keys.
pub(crate) const AES256: &str = "AES256";
const ABSENT: &[&str] = &["ServerSideEncryptionConfigurationNotFoundError", NO_BUCKET];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BucketEncryption {
    pub bucket: String,
    /// `aws:kms` or `AES256`.
    pub algorithm: String,
    /// The full ARN: an alias would be resolved in the account of the caller.
    pub key: Option<String>,
    /// True for an S3 Bucket Key, which reduces KMS requests and their cost.
    pub bucket_key: bool,
    /// `SSE-C`. `PutBucketEncryption` replaces the rule, so that it is sent each time.
    pub blocked: Vec<String>,
}

impl BucketEncryption {
    pub fn kms(bucket: String, key: String) -> Self {
        Self {
            bucket,
            algorithm: ServerSideEncryption::AwsKms.as_str().to_owned(),
            key: Some(key),
            bucket_key: true,
            blocked: vec![EncryptionType::SseC.as_str().to_owned()],
        }
    }

    pub fn s3(bucket: String) -> Self {
        Self {
            bucket,
            algorithm: ServerSideEncryption::Aes256.as_str().to_owned(),
            key: None,
            bucket_key: false,
            blocked: vec![EncryptionType::SseC.as_str().to_owned()],
        }
    }
}

impl Spec for BucketEncryption {
    fn title(&self) -> String {
        match self.key {
            Some(_) => "encrypted with the key (SSE-KMS), SSE-C blocked".to_owned(),
            None => "encrypted by S3 (SSE-S3), SSE-C blocked".to_owned(),
        }
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, _) = setting.split_once('.').unwrap_or((setting, ""));
        Some(match field {
            "algorithm" => "so that states are encrypted even if a client does not request it",
            "key" => "so that only principals with access to the key can read states",
            "bucket_key" => "so that fewer KMS requests are needed",
            "blocked" => "so that no principal can encrypt states with a key of their own",
            _ => return None,
        })
    }

    /// Stricter settings are kept: dual-layer encryption, and other blocked types.
    fn merge_onto(&self, observed: &Self) -> Self {
        let two_layers =
            self.key.is_some() && observed.algorithm == ServerSideEncryption::AwsKmsDsse.as_str();
        let algorithm = if two_layers {
            &observed.algorithm
        } else {
            &self.algorithm
        };
        // Only relevant for `aws:kms`; S3 may report either value.
        let bucket_key = if self.key.is_none() || two_layers {
            observed.bucket_key
        } else {
            self.bucket_key
        };
        let more = self
            .blocked
            .iter()
            .filter(|kind| !observed.blocked.contains(kind));
        let blocked = observed.blocked.iter().chain(more).cloned().collect();
        Self {
            bucket: self.bucket.clone(),
            algorithm: algorithm.clone(),
            key: self.key.clone(),
            bucket_key,
            blocked,
        }
    }

    /// KMS encryption is never reverted: states under the key might become unreadable for runs, and
    /// new ones would be less protected.
    fn blocked_by(&self, observed: &Self) -> Option<String> {
        (self.key.is_none()
            && observed
                .algorithm
                .starts_with(ServerSideEncryption::AwsKms.as_str()))
        .then(|| {
            format!(
                "bucket {} is encrypted with {}, and {} would be weaker; to use it, change the \
                 default encryption manually",
                self.bucket, observed.algorithm, self.algorithm
            )
        })
    }

    /// Another key changes who can read the states.
    fn adoption_blocked_by(&self, observed: &Self) -> Option<String> {
        let theirs = observed.has_another_key(self.key.as_deref()?)?;
        let say = if theirs.contains(":key/") {
            format!("pass --kms-key {theirs}")
        } else {
            "pass --kms-key with the ARN of that key; if you already do, set the bucket's default \
             encryption to the ARN first"
                .to_owned()
        };
        Some(format!(
            "bucket {} is encrypted with {theirs}, and would be encrypted with another key; {say}",
            self.bucket
        ))
    }

    fn deleted_with_parent(&self) -> bool {
        true
    }
}

impl BucketEncryption {
    /// Returns the default encryption of the bucket `name` of this account, if any.
    ///
    /// # Errors
    /// If access is denied.
    pub async fn of(aws: &AwsProvider, name: &str) -> Result<Option<Self>, AwsError> {
        Ok(Self::s3(name.to_owned())
            .look(&ObserveContext::new(aws))
            .await?
            .map(|found| found.spec))
    }

    /// Returns the key of `aws:kms`, if its form is valid for Terraform's `kms_key_id`.
    pub fn key_arn(&self) -> Option<&str> {
        self.key.as_deref().filter(|key| key.contains(":key/"))
    }

    /// Returns whether the default is a key other than the configured one.
    pub fn has_another_key(&self, key: &str) -> Option<&str> {
        let theirs = self.key.as_deref().filter(|_| {
            self.algorithm
                .starts_with(ServerSideEncryption::AwsKms.as_str())
        })?;
        let same = theirs == key
            || key
                .strip_suffix(theirs)
                .is_some_and(|before| before.ends_with(":key/"));
        (!same && !theirs.ends_with(MANAGED)).then_some(theirs)
    }
}

impl AwsResource for BucketEncryption {
    const CHECKS: &'static [&'static Check] =
        &[&rules::BUCKET_ENCRYPTION, &rules::BUCKET_KEY, &rules::SSE_C];

    fn permission_arn(&self, scope: &PermissionScope<'_>, _: &Address) -> String {
        scope.bucket_arn(&self.bucket)
    }

    fn permissions_to_read(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["s3:GetEncryptionConfiguration"], arn);
    }

    fn permissions_to_put(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["s3:PutEncryptionConfiguration"], arn);
    }

    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let rule = rule(look.aws, &self.bucket, look.aws.account()).await?;
        Ok(rule.map(|rule| {
            let default = rule.apply_server_side_encryption_by_default;
            let blocked = rule
                .blocked_encryption_types
                .and_then(|types| types.encryption_type)
                .unwrap_or_default();
            ObservedResource::part(Self {
                bucket: self.bucket.clone(),
                algorithm: default
                    .as_ref()
                    .map(|d| d.sse_algorithm.as_str().to_owned())
                    .unwrap_or_default(),
                key: default.and_then(|d| d.kms_master_key_id),
                bucket_key: rule.bucket_key_enabled.unwrap_or(false),
                blocked: blocked
                    .iter()
                    .filter(|kind| **kind != EncryptionType::None)
                    .map(|kind| kind.as_str().to_owned())
                    .collect(),
            })
        }))
    }

    async fn write(
        &self,
        aws: &AwsProvider,
        _from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        let default = ServerSideEncryptionByDefault::builder()
            .sse_algorithm(ServerSideEncryption::from(&*self.algorithm))
            .set_kms_master_key_id(self.key.clone())
            .build()
            .expect("the algorithm is given");
        let blocked = self
            .blocked
            .iter()
            .map(|kind| EncryptionType::from(&**kind))
            .collect();
        let rule = ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(default)
            .bucket_key_enabled(self.bucket_key)
            .blocked_encryption_types(
                BlockedEncryptionTypes::builder()
                    .set_encryption_type(Some(blocked))
                    .build(),
            )
            .build();
        let configuration = ServerSideEncryptionConfiguration::builder()
            .rules(rule)
            .build()
            .expect("the rules are given");
        let request = aws
            .clients
            .s3
            .put_bucket_encryption()
            .bucket(&self.bucket)
            .server_side_encryption_configuration(configuration)
            .expected_bucket_owner(aws.account());
        aws.send(PUT, &self.bucket, NOT_YET, || request.clone().send())
            .await?;
        Ok(None)
    }
}

async fn rule(
    aws: &AwsProvider,
    bucket: &str,
    account: &str,
) -> Result<Option<ServerSideEncryptionRule>, AwsError> {
    let request = aws
        .clients
        .s3
        .get_bucket_encryption()
        .bucket(bucket)
        .expected_bucket_owner(account);
    let answer = found(aws.read(GET, bucket, request.send()).await, ABSENT)?;
    Ok(answer
        .and_then(|answer| answer.server_side_encryption_configuration)
        .and_then(|all| all.rules.into_iter().next()))
}

/// The ARN of the KMS key that new objects are encrypted with, unless a request asks for another.
/// `account` must own the bucket.
///
/// # Errors
/// If the encryption of the bucket cannot be read.
pub(crate) async fn default_key(
    aws: &AwsProvider,
    bucket: &str,
    account: &str,
) -> Result<Option<String>, AwsError> {
    let rule = rule(aws, bucket, account).await?;
    Ok(rule.and_then(|rule| {
        rule.apply_server_side_encryption_by_default?
            .kms_master_key_id
    }))
}

#[cfg(test)]
mod tests;
