//! What the whole program makes of calls that fail, are lost, are refused, or are its last.

mod against;
mod at_once;
mod cut;
mod denied;
mod expired;
mod lost;
mod optional;
mod overlap;
mod proxy;
mod slow;
mod stale;
mod throttled;
mod unreachable;

use std::{
    env,
    process::{Command, Output, Stdio},
};

use crate::support::{
    emulator::Emulator,
    program::Place,
    proxy::{Client, Faults, Proxy},
    user::User,
};

const LINE: &str = "--env prod --project acme --region eu-west-1 --lock both --alarm-email \
                    ops@example.com --attach-to user/terraform";

/// All that there is after a bootstrap, whatever happened on the way.
const ONE_OF_EVERYTHING: &str = "\
key Enabled ['alias/acme-tfstate-prod'] rotates
bucket acme-tfstate-prod-000000000000-eu-west-1
bucket acme-tfstate-prod-logs-000000000000-eu-west-1
table acme-tfstate-prod-locks
policy acme-tfstate-prod-runner-eu-west-1 1 version, attached 1
topic arn:aws:sns:eu-west-1:000000000000:acme-tfstate-prod-alarms ['ops@example.com']
alarm acme-tfstate-prod-bucket-size
alarm acme-tfstate-prod-lock-contention
alarm acme-tfstate-prod-lock-errors
alarm acme-tfstate-prod-lock-throttles
alarm acme-tfstate-prod-object-count
trail acme-tfstate-prod logs
";

fn all(emulator: &Emulator) -> String {
    emulator.python("tests/it/faults/one_of_everything.py", &[])
}

/// Set by `make soak`: every row of a table, and not a few of them.
fn soaked() -> bool {
    env::var_os("TFBACKEND_SOAK").is_some_and(|value| !value.is_empty())
}

/// Decides what is left to chance: another one each time, and named where a test fails.
const SEED: &str = "TFBACKEND_SEED";

fn seed() -> u64 {
    env::var(SEED).map_or_else(
        |_| fastrand::u64(..),
        |seed| seed.parse().expect("a number"),
    )
}

/// What has to hold afterwards.
fn holds(it_does: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if it_does { Ok(()) } else { Err(otherwise()) }
}

/// An emulator with a user who may be given the policy.
async fn world() -> (Emulator, Place) {
    let emulator = Emulator::start().await;
    User::make(&emulator, "terraform").await;
    let place = Place::with(&emulator);
    (emulator, place)
}

/// Runs this command at an endpoint before the emulator that has these faults.
fn run(
    emulator: &Emulator,
    client: &Client,
    faults: Faults,
    command: impl FnOnce(&str) -> Command,
) -> (Output, Proxy) {
    let proxy = Proxy::with(emulator, faults);
    let child = command(proxy.endpoint())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    client.is(child.id());
    let output = child.wait_with_output().expect("it ends");
    proxy.wait_until_answered();
    (output, proxy)
}

/// Runs a bootstrap of everything with these faults; the calls that it made, too.
fn bootstrap(
    emulator: &Emulator,
    place: &Place,
    client: &Client,
    faults: Faults,
) -> (Output, Proxy) {
    run(emulator, client, faults, |endpoint| {
        place.command_at(endpoint, &format!("bootstrap {LINE} -y"))
    })
}
