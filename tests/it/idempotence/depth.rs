//! How many round trips an observation takes, one after the other: that is what a person waits for.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector},
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use tfbackend::aws::resources::observe;
use tokio::time::Instant;

use super::World;
use crate::support::{recorder::call, user::User};

/// One distance to AWS and back. Far more than the emulator and this machine take for all calls together.
const TRIP: Duration = Duration::from_millis(1500);
/// What is documented.
const DEEPEST: usize = 3;

/// A call, and when it began and ended.
type Trip = (String, Instant, Instant);

/// Lets answers through at the end of the next full trip only, so that calls that depend on nothing end together.
#[derive(Clone, Debug, Default)]
struct Far {
    on: Arc<AtomicBool>,
    since: Arc<Mutex<Option<Instant>>>,
    trips: Arc<Mutex<Vec<Trip>>>,
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
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(FarConnector { inner: self.inner.http_connector(settings, components), far: self.far.clone() })
    }
}

impl HttpConnector for FarConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let name = call(&request).operation;
        let (answer, far) = (self.inner.call(request), self.far.clone());
        if !far.on.load(Ordering::SeqCst) {
            return answer;
        }
        let start = Instant::now();
        let since = *far.since.lock().expect("a time").get_or_insert(start);
        HttpConnectorFuture::new(async move {
            let answer = answer.await;
            let trips = u32::try_from(since.elapsed().as_nanos() / TRIP.as_nanos()).expect("a few") + 1;
            tokio::time::sleep_until(since + TRIP * trips).await;
            far.trips.lock().expect("the trips").push((name, start, Instant::now()));
            answer
        })
    }
}

impl Far {
    /// The longest chain of calls of which each began after the one before it had ended.
    async fn chain(&self, world: &World) -> Vec<String> {
        self.on.store(true, Ordering::SeqCst);
        let observation = observe(&world.aws, &world.blueprint).await;
        self.on.store(false, Ordering::SeqCst);
        assert_eq!(observation.len(), world.blueprint.nodes().len());
        *self.since.lock().expect("a time") = None;
        longest(std::mem::take(&mut *self.trips.lock().expect("the trips")))
    }
}

fn longest(mut trips: Vec<Trip>) -> Vec<String> {
    trips.sort_by_key(|(_, start, _)| *start);
    let mut chains: Vec<(Vec<String>, Instant)> = vec![];
    for (name, start, end) in trips {
        let before = chains.iter().filter(|(_, ended)| *ended <= start).map(|(chain, _)| chain).max_by_key(|chain| chain.len());
        chains.push(([before.cloned().unwrap_or_default(), vec![name]].concat(), end));
    }
    chains.into_iter().map(|(chain, _)| chain).max_by_key(Vec::len).unwrap_or_default()
}

#[tokio::test]
async fn an_observation_is_three_round_trips_deep() {
    let far = Far::default();
    let line = "--lock both --alarm-email ops@example.com --attach-to user/terraform";
    let world = World::over(line, |inner| SharedHttpClient::new(FarClient { inner, far: far.clone() })).await;
    User::make(&world.emulator, "terraform").await;
    let nothing = far.chain(&world).await;
    assert!((1..=DEEPEST).contains(&nothing.len()), "nothing is there: {nothing:?}");
    world.bootstrap().await;
    let everything = far.chain(&world).await;
    assert!((2..=DEEPEST).contains(&everything.len()), "everything is there: {everything:?}");
    // A run that was cut off before the alias was made: the key is looked for among all of them,
    // which takes one more.
    world.emulator.python("tests/it/idempotence/drift.py", &["no alias"]);
    let cut_off = far.chain(&world).await;
    assert!((2..=DEEPEST + 1).contains(&cut_off.len()), "the key has no alias: {cut_off:?}");
}

/// What was brought along takes no longer.
#[tokio::test]
async fn what_was_brought_along_is_looked_at_as_fast() {
    let far = Far::default();
    let line = "--trail existing --access-logs=false";
    let world = World::over(line, |inner| SharedHttpClient::new(FarClient { inner, far: far.clone() })).await;
    world.emulator.python("tests/it/hardening/account_trail.py", &["management events"]);
    let chain = far.chain(&world).await;
    assert!((2..=DEEPEST).contains(&chain.len()), "{chain:?}");
}

#[test]
fn chains_are_told_from_calls_at_the_same_time() {
    let start = Instant::now();
    let trip = |name: &str, from: u64, to: u64| (name.to_owned(), start + Duration::from_secs(from), start + Duration::from_secs(to));
    assert_eq!(longest(vec![]), Vec::<String>::new());
    assert_eq!(longest(vec![trip("a", 0, 2), trip("b", 1, 2)]).len(), 1);
    assert_eq!(longest(vec![trip("c", 2, 3), trip("a", 0, 1), trip("b", 0, 2), trip("d", 3, 4)]), ["b", "c", "d"]);
}
