//! The laws of the core: what holds for any blueprint, over any world, whatever goes wrong.

mod path;
mod teardown;

use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, sample::Index};
use tfbackend::engine::{
    blueprint::{Blueprint, BlueprintNode},
    event::ApplyEvent,
    observation::{Observation, Observed, ResourceOwner},
    plan::{BlockReason, Plan, PlannedChange},
    spec::{Address, Spec, UNKNOWN},
};

use crate::support::imagined::{
    Imagined, Mishaps, Ran, Scene, Toy, US, Wild, World, address, scene,
};

const TAME: Wild = Wild { blocked: false };
const WILD: Wild = Wild { blocked: true };

fn mishaps() -> impl Strategy<Value = Mishaps> {
    (
        proptest::option::of(0usize..6),
        proptest::option::of(0usize..6),
        any::<bool>(),
    )
        .prop_map(|(writes, interrupted_at, answers_lost)| Mishaps {
            writes,
            interrupted_at,
            answers_lost,
            ..Mishaps::default()
        })
}

proptest! {
    /// However often a run is cut short, and however, the next one finishes it; what others wrote is still there.
    #[test]
    fn converges(scene in scene(TAME), cuts in proptest::collection::vec(mishaps(), 0..4), parallelism in 1usize..5) {
        let cloud = Imagined::new(scene.clone());
        for mishaps in cuts {
            cloud.run(true, parallelism, mishaps);
        }
        let last = cloud.run(true, parallelism, Mishaps::default());
        prop_assert!(last.outcome.failed.is_empty() && last.outcome.left.is_empty(), "{:?}", last.outcome);
        prop_assert!(cloud.plan(true).is_empty() && cloud.plan(false).is_empty(), "{:?}", cloud.plan(false));
        for node in scene.blueprint.nodes().iter().filter(|node| !node.spec.reference) {
            let (now, _) = &cloud.world()[&node.address];
            prop_assert_eq!(now.value, node.spec.value);
            prop_assert_eq!(now.shared.get("ours"), node.spec.shared.get("ours"));
            prop_assert_eq!(&now.mark, &node.spec.mark);
        }
        for (address, (before, _)) in &scene.world {
            let (now, _) = &cloud.world()[address];
            for (name, value) in before.shared.iter().filter(|(name, _)| *name != "ours") {
                prop_assert_eq!(now.shared.get(name), Some(value), "{}: {} was another's", address, name);
            }
        }
        let again = cloud.run(false, parallelism, Mishaps::default());
        prop_assert!(again.events.is_empty() && again.outcome.applied.is_empty(), "{:?}", again.events);
    }

    /// What is not ours is not changed unless we are told to adopt it, what is another's not even then,
    /// and nothing is added to either.
    #[test]
    fn leaves_what_is_not_ours(scene in scene(WILD), adopt: bool, mishaps in mishaps(), parallelism in 1usize..5) {
        let cloud = Imagined::new(scene.clone());
        cloud.run(adopt, parallelism, mishaps);
        for node in scene.blueprint.nodes() {
            let whole = node.address.parent().unwrap_or_else(|| node.address.clone());
            let taboo = match scene.world.get(&whole).map(|(spec, _)| spec.mark.as_deref()) {
                None | Some(Some(US)) => false,
                Some(None) => !adopt,
                Some(Some(_)) => true,
            };
            if taboo || node.spec.reference {
                prop_assert_eq!(cloud.world().get(&node.address).cloned(), scene.world.get(&node.address).cloned(), "{}", node.address);
            }
        }
    }

    /// What could not be seen, can never be made right in place, or should have been there, is not touched, and
    /// neither is what needs it. The plan says so beforehand.
    #[test]
    fn blocked_is_not_touched(scene in scene(WILD), adopt: bool, mishaps in mishaps(), parallelism in 1usize..5) {
        let cloud = Imagined::new(scene.clone());
        let ran = cloud.run(adopt, parallelism, mishaps);
        let blocked: BTreeMap<_, _> = ran.plan.blocked().map(|(address, reason)| (address.clone(), reason.clone())).collect();
        for node in scene.blueprint.nodes() {
            let reason = blocked.get(&node.address);
            // Nor is it known whose a part is, of something that could not be seen.
            let of_unreadable = node.address.parent().is_some_and(|whole| scene.unreadable.contains(&whole));
            let is_there = scene.world.contains_key(&node.address);
            let is_unreadable = scene.unreadable.contains(&node.address) || of_unreadable && is_there;
            prop_assert_eq!(matches!(reason, Some(BlockReason::Unreadable { .. })), is_unreadable);
            if !is_unreadable {
                let found = scene.world.get(&node.address).map(|(spec, _)| spec);
                prop_assert_eq!(matches!(reason, Some(BlockReason::Missing { .. })), node.spec.reference && found.is_none());
                prop_assert_eq!(matches!(reason, Some(BlockReason::Impossible { .. })), found.is_some_and(|spec| spec.fixed));
            }
            if closure(&scene, &node.address).iter().any(|address| blocked.contains_key(address)) {
                prop_assert_eq!(cloud.world().get(&node.address).cloned(), scene.world.get(&node.address).cloned(), "{}", node.address);
                prop_assert!(!started(&ran).contains(&node.address));
            }
        }
    }

    /// A plan has one step for each node, in the same order, and survives being saved.
    #[test]
    fn a_plan_is_whole_and_plain_data(scene in scene(WILD), adopt: bool) {
        let cloud = Imagined::new(scene.clone());
        let plan = cloud.plan(adopt);
        let shape = |steps: Vec<(&Address, &Vec<Address>)>| steps.into_iter().map(|(a, n)| (a.clone(), n.clone())).collect::<Vec<_>>();
        prop_assert_eq!(
            shape(plan.steps.iter().map(|step| (&step.address, &step.needs)).collect()),
            shape(scene.blueprint.nodes().iter().map(|node| (&node.address, &node.needs)).collect())
        );
        let saved = serde_json::to_string(&plan).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Plan<Toy>>(&saved).unwrap(), &plan);
        prop_assert_eq!(cloud.plan(adopt), plan, "planning changes nothing");
    }

    /// Each step starts after all that it needs is finished, and never more at once than allowed.
    #[test]
    fn keeps_the_order_and_the_bound(scene in scene(WILD), adopt: bool, mishaps in mishaps(), parallelism in 1usize..5) {
        let ran = Imagined::new(scene.clone()).run(adopt, parallelism, mishaps);
        prop_assert!(ran.most <= parallelism, "{} at once", ran.most);
        let writes: BTreeSet<_> = ran.plan.writes().map(|step| step.address.clone()).collect();
        let (mut running, mut finished) = (0usize, BTreeSet::new());
        for event in &ran.events {
            match event {
                ApplyEvent::Started { address } => {
                    running += 1;
                    prop_assert!(running <= parallelism);
                    for need in closure(&scene, address).iter().filter(|need| *need != address && writes.contains(need)) {
                        prop_assert!(finished.contains(need), "{} before {}", address, need);
                    }
                }
                ApplyEvent::Finished { address, .. } => {
                    running -= 1;
                    finished.insert(address.clone());
                }
                ApplyEvent::Failed { .. } => running -= 1,
                ApplyEvent::Skipped { .. } => {}
                ApplyEvent::Interrupted { running: said } => prop_assert_eq!(*said, running),
            }
        }
        prop_assert_eq!(running, 0, "what was started was seen to its end");
    }

    /// Every write that was planned is accounted for, once, and by the events too.
    #[test]
    fn accounts_for_every_write(scene in scene(WILD), adopt: bool, mishaps in mishaps(), parallelism in 1usize..5) {
        let ran = Imagined::new(scene).run(adopt, parallelism, mishaps);
        let planned: Vec<_> = ran.plan.writes().map(|step| step.address.clone()).collect();
        let failed: Vec<_> = ran.outcome.failed.iter().map(|(address, _)| address.clone()).collect();
        let mut told: Vec<_> = [&ran.outcome.applied, &failed, &ran.outcome.left].into_iter().flatten().cloned().collect();
        told.sort();
        let mut sorted = planned;
        sorted.sort();
        prop_assert_eq!(told, sorted);
        let said = |pick: fn(&ApplyEvent) -> Option<&Address>| ran.events.iter().filter_map(pick).cloned().collect::<Vec<_>>();
        prop_assert_eq!(&said(|e| if let ApplyEvent::Finished { address, .. } = e { Some(address) } else { None }), &ran.outcome.applied);
        prop_assert_eq!(&said(|e| if let ApplyEvent::Failed { address, .. } = e { Some(address) } else { None }), &failed);
        for address in said(|e| if let ApplyEvent::Skipped { address, .. } = e { Some(address) } else { None }) {
            prop_assert!(ran.outcome.left.contains(&address));
        }
    }

    /// A step that fails holds back what needs it, and nothing else; who is held back learns which step it was.
    #[test]
    fn a_failure_holds_back_only_what_needs_it(scene in scene(TAME), drawn in any::<Index>(), lost: bool, parallelism in 1usize..5) {
        let nodes = scene.blueprint.nodes();
        let culprit = nodes[drawn.index(nodes.len())].address.clone();
        let cloud = Imagined::new(scene.clone());
        let refused = BTreeSet::from([culprit.clone()]);
        let ran = cloud.run(true, parallelism, Mishaps { refused, answers_lost: lost, ..Mishaps::default() });
        let failed = !ran.outcome.failed.is_empty();
        prop_assert_eq!(failed, ran.plan.writes().any(|step| step.address == culprit));
        for step in ran.plan.writes().filter(|step| step.address != culprit) {
            let held = failed && closure(&scene, &step.address).contains(&culprit);
            prop_assert_eq!(ran.outcome.left.contains(&step.address), held);
            prop_assert_eq!(ran.outcome.applied.contains(&step.address), !held);
            let event = ApplyEvent::Skipped { address: step.address.clone(), because: culprit.clone() };
            prop_assert_eq!(ran.events.contains(&event), held);
        }
    }

    /// Once interrupted, nothing more is started, what runs is finished, and what is left is named.
    #[test]
    fn an_interrupt_starts_nothing_more(scene in scene(TAME), at in 0usize..6, parallelism in 1usize..5) {
        let ran = Imagined::new(scene).run(true, parallelism, Mishaps { interrupted_at: Some(at), ..Mishaps::default() });
        let planned = ran.plan.writes().count();
        let interrupts = ran.events.iter().filter(|event| matches!(event, ApplyEvent::Interrupted { .. })).count();
        prop_assert_eq!(interrupts, usize::from(at == 0 || at <= planned));
        if let Some(when) = ran.events.iter().position(|event| matches!(event, ApplyEvent::Interrupted { .. })) {
            let later = ran.events[when..].iter().filter(|event| matches!(event, ApplyEvent::Started { .. })).count();
            prop_assert_eq!(later, 0);
            prop_assert!(started(&ran).len() < at + parallelism, "what was not yet started at the interrupt");
        }
        prop_assert_eq!(ran.outcome.applied.len(), started(&ran).len());
        prop_assert_eq!(ran.outcome.left.len(), planned - started(&ran).len());
    }

    /// As many at once as are allowed, where nothing needs another.
    #[test]
    fn does_at_once_what_may_be_done_at_once(nodes in 1usize..12, parallelism in 1usize..12) {
        let cloud = Imagined::new(bare((0..nodes).map(|i| (format!("whole{i}"), vec![])).collect()));
        prop_assert_eq!(cloud.run(false, parallelism, Mishaps::default()).most, nodes.min(parallelism));
    }

    /// A part is whose its whole is, whatever was seen of the part itself; what has no whole in sight stays as seen.
    #[test]
    fn parts_have_the_owner_of_the_whole(whole in owners(), part in owners(), orphan in owners(), seen: bool) {
        let present = |owner: &ResourceOwner| Observed::Present { spec: (), output: None, owner: owner.clone() };
        let mut observation = Observation::from([(address("a/x"), present(&part)), (address("b/x"), present(&orphan)), (address("b"), Observed::Absent)]);
        if seen {
            observation.insert(address("a"), present(&whole));
        }
        tfbackend::engine::observation::inherit_owners(&mut observation);
        let expected = if seen { whole } else { part };
        prop_assert_eq!(&observation[&address("a/x")], &present(&expected));
        prop_assert_eq!(&observation[&address("b/x")], &present(&orphan));

        // Nobody knows whose the part of something is that could not be seen.
        let denied = Observed::Unreadable("denied".to_owned());
        observation.insert(address("a"), denied.clone());
        tfbackend::engine::observation::inherit_owners(&mut observation);
        prop_assert_eq!(&observation[&address("a/x")], &denied);
    }
}

