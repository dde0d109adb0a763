//! The way down of whole backends: what goes, what stays, and what before what.

use insta::assert_snapshot;

use super::*;
use crate::{
    backend::aws::{blueprint::tests::built, ownership, resources::AwsSpec, testing::KEY_ARN},
    engine::{
        observation::{Observation, Observed, ResourceOwner},
        plan::{KeepReason, Plan, PlannedChange},
        spec::{Address, KnownOutputs, Spec},
    },
};

const LINES: [&str; 6] = [
    "--alarm-email a@example.com --attach-to role/a --attach-to user/b",
    "--lock s3 --trail off --access-logs=false --alarms=false",
    "--encryption sse-s3 --trail existing",
    "--lock both --ephemeral",
    "--alarm-topic arn:aws:sns:eu-west-1:111122223333:t",
    "--kms-key arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
];

const ALL: TeardownChoices = TeardownChoices {
    keep_key: false,
    purge_logs: true,
    logs_under_key: true,
    bucket_of: vec![],
    table_of: vec![],
};

/// All of it is there and as it should be, and whose `owner` says.
fn down(
    line: &str,
    owner: impl Fn(&Address) -> ResourceOwner,
    choice: TeardownChoices,
) -> Plan<AwsSpec> {
    let blueprint = built(line, "aws", "eu-west-1").unwrap();
    let known = KnownOutputs::from([(KEY, KEY_ARN.to_owned())]);
    let mut seen: Observation<AwsSpec> = Observation::new();
    for node in blueprint.nodes() {
        let owner = if node.spec.data_source().is_some() {
            ResourceOwner::Unmanaged
        } else {
            owner(&node.address)
        };
        seen.insert(
            node.address.clone(),
            Observed::Present {
                spec: node.spec.resolve(&known),
                output: None,
                owner,
            },
        );
    }
    crate::engine::observation::inherit_owners(&mut seen);
    Plan::to_teardown(&blueprint, &seen, &terms(&choice))
}

fn lines(plan: &Plan<AwsSpec>) -> String {
    let line = |step: &crate::engine::plan::PlanStep<AwsSpec>| match &step.change {
        PlannedChange::Delete { .. } => format!("- {}\n", step.address),
        PlannedChange::Keep { why, .. } => format!("= {}: {why}\n", step.address),
        other => panic!("{other:?}"),
    };
    plan.steps.iter().map(line).collect()
}

