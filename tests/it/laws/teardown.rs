//! The laws of the way down: all that is ours, nothing that is not, in an order in which nothing
//! loses what it needs.

use proptest::{prelude::*, sample::Subsequence};
use tfbackend::engine::plan::{KeepReason, teardown::TeardownOptions};

use super::*;

/// Some of the nodes, to be kept.
fn kept(scene: Scene) -> impl Strategy<Value = (Scene, TeardownOptions)> {
    let addresses: Vec<Address> = scene
        .blueprint
        .nodes()
        .iter()
        .map(|node| node.address.clone())
        .collect();
    let count = addresses.len();
    let some: Subsequence<Address> = proptest::sample::subsequence(addresses, 0..=count.min(2));
    (Just(scene), some).prop_map(|(scene, keep)| {
        let keep = keep
            .into_iter()
            .map(|address| (address, "as you like".to_owned()))
            .collect();
        (
            scene,
            TeardownOptions {
                keep,
                ..TeardownOptions::default()
            },
        )
    })
}

fn is_ours(world: &World, address: &Address) -> bool {
    let whole = address.parent().unwrap_or_else(|| address.clone());
    world
        .get(&whole)
        .is_some_and(|(spec, _)| spec.mark.as_deref() == Some(US))
}

proptest! {
    /// What bootstrap made goes, however often the teardown is cut off, and however; what was only used is still there.
    #[test]
    fn leaves_nothing_that_is_ours(scene in scene(TAME), cuts in proptest::collection::vec(mishaps(), 0..4), parallelism in 1usize..5) {
        let cloud = Imagined::new(scene.clone());
        cloud.run(true, parallelism, Mishaps::default());
        let made = cloud.world();
        for mishaps in cuts {
            cloud.take_down(&TeardownOptions::default(), parallelism, mishaps);
        }
        let last = cloud.take_down(&TeardownOptions::default(), parallelism, Mishaps::default());
        prop_assert!(last.outcome.failed.is_empty() && last.outcome.left.is_empty(), "{:?}", last.outcome);
        let references: World = made.into_iter().filter(|(_, (spec, _))| spec.reference).collect();
        prop_assert_eq!(cloud.world(), references);
        prop_assert!(cloud.way_down(&TeardownOptions::default()).is_empty());
        let again = cloud.take_down(&TeardownOptions::default(), parallelism, Mishaps::default());
        prop_assert!(again.events.is_empty(), "{:?}", again.events);
    }

    /// And bootstrap makes all of it anew.
    #[test]
    fn there_is_a_way_back_up(scene in scene(TAME), mishaps in mishaps(), parallelism in 1usize..5) {
        let cloud = Imagined::new(scene);
        cloud.take_down(&TeardownOptions::default(), parallelism, mishaps);
        let again = cloud.run(true, parallelism, Mishaps::default());
        prop_assert!(again.outcome.failed.is_empty() && again.outcome.left.is_empty(), "{:?}", again.outcome);
        prop_assert!(cloud.plan(true).is_empty());
    }

    /// In any world: what is not ours, what is to be kept and what could not be seen is as it was before, and so is
    /// what these need.
    #[test]
    fn never_takes_what_is_not_ours((scene, terms) in scene(WILD).prop_flat_map(kept), mishaps in mishaps(), parallelism in 1usize..5) {
        let cloud = Imagined::new(scene.clone());
        let ran = cloud.take_down(&terms, parallelism, mishaps);
        let now = cloud.world();
        for node in scene.blueprint.nodes().iter().filter(|node| scene.world.contains_key(&node.address)) {
            let address = &node.address;
            let stays = !is_ours(&scene.world, address) || terms.keep.contains_key(address) || scene.unreadable.contains(address);
            if !stays {
                continue;
            }
            prop_assert_eq!(now.get(address), scene.world.get(address), "{}", address);
            for need in closure(&scene, address) {
                prop_assert_eq!(now.get(&need), scene.world.get(&need), "{} needs {}", address, need);
                prop_assert!(!started(&ran).contains(&need));
            }
        }
    }

    /// All that is ours goes or is named, with the reason; no step is about what is not there.
    #[test]
    fn says_what_becomes_of_everything((scene, terms) in scene(WILD).prop_flat_map(kept)) {
        let cloud = Imagined::new(scene.clone());
        let plan = cloud.way_down(&terms);
        let change = |address: &Address| plan.steps.iter().find(|step| step.address == *address).map(|step| &step.change);
        for node in scene.blueprint.nodes() {
            let address = &node.address;
            let found = scene.world.get(address).map(|(spec, _)| spec);
            let whole = address.parent().and_then(|whole| change(&whole));
            let hidden = |address: &Address| scene.unreadable.contains(address);
            let is_hidden = hidden(address) || found.is_some() && address.parent().is_some_and(|whole| hidden(&whole));
            match change(address) {
                None => {
                    let with_its_whole = found.is_some_and(|spec| spec.fleeting) && matches!(whole, Some(PlannedChange::Delete { .. }));
                    prop_assert!(found.is_none() || with_its_whole || matches!(whole, Some(PlannedChange::Keep { .. })), "{}", address);
                }
                Some(PlannedChange::Blocked { reason }) => prop_assert!(is_hidden && matches!(reason, BlockReason::Unreadable { .. }), "{}", address),
                Some(PlannedChange::Delete { from }) => prop_assert!(Some(from) == found && is_ours(&scene.world, address)),
                Some(PlannedChange::Keep { spec, why }) => {
                    prop_assert_eq!(Some(spec), found);
                    let said = match why {
                        KeepReason::Used => spec.reference,
                        KeepReason::Unmanaged => spec.mark.is_none() && !spec.reference,
                        KeepReason::Foreign { owner } => spec.mark.as_ref() == Some(owner),
                        KeepReason::Asked { how } => terms.keep.get(address) == Some(how),
                        KeepReason::Needed { by } => matches!(change(by), Some(PlannedChange::Keep { .. })),
                    };
                    prop_assert!(said, "{}: {}", address, why);
                }
                Some(other) => prop_assert!(false, "{}: {:?}", address, other),
            }
        }
    }

    /// Each step comes after those that it waits for, and the plan survives being written down.
    #[test]
    fn is_in_an_order_that_can_be_kept((scene, terms) in scene(WILD).prop_flat_map(kept)) {
        let plan = Imagined::new(scene).way_down(&terms);
        for (at, step) in plan.steps.iter().enumerate() {
            for need in &step.needs {
                prop_assert!(plan.steps[..at].iter().any(|before| before.address == *need), "{} before {}", need, step.address);
            }
        }
        let saved = serde_json::to_string(&plan).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Plan<Toy>>(&saved).unwrap(), &plan);
    }
}

