//! The key and the runner policy in a plan, for the resources of permissions.

use crate::{
    backend::aws::{AwsProvider, blueprint::RUNNER_POLICY, key::AliasTarget, resources::AwsSpec},
    engine::plan::{Plan, PlannedChange},
};

/// Returns whether the key is found by its alias.
pub(super) fn alias_leads_to_key(plan: &Plan<AwsSpec>) -> bool {
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

/// Returns the ARN of the runner policy, and whether it exists.
pub(super) fn runner_policy(plan: &Plan<AwsSpec>, aws: &AwsProvider) -> Option<(String, bool)> {
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
