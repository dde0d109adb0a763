//! Denied at each call in turn: the message names the IAM action, and who grants it gets further
//! with the next run.

use std::collections::BTreeSet;

use crate::support::{emulator::Emulator, user::User};

const LINE: &str = "bootstrap --env prod --project acme --region eu-west-1 --lock both \
                    --alarm-email ops@example.com --attach-to user/admin --parallelism 1 -y";

/// Grants one of the actions that a message named, each time, until the run succeeds.
#[tokio::test]
async fn granting_what_is_named_is_enough() {
    let emulator = Emulator::start().await;
    let operator = User::make(&emulator, "operator").await;
    let place = operator.place(&emulator);
    let args: Vec<&str> = LINE.split(' ').collect();

    let mut granted: Vec<(Option<i32>, String)> = vec![];
    let mut first = [None, None];
    loop {
        let said = place.run(&args);
        if said.code == Some(0) {
            break;
        }
        let named = named(&said.err);
        let known: BTreeSet<&str> = granted.iter().map(|(_, action)| action.as_str()).collect();
        let Some(action) = named.iter().find(|action| !known.contains(action.as_str())) else {
            panic!(
                "nothing new is named:\n{}\n{}",
                said.all(),
                emulator
                    .log()
                    .lines()
                    .rev()
                    .take(20)
                    .collect::<Vec<_>>()
                    .join("\n")
            )
        };
        match said.code {
            Some(3) => drop(first[0].get_or_insert(said.refusal())),
            Some(4) => drop(first[1].get_or_insert(said.refusal())),
            _ => panic!("{}", said.all()),
        }
        granted.push((said.code, action.clone()));
        operator
            .may_only(
                &granted
                    .iter()
                    .map(|(_, action)| action.as_str())
                    .collect::<Vec<_>>(),
            )
            .await;
        assert!(granted.len() < 100, "it goes on and on: {granted:?}");
    }
    let of = |code| {
        granted
            .iter()
            .filter(|(when, _)| *when == Some(code))
            .map(|(_, action)| action.as_str())
            .collect::<BTreeSet<_>>()
    };
    insta::assert_snapshot!(of(3).into_iter().collect::<Vec<_>>().join("\n"), @"
    cloudtrail:DescribeTrails
    cloudtrail:GetEventSelectors
    cloudtrail:GetTrail
    cloudtrail:GetTrailStatus
    cloudtrail:ListTags
    dynamodb:DescribeContinuousBackups
    dynamodb:DescribeTable
    dynamodb:ListTagsOfResource
    iam:GetPolicy
    iam:GetPolicyVersion
    iam:ListAttachedUserPolicies
    kms:DescribeKey
    kms:GetKeyPolicy
    kms:GetKeyRotationStatus
    kms:ListKeys
    kms:ListResourceTags
    s3:GetBucketLogging
    s3:GetBucketNotification
    s3:GetBucketOwnershipControls
    s3:GetBucketPolicy
    s3:GetBucketPublicAccessBlock
    s3:GetBucketTagging
    s3:GetBucketVersioning
    s3:GetEncryptionConfiguration
    s3:GetLifecycleConfiguration
    s3:ListBucket
    sns:GetTopicAttributes
    sns:ListSubscriptionsByTopic
    sns:ListTagsForResource
    ");
    insta::assert_snapshot!(of(4).into_iter().collect::<Vec<_>>().join("\n"), @"
    cloudtrail:CreateTrail
    cloudtrail:PutEventSelectors
    cloudtrail:StartLogging
    dynamodb:CreateTable
    dynamodb:GetItem
    dynamodb:Scan
    dynamodb:UpdateContinuousBackups
    iam:AttachUserPolicy
    iam:CreatePolicy
    kms:CreateAlias
    kms:CreateGrant
    kms:CreateKey
    kms:Decrypt
    kms:EnableKeyRotation
    kms:Encrypt
    kms:GenerateDataKey
    kms:ReEncryptFrom
    kms:ReEncryptTo
    kms:TagResource
    s3:CreateBucket
    s3:PutBucketLogging
    s3:PutBucketNotification
    s3:PutBucketPolicy
    s3:PutBucketPublicAccessBlock
    s3:PutBucketVersioning
    s3:PutEncryptionConfiguration
    s3:PutLifecycleConfiguration
    sns:CreateTopic
    sns:Subscribe
    ");
    insta::assert_snapshot!(first[0].take().expect("a refusal"), @"
    3
    error: 22 steps are blocked; nothing was changed
      caused by: KMS key alias/acme-tfstate-prod (key): cannot be read: kms:DescribeKey on alias/acme-tfstate-prod: AccessDeniedException: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs kms:DescribeKey)
      caused by: SNS topic acme-tfstate-prod-alarms (topic): cannot be read: sns:GetTopicAttributes on arn:aws:sns:eu-west-1:000000000000:acme-tfstate-prod-alarms: AuthorizationError: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs sns:GetTopicAttributes)
      caused by: topic/subscription[ops@example.com]: cannot be read: sns:ListSubscriptionsByTopic on arn:aws:sns:eu-west-1:000000000000:acme-tfstate-prod-alarms: AuthorizationError: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs sns:ListSubscriptionsByTopic)
      caused by: log_bucket/public_access: cannot be read: s3:GetPublicAccessBlock on acme-tfstate-prod-logs-000000000000-eu-west-1: AccessDenied: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs s3:GetBucketPublicAccessBlock)
      caused by: log_bucket/versioning: cannot be read: s3:GetBucketVersioning on acme-tfstate-prod-logs-000000000000-eu-west-1: AccessDenied: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs s3:GetBucketVersioning)
      caused by: log_bucket/encryption: cannot be read: s3:GetBucketEncryption on acme-tfstate-prod-logs-000000000000-eu-west-1: AccessDenied: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs s3:GetEncryptionConfiguration)
      caused by: log_bucket/lifecycle: cannot be read: s3:GetBucketLifecycleConfiguration on acme-tfstate-prod-logs-000000000000-eu-west-1: AccessDenied: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs s3:GetLifecycleConfiguration)
      caused by: log_bucket/policy: cannot be read: s3:GetBucketPolicy on acme-tfstate-prod-logs-000000000000-eu-west-1: AccessDenied: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs s3:GetBucketPolicy)
      caused by: state_bucket/public_access: cannot be read: s3:GetPublicAccessBlock on acme-tfstate-prod-000000000000-eu-west-1: AccessDenied: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs s3:GetBucketPublicAccessBlock)
      caused by: state_bucket/versioning: cannot be read: s3:GetBucketVersioning on acme-tfstate-prod-000000000000-eu-west-1: AccessDenied: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs s3:GetBucketVersioning)
      caused by: state_bucket/encryption: cannot be read: s3:GetBucketEncryption on acme-tfstate-prod-000000000000-eu-west-1: AccessDenied: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs s3:GetEncryptionConfiguration)
      caused by: state_bucket/lifecycle: cannot be read: s3:GetBucketLifecycleConfiguration on acme-tfstate-prod-000000000000-eu-west-1: AccessDenied: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs s3:GetLifecycleConfiguration)
      caused by: state_bucket/policy: cannot be read: s3:GetBucketPolicy on acme-tfstate-prod-000000000000-eu-west-1: AccessDenied: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs s3:GetBucketPolicy)
      caused by: state_bucket/logging: cannot be read: s3:GetBucketLogging on acme-tfstate-prod-000000000000-eu-west-1: AccessDenied: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs s3:GetBucketLogging)
      caused by: state_bucket/notifications: cannot be read: s3:GetBucketNotificationConfiguration on acme-tfstate-prod-000000000000-eu-west-1: AccessDenied: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs s3:GetBucketNotification)
      caused by: DynamoDB table acme-tfstate-prod-locks, paid per request (lock_table): cannot be read: dynamodb:DescribeTable on acme-tfstate-prod-locks: AccessDeniedException: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs dynamodb:DescribeTable)
      caused by: lock_table/recovery: cannot be read: dynamodb:DescribeContinuousBackups on acme-tfstate-prod-locks: AccessDeniedException: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs dynamodb:DescribeContinuousBackups)
      caused by: CloudTrail trail acme-tfstate-prod (trail): cannot be read: cloudtrail:GetTrail on acme-tfstate-prod: AccessDeniedException: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs cloudtrail:GetTrail)
      caused by: trail/selectors: cannot be read: cloudtrail:GetEventSelectors on acme-tfstate-prod: AccessDeniedException: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs cloudtrail:GetEventSelectors)
      caused by: trail/logging: cannot be read: cloudtrail:GetTrailStatus on acme-tfstate-prod: AccessDeniedException: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs cloudtrail:GetTrailStatus)
      caused by: IAM policy acme-tfstate-prod-runner-eu-west-1, for Terraform runs (runner_policy): cannot be read: iam:GetPolicy on arn:aws:iam::000000000000:policy/acme-tfstate-prod-runner-eu-west-1: AccessDenied: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs iam:GetPolicy)
      caused by: runner_policy/attachment[user/admin]: cannot be read: iam:ListAttachedUserPolicies on admin: AccessDenied: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs iam:ListAttachedUserPolicies)
      hint: allow cloudtrail:GetEventSelectors, cloudtrail:GetTrail, cloudtrail:GetTrailStatus, dynamodb:DescribeContinuousBackups, dynamodb:DescribeTable, iam:GetPolicy, iam:ListAttachedUserPolicies, kms:DescribeKey, s3:GetBucketLogging, s3:GetBucketNotification, s3:GetBucketPolicy, s3:GetBucketPublicAccessBlock, s3:GetBucketVersioning, s3:GetEncryptionConfiguration, s3:GetLifecycleConfiguration, sns:GetTopicAttributes, sns:ListSubscriptionsByTopic, then run the same command again
    ");
    insta::assert_snapshot!(first[1].take().expect("a partial run"), @"
    4
    error: key failed: 0 changes applied, 30 left
      caused by: key: kms:CreateKey on alias/acme-tfstate-prod: AccessDeniedException: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs kms:CreateKey)
      caused by: log_bucket: s3:CreateBucket on acme-tfstate-prod-logs-000000000000-eu-west-1: AccessDenied: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs s3:CreateBucket)
      caused by: state_bucket: s3:CreateBucket on acme-tfstate-prod-000000000000-eu-west-1: AccessDenied: User: arn:aws:iam::000000000000:user/operator is not authorized because no identity-based policy allows this (needs s3:CreateBucket)
      hint: allow kms:CreateKey on alias/acme-tfstate-prod, then run the same command again
      hint: allow s3:CreateBucket on acme-tfstate-prod-logs-000000000000-eu-west-1, then run the same command again
      hint: allow s3:CreateBucket on acme-tfstate-prod-000000000000-eu-west-1, then run the same command again
      hint: not started: key/rotation, topic, topic/subscription[ops@example.com], state_bucket/encryption, state_bucket/policy, state_bucket/logging, state_bucket/notifications, lock_table, lock_table/recovery, trail, trail/selectors, trail/logging, alarm[bucket_size], alarm[object_count], alarm[lock_contention], alarm[lock_throttles], alarm[lock_errors], runner_policy, runner_policy/attachment[user/admin], log_bucket/public_access, log_bucket/versioning, log_bucket/encryption, log_bucket/lifecycle, log_bucket/policy, state_bucket/public_access, state_bucket/versioning, state_bucket/lifecycle
      hint: the same command continues where this one stopped
    ");
}

