//! What the whole program makes of calls that fail, are lost, are refused, or are its last.

mod at_once;
mod cut;
mod expired;
mod overlap;
mod proxy;
mod stale;
mod throttled;

use std::{
    env,
    process::{Output, Stdio},
};

use crate::support::{
    emulator::Emulator,
    program::Place,
    proxy::{Client, Faults, Proxy},
    user::User,
};

const LINE: &str = "--env prod --project acme --region eu-west-1 --lock both --alarm-email ops@example.com --attach-to user/terraform";

/// Decides what is left to chance: another one each time, and named where a test fails.
const SEED: &str = "TFBACKEND_SEED";

fn seed() -> u64 {
    env::var(SEED).map_or_else(|_| fastrand::u64(..), |seed| seed.parse().expect("a number"))
}

/// An emulator with a user who may be given the policy.
async fn world() -> (Emulator, Place) {
    let emulator = Emulator::start().await;
    User::make(&emulator, "terraform").await;
    let place = Place::with(&emulator);
    (emulator, place)
}

/// Runs a bootstrap of everything with these faults; the calls that it made, too.
fn bootstrap(emulator: &Emulator, place: &mut Place, client: &Client, faults: Faults) -> (Output, Proxy) {
    let proxy = Proxy::with(emulator, faults);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let args: Vec<&str> = ["bootstrap", "-y"].into_iter().chain(LINE.split(' ')).collect();
    let child = place.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program");
    client.is(child.id());
    let output = child.wait_with_output().expect("it ends");
    proxy.wait_until_answered();
    place.set("AWS_ENDPOINT_URL", emulator.endpoint());
    (output, proxy)
}
