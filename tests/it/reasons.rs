//! Every setting that can change says why it is as it is, and what only looks different is no
//! change.

use serde_json::Value;
use tfbackend::{
    backend::aws::{policy::PolicyDocument, resources::AwsSpec},
    cli::environment::ConnectedEnvironment,
    engine::{
        observation::{Observation, Observed, ResourceOwner},
        plan::{Plan, PlannedChange},
        spec::Spec,
    },
    report::{
        TextStyle,
        plan::{ResourceTitle, text},
        style::TextStyles,
    },
};

use crate::support::made_up;

const TOML: &str = "project = \"acme\"\nregion = \"eu-west-1\"\n[env.prod]\n";
/// Between them they have every kind of resource.
const LINES: [&str; 2] = [
    "--lock both --alarm-email ops@example.com --attach-to role/terraform",
    "--trail existing --kms-key \
     arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab --alarm-topic \
     arn:aws:sns:eu-west-1:123456789012:t",
];
/// These say which resource it is, and never change.
const IDENTITY: [&str; 9] = [
    "type", "name", "arn", "alias", "bucket", "table", "topic", "trail", "objects",
];

fn environment(line: &str) -> ConnectedEnvironment {
    made_up::environment("prod", line, TOML)
}

/// The plan where everything is there and ours, each as `change` creates it.
fn plan(
    environment: &ConnectedEnvironment,
    change: impl Fn(&str, AwsSpec) -> AwsSpec,
) -> Plan<AwsSpec> {
    let nodes = environment.provider.blueprint.nodes().iter();
    let observation: Observation<AwsSpec> = nodes
        .map(|node| {
            let spec = change(node.address.as_str(), node.spec.clone());
            (
                node.address.clone(),
                Observed::Present {
                    spec,
                    output: None,
                    owner: ResourceOwner::Us,
                },
            )
        })
        .collect();
    Plan::to_apply(&environment.provider.blueprint, &observation, false)
}

fn changes(plan: &Plan<AwsSpec>) -> Vec<&str> {
    plan.steps
        .iter()
        .filter(|step| !matches!(step.change, PlannedChange::NoOp { .. }))
        .map(|step| step.address.as_str())
        .collect()
}

#[test]
fn every_setting_has_a_reason() {
    let mut kinds = std::collections::BTreeSet::new();
    for line in LINES {
        for node in environment(line).provider.blueprint.nodes() {
            kinds.insert(node.spec.name());
            let Value::Object(fields) = serde_json::to_value(&node.spec).expect("plain data")
            else {
                panic!("{}", node.address)
            };
            for field in fields.keys() {
                let why = node.spec.why(field);
                let what = format!("{}: {field}", node.address);
                let identity = IDENTITY.contains(&&**field)
                    || field == "key" && node.spec.name() == "key rotation";
                // A trail's bucket may change, an attachment's policy may not be there.
                assert!(why.is_some() || identity, "{what} has no reason");
                assert!(
                    why.is_none_or(|why| why.starts_with("so that ")
                        && why.len() < 90
                        && !why.ends_with('.')),
                    "{what}: {why:?}"
                );
            }
            assert_eq!(node.spec.why("no such setting"), None, "{}", node.address);
        }
    }
    assert_eq!(kinds.len(), 23, "every kind: {kinds:?}");
}

/// Each statement of ours has a reason of its own, not the one for all others.
#[test]
fn every_statement_has_a_reason() {
    for node in environment(LINES[0]).provider.blueprint.nodes() {
        let (path, document): (&str, &PolicyDocument) = match &node.spec {
            AwsSpec::Key(key) => ("policy", &key.policy),
            AwsSpec::Topic(topic) => ("policy", &topic.policy),
            AwsSpec::BucketPolicy(policy) => ("document", &policy.document),
            AwsSpec::Policy(policy) => ("document", &policy.document),
            _ => continue,
        };
        let other = node.spec.why(&format!("{path}.Theirs"));
        for statement in &document.statements {
            let sid = statement.sid.as_deref().expect("ours have one");
            assert!(
                node.spec.why(&format!("{path}.{sid}")) != other,
                "{}: {sid}",
                node.address
            );
        }
    }
}

