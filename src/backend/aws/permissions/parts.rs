//! The actions to create or change a part.

use super::{ActionTargets, PermissionScope};
use crate::{
    backend::aws::{access::attachment::AttachmentTarget, resources::AwsSpec},
    engine::spec::Address,
};

impl PermissionScope<'_> {
    /// The parts that are created and changed by the same call.
    pub(super) fn put(&self, address: &Address, part: &AwsSpec, on: &mut ActionTargets<'_>) {
        let arns = &self.arns(address, part);
        match part {
            AwsSpec::Rotation(_) => on(&["kms:EnableKeyRotation"], arns),
            AwsSpec::PublicAccess(_) => on(&["s3:PutBucketPublicAccessBlock"], arns),
            AwsSpec::Versioning(_) => on(&["s3:PutBucketVersioning"], arns),
            AwsSpec::Encryption(_) => on(&["s3:PutEncryptionConfiguration"], arns),
            AwsSpec::Lifecycle(_) => on(&["s3:PutLifecycleConfiguration"], arns),
            AwsSpec::Logging(_) => on(&["s3:PutBucketLogging"], arns),
            AwsSpec::Notifications(_) => on(&["s3:PutBucketNotification"], arns),
            AwsSpec::BucketPolicy(_) => on(&["s3:PutBucketPolicy"], arns),
            AwsSpec::Recovery(_) => on(&["dynamodb:UpdateContinuousBackups"], arns),
            AwsSpec::Subscription(_) => on(&["sns:Subscribe"], arns),
            AwsSpec::Selectors(_) => on(&["cloudtrail:PutEventSelectors"], arns),
            AwsSpec::TrailLogging(_) => on(&["cloudtrail:StartLogging"], arns),
            AwsSpec::Attachment(attachment) => match attachment.kind {
                AttachmentTarget::Role => on(&["iam:AttachRolePolicy"], arns),
                AttachmentTarget::User => on(&["iam:AttachUserPolicy"], arns),
                AttachmentTarget::Group => on(&["iam:AttachGroupPolicy"], arns),
            },
            AwsSpec::Key(_)
            | AwsSpec::OwnKey(_)
            | AwsSpec::Bucket(_)
            | AwsSpec::LockTable(_)
            | AwsSpec::Topic(_)
            | AwsSpec::ExistingTopic(_)
            | AwsSpec::Alarm(_)
            | AwsSpec::Trail(_)
            | AwsSpec::ExistingTrail(_)
            | AwsSpec::Policy(_) => {}
        }
    }
}
