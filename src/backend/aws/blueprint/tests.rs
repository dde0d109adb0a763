//! Laws of every blueprint, whatever the settings.

use std::collections::BTreeSet;

use clap::{Args, Command, FromArgMatches};
use insta::assert_snapshot;

use super::*;
use crate::{
    backend::aws::testing::{ACCOUNT, ScriptedServer},
    engine::{
        observation::{Observation, Observed},
        plan::{BlockReason, Plan, PlannedChange},
        spec::{KnownOutputs, Spec, UNKNOWN},
    },
    settings::{layer::SettingsLayer, merge::SettingsSources, s3::resolve::resolve},
};

const EACH: [(&str, &[&str]); 10] = [
    ("lock", &["", "--lock s3", "--lock both"]),
    (
        "key",
        &[
            "",
            "--encryption sse-s3",
            "--kms-key arn:PARTITION:kms:REGION:111122223333:key/\
             1234abcd-12ab-34cd-56ef-1234567890ab",
        ],
    ),
    ("trail", &["", "--trail off", "--trail existing"]),
    (
        "alarms",
        &[
            "",
            "--alarms=false",
            "--alarm-email a@example.com --alarm-email b@example.com",
            "--alarm-topic arn:PARTITION:sns:REGION:111122223333:t",
        ],
    ),
    ("logs", &["", "--access-logs=false"]),
    ("events", &["", "--delete-events=false"]),
    (
        "access",
        &[
            "",
            "--policy=false",
            "--attach-to role/a --attach-to user/b --attach-to group/c",
        ],
    ),
    (
        "state",
        &[
            "",
            "--key app/tfstate",
            "--key app/state.json",
            "--key e",
            "--workspace-key-prefix a/b",
        ],
    ),
    ("kind", &["", "--ephemeral", "--namespace account-regional"]),
    (
        "table",
        &[
            "",
            "--table-recovery=false",
            "--table-encryption aws-owned",
            "--billing provisioned",
        ],
    ),
];

const PLACES: [(&str, &str); 3] = [
    ("aws", "eu-west-1"),
    ("aws-cn", "cn-north-1"),
    ("aws-us-gov", "us-gov-west-1"),
];

pub(in crate::backend::aws) fn settings(line: &str) -> Option<S3Settings> {
    let command = SettingsLayer::augment_args(Command::new("test").no_binary_name(true));
    let matches = command
        .try_get_matches_from(line.split_whitespace())
        .unwrap_or_else(|error| panic!("{line}: {error}"));
    let flags = SettingsLayer::from_arg_matches(&matches).unwrap();
    let sources = SettingsSources {
        flags,
        variables: SettingsLayer::default(),
        file: None,
        ambient_region: None,
    };
    // Some pairs contradict each other.
    resolve(&"dev".parse().unwrap(), &sources, &SettingsLayer::default()).ok()
}

pub(in crate::backend::aws) fn built(
    line: &str,
    partition: &str,
    region: &str,
) -> Option<Blueprint<AwsSpec>> {
    let line = format!("--project acme --region {region} {line}")
        .replace("PARTITION", partition)
        .replace("REGION", region);
    let settings = settings(&line)?;
    let names = DerivedNames::new(&settings, &ACCOUNT.parse().unwrap());
    Some(blueprint(
        &settings,
        &names,
        &ScriptedServer::new().aws_in(partition, region),
    ))
}

/// Every pair of options, in one partition or another.
fn each(mut check: impl FnMut(&str, &str, &Blueprint<AwsSpec>)) {
    let mut count = 0;
    for (at, (_, ones)) in EACH.iter().enumerate() {
        for (_, others) in &EACH[at + 1..] {
            for (one, other) in ones
                .iter()
                .flat_map(|one| others.iter().map(move |other| (one, other)))
            {
                let line = format!("{one} {other}");
                let (partition, region) = PLACES[count % PLACES.len()];
                if let Some(blueprint) = built(&line, partition, region) {
                    count += 1;
                    check(&line, partition, &blueprint);
                }
            }
        }
    }
    assert!(count > 300, "{count}");
}

