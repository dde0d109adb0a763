//! The parts that `bootstrap --prune` deletes: existing resources with the environment's tags that
//! are no longer included.
//!
//! States, locks, audit logs and keys are never included: `lock migrate` and `teardown` delete
//! them, with their own guards.

use crate::{
    backend::aws::{live_settings::LeftOutResource, resources::AwsSpec},
    engine::{
        blueprint::{Blueprint, BlueprintNode},
        observation::{Observation, Observed, ResourceOwner},
        plan::{Plan, teardown::TeardownOptions},
        spec::Address,
    },
};

/// Returns the resources to delete, in dependency order, and the kept ones with the reason.
pub(crate) fn plan(unwanted: &[LeftOutResource]) -> Plan<AwsSpec> {
    let is_there = |address: &&Address| unwanted.iter().any(|one| one.node.address == **address);
    let node = |one: &LeftOutResource| BlueprintNode {
        needs: one.node.needs.iter().filter(is_there).cloned().collect(),
        ..one.node.clone()
    };
    let seen = |one: &LeftOutResource| Observed::Present {
        spec: one.spec.clone(),
        output: one.output.clone(),
        owner: ResourceOwner::Us,
    };
    let observation: Observation<AwsSpec> = unwanted
        .iter()
        .map(|one| (one.node.address.clone(), seen(one)))
        .collect();
    let keep = unwanted
        .iter()
        .filter_map(|one| Some((one.node.address.clone(), stays(&one.spec)?.to_owned())))
        .collect();
    let terms = TeardownOptions {
        keep,
        ..TeardownOptions::default()
    };
    Plan::to_teardown(
        &Blueprint::new(unwanted.iter().map(node).collect()),
        &observation,
        &terms,
    )
}

/// Returns why it is not deleted here, if so.
fn stays(spec: &AwsSpec) -> Option<&'static str> {
    match spec {
        AwsSpec::Trail(_)
        | AwsSpec::Topic(_)
        | AwsSpec::Alarm(_)
        | AwsSpec::Policy(_)
        | AwsSpec::Notifications(_)
        | AwsSpec::Logging(_) => None,
        AwsSpec::LockTable(_) => {
            Some("it may contain locks: `tfbackend lock migrate --to s3 --drop-table` deletes it")
        }
        AwsSpec::Key(_) => Some(
            "states and audit logs may be encrypted with it: only `tfbackend teardown` schedules \
             its deletion",
        ),
        AwsSpec::Bucket(_) => {
            Some("it may contain audit logs: only `tfbackend teardown --purge-logs` deletes it")
        }
        _ => Some("it is a setting of a kept resource"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::aws::{
            blueprint::{KEY, STATE_BUCKET, tests::built},
            testing::KEY_ARN,
        },
        engine::{
            plan::PlannedChange,
            spec::{KnownOutputs, Spec},
        },
    };

    /// Any set of unwanted resources: locks, logs and keys are kept, all others are deleted before
    /// their dependencies.
    #[test]
    fn prune_deletes_nothing_that_may_hold_something() {
        let known = KnownOutputs::from([(KEY, KEY_ARN.to_owned())]);
        let everything = built("--lock both", "aws", "eu-west-1").unwrap();
        let switched_off = |node: &&BlueprintNode<AwsSpec>| match node.address.parent() {
            None => node.address != STATE_BUCKET,
            Some(_) => ["state_bucket/logging", "state_bucket/notifications"]
                .contains(&node.address.as_str()),
        };
        let unwanted = |node: &BlueprintNode<AwsSpec>| LeftOutResource {
            node: node.clone(),
            spec: node.spec.resolve(&known),
            output: None,
        };
        let unwanted: Vec<LeftOutResource> = everything
            .nodes()
            .iter()
            .filter(switched_off)
            .map(unwanted)
            .collect();
        let steps = plan(&unwanted).steps;
        let at = |name: &str, deleted: bool| {
            let is_it =
                |step: &crate::engine::plan::PlanStep<AwsSpec>| step.address.as_str() == name;
            let at = steps
                .iter()
                .position(is_it)
                .unwrap_or_else(|| panic!("{name}: {steps:#?}"));
            assert_eq!(
                matches!(steps[at].change, PlannedChange::Delete { .. }),
                deleted,
                "{name}: {:?}",
                steps[at].change
            );
            at
        };
        for kept in ["key", "log_bucket", "lock_table"] {
            at(kept, false);
        }
        for (earlier, later) in [
            ("alarm[lock_errors]", "topic"),
            ("state_bucket/notifications", "topic"),
        ] {
            assert!(
                at(earlier, true) < at(later, true),
                "{earlier} before {later}"
            );
        }
        for gone in ["trail", "runner_policy", "state_bucket/logging"] {
            at(gone, true);
        }
    }
}
