//! The bucket policy, which denies requests regardless of IAM policies; written last of its
//! settings.

use crate::{
    backend::aws::{
        permissions::{ActionTargets, PermissionScope},
        rationale,
        verify::{catalogue as rules, settings::of_statements},
    },
    checks::Check,
    engine::spec::Address,
};
use serde::{Deserialize, Serialize};

use super::{
    NO_BUCKET, NOT_YET,
    encryption::{AES256, KMS},
};
use crate::{
    backend::aws::{
        AwsProvider,
        error::{ApiOperation, AwsError, found},
        policies::FREEZE,
        policy::{PolicyDocument, Statement, openings},
        resource::{AwsResource, ObserveContext, ObservedResource},
    },
    engine::spec::Spec,
};

pub(crate) mod denial;

const GET: ApiOperation = ApiOperation::new("s3:GetBucketPolicy");
const PUT: ApiOperation = ApiOperation::new("s3:PutBucketPolicy");
const DELETE: ApiOperation = ApiOperation::new("s3:DeleteBucketPolicy");
const ABSENT: &[&str] = &["NoSuchBucketPolicy", NO_BUCKET];
/// The condition keys of the encryption of writes.
pub(crate) const ALGORITHM: &str = "s3:x-amz-server-side-encryption";
pub(crate) const KEY: &str = "s3:x-amz-server-side-encryption-aws-kms-key-id";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BucketPolicy {
    pub bucket: String,
    pub document: PolicyDocument,
    /// Further desired statements, which wait until they deny no run that is allowed today.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<Statement>,
}

impl BucketPolicy {
    pub fn new(bucket: String, document: PolicyDocument) -> Self {
        Self {
            bucket,
            document,
            later: vec![],
        }
    }
}

impl Spec for BucketPolicy {
    fn title(&self) -> String {
        format!(
            "bucket policy of {} statements",
            self.document.statements.len()
        )
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, rest) = setting.split_once('.').unwrap_or((setting, ""));
        (field == "document").then(|| rationale::of_statement(rest))
    }

    fn merge_onto(&self, observed: &Self) -> Self {
        Self::new(
            self.bucket.clone(),
            self.document.merge_onto(&observed.document),
        )
    }

    /// Statements of others are kept; if they would make every apply fail, or S3 reject the policy,
    /// the user decides. The same applies during a teardown.
    fn blocked_by(&self, observed: &Self) -> Option<String> {
        if observed.document.has(FREEZE) {
            return Some(format!(
                "bucket {} is being torn down, or its teardown was interrupted: `tfbackend \
                 teardown` continues it, `tfbackend teardown --cancel` cancels it and allows \
                 writes again",
                self.bucket
            ));
        }
        let public = openings::public(&observed.document);
        if !public.is_empty() && self.merge_onto(observed) != *observed {
            return Some(format!(
                "the policy of bucket {} is public, and S3 rejects public policies if public \
                 access is blocked: {}; remove the statement, or restrict it to the required \
                 principals with a condition such as `aws:PrincipalOrgID` or `aws:SourceVpce`",
                self.bucket,
                public.join("; ")
            ));
        }
        // Terraform sends the same requests while a statement waits.
        let whole =
            PolicyDocument::new([self.document.statements.clone(), self.later.clone()].concat());
        let denials = denial::denials(&observed.document, &denial::EncryptionHeaders::by(&whole)?);
        (!denials.is_empty()).then(|| {
            format!(
                "with the policy of bucket {}, every apply would fail: {}",
                self.bucket,
                denials.join("; ")
            )
        })
    }

    fn deleted_with_parent(&self) -> bool {
        true
    }
}

impl AwsResource for BucketPolicy {
    const CHECKS: &'static [&'static Check] = &[&rules::BUCKET_POLICY];

    fn checks(&self) -> Vec<&'static Check> {
        let statements = of_statements(&self.document);
        Self::CHECKS.iter().copied().chain(statements).collect()
    }

    fn permission_arn(&self, scope: &PermissionScope<'_>, _: &Address) -> String {
        scope.bucket_arn(&self.bucket)
    }

    fn permissions_to_read(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["s3:GetBucketPolicy"], arn);
    }

    fn permissions_to_put(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["s3:PutBucketPolicy"], arn);
    }

    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let found = get(look.aws, &self.bucket).await?;
        Ok(found.map(|document| ObservedResource::part(Self::new(self.bucket.clone(), document))))
    }

    async fn write(
        &self,
        aws: &AwsProvider,
        _from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        put(aws, &self.bucket, &self.document, NOT_YET)
            .await
            .map(|()| None)
    }
}

/// Returns whether every write with encryption headers must specify this key (its ARN; `None` for
/// S3 managed keys).
pub(crate) fn asks_for_nothing_but(document: &PolicyDocument, key: Option<&str>) -> bool {
    let asks = |sid, operator, name, only: &str| {
        document.statement(sid).is_some_and(|statement| {
            statement
                .condition(operator, name)
                .iter()
                .all(|value| value == only)
        })
    };
    let algorithm = if key.is_some() { KMS } else { AES256 };
    asks(
        "DenyOtherEncryption",
        "StringNotEquals",
        ALGORITHM,
        algorithm,
    ) && key.is_none_or(|key| asks("DenyOtherKey", "ArnNotEquals", KEY, key))
}

/// Returns the current policy, if any.
///
/// # Errors
/// If access is denied.
pub(crate) async fn get(
    aws: &AwsProvider,
    bucket: &str,
) -> Result<Option<PolicyDocument>, AwsError> {
    let request = aws
        .clients
        .s3
        .get_bucket_policy()
        .bucket(bucket)
        .expected_bucket_owner(aws.account());
    let Some(answer) = found(aws.read(GET, bucket, request.send()).await, ABSENT)? else {
        return Ok(None);
    };
    let document = serde_json::from_str(answer.policy().unwrap_or_default());
    document
        .map(Some)
        .map_err(|error| AwsError::nonsense(GET, bucket, &format!("invalid policy: {error}")))
}

/// `not_yet` are error codes to retry.
pub(in crate::backend::aws) async fn put(
    aws: &AwsProvider,
    bucket: &str,
    document: &PolicyDocument,
    not_yet: &[&str],
) -> Result<(), AwsError> {
    let request = aws
        .clients
        .s3
        .put_bucket_policy()
        .bucket(bucket)
        .policy(document.to_json())
        .expected_bucket_owner(aws.account());
    aws.send(PUT, bucket, not_yet, || request.clone().send())
        .await
        .map(drop)
}

/// The policy may not exist.
pub(in crate::backend::aws) async fn delete(
    aws: &AwsProvider,
    bucket: &str,
) -> Result<(), AwsError> {
    let request = aws
        .clients
        .s3
        .delete_bucket_policy()
        .bucket(bucket)
        .expected_bucket_owner(aws.account());
    found(
        aws.send(DELETE, bucket, &[], || request.clone().send())
            .await,
        ABSENT,
    )
    .map(drop)
}

#[cfg(test)]
mod tests;
