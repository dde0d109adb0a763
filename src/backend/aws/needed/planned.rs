//! What a plan says of the key and the runner policy, by which permissions name them.

use crate::{
    backend::aws::{Aws, blueprint::RUNNER_POLICY, key::Leads, resources::AwsSpec},
    engine::plan::{Change, Plan},
};

/// Whether the key is found behind its alias.
pub fn alias_leads_to_key(plan: &Plan<AwsSpec>) -> bool {
    plan.steps.iter().any(|step| match &step.change {
        Change::NoOp {
            spec: AwsSpec::Key(seen),
        }
        | Change::Update {
            from: AwsSpec::Key(seen),
            ..
        } => seen.alias_leads == Leads::Here,
        _ => false,
    })
}

/// To make a bucket with its tags. Outside the commercial partition S3 may take those only once it
/// is there.
pub fn bucket_creation(aws: &Aws) -> &'static [&'static str] {
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

/// The ARN of the runner policy, and whether it exists already.
pub fn runner_policy(plan: &Plan<AwsSpec>, aws: &Aws) -> Option<(String, bool)> {
    let step = plan
        .steps
        .iter()
        .find(|step| step.address == RUNNER_POLICY)?;
    match &step.change {
        Change::Create {
            to: AwsSpec::Policy(policy),
        } => Some((policy.arn(aws), false)),
        Change::NoOp {
            spec: AwsSpec::Policy(policy),
        }
        | Change::Keep {
            spec: AwsSpec::Policy(policy),
            ..
        }
        | Change::Delete {
            from: AwsSpec::Policy(policy),
        }
        | Change::Update {
            to: AwsSpec::Policy(policy),
            ..
        }
        | Change::Adopt {
            to: AwsSpec::Policy(policy),
            ..
        } => Some((policy.arn(aws), true)),
        _ => None,
    }
}
