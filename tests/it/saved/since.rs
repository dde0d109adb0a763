//! What is said of a world that is not as it was, for each way in which it can differ.

use tfbackend::{
    backend::aws::resources::AwsSpec,
    cli::{environment::ConnectedEnvironment, saved::since::must_still_be},
    engine::{
        observation::{Observation, Observed, ResourceOwner},
        plan::Plan,
    },
};

use crate::support::made_up;

fn environment() -> ConnectedEnvironment {
    made_up::environment(
        "prod",
        "--lock s3 --encryption sse-s3",
        "project = \"acme\"\nregion = \"eu-west-1\"\n[env.prod]\n",
    )
}

/// A world in which the bucket and its versioning are there, the latter suspended; and what else is
/// said.
fn plan(seen: &[(&str, Observed<AwsSpec>)]) -> Plan<AwsSpec> {
    let environment = environment();
    let nodes = environment.provider.blueprint.nodes().iter();
    let observation: Observation<AwsSpec> = nodes
        .map(|node| {
            let said = seen
                .iter()
                .find(|(address, _)| *address == node.address.as_str())
                .map(|(_, seen)| seen.clone());
            let there = match node.address.as_str() {
                "state_bucket" => present(node.spec.clone(), ResourceOwner::Us),
                "state_bucket/versioning" => present(versioning("Suspended"), ResourceOwner::Us),
                _ => Observed::Absent,
            };
            (node.address.clone(), said.unwrap_or(there))
        })
        .collect();
    Plan::to_apply(&environment.provider.blueprint, &observation, false)
}

fn present(spec: AwsSpec, owner: ResourceOwner) -> Observed<AwsSpec> {
    Observed::Present {
        spec,
        output: None,
        owner,
    }
}

fn spec(address: &str) -> AwsSpec {
    let environment = environment();
    environment
        .provider
        .blueprint
        .nodes()
        .iter()
        .find(|node| node.address.as_str() == address)
        .expect(address)
        .spec
        .clone()
}

fn versioning(status: &str) -> AwsSpec {
    let AwsSpec::Versioning(mut versioning) = spec("state_bucket/versioning") else {
        panic!("versioning")
    };
    versioning.status = status.to_owned();
    AwsSpec::Versioning(versioning)
}

#[test]
fn each_difference_is_named() {
    let saved = plan(&[]);
    assert!(must_still_be(&saved, &plan(&[])).is_ok());
    let topic = |owner| ("topic", present(spec("topic"), owner));
    let became = |address, spec| (address, present(spec, ResourceOwner::Us));
    for (now, says) in [
        (topic(ResourceOwner::Us), "topic: was created meanwhile"),
        (
            topic(ResourceOwner::Unmanaged),
            "topic: was created meanwhile, not by tfbackend",
        ),
        (
            topic(ResourceOwner::Other("the other".into())),
            "topic: was created meanwhile, and belongs to the other",
        ),
        (
            ("topic", Observed::Unreadable("no".into())),
            "topic: cannot be read: no",
        ),
        (
            became("state_bucket/versioning", versioning("Enabled")),
            "state_bucket/versioning: was changed meanwhile",
        ),
        (
            became("state_bucket/versioning", versioning("Off")),
            "state_bucket/versioning: was changed meanwhile",
        ),
        (
            ("state_bucket/versioning", Observed::Absent),
            "state_bucket/versioning: no longer exists",
        ),
        (
            ("state_bucket", Observed::Absent),
            "state_bucket: no longer exists",
        ),
        (
            (
                "state_bucket",
                present(spec("state_bucket"), ResourceOwner::Unmanaged),
            ),
            "state_bucket: exists, but was not created by tfbackend; pass `--adopt` to adopt it",
        ),
    ] {
        let failure = must_still_be(&saved, &plan(&[now])).expect_err(says);
        assert_eq!((failure.code, failure.causes), (3, vec![says.to_owned()]));
    }
    let two = [("state_bucket", Observed::Absent), topic(ResourceOwner::Us)];
    let failure = must_still_be(&saved, &plan(&two)).expect_err("two");
    assert_eq!(
        failure.message,
        "2 resources changed since the plan was made; nothing was changed"
    );
}

#[test]
fn a_plan_that_was_tampered_with_is_not_the_plan() {
    let now = plan(&[]);
    let says = |change: &dyn Fn(&mut Plan<AwsSpec>)| {
        let mut saved = plan(&[]);
        change(&mut saved);
        must_still_be(&saved, &now)
            .expect_err("it was changed")
            .causes
            .join("; ")
    };
    let other = "the planned change is not the change that is needed";
    let needs = |plan: &mut Plan<AwsSpec>| {
        plan.steps
            .iter_mut()
            .for_each(|step| step.needs.retain(|need| need.as_str() != "topic"));
    };
    assert!(
        says(&needs).contains(&format!("alarm[bucket_size]: {other}")),
        "{}",
        says(&needs)
    );
    assert_eq!(
        says(&|plan| drop(plan.steps.remove(0))),
        "topic: is not in the plan"
    );
    assert_eq!(
        says(&|plan| plan.steps[0].change = plan.steps[1].change.clone()),
        format!("topic: {other}")
    );
    assert_eq!(
        says(&|plan| plan.steps[0].address = tfbackend::engine::spec::Address::new("x")),
        "topic: is not in the plan; x: is not part of this backend"
    );
    for change in [
        |plan: &mut Plan<AwsSpec>| plan.steps.push(plan.steps[0].clone()),
        |plan: &mut Plan<AwsSpec>| plan.steps.reverse(),
    ] {
        let mut saved = plan(&[]);
        change(&mut saved);
        let failure = must_still_be(&saved, &now).expect_err("it was changed");
        assert!(
            failure.code == 3
                && failure
                    .message
                    .starts_with("the plan has duplicate steps, or steps in an invalid order"),
            "{failure:?}"
        );
    }
    // A second step at an address that is right otherwise, which would be carried out as well.
    let mut saved = plan(&[]);
    let mut weaker = saved
        .steps
        .iter()
        .find(|step| step.address.as_str() == "state_bucket/versioning")
        .expect("a step")
        .clone();
    weaker.change = tfbackend::engine::plan::PlannedChange::Update {
        from: versioning("Enabled"),
        to: versioning("Suspended"),
    };
    saved.steps.push(weaker);
    assert_eq!(
        must_still_be(&saved, &now)
            .expect_err("it was changed")
            .code,
        3
    );
}