#[test]
fn everything_that_is_ours() {
    assert_snapshot!(lines(&down(LINES[0], |_| ResourceOwner::Us, ALL)), @"
    - alarm[lock_errors]
    - alarm[lock_throttles]
    - alarm[lock_contention]
    - alarm[object_count]
    - alarm[bucket_size]
    - trail
    - state_bucket/notifications
    - topic
    - state_bucket
    - lock_table
    - runner_policy/attachment[user/b]
    - runner_policy/attachment[role/a]
    - runner_policy
    - log_bucket
    - key
    ");
}

#[test]
fn by_default_the_audit_logs_stay_and_the_key_that_they_are_under() {
    let kept = |choice: TeardownChoices| {
        let plan = down(LINES[0], |_| ResourceOwner::Us, choice);
        let kept: Vec<_> = plan
            .steps
            .iter()
            .filter(|step| matches!(step.change, PlannedChange::Keep { .. }))
            .map(|step| step.address.clone())
            .collect();
        assert_eq!(
            plan.deletes().count() + kept.len(),
            down(LINES[0], |_| ResourceOwner::Us, ALL).steps.len()
        );
        kept
    };
    assert_eq!(
        kept(TeardownChoices {
            logs_under_key: true,
            ..TeardownChoices::default()
        }),
        [LOG_BUCKET, KEY]
    );
    assert_eq!(
        kept(TeardownChoices::default()),
        [LOG_BUCKET],
        "access logs are not under the key"
    );
    assert_eq!(
        kept(TeardownChoices {
            keep_key: true,
            ..TeardownChoices::default()
        }),
        [LOG_BUCKET, KEY]
    );
    assert_eq!(
        kept(TeardownChoices {
            keep_key: true,
            ..ALL
        }),
        [KEY]
    );
    assert_eq!(kept(ALL), [], "--purge-logs schedules the key as well");
    let plan = lines(&down(
        LINES[0],
        |_| ResourceOwner::Us,
        TeardownChoices {
            logs_under_key: true,
            ..TeardownChoices::default()
        },
    ));
    assert!(
        plan.contains("= key: it encrypts the kept audit logs; it costs $1.00 a month"),
        "{plan}"
    );
}

/// Whatever the settings: what would lose something if it went earlier waits, by the order and by
/// `needs`.
#[test]
fn nothing_loses_what_it_needs() {
    for line in LINES {
        let plan = down(line, |_| ResourceOwner::Us, ALL);
        let at = |name: &str| {
            plan.steps
                .iter()
                .position(|step| step.address.as_str() == name)
        };
        for (earlier, later) in [
            ("trail", "log_bucket"),
            ("state_bucket", "log_bucket"),
            ("state_bucket", "lock_table"),
            ("state_bucket", "key"),
            ("lock_table", "key"),
            ("trail", "key"),
            ("topic", "key"),
            ("state_bucket/notifications", "topic"),
            ("state_bucket/notifications", "state_bucket"),
            ("alarm[bucket_size]", "topic"),
            ("runner_policy/attachment[role/a]", "runner_policy"),
            ("topic", "state_bucket"),
            ("trail", "state_bucket"),
            ("state_bucket", "runner_policy"),
            ("lock_table", "runner_policy/attachment[role/a]"),
        ] {
            let (Some(earlier_at), Some(later_at)) = (at(earlier), at(later)) else {
                continue;
            };
            // What was there before us and stays does not hold anything up.
            if matches!(plan.steps[earlier_at].change, PlannedChange::Keep { .. }) {
                continue;
            }
            assert!(earlier_at < later_at, "{line}: {earlier} before {later}");
            let waits = reaches(&plan, &plan.steps[later_at].address, earlier);
            assert!(waits, "{line}: {later} waits for {earlier}");
        }
    }
}

fn reaches(plan: &Plan<AwsSpec>, from: &Address, to: &str) -> bool {
    let step = plan
        .steps
        .iter()
        .find(|step| step.address == *from)
        .expect("a step");
    step.needs
        .iter()
        .any(|need| need.as_str() == to || reaches(plan, need, to))
}

/// A bucket of another owner keeps its dependencies: its key, its topic, its locks.
#[test]
fn what_is_not_ours_keeps_what_it_needs() {
    let owner = |address: &Address| {
        if *address == STATE_BUCKET {
            ResourceOwner::Unmanaged
        } else {
            ResourceOwner::Us
        }
    };
    assert_snapshot!(lines(&down("", owner, ALL)), @"
    - runner_policy
    - alarm[lock_errors]
    - alarm[lock_throttles]
    - alarm[lock_contention]
    - alarm[object_count]
    - alarm[bucket_size]
    - trail
    = state_bucket: unmanaged: tfbackend did not create it
    = lock_table: is needed by state_bucket, which is kept
    = log_bucket: is needed by state_bucket, which is kept
    = topic: is needed by state_bucket, which is kept
    = key: is needed by state_bucket, which is kept
    ");
}

/// Existing resources are never deleted.
#[test]
fn what_is_only_used_stays() {
    for (line, address) in [(LINES[2], "trail"), (LINES[4], "topic"), (LINES[5], "key")] {
        let plan = down(line, |_| ResourceOwner::Us, ALL);
        let step = plan
            .steps
            .iter()
            .find(|step| step.address.as_str() == address)
            .expect("it is said");
        assert!(
            matches!(
                step.change,
                PlannedChange::Keep {
                    why: KeepReason::Used,
                    ..
                }
            ),
            "{line}"
        );
    }
}

/// Every kind either has an end of its own, or goes with its whole, or is only used.
#[test]
fn each_part_with_an_end_of_its_own_is_meant() {
    let plan = down(LINES[0], |_| ResourceOwner::Us, ALL);
    let parts: Vec<_> = plan
        .steps
        .iter()
        .filter(|step| step.address.parent().is_some())
        .map(|step| step.address.as_str())
        .collect();
    assert_eq!(
        parts,
        [
            "state_bucket/notifications",
            "runner_policy/attachment[user/b]",
            "runner_policy/attachment[role/a]"
        ],
        "attachments would hold the policy, and notifications would tell of every version"
    );
    assert!(plan.deletes().all(|step| match &step.change {
        PlannedChange::Delete {
            from: AwsSpec::Bucket(bucket),
        } => bucket.tags.contains_key(ownership::MANAGED_BY),
        _ => true,
    }));
}

/// With the bucket, its dependencies are kept; the table is deleted if no other environment uses
/// it.
#[test]
fn what_others_share_stays() {
    let others = || vec!["b".to_owned()];
    let plan = lines(&down(
        "",
        |_| ResourceOwner::Us,
        TeardownChoices {
            bucket_of: others(),
            ..ALL
        },
    ));
    assert!(
        plan.contains("= state_bucket: also used by b") && plan.contains("- lock_table"),
        "{plan}"
    );
    assert!(
        plan.contains("= key: is needed by state_bucket")
            && plan.contains("= topic: is needed by state_bucket"),
        "{plan}"
    );
    let plan = lines(&down(
        "",
        |_| ResourceOwner::Us,
        TeardownChoices {
            bucket_of: others(),
            table_of: others(),
            ..ALL
        },
    ));
    assert!(plan.contains("= lock_table: also used by b"), "{plan}");
}