fn text(node: &BlueprintNode<AwsSpec>) -> String {
    serde_json::to_string(&node.spec).unwrap()
}

/// All that must be there before this one, directly or not.
fn before(blueprint: &Blueprint<AwsSpec>, address: &Address) -> BTreeSet<Address> {
    let mut found = BTreeSet::new();
    let mut next = vec![address.clone()];
    while let Some(address) = next.pop() {
        for need in &blueprint.get(&address).unwrap().needs {
            if found.insert(need.clone()) {
                next.push(need.clone());
            }
        }
    }
    found
}

fn gives_output(spec: &AwsSpec) -> bool {
    matches!(
        spec,
        AwsSpec::Key(_) | AwsSpec::OwnKey(_) | AwsSpec::Policy(_)
    )
}

#[test]
fn the_default() {
    let blueprint = built("", "aws", "eu-west-1").unwrap();
    let lines: Vec<String> = blueprint
        .nodes()
        .iter()
        .map(|node| {
            let needs: Vec<_> = node.needs.iter().map(Address::as_str).collect();
            format!(
                "{} ({}) after [{}]",
                node.address,
                node.spec.name(),
                needs.join(", ")
            )
        })
        .collect();
    assert_snapshot!(lines.join("\n"), @"
    key (KMS key) after []
    key/rotation (key rotation) after [key]
    topic (SNS topic) after [key]
    log_bucket (S3 bucket) after []
    log_bucket/public_access (public access block) after [log_bucket]
    log_bucket/versioning (versioning) after [log_bucket]
    log_bucket/encryption (default encryption) after [log_bucket]
    log_bucket/lifecycle (lifecycle rules) after [log_bucket/versioning]
    log_bucket/policy (bucket policy) after [log_bucket/public_access]
    state_bucket (S3 bucket) after []
    state_bucket/public_access (public access block) after [state_bucket]
    state_bucket/versioning (versioning) after [state_bucket]
    state_bucket/encryption (default encryption) after [state_bucket, key]
    state_bucket/lifecycle (lifecycle rules) after [state_bucket/versioning]
    state_bucket/policy (bucket policy) after [state_bucket/public_access, state_bucket/versioning, state_bucket/encryption, state_bucket/lifecycle, key]
    state_bucket/logging (access logs) after [state_bucket/policy, log_bucket/policy]
    state_bucket/notifications (event notifications) after [state_bucket/policy, topic]
    lock_table (DynamoDB table) after [key]
    lock_table/recovery (point-in-time recovery) after [lock_table]
    trail (CloudTrail trail) after [log_bucket/policy, key]
    trail/selectors (event selectors) after [trail]
    trail/logging (trail logging) after [trail]
    alarm[bucket_size] (CloudWatch alarm) after [topic]
    alarm[object_count] (CloudWatch alarm) after [topic]
    alarm[lock_contention] (CloudWatch alarm) after [topic]
    alarm[lock_throttles] (CloudWatch alarm) after [topic]
    alarm[lock_errors] (CloudWatch alarm) after [topic]
    runner_policy (IAM policy) after [key]
    ");
}

#[test]
fn what_is_known_later_comes_from_a_need() {
    each(|line, _, blueprint| {
        for node in blueprint.nodes() {
            for part in text(node).split(UNKNOWN).skip(1) {
                let from = part
                    .strip_prefix(": ")
                    .and_then(|part| part.split(')').next())
                    .unwrap();
                let need = node.needs.iter().find(|need| need.as_str() == from);
                let need = need
                    .unwrap_or_else(|| panic!("{line}: {} does not wait for {from}", node.address));
                assert!(
                    gives_output(&blueprint.get(need).unwrap().spec),
                    "{line}: {from} gives nothing out"
                );
            }
        }
    });
}

#[test]
fn a_part_comes_after_the_whole_and_in_a_safe_order() {
    each(|line, _, blueprint| {
        for node in blueprint.nodes() {
            let before = before(blueprint, &node.address);
            let after = |name: &str| {
                assert!(
                    before.iter().any(|need| need.as_str() == name),
                    "{line}: {} after {name}",
                    node.address
                )
            };
            if let Some(whole) = node.address.parent() {
                after(whole.as_str());
            }
            let Some((bucket, part)) = node.address.as_str().split_once("_bucket/") else {
                if node.address == TRAIL && matches!(node.spec, AwsSpec::Trail(_)) {
                    after("log_bucket/policy");
                }
                continue;
            };
            match part {
                "lifecycle" => after(&format!("{bucket}_bucket/versioning")),
                "policy" => after(&format!("{bucket}_bucket/public_access")),
                "logging" => after("log_bucket/policy"),
                "notifications" => after("topic"),
                _ => {}
            }
            // Whatever is only an option comes after the policy: one that fails leaves the bucket
            // as safe as it gets.
            if node.address == STATE.policy {
                let safety = [
                    &STATE.bucket,
                    &STATE.public_access,
                    &STATE.versioning,
                    &STATE.encryption,
                    &STATE.lifecycle,
                    &KEY,
                ];
                let others: Vec<&Address> = before
                    .iter()
                    .filter(|address| !safety.contains(address))
                    .collect();
                assert!(others.is_empty(), "{line}: the policy waits for {others:?}");
                let parts = [
                    &STATE.public_access,
                    &STATE.versioning,
                    &STATE.encryption,
                    &STATE.lifecycle,
                ];
                parts.iter().for_each(|part| after(part.as_str()));
            }
            if matches!(part, "logging" | "notifications") {
                after("state_bucket/policy");
            }
        }
    });
}

#[test]
fn where_there_is_nothing_everything_is_made() {
    each(|line, _, blueprint| {
        let nothing: Observation<AwsSpec> = blueprint
            .nodes()
            .iter()
            .map(|node| (node.address.clone(), Observed::Absent))
            .collect();
        for step in Plan::to_apply(blueprint, &nothing, false).steps {
            let brought_along = blueprint
                .get(&step.address)
                .unwrap()
                .spec
                .data_source()
                .is_some();
            match step.change {
                PlannedChange::Create { .. } => assert!(!brought_along, "{line}: {}", step.address),
                PlannedChange::Blocked {
                    reason: BlockReason::Missing { .. },
                } => assert!(brought_along, "{line}: {}", step.address),
                change => panic!("{line}: {change:?}"),
            }
        }
    });
}

/// The created resources match the blueprint: a second run changes nothing.
#[test]
fn what_was_made_is_no_difference() {
    let policy = "arn:aws:iam::111122223333:policy/acme-tfstate-dev-runner-eu-west-1".to_owned();
    let known = KnownOutputs::from([
        (KEY, crate::backend::aws::testing::KEY_ARN.to_owned()),
        (RUNNER_POLICY, policy),
    ]);
    each(|line, _, blueprint| {
        for node in blueprint.nodes() {
            let made = node.spec.resolve(&known);
            assert!(
                !serde_json::to_string(&made).unwrap().contains(UNKNOWN),
                "{line}: {}",
                node.address
            );
            assert_eq!(made.merge_onto(&made), made, "{line}: {}", node.address);
            assert_eq!(made.blocked_by(&made), None, "{line}: {}", node.address);
        }
    });
}

#[test]
fn every_arn_is_in_the_partition_of_the_caller() {
    each(|line, partition, blueprint| {
        for node in blueprint.nodes() {
            for part in text(node).split("arn:").skip(1) {
                assert_eq!(
                    part.split(':').next(),
                    Some(partition),
                    "{line}: {}: arn:{part}",
                    node.address
                );
            }
        }
    });
}

/// S3 refuses two notifications of one event when one suffix is the end of the other.
#[test]
fn no_object_is_told_of_twice() {
    each(|line, _, blueprint| {
        let Some(AwsSpec::Notifications(notifications)) =
            blueprint.get(&STATE.notifications).map(|node| &node.spec)
        else {
            return;
        };
        let suffixes: Vec<&str> = notifications
            .targets
            .iter()
            .map(|target| &*target.filter[0].1)
            .collect();
        assert!(!suffixes.is_empty(), "{line}");
        for (at, one) in suffixes.iter().enumerate() {
            assert!(
                !suffixes[at + 1..]
                    .iter()
                    .any(|other| one.ends_with(other) || other.ends_with(one)),
                "{line}: {suffixes:?}"
            );
        }
    });
}

#[test]
fn only_what_was_asked_for() {
    let has = |line: &str, address: &str| {
        built(line, "aws", "eu-west-1")
            .unwrap()
            .nodes()
            .iter()
            .any(|node| node.address.as_str() == address)
    };
    for (line, address) in [
        ("--lock s3", "lock_table"),
        ("--encryption sse-s3", "key"),
        ("--trail off", "trail"),
        ("--trail off --access-logs=false", "log_bucket"),
        ("--alarms=false", "topic"),
        ("--delete-events=false", "state_bucket/notifications"),
        ("--policy=false", "runner_policy"),
        ("--table-recovery=false", "lock_table/recovery"),
        (
            "--kms-key arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "key/rotation",
        ),
    ] {
        assert!(!has(line, address), "{line} leaves {address} out");
        assert!(has("", address), "{address} is there otherwise");
    }
    assert!(has(
        "--alarm-email a@example.com",
        "topic/subscription[a@example.com]"
    ));
    assert!(has(
        "--attach-to role/a",
        "runner_policy/attachment[role/a]"
    ));
}

/// Several first runs at once: which of their keys is the environment's is decided by the alias,
/// and not by who looks first.
#[test]
fn a_key_without_its_alias_is_compared_with_and_never_written() {
    use crate::{backend::aws::key::AliasTarget, engine::observation::ResourceOwner};
    let blueprint = built("", "aws", "eu-west-1").unwrap();
    let found = KnownOutputs::from([(KEY, crate::backend::aws::testing::KEY_ARN.to_owned())]);
    let observed = |leads: AliasTarget, there: &[&str]| -> Observation<AwsSpec> {
        let seen = |node: &BlueprintNode<AwsSpec>| match &node.spec {
            AwsSpec::Key(key) => {
                let key = AwsSpec::Key(crate::backend::aws::key::KmsKey {
                    alias_leads: leads.clone(),
                    ..key.clone()
                });
                Observed::Present {
                    spec: key,
                    output: found.get(&KEY).cloned(),
                    owner: ResourceOwner::Us,
                }
            }
            spec if there.contains(&node.address.as_str()) => Observed::Present {
                spec: spec.resolve(&found),
                output: None,
                owner: ResourceOwner::Us,
            },
            _ => Observed::Absent,
        };
        blueprint
            .nodes()
            .iter()
            .map(|node| (node.address.clone(), seen(node)))
            .collect()
    };
    let waits = |plan: &Plan<AwsSpec>| {
        plan.writes()
            .filter(|step| serde_json::to_string(step).unwrap().contains(UNKNOWN))
            .count()
    };
    let unnamed = Plan::to_apply(&blueprint, &observed(AliasTarget::Nowhere, &[]), false);
    let nothing: Observation<AwsSpec> = blueprint
        .nodes()
        .iter()
        .map(|node| (node.address.clone(), Observed::Absent))
        .collect();
    assert_eq!(
        waits(&unnamed),
        waits(&Plan::to_apply(&blueprint, &nothing, false)),
        "nothing is bound to a key that may lose"
    );
    assert!(
        !serde_json::to_string(&unnamed)
            .unwrap()
            .contains(crate::backend::aws::testing::KEY_ARN)
    );
    assert_eq!(
        waits(&Plan::to_apply(
            &blueprint,
            &observed(AliasTarget::Here, &[]),
            false
        )),
        0
    );
    // The alias of a whole backend was deleted: it is named again, and all else is as it should be.
    let all: Vec<&str> = blueprint
        .nodes()
        .iter()
        .map(|node| node.address.as_str())
        .collect();
    let repair = Plan::to_apply(&blueprint, &observed(AliasTarget::Nowhere, &all), false);
    assert_eq!(
        repair
            .writes()
            .map(|step| step.address.as_str())
            .collect::<Vec<_>>(),
        ["key"]
    );
}