fn owners() -> impl Strategy<Value = ResourceOwner> {
    prop_oneof![
        Just(ResourceOwner::Us),
        Just(ResourceOwner::Unmanaged),
        "[a-z]{1,4}".prop_map(ResourceOwner::Other)
    ]
}

/// The node and all that it needs, directly or not.
fn closure(scene: &Scene, address: &Address) -> BTreeSet<Address> {
    let node = scene.blueprint.get(address).unwrap();
    node.needs
        .iter()
        .flat_map(|need| closure(scene, need))
        .chain([address.clone()])
        .collect()
}

fn started(ran: &Ran) -> BTreeSet<Address> {
    ran.events
        .iter()
        .filter_map(|event| {
            if let ApplyEvent::Started { address } = event {
                Some(address.clone())
            } else {
                None
            }
        })
        .collect()
}

/// Nodes of ours and nothing else in the world.
fn bare(nodes: Vec<(String, Vec<&str>)>) -> Scene {
    let node = |(name, needs): (String, Vec<&str>)| {
        let needs: Vec<_> = needs.into_iter().map(address).collect();
        let sees = needs.iter().map(Address::output).collect();
        let spec = Toy {
            mark: Some(US.into()),
            value: 0,
            sees,
            shared: BTreeMap::new(),
            fixed: false,
            reference: false,
            fleeting: false,
        };
        BlueprintNode {
            address: address(&name),
            needs,
            spec,
        }
    };
    let blueprint = Blueprint::new(nodes.into_iter().map(node).collect());
    Scene {
        blueprint,
        world: World::new(),
        unreadable: BTreeSet::new(),
        pace: vec![],
    }
}