fn steps(plan: &Plan<Toy>) -> Vec<String> {
    plan.steps
        .iter()
        .map(|step| {
            format!(
                "{} after {:?}",
                step.address,
                step.needs.iter().map(Address::as_str).collect::<Vec<_>>()
            )
        })
        .collect()
}

fn made(nodes: Vec<(String, Vec<&str>)>) -> Imagined {
    let cloud = Imagined::new(bare(nodes));
    cloud.run(false, 4, Mishaps::default());
    cloud
}

#[test]
fn what_needs_something_goes_before_it() {
    let nodes = || {
        vec![
            ("key".into(), vec![]),
            ("bucket".into(), vec!["key"]),
            ("bucket/policy".into(), vec!["bucket"]),
            ("table".into(), vec![]),
        ]
    };
    let plan = made(nodes()).way_down(&TeardownOptions::default());
    assert_eq!(
        steps(&plan),
        [
            "table after []",
            "bucket/policy after []",
            r#"bucket after ["bucket/policy"]"#,
            r#"key after ["bucket"]"#
        ]
    );

    let after = vec![(address("table"), address("bucket"))];
    let plan = made(nodes()).way_down(&TeardownOptions {
        after,
        ..TeardownOptions::default()
    });
    assert_eq!(
        steps(&plan),
        [
            "bucket/policy after []",
            r#"bucket after ["bucket/policy"]"#,
            r#"table after ["bucket"]"#,
            r#"key after ["bucket"]"#
        ]
    );
}

