//! The key and the runner policy in a plan, for the resources of permissions.

use crate::{
    backend::aws::{AwsProvider, blueprint::RUNNER_POLICY, key::AliasTarget, resources::AwsSpec},
    engine::plan::{Plan, PlannedChange},
};

/// Returns whether the key is found by its alias.
pub fn alias_leads_to_key(plan: &Plan<AwsSpec>) -> bool {
    plan.steps.iter().any(|step| match &step.change {
        PlannedChange::NoOp {
            spec: AwsSpec::Key(seen),
        }
        | PlannedChange::Update {
            from: AwsSpec::Key(seen),
            ..
        } => seen.alias_leads == AliasTarget::Here,
        _ => false,
    })
}

/// Returns the actions to create a bucket with its tags. Outside the commercial partition, S3 may
/// only support tags after the creation.
pub fn bucket_creation(aws: &AwsProvider) -> &'static [&'static str] {
    const ACTIONS: [&str; 4] = [
        "s3:CreateBucket",
        "s3:PutBucketOwnershipControls",
        "s3:TagResource",
        "s3:PutBucketTagging",
    ];
    if aws.caller.partition == "aws" {
        &ACTIONS[..3]
    } else {
        &ACTIONS
    }
}

/// Returns the ARN of the runner policy, and whether it exists.
pub fn runner_policy(plan: &Plan<AwsSpec>, aws: &AwsProvider) -> Option<(String, bool)> {
    let step = plan
        .steps
        .iter()
        .find(|step| step.address == RUNNER_POLICY)?;
    match &step.change {
        PlannedChange::Create {
            to: AwsSpec::Policy(policy),
        } => Some((policy.arn(aws), false)),
        PlannedChange::NoOp {
            spec: AwsSpec::Policy(policy),
        }
        | PlannedChange::Keep {
            spec: AwsSpec::Policy(policy),
            ..
        }
        | PlannedChange::Delete {
            from: AwsSpec::Policy(policy),
        }
        | PlannedChange::Update {
            to: AwsSpec::Policy(policy),
            ..
        }
        | PlannedChange::Adopt {
            to: AwsSpec::Policy(policy),
            ..
        } => Some((policy.arn(aws), true)),
        _ => None,
    }
}
