//! Every setting stands for a rule; what is not there, or not to be seen, is one finding and no
//! more.

use serde_json::{Value, json};

use super::*;
use crate::{
    backend::aws::blueprint::{self, KEY, LOCK_TABLE, STATE_BUCKET, tests::built},
    engine::{observation::outputs, spec::Spec},
};

const FULL: &str = "--alarm-email a@example.com --attach-to role/ci --lock both";

fn all_there(blueprint: &Blueprint<AwsSpec>) -> Observation<AwsSpec> {
    let known = [(KEY, "arn:aws:kms:eu-west-1:111122223333:key/1".to_owned())]
        .into_iter()
        .collect();
    let seen = |node: &crate::engine::blueprint::BlueprintNode<AwsSpec>| Observed::Present {
        spec: node.spec.resolve(&known),
        output: known.get(&node.address).cloned(),
        owner: ResourceOwner::Us,
    };
    blueprint
        .nodes()
        .iter()
        .map(|node| (node.address.clone(), seen(node)))
        .collect()
}

fn checks(blueprint: &Blueprint<AwsSpec>, observation: &Observation<AwsSpec>) -> Vec<CheckResult> {
    let plan = Plan::to_apply(blueprint, observation, true);
    SettingChecks {
        blueprint,
        observation,
        plan: &plan,
        remediation: "tfbackend bootstrap",
        tagged: true,
        describe: crate::report::plan::found,
    }
    .checks(&|_| None)
}

fn findings(checked: &[CheckResult]) -> Vec<String> {
    checked
        .iter()
        .filter(|one| one.is_finding())
        .map(|one| format!("{} at {}", one.check.id, one.place.shown()))
        .collect()
}

fn set(
    observation: &mut Observation<AwsSpec>,
    address: &Address,
    change: impl FnOnce(&mut AwsSpec),
) {
    match observation.get_mut(address) {
        Some(Observed::Present { spec, .. }) => change(spec),
        other => panic!("{address}: {other:?}"),
    }
}

#[test]
fn what_is_as_it_should_be_holds() {
    let blueprint = built(FULL, "aws", "eu-west-1").unwrap();
    let checked = checks(&blueprint, &all_there(&blueprint));
    assert_eq!(findings(&checked), Vec::<String>::new());
    for node in blueprint.nodes() {
        let here: Vec<&str> = checked
            .iter()
            .filter(|one| one.place.address.as_ref() == Some(&node.address))
            .map(|one| one.check.id)
            .collect();
        assert!(!here.is_empty(), "{} is checked", node.address);
        let mut once = here.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), here.len(), "each rule once: {here:?}");
    }
}

/// Other values of the same type.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Bool(on) => vec![json!(!on)],
        Value::Number(_) => vec![json!(7919)],
        Value::String(text) => vec![json!(format!("{text}x"))],
        Value::Array(items) if items.is_empty() => vec![],
        Value::Array(_) => vec![json!([])],
        Value::Null | Value::Object(_) => vec![],
    }
}

/// Exactly the changes of the plan are findings: one for each setting that is changed alone.
#[test]
fn every_setting_that_is_planned_is_found() {
    let blueprint = built(FULL, "aws", "eu-west-1").unwrap();
    let mut tried = 0;
    for node in blueprint.nodes() {
        let observation = all_there(&blueprint);
        let Some(Observed::Present { spec, .. }) = observation.get(&node.address) else {
            panic!("{}", node.address)
        };
        for (name, value) in fields(spec) {
            for other in others(&value) {
                let mut changed = fields(spec);
                changed.insert(name.clone(), other);
                let Ok(changed) = serde_json::from_value::<AwsSpec>(Value::Object(changed)) else {
                    continue;
                };
                let mut observation = observation.clone();
                set(&mut observation, &node.address, |spec| *spec = changed);
                let plan = Plan::to_apply(&blueprint, &observation, false);
                let planned = plan
                    .steps
                    .iter()
                    .filter(|step| !matches!(step.change, PlannedChange::NoOp { .. }))
                    .count();
                let found = findings(&checks(&blueprint, &observation));
                let here = format!(" at {}", node.address);
                assert_eq!(
                    found.is_empty(),
                    planned == 0,
                    "{}.{name}: {found:?}",
                    node.address
                );
                assert!(
                    found.iter().all(|finding| finding.ends_with(&here)),
                    "{}.{name}: {found:?}",
                    node.address
                );
                // Of a list, what is gone may have stood for several rules.
                assert!(
                    found.len() <= 1 || value.is_array(),
                    "{}.{name}: {found:?}",
                    node.address
                );
                tried += planned;
            }
        }
    }
    assert!(tried > 60, "{tried}");
}