/// Unlike what waits for good, an order is none where the other stays; and a part that goes early
/// does.
#[test]
fn an_order_holds_nothing_up() {
    let nodes = || {
        let parts = [
            ("bucket/part".into(), vec!["bucket"]),
            ("bucket/news".into(), vec!["bucket", "topic"]),
        ];
        [
            vec![("topic".into(), vec![]), ("bucket".into(), vec![])],
            parts.into(),
        ]
        .concat()
    };
    let order = vec![(address("bucket"), address("topic"))];
    let cloud = made(nodes());
    assert_eq!(
        steps(&cloud.way_down(&TeardownOptions {
            order: order.clone(),
            ..TeardownOptions::default()
        })),
        [
            "bucket/news after []",
            r#"topic after ["bucket/news"]"#,
            r#"bucket/part after ["topic"]"#,
            r#"bucket after ["bucket/news", "topic", "bucket/part"]"#
        ]
    );
    let keep = BTreeMap::from([(address("topic"), "as you like".to_owned())]);
    let kept = cloud.way_down(&TeardownOptions {
        order,
        keep,
        ..TeardownOptions::default()
    });
    assert!(
        kept.deletes().any(|step| step.address == address("bucket")),
        "{kept:?}"
    );
}

/// The log of something must not go before it, though nothing is left of what stood between.
#[test]
fn what_is_gone_already_hands_on_who_waits() {
    let cloud = made(vec![
        ("a".into(), vec![]),
        ("b".into(), vec!["a"]),
        ("c".into(), vec!["b"]),
    ]);
    let mut observation = cloud.observe();
    observation.insert(address("b"), Observed::Absent);
    let plan = Plan::to_teardown(
        &cloud.scene.blueprint,
        &observation,
        &TeardownOptions::default(),
    );
    assert_eq!(steps(&plan), ["c after []", r#"a after ["c"]"#]);
}

/// A part with an end of its own does not wait for its whole, though a sibling needs it that goes
/// with the whole.
#[test]
fn a_part_goes_before_its_whole_whatever_needs_it() {
    let mut scene = bare(vec![
        ("a".into(), vec![]),
        ("a/x".into(), vec!["a"]),
        ("a/y".into(), vec!["a", "a/x"]),
    ]);
    let fleeting = |node: &BlueprintNode<Toy>| BlueprintNode {
        spec: Toy {
            fleeting: node.address == address("a/y"),
            ..node.spec.clone()
        },
        ..node.clone()
    };
    scene.blueprint = Blueprint::new(scene.blueprint.nodes().iter().map(fleeting).collect());
    let cloud = Imagined::new(scene);
    cloud.run(false, 4, Mishaps::default());
    assert_eq!(
        steps(&cloud.way_down(&TeardownOptions::default())),
        ["a/x after []", r#"a after ["a/x"]"#]
    );
}

/// Two wholes whose parts need each other's whole: there is an order, and no waiting for ever.
#[test]
fn a_circle_is_cut_where_it_was_closed_last() {
    let nodes = vec![
        ("a".into(), vec![]),
        ("b".into(), vec![]),
        ("a/x".into(), vec!["a", "b"]),
        ("b/y".into(), vec!["b", "a"]),
    ];
    let mut scene = bare(nodes);
    let fleeting = |node: &BlueprintNode<Toy>| BlueprintNode {
        spec: Toy {
            fleeting: node.address.parent().is_some(),
            ..node.spec.clone()
        },
        ..node.clone()
    };
    scene.blueprint = Blueprint::new(scene.blueprint.nodes().iter().map(fleeting).collect());
    let cloud = Imagined::new(scene);
    cloud.run(false, 4, Mishaps::default());
    assert_eq!(
        steps(&cloud.way_down(&TeardownOptions::default())),
        ["b after []", r#"a after ["b"]"#]
    );
    cloud.take_down(&TeardownOptions::default(), 4, Mishaps::default());
    assert_eq!(cloud.world(), World::new());
}

#[test]
fn what_was_not_looked_at_is_not_taken_down() {
    let scene = bare(vec![("key".into(), vec![])]);
    let plan = Plan::to_teardown(
        &scene.blueprint,
        &Observation::new(),
        &TeardownOptions::default(),
    );
    assert_eq!(
        plan.blocked()
            .map(|(_, reason)| reason.clone())
            .collect::<Vec<_>>(),
        [BlockReason::NotLookedAt]
    );
    assert!(!plan.is_empty());
}
