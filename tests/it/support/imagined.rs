//! An imagined cloud: any set of nodes, whatever was there before, and whatever may go wrong.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    sync::Mutex,
};

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use tfbackend::engine::{
    apply::{ApplyOptions, ApplyOutcome, ChangeWriter, apply},
    blueprint::{Blueprint, BlueprintNode},
    event::ApplyEvent,
    observation::{Observation, Observed, ResourceOwner, inherit_owners, outputs},
    plan::{Plan, PlannedChange, teardown::TeardownOptions},
    spec::{Address, Spec, UNKNOWN},
};
use tokio_util::sync::CancellationToken;

/// Stands for every kind of resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Toy {
    /// Who made it, as its tags would say. A part carries none.
    pub mark: Option<String>,
    pub value: u8,
    /// What the nodes gave out that this one needs.
    pub sees: Vec<String>,
    /// Shared with others, as a policy or a tag set is.
    pub shared: BTreeMap<String, String>,
    /// Never changed in place.
    pub fixed: bool,
    /// Used, never made.
    pub reference: bool,
    /// A part that is gone with its whole.
    pub fleeting: bool,
}

impl Spec for Toy {
    fn title(&self) -> String {
        "toy".to_owned()
    }

    fn merge_onto(&self, observed: &Self) -> Self {
        let mut shared = observed.shared.clone();
        shared.extend(self.shared.clone());
        Self {
            shared,
            ..self.clone()
        }
    }

    fn blocked_by(&self, observed: &Self) -> Option<String> {
        (self.fixed != observed.fixed).then(|| "cannot be changed in place".to_owned())
    }

    fn data_source(&self) -> Option<String> {
        self.reference.then(|| "there is no such thing".to_owned())
    }

    fn deleted_with_parent(&self) -> bool {
        self.fleeting
    }

    /// More for some than for others, and other than where it is made.
    fn write_round_trips(&self, from: Option<&Self>) -> u32 {
        u32::try_from(self.sees.len()).expect("a few") % 3
            + from.map_or(1, |from| u32::from(from.value))
    }
}

/// What is there, and what each thing gives out.
pub(crate) type World = BTreeMap<Address, (Toy, String)>;

#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub blueprint: Blueprint<Toy>,
    pub world: World,
    pub unreadable: BTreeSet<Address>,
    /// How often each write waits before it acts, by the order of the nodes.
    pub pace: Vec<u8>,
}

/// What befalls a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mishaps {
    /// After so many writes, all others fail.
    pub writes: Option<usize>,
    /// These fail always.
    pub refused: BTreeSet<Address>,
    /// A write that fails was carried out nevertheless: only the answer got lost.
    pub answers_lost: bool,
    /// The run is interrupted when so many writes have started.
    pub interrupted_at: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Ran {
    pub plan: Plan<Toy>,
    pub outcome: ApplyOutcome<Refused>,
    pub events: Vec<ApplyEvent>,
    /// The most writes that were under way at once.
    pub most: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("refused")]
pub(crate) struct Refused;

pub(crate) struct Imagined {
    pub scene: Scene,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    world: World,
    made: usize,
    started: usize,
    running: usize,
    most: usize,
    mishaps: Mishaps,
    cancel: CancellationToken,
}

impl Imagined {
    pub(crate) fn new(scene: Scene) -> Self {
        let state = State {
            world: scene.world.clone(),
            ..State::default()
        };
        Self {
            scene,
            state: Mutex::new(state),
        }
    }

    pub(crate) fn world(&self) -> World {
        self.state.lock().unwrap().world.clone()
    }

