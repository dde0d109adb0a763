//! Cut at any call: killed before AWS has acted, or after it and before the answer; the next run
//! makes it whole.

mod bootstrap;
mod migrate;
mod migrate_states;
mod restore;
mod teardown;

use std::{
    os::unix::process::ExitStatusExt,
    process::{Command, Output},
};

use super::{SEED, holds, run, seed, soaked};
use crate::support::{
    backend::said,
    emulator::Emulator,
    parts::Part,
    proxy::{Client, Exchange, Faults, Reply, When, Which},
};

/// Where a run is cut off.
#[derive(Clone, Copy, Debug)]
struct Cut {
    /// Counted from 1.
    call: usize,
    when: When,
}

impl Cut {
    /// Ends the client there.
    fn faults(self, client: &Client) -> Faults {
        let (client, when) = (client.clone(), self.when);
        Faults::seeded(0).rule("", Which::Nth(self.call), move || {
            Reply::Kill(client.clone(), when)
        })
    }
}

/// Those that are tried.
struct Cuts {
    what: String,
    /// How many calls there are.
    calls: usize,
    seed: u64,
    chosen: Vec<Cut>,
}

impl Cuts {
    /// Before and after each call of this part, or so many of them that something was written at.
    fn of(what: &str, calls: &[Exchange], part: Part, sample: usize) -> Self {
        let seed = seed();
        let all: Vec<Cut> = (1..=calls.len())
            .flat_map(|call| [When::Before, When::After].map(|when| Cut { call, when }))
            .collect();
        let mine: Vec<Cut> = part.of(&all).copied().collect();
        let chosen = if soaked() {
            mine
        } else {
            // Where nothing is written yet, little can go wrong.
            let is_write = |exchange: &Exchange| exchange.call.is_write();
            let first = calls.iter().position(is_write).expect("a write") + 1;
            let last = calls.iter().rposition(is_write).expect("a write") + 1;
            let writes: Vec<Cut> = mine
                .into_iter()
                .filter(|cut| (first..=last).contains(&cut.call))
                .collect();
            fastrand::Rng::with_seed(seed).choose_multiple(writes, sample)
        };
        Self {
            what: what.to_owned(),
            calls: calls.len(),
            seed,
            chosen,
        }
    }

    /// Tries each; what does not hold after one is named with it.
    async fn each(self, mut survives: impl AsyncFnMut(Cut) -> Result<(), String>) {
        let Self {
            what,
            calls,
            seed,
            chosen,
        } = self;
        let tried = chosen.len();
        let mut lost = vec![];
        for Cut { call, when } in chosen {
            if let Err(why) = survives(Cut { call, when }).await {
                lost.push(format!(
                    "{what}, cut {when:?} call {call} of {calls} ({SEED}={seed}): {why}"
                ));
            }
        }
        println!(
            "{what}: {calls} calls, {tried} cuts tried, {} survived",
            tried - lost.len()
        );
        assert!(lost.is_empty(), "{}", lost.join("\n\n"));
    }
}

/// Runs this command at an endpoint that ends it there; the calls that it made, too.
fn cut_off(
    emulator: &Emulator,
    cut: Option<Cut>,
    command: impl FnOnce(&str) -> Command,
) -> (Output, Vec<Exchange>) {
    let client = Client::default();
    let faults = cut.map_or_else(|| Faults::seeded(0), |cut| cut.faults(&client));
    let (output, proxy) = run(emulator, &client, faults, command);
    (output, proxy.take_record())
}

/// The order of calls differs a little from run to run, and with it their number: some come to
/// their end.
fn was_cut(output: &Output) -> Result<(), String> {
    holds(
        output.status.signal() == Some(9) || output.status.success(),
        || said(output),
    )
}