#[test]
fn a_whole_that_is_not_there_is_one_finding() {
    let blueprint = built(FULL, "aws", "eu-west-1").unwrap();
    let mut observation = all_there(&blueprint);
    for (address, seen) in &mut observation {
        if *address == STATE_BUCKET || address.parent() == Some(STATE_BUCKET) {
            *seen = Observed::Absent;
        }
    }
    assert_eq!(
        findings(&checks(&blueprint, &observation)),
        ["bucket at state_bucket"]
    );
}

#[test]
fn what_could_not_be_seen_is_neither_good_nor_bad() {
    let blueprint = built(FULL, "aws", "eu-west-1").unwrap();
    let mut observation = all_there(&blueprint);
    observation.insert(LOCK_TABLE, Observed::Unreadable("denied".to_owned()));
    crate::engine::observation::inherit_owners(&mut observation);
    let checked = checks(&blueprint, &observation);
    assert_eq!(findings(&checked), ["table at lock_table"]);
    assert!(checked.iter().any(|one| one.verdict
        == Verdict::Unreadable {
            error: "denied".to_owned()
        }));
    assert!(
        !checked
            .iter()
            .any(|one| one.check.id == rule::TABLE_PROTECTION.id),
        "nothing is said of its settings"
    );
}

#[test]
fn whose_it_is() {
    let blueprint = built(FULL, "aws", "eu-west-1").unwrap();
    let with = |owner: ResourceOwner| {
        let mut observation = all_there(&blueprint);
        if let Some(Observed::Present { owner: it, .. }) = observation.get_mut(&LOCK_TABLE) {
            *it = owner;
        }
        crate::engine::observation::inherit_owners(&mut observation);
        findings(&checks(&blueprint, &observation))
    };
    assert_eq!(with(ResourceOwner::Us), Vec::<String>::new());
    assert_eq!(with(ResourceOwner::Unmanaged), ["unmanaged at lock_table"]);
    assert_eq!(
        with(ResourceOwner::Other("another".to_owned())),
        ["owned at lock_table"]
    );
}

#[test]
fn statements_stand_for_rules_of_their_own() {
    let blueprint = built(FULL, "aws", "eu-west-1").unwrap();
    let address = Address::new("state_bucket/policy");
    let after = |change: &dyn Fn(&mut PolicyDocument)| {
        let mut observation = all_there(&blueprint);
        set(&mut observation, &address, |spec| match spec {
            AwsSpec::BucketPolicy(policy) => change(&mut policy.document),
            other => panic!("{other:?}"),
        });
        let checked = checks(&blueprint, &observation);
        let what = checked.iter().filter_map(|one| match &one.verdict {
            Verdict::Fails { found, .. } => Some(format!("{}: {found}", one.check.id)),
            _ => None,
        });
        what.collect::<Vec<_>>()
    };
    let is = |statement: &crate::backend::aws::policy::Statement, sid: &str| {
        statement.sid.as_deref() == Some(sid)
    };
    insta::assert_snapshot!(
        after(&|document| document.statements.retain(|one| !is(one, "TfbackendDenyPlaintext") && !is(one, "TfbackendDenyOtherKey"))).join("\n"),
        @"
    bucket-tls: statement TfbackendDenyPlaintext is missing
    bucket-other-encryption: statement TfbackendDenyOtherKey is missing
    "
    );
    let weaker = after(&|document| {
        let statement = document
            .statements
            .iter_mut()
            .find(|one| is(one, "TfbackendDenyOldTls"))
            .unwrap();
        statement.rest.insert(
            "Condition".to_owned(),
            json!({"NumericLessThan": {"s3:TlsVersion": "1.0"}}),
        );
    });
    insta::assert_snapshot!(weaker.join("\n"), @"bucket-old-tls: statement TfbackendDenyOldTls differs");
    assert_eq!(
        after(&|document| document.statements.reverse()),
        Vec::<String>::new(),
        "order says nothing"
    );
    assert_eq!(
        after(&|document| document
            .statements
            .iter_mut()
            .for_each(|one| one.sid = Some("Other".to_owned()))),
        Vec::<String>::new(),
        "nor do names"
    );
}

