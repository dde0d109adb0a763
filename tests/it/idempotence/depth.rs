//! How many round trips it takes, one after the other: that is what a person waits for.

use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
        SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use tfbackend::{
    backend::aws::resources::{AwsSpec, observe},
    engine::{
        blueprint::{Blueprint, BlueprintNode},
        observation::{Observed, outputs},
        plan::{Plan, PlannedChange},
        spec::Spec,
    },
};

use super::World;
use crate::support::user::User;

/// Nothing is called for so many turns before it is certain that nothing else will be until
/// something is answered. Turns and not time: on a busy machine the whole process stands still for
/// longer than that.
const QUIET: u32 = 20;
const TURN: Duration = Duration::from_millis(20);
const LINE: &str = "--lock both --alarm-email ops@example.com --attach-to user/terraform";

/// Holds answers back until nothing is called any more, and lets all of them through then: one
/// round trip.
#[derive(Clone, Debug, Default)]
struct Far {
    on: Arc<AtomicBool>,
    round: Arc<Mutex<Round>>,
}

#[derive(Debug, Default)]
struct Round {
    number: usize,
    /// Called, and not answered yet.
    under_way: usize,
    /// How often something was called or answered.
    events: usize,
}

impl Far {
    fn called(&self) {
        let mut round = self.round.lock().expect("a round");
        round.under_way += 1;
        round.events += 1;
    }

    /// Ends with the round that the answer is part of.
    async fn answered(&self) {
        let (number, mut events) = {
            let mut round = self.round.lock().expect("a round");
            round.under_way -= 1;
            round.events += 1;
            (round.number, round.events)
        };
        let mut quiet = 0;
        loop {
            tokio::time::sleep(TURN).await;
            let mut round = self.round.lock().expect("a round");
            if round.number != number {
                return;
            }
            quiet = if round.events == events { quiet + 1 } else { 0 };
            events = round.events;
            if round.under_way == 0 && quiet >= QUIET {
                round.number += 1;
                return;
            }
        }
    }
}

#[derive(Debug)]
struct FarClient {
    inner: SharedHttpClient,
    far: Far,
}

#[derive(Debug)]
struct FarConnector {
    inner: SharedHttpConnector,
    far: Far,
}

impl HttpClient for FarClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(FarConnector {
            inner: self.inner.http_connector(settings, components),
            far: self.far.clone(),
        })
    }
}

impl HttpConnector for FarConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (answer, far) = (self.inner.call(request), self.far.clone());
        if !far.on.load(Ordering::SeqCst) {
            return answer;
        }
        far.called();
        HttpConnectorFuture::new(async move {
            let answer = answer.await;
            far.answered().await;
            answer
        })
    }
}

impl Far {
    async fn world(&self, line: &str) -> World {
        World::over(line, |inner| {
            SharedHttpClient::new(FarClient {
                inner,
                far: self.clone(),
            })
        })
        .await
    }

    /// The longest chain of calls of which each began after the one before it had ended.
    async fn chain<T>(&self, world: &World, what: impl Future<Output = T>) -> (T, Vec<String>) {
        world.recorder.take_chain();
        self.on.store(true, Ordering::SeqCst);
        let result = what.await;
        self.on.store(false, Ordering::SeqCst);
        (result, world.recorder.take_chain())
    }
}

fn length(chain: &[String]) -> u32 {
    u32::try_from(chain.len()).expect("a few")
}

/// What the plan says beforehand is what it takes.
#[tokio::test]
async fn a_bootstrap_is_as_deep_as_its_plan_says() {
    let far = Far::default();
    let world = far.world(LINE).await;
    User::make(&world.emulator, "terraform").await;
    let (nothing, looked) = far.chain(&world, world.look()).await;
    let path = Plan::to_apply(&world.blueprint, &nothing, false)
        .critical_path()
        .expect("it can be carried out");
    assert_eq!(
        (
            path.round_trips,
            path.caller,
            path.look,
            path.make,
            path.look_again
        ),
        (10, 1, 2, 5, 2),
        "{path:?}"
    );
    // In an account without any key there is none whose tags would have to be read.
    assert!((1..=path.look).contains(&length(&looked)), "{looked:?}");

    let (_, made) = far.chain(&world, world.repair(nothing)).await;
    assert_eq!(path.make, length(&made), "{made:?}");

    let (everything, looked) = far.chain(&world, world.look()).await;
    assert_eq!(path.look_again, length(&looked), "{looked:?}");
    let path = Plan::to_apply(&world.blueprint, &everything, false)
        .critical_path()
        .expect("it can be carried out");
    assert_eq!(
        (path.round_trips, path.make, path.look_again),
        (3, 0, 0),
        "{path:?}"
    );

    // A run that was cut off before the alias was made: the key is looked for among all of them,
    // which takes two more.
    world
        .emulator
        .python("tests/it/idempotence/drift.py", &["no alias"]);
    let (_, looked) = far.chain(&world, world.look()).await;
    assert!(
        (2..=path.look + 2).contains(&length(&looked)),
        "the key has no alias: {looked:?}"
    );
}

/// What was brought along takes no longer.
#[tokio::test]
async fn what_was_brought_along_is_looked_at_as_fast() {
    let far = Far::default();
    let world = far.world("--trail existing --access-logs=false").await;
    world.emulator.python(
        "tests/it/hardening/account_trail.py",
        &["management events"],
    );
    let (_, chain) = far.chain(&world, world.look()).await;
    assert_eq!(chain.len(), 2, "{chain:?}");
}

/// What the plan is computed from: each resource says how long it takes to look at, and to write.
#[tokio::test]
async fn each_resource_takes_as_long_as_it_says() {
    let world = World::new(LINE).await;
    User::make(&world.emulator, "terraform").await;
    let plan = Plan::to_apply(&world.blueprint, &world.look().await, false);
    let said = plan.writes().map(|step| match &step.change {
        PlannedChange::Create { to } => (step.address.to_string(), to.write_round_trips(None)),
        other => panic!("{}: {other:?}", step.address),
    });
    let said: Vec<(String, u32)> = said.collect();
    let took = world.one_by_one(plan).await;
    let took: Vec<(String, u32)> = took
        .iter()
        .map(|(address, chain)| (address.to_string(), length(chain)))
        .collect();
    assert_eq!(took, said, "to make it");

    let known = outputs(&world.look().await);
    for node in world.blueprint.nodes() {
        let spec = node.spec.resolve(&known);
        let alone: Blueprint<AwsSpec> = Blueprint::new(vec![BlueprintNode {
            address: node.address.clone(),
            needs: vec![],
            spec,
        }]);
        world.recorder.take_chain();
        let seen = observe(&world.aws, &alone).await;
        assert!(
            matches!(seen.get(&node.address), Some(Observed::Present { .. })),
            "{seen:?}"
        );
        let chain = world.recorder.take_chain();
        assert_eq!(
            length(&chain),
            node.spec.read_round_trips(),
            "to look at {}: {chain:?}",
            node.address
        );
    }
}