/// What only an earlier node can tell is unknown in the plan, and known when it is written.
#[test]
fn outputs_are_filled_in_when_they_are_known() {
    let cloud = Imagined::new(bare(vec![
        ("key".into(), vec![]),
        ("bucket".into(), vec!["key"]),
    ]));
    let ran = cloud.run(false, 4, Mishaps::default());
    let PlannedChange::Create { to } = &ran.plan.steps[1].change else {
        panic!("{:?}", ran.plan)
    };
    assert!(to.sees[0].starts_with(UNKNOWN));
    assert_eq!(cloud.world()[&address("bucket")].0.sees, ["arn:key#1"]);
    assert_eq!(ran.outcome.outputs[&address("key")], "arn:key#1");
    assert_eq!(ran.outcome.outputs[&address("bucket")], "arn:bucket#2");
}

/// A blueprint without an observation is not an empty cloud.
#[test]
fn what_was_not_looked_at_is_blocked() {
    let scene = bare(vec![("key".into(), vec![])]);
    let plan = Plan::to_apply(&scene.blueprint, &Observation::new(), true);
    assert_eq!(
        plan.blocked()
            .map(|(_, reason)| reason.clone())
            .collect::<Vec<_>>(),
        [BlockReason::NotLookedAt]
    );
    assert!(!plan.is_empty());
}

#[test]
#[should_panic(expected = "needs b before it")]
fn a_node_comes_after_what_it_needs() {
    bare(vec![("a".into(), vec!["b"]), ("b".into(), vec![])]);
}

#[test]
#[should_panic(expected = "a comes twice")]
fn an_address_comes_once() {
    bare(vec![("a".into(), vec![]), ("a".into(), vec![])]);
}

/// Filling in reaches every text of a spec, also inside of longer ones, and leaves the unknown
/// alone.
#[test]
fn filling_in_reaches_every_text() {
    let (key, topic) = (address("key"), address("topic"));
    let mut toy = bare(vec![("a".into(), vec![])]).blueprint.nodes()[0]
        .spec
        .clone();
    toy.shared = BTreeMap::from([(
        "policy".into(),
        format!("{}/* and {}", key.output(), topic.output()),
    )]);
    let known = BTreeMap::from([(key, "arn:key".to_owned())]);
    assert_eq!(
        toy.resolve(&known).shared["policy"],
        format!("arn:key/* and {}", topic.output())
    );
}