#[test]
fn what_cannot_be_changed_in_place_says_so() {
    let blueprint = built(FULL, "aws", "eu-west-1").unwrap();
    let mut observation = all_there(&blueprint);
    set(&mut observation, &KEY, |spec| match spec {
        AwsSpec::Key(key) => key.state = "PendingDeletion".to_owned(),
        other => panic!("{other:?}"),
    });
    let checked = checks(&blueprint, &observation);
    assert_eq!(findings(&checked), ["key-usable at key"]);
    assert!(outputs(&observation).contains_key(&blueprint::KEY));
}

/// A single finding would hide how much is missing.
#[test]
fn of_a_backend_that_others_made_each_missing_rule_is_said() {
    let blueprint = built(
        "--trail off --alarms=false --access-logs=false",
        "aws",
        "eu-west-1",
    )
    .unwrap();
    let (policy, lifecycle) = (
        Address::new("state_bucket/policy"),
        Address::new("state_bucket/lifecycle"),
    );
    let mut observation = all_there(&blueprint);
    observation.insert(policy.clone(), Observed::Absent);
    observation.insert(lifecycle.clone(), Observed::Absent);
    let plan = Plan::to_apply(&blueprint, &observation, true);
    let settings = |tagged| SettingChecks {
        blueprint: &blueprint,
        observation: &observation,
        plan: &plan,
        remediation: "",
        tagged,
        describe: crate::report::plan::found,
    };
    let found = findings(&settings(false).checks(&|_| None));
    for id in [
        "bucket-tls",
        "bucket-old-tls",
        "bucket-other-accounts",
        "bucket-other-encryption",
        "lock-overwrite",
        "bucket-destroy",
    ] {
        assert!(found.contains(&format!("{id} at {policy}")), "{found:?}");
    }
    for id in ["bucket-history", "bucket-lifecycle"] {
        assert!(found.contains(&format!("{id} at {lifecycle}")), "{found:?}");
    }
    let mut ours = findings(&settings(true).checks(&|_| None));
    ours.sort();
    assert_eq!(
        ours,
        [
            "bucket-history at state_bucket/lifecycle",
            "bucket-policy at state_bucket/policy"
        ],
        "ours is made again by one call"
    );
}

/// The denial is a finding of another rule; here is what else the policy lacks.
#[test]
fn a_policy_that_denies_terraform_is_held_to_the_rest() {
    let blueprint = built("", "aws", "eu-west-1").unwrap();
    let policy = Address::new("state_bucket/policy");
    let mut observation = all_there(&blueprint);
    set(&mut observation, &policy, |spec| {
        let AwsSpec::BucketPolicy(spec) = spec else {
            panic!("a policy")
        };
        let theirs = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
            "Resource": format!("arn:aws:s3:::{}/*", spec.bucket)}]});
        spec.document = serde_json::from_value(theirs).unwrap();
    });
    let found = findings(&checks(&blueprint, &observation));
    assert!(
        found.contains(&"bucket-tls at state_bucket/policy".to_owned()),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .all(|finding| finding.ends_with("at state_bucket/policy")),
        "{found:?}"
    );
}