    pub(crate) fn observe(&self) -> Observation<Toy> {
        let world = self.world();
        let mut observation = Observation::new();
        for BlueprintNode { address, .. } in self.scene.blueprint.nodes() {
            let seen = match world.get(address) {
                _ if self.scene.unreadable.contains(address) => {
                    Observed::Unreadable("AccessDenied".into())
                }
                None => Observed::Absent,
                Some((spec, output)) => Observed::Present {
                    spec: spec.clone(),
                    output: Some(output.clone()),
                    owner: owner(spec),
                },
            };
            observation.insert(address.clone(), seen);
        }
        inherit_owners(&mut observation);
        observation
    }

    pub(crate) fn plan(&self, adopt: bool) -> Plan<Toy> {
        Plan::to_apply(&self.scene.blueprint, &self.observe(), adopt)
    }

    pub(crate) fn way_down(&self, terms: &TeardownOptions) -> Plan<Toy> {
        Plan::to_teardown(&self.scene.blueprint, &self.observe(), terms)
    }

    /// Looks, plans and applies, whether the plan is blocked or not: apply has to be safe by
    /// itself.
    pub(crate) fn run(&self, adopt: bool, parallelism: usize, mishaps: Mishaps) -> Ran {
        self.carry_out(self.plan(adopt), parallelism, mishaps)
    }

    /// The same, to take everything down.
    pub(crate) fn take_down(
        &self,
        terms: &TeardownOptions,
        parallelism: usize,
        mishaps: Mishaps,
    ) -> Ran {
        self.carry_out(self.way_down(terms), parallelism, mishaps)
    }

    fn carry_out(&self, plan: Plan<Toy>, parallelism: usize, mishaps: Mishaps) -> Ran {
        let cancel = CancellationToken::new();
        {
            let mut state = self.state.lock().unwrap();
            if mishaps.interrupted_at == Some(0) {
                cancel.cancel();
            }
            let (world, made) = (std::mem::take(&mut state.world), state.made);
            *state = State {
                world,
                made,
                mishaps,
                cancel: cancel.clone(),
                ..State::default()
            };
        }
        let known = outputs(&self.observe());
        let mut events = vec![];
        let mut on_event = |event| events.push(event);
        let run = ApplyOptions {
            parallelism: NonZeroUsize::new(parallelism).unwrap(),
            cancel: &cancel,
            on_event: &mut on_event,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let outcome = runtime.block_on(apply(plan.clone(), known, self, run));
        let most = self.state.lock().unwrap().most;
        Ran {
            plan,
            outcome,
            events,
            most,
        }
    }

    /// A whole goes with all its parts, and nothing goes before what needs it.
    fn delete(&self, world: &mut World, address: &Address, from: &Toy) {
        assert_eq!(
            world.get(address).map(|(spec, _)| spec),
            Some(from),
            "{address}: planned from what is there"
        );
        assert!(
            !from.reference,
            "{address}: a reference is not ours to delete"
        );
        let whole = address.parent().unwrap_or_else(|| address.clone());
        assert_eq!(
            world[&whole].0.mark.as_deref(),
            Some(US),
            "{address}: only what is ours is deleted"
        );
        let gone = |at: &Address| at == address || at.parent().as_ref() == Some(address);
        for node in self
            .scene
            .blueprint
            .nodes()
            .iter()
            .filter(|node| !gone(&node.address) && node.needs.iter().any(gone))
        {
            let fleeting = world
                .get(&node.address)
                .is_none_or(|(spec, _)| spec.fleeting);
            assert!(
                fleeting,
                "{address} goes before {}, which needs it",
                node.address
            );
        }
        world.retain(|at, _| !gone(at));
    }

    fn pace(&self, address: &Address) -> u8 {
        let at = self
            .scene
            .blueprint
            .nodes()
            .iter()
            .position(|node| node.address == *address)
            .unwrap();
        self.scene.pace.get(at).copied().unwrap_or(1)
    }
}

impl ChangeWriter for Imagined {
    type Spec = Toy;
    type Error = Refused;