/// One action is denied, all others are allowed: all that does not need it is made.
#[tokio::test]
async fn the_rest_is_made_and_the_next_run_finishes() {
    let emulator = Emulator::start().await;
    let operator = User::make(&emulator, "operator").await;
    let place = operator.place(&emulator);
    operator.may_all_but("s3:PutBucketVersioning").await;
    let line = "--env prod --project acme --region eu-west-1 --lock s3 --encryption sse-s3 \
                --trail off --alarms=false --access-logs=false -y";
    let said = place.bootstrap(&format!("{line} --parallelism 1"));
    assert_eq!(said.code, Some(4));
    insta::assert_snapshot!(said.refusal(), @"
    4
    error: state_bucket/versioning failed: 4 changes applied, 3 left
      caused by: state_bucket/versioning: s3:PutBucketVersioning on acme-tfstate-prod-000000000000-eu-west-1: AccessDenied: User: arn:aws:iam::000000000000:user/operator is not authorized with an explicit deny in an identity-based policy (needs s3:PutBucketVersioning)
      hint: allow s3:PutBucketVersioning on acme-tfstate-prod-000000000000-eu-west-1, then run the same command again
      hint: applied: state_bucket, state_bucket/public_access, state_bucket/encryption, runner_policy
      hint: not started: state_bucket/lifecycle, state_bucket/policy
      hint: the same command continues where this one stopped
    ");
    assert!(!place.path().join("backend.conf").exists());
    operator.may_only(&["*"]).await;
    let said = place.bootstrap(line);
    assert_eq!(said.code, Some(0), "{}", said.all());
}

/// A read that is needed only once there is something to read: the denial is named, not taken for
/// AWS being slow.
#[tokio::test]
async fn what_may_not_be_looked_at_afterwards_is_named() {
    let emulator = Emulator::start().await;
    let operator = User::make(&emulator, "operator").await;
    let place = operator.place(&emulator);
    operator.may_all_but("kms:GetKeyPolicy").await;
    let line = "--env prod --project acme --region eu-west-1 --lock s3 --trail off --alarms=false \
                --access-logs=false -y";
    insta::assert_snapshot!(place.bootstrap(line).refusal(), @"
    4
    error: all changes were applied, but some cannot be read back
      caused by: key: kms:GetKeyPolicy on arn:aws:kms:eu-west-1:000000000000:key/UUID: AccessDeniedException: User: arn:aws:iam::000000000000:user/operator is not authorized with an explicit deny in an identity-based policy (needs kms:GetKeyPolicy)
      hint: allow kms:GetKeyPolicy, then run the same command again to verify and write the files
    ");
    assert!(!place.path().join("backend.conf").exists());
    operator.may_only(&["*"]).await;
    let said = place.bootstrap(line);
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert!(place.path().join("backend.conf").exists());
}

/// The actions that are said to be needed.
fn named(err: &str) -> BTreeSet<String> {
    let text = err.split_whitespace().collect::<Vec<_>>().join(" ");
    text.split("(needs ")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
        .collect()
}