#[test]
fn what_changes_says_why() {
    let plan = plan(&environment(LINES[0]), |address, spec| {
        match (address, spec) {
            ("state_bucket/versioning", AwsSpec::Versioning(mut it)) => {
                it.status = "Suspended".to_owned();
                AwsSpec::Versioning(it)
            }
            ("state_bucket/public_access", AwsSpec::PublicAccess(mut it)) => {
                (it.block_public_acls, it.block_public_policy) = (false, false);
                AwsSpec::PublicAccess(it)
            }
            ("state_bucket/encryption", AwsSpec::Encryption(mut it)) => {
                (it.algorithm, it.key, it.bucket_key) = ("AES256".to_owned(), None, false);
                AwsSpec::Encryption(it)
            }
            ("state_bucket/lifecycle", AwsSpec::Lifecycle(mut it)) => {
                (it.rules[0].noncurrent_days, it.rules[0].noncurrent_newest) = (Some(1), None);
                AwsSpec::Lifecycle(it)
            }
            ("state_bucket/policy", AwsSpec::BucketPolicy(mut it)) => {
                it.document
                    .statements
                    .retain(|statement| statement.sid.as_deref() != Some("TfbackendDenyPlaintext"));
                AwsSpec::BucketPolicy(it)
            }
            ("lock_table", AwsSpec::LockTable(mut it)) => {
                it.deletion_protection = false;
                it.tags.insert(
                    "tfbackend:protected".to_owned(),
                    "\u{1b}[2J\u{202e}${x}".to_owned(),
                );
                AwsSpec::LockTable(it)
            }
            (_, spec) => spec,
        }
    });
    let view = TextStyle {
        width: 120,
        style: TextStyles {
            color: false,
            unicode: true,
        },
        verbose: false,
    };
    insta::assert_snapshot!(text(&plan, &ResourceTitle::of, &view), @r#"
    ~ update  state_bucket/public_access  no public access of any kind
        block_public_acls: false → true, so that no access control list can make the bucket public
        block_public_policy: false → true, so that no policy can make the bucket public
    ~ update  state_bucket/versioning  keeps every version
        status: "Suspended" → "Enabled", so that no version of a state can be lost
    ~ update  state_bucket/encryption  encrypted with the key (SSE-KMS), SSE-C blocked
        algorithm: "AES256" → "aws:kms", so that states are encrypted even if a client does not request it
        key: (not set) → (known after apply), so that only principals with access to the key can read states
        bucket_key: false → true, so that fewer KMS requests are needed
    ~ update  state_bucket/lifecycle  replaced versions kept for 90 days, the newest 50 forever
        rules.tfbackend-history.noncurrent_days: 1 → 90, so that earlier versions can be restored
        rules.tfbackend-history.noncurrent_newest: (not set) → 50
    ~ update  state_bucket/policy  bucket policy of 8 statements
        document: + TfbackendDenyPlaintext (Deny), so that all requests use TLS 1.2 or later
    ~ update  lock_table  DynamoDB table acme-tfstate-prod-locks, paid per request
        deletion_protection: false → true, so that the locks cannot be deleted by mistake
        tags: ~ tfbackend:protected=\u{1b}[2J\u{202e}${x} → true, so that the owner is known

    Plan: 0 to create, 6 to update, 0 blocked, 24 unchanged.
    "#);
}

#[test]
fn a_policy_is_compared_by_what_it_says() {
    let reordered = |document: &mut PolicyDocument| document.statements.reverse();
    let renamed = |document: &mut PolicyDocument| {
        document
            .statements
            .iter_mut()
            .enumerate()
            .for_each(|(at, it)| it.sid = Some(format!("Other{at}")));
    };
    let unnamed =
        |document: &mut PolicyDocument| document.statements.iter_mut().for_each(|it| it.sid = None);
    let other_form = |document: &mut PolicyDocument| {
        for statement in &mut document.statements {
            if let Some(Value::String(action)) = statement.rest.get("Action").cloned() {
                statement.rest.insert(
                    "Action".to_owned(),
                    Value::from(vec![action.to_uppercase()]),
                );
            }
        }
    };
    let weaker = |document: &mut PolicyDocument| drop(document.statements.pop());
    let with = |change: &dyn Fn(&mut PolicyDocument)| {
        let plan = plan(&environment(LINES[0]), |_, mut spec| {
            match &mut spec {
                AwsSpec::Key(key) => change(&mut key.policy),
                AwsSpec::Topic(topic) => change(&mut topic.policy),
                AwsSpec::BucketPolicy(policy) => change(&mut policy.document),
                AwsSpec::Policy(policy) => change(&mut policy.document),
                _ => {}
            }
            spec
        });
        changes(&plan).join(" ")
    };
    for (name, change) in [
        ("reordered", &reordered as &dyn Fn(&mut PolicyDocument)),
        ("renamed", &renamed),
        ("unnamed", &unnamed),
        ("in another form", &other_form),
    ] {
        assert_eq!(with(change), "", "{name}");
    }
    assert_eq!(
        with(&weaker),
        "key topic log_bucket/policy state_bucket/policy runner_policy"
    );
}

#[test]
fn lifecycle_rules_are_compared_by_what_they_do() {
    let with = |change: &dyn Fn(
        &mut Vec<tfbackend::backend::aws::bucket::lifecycle::rule::ObjectLifecycleRule>,
    )| {
        let plan = plan(&environment(LINES[0]), |_, mut spec| {
            if let AwsSpec::Lifecycle(lifecycle) = &mut spec {
                change(&mut lifecycle.rules);
            }
            spec
        });
        changes(&plan).join(" ")
    };
    assert_eq!(
        with(&|rules| rules
            .iter_mut()
            .enumerate()
            .for_each(|(at, rule)| rule.id = format!("theirs {at}"))),
        ""
    );
    assert_eq!(
        with(&|rules| rules
            .iter_mut()
            .enumerate()
            .for_each(|(at, rule)| rule.id = format!("tfbackend-older-{at}"))),
        ""
    );
    assert_eq!(with(&|rules| rules.reverse()), "");
    assert_eq!(
        with(&|rules| rules[0].enabled = false),
        "log_bucket/lifecycle state_bucket/lifecycle"
    );
}