    async fn write(
        &self,
        address: &Address,
        change: &PlannedChange<Toy>,
    ) -> Result<Option<String>, Refused> {
        let refused = {
            let mut state = self.state.lock().unwrap();
            state.started += 1;
            state.running += 1;
            state.most = state.most.max(state.running);
            if state.mishaps.interrupted_at == Some(state.started) {
                state.cancel.cancel();
            }
            state.mishaps.refused.contains(address)
                || state
                    .mishaps
                    .writes
                    .is_some_and(|writes| state.started > writes)
        };
        for _ in 0..self.pace(address) {
            tokio::task::yield_now().await;
        }
        {
            let mut state = self.state.lock().unwrap();
            state.running -= 1;
            if refused && !state.mishaps.answers_lost {
                return Err(Refused);
            }
        }
        let (from, to) = match change {
            PlannedChange::Create { to } => (None, to),
            PlannedChange::Update { from, to } | PlannedChange::Adopt { from, to } => {
                (Some(from), to)
            }
            PlannedChange::Delete { from } => {
                let mut state = self.state.lock().unwrap();
                self.delete(&mut state.world, address, from);
                return if refused { Err(Refused) } else { Ok(None) };
            }
            PlannedChange::NoOp { .. }
            | PlannedChange::Keep { .. }
            | PlannedChange::Blocked { .. } => {
                panic!("{address}: none of these is a write")
            }
        };
        let mut state = self.state.lock().unwrap();
        let before = state.world.get(address).cloned();
        assert_eq!(
            from,
            before.as_ref().map(|(spec, _)| spec),
            "{address}: planned from what is there"
        );
        assert!(
            !to.sees.iter().any(|text| text.contains(UNKNOWN)),
            "{address}: nothing is written before it is known"
        );
        assert_ne!(Some(to), from, "{address}: what is equal is not written");
        assert!(!to.reference, "{address}: a reference is not ours to write");
        let given = self
            .scene
            .blueprint
            .get(address)
            .unwrap()
            .needs
            .iter()
            .map(|need| state.world[need].1.clone());
        assert_eq!(
            to.sees,
            given.collect::<Vec<_>>(),
            "{address}: sees what its needs give out"
        );
        state.made += 1;
        let output = before.map_or_else(
            || format!("arn:{address}#{}", state.made),
            |(_, output)| output,
        );
        state
            .world
            .insert(address.clone(), (to.clone(), output.clone()));
        if refused {
            Err(Refused)
        } else {
            Ok(Some(output))
        }
    }
}

fn owner(spec: &Toy) -> ResourceOwner {
    match spec.mark.as_deref() {
        Some(US) => ResourceOwner::Us,
        Some(other) => ResourceOwner::Other(other.to_owned()),
        None => ResourceOwner::Unmanaged,
    }
}

pub(crate) const US: &str = "us";

pub(crate) fn address(name: &str) -> Address {
    serde_json::from_value(serde_json::Value::from(name)).unwrap()
}

/// What a node of the blueprint is, by dice.
#[derive(Clone, Debug)]
struct Rolled {
    kind: Kind,
    needs: u16,
    of: usize,
    before: Option<Before>,
    unreadable: bool,
    pace: u8,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Whole,
    Part,
    Reference,
}

/// What was there before us.
#[derive(Clone, Debug)]
struct Before {
    settled: bool,
    mark: Option<&'static str>,
    value: u8,
    fixed: bool,
    shared: BTreeMap<String, String>,
}

/// How wild a scene may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wild {
    /// Things that belong to others, cannot be seen, cannot be changed, or are missing.
    pub blocked: bool,
}

pub(crate) fn scene(wild: Wild) -> impl Strategy<Value = Scene> {
    let mark = if wild.blocked {
        vec![Some(US), None, Some("them")]
    } else {
        vec![Some(US), None]
    };
    let blocked = if wild.blocked { 0.15 } else { 0.0 };
    let shared = proptest::collection::btree_map("[a-c]", "[x-z]", 0..3);
    let before = (
        any::<bool>(),
        proptest::sample::select(mark),
        0u8..2,
        proptest::bool::weighted(blocked),
        shared,
    )
        .prop_map(|(settled, mark, value, fixed, shared)| Before {
            settled,
            mark,
            value,
            fixed,
            shared,
        });
    let kind =
        prop_oneof![3 => Just(Kind::Whole), 3 => Just(Kind::Part), 1 => Just(Kind::Reference)];
    let node = (
        kind,
        any::<u16>(),
        any::<usize>(),
        proptest::option::of(before),
        proptest::bool::weighted(blocked),
        0u8..5,
    )
        .prop_map(|(kind, needs, of, before, unreadable, pace)| Rolled {
            kind,
            needs,
            of,
            before,
            unreadable,
            pace,
        });
    proptest::collection::vec(node, 1..9).prop_map(move |rolled| assemble(&rolled, wild))
}

fn assemble(rolled: &[Rolled], wild: Wild) -> Scene {
    let mut nodes: Vec<BlueprintNode<Toy>> = vec![];
    let mut scene = Scene {
        blueprint: Blueprint::new(vec![]),
        world: World::new(),
        unreadable: BTreeSet::new(),
        pace: vec![],
    };
    for (i, dice) in rolled.iter().enumerate() {
        let wholes: Vec<_> = nodes
            .iter()
            .filter(|node| node.spec.mark.is_some())
            .map(|node| node.address.clone())
            .collect();
        let parent = (dice.kind == Kind::Part && !wholes.is_empty())
            .then(|| wholes[dice.of % wholes.len()].clone());
        let reference = dice.kind == Kind::Reference;
        let address = match &parent {
            Some(parent) => address(&format!("{parent}/part{i}")),
            None if reference => address(&format!("reference{i}")),
            None => address(&format!("whole{i}")),
        };
        let drawn = nodes
            .iter()
            .enumerate()
            .filter(|(at, _)| dice.needs >> at & 1 == 1)
            .map(|(_, node)| node.address.clone());
        let needs: BTreeSet<_> = drawn.chain(parent.clone()).collect();
        let needs: Vec<_> = if reference {
            vec![]
        } else {
            needs.into_iter().collect()
        };
        let spec = Toy {
            mark: (parent.is_none() && !reference).then(|| US.to_owned()),
            value: 0,
            sees: needs.iter().map(Address::output).collect(),
            shared: if reference {
                BTreeMap::new()
            } else {
                BTreeMap::from([("ours".to_owned(), "1".to_owned())])
            },
            fixed: false,
            reference,
            fleeting: parent.is_some() && dice.pace.is_multiple_of(2),
        };
        // A part is where its whole is; outside of wild scenes what is only used is there.
        let before = dice.before.clone().or_else(|| {
            (reference && !wild.blocked).then(|| Before {
                settled: true,
                mark: None,
                value: 0,
                fixed: false,
                shared: BTreeMap::new(),
            })
        });
        if let Some(before) = before.filter(|_| {
            parent
                .as_ref()
                .is_none_or(|parent| scene.world.contains_key(parent))
        }) {
            let mut found = Toy {
                sees: needs.iter().map(|need| format!("arn:{need}#0")).collect(),
                ..spec.clone()
            };
            found.mark = spec.mark.as_ref().and(before.mark.map(str::to_owned));
            found.shared.extend(before.shared);
            found.fixed = before.fixed;
            if !before.settled {
                found.value = before.value;
                found.sees.pop();
                found.shared.remove("ours");
            }
            scene
                .world
                .insert(address.clone(), (found, format!("arn:{address}#0")));
        }
        if dice.unreadable {
            scene.unreadable.insert(address.clone());
        }
        scene.pace.push(dice.pace);
        nodes.push(BlueprintNode {
            address,
            needs,
            spec,
        });
    }
    scene.blueprint = Blueprint::new(nodes);
    scene
}
