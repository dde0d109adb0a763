//! A teardown that is cut off: afterwards nothing is left but what is kept on purpose.

use super::{Cut, Cuts, cut_off, was_cut};
use crate::{
    faults::holds,
    support::{
        emulator::Emulator,
        parts::{Part, in_parts},
        program::Place,
    },
};

const LINE: &str = "--env dev --project acme --region eu-west-1 --lock both --ephemeral";
const BUCKET: &str = "acme-tfstate-dev-000000000000-eu-west-1";
const INVENTORY: &str = "tests/it/support/inventory.py";
const SET: &str = "tests/it/teardown/set.py";
/// Where it is not soaked.
const SAMPLE: usize = 3;

in_parts! { fn cut_off_anywhere_the_next_teardown_goes_on: cut in only }

struct World {
    emulator: Emulator,
    place: Place,
    /// How many backends were made, and with them keys.
    made: usize,
}

impl World {
    /// A backend with a state in which nothing is left.
    fn make(&mut self) -> Result<(), String> {
        let said = self.place.bootstrap(&format!("{LINE} -y"));
        self.emulator.python(SET, &["state", "empty", BUCKET]);
        self.made += 1;
        holds(said.code == Some(0), || said.all())
    }

    fn teardown(&self, endpoint: &str) -> std::process::Command {
        self.place.command_at(endpoint, &format!("teardown {LINE} --confirm {BUCKET} --purge-logs"))
    }

    /// Each key stays for as long as it can be had back.
    fn holds_nothing(&self) -> Result<(), String> {
        let left = self.emulator.python(INVENTORY, &[]);
        let keys = "key PendingDeletion\n".repeat(self.made);
        holds(left == keys, || left)
    }

    fn survives(&mut self, cut: Cut) -> Result<(), String> {
        self.make()?;
        let (output, calls) = cut_off(&self.emulator, Some(cut), |endpoint| self.teardown(endpoint));
        was_cut(&output)?;
        let at = calls.last().map_or("no call".to_owned(), |last| last.call.name());
        let next = self.place.said(&self.teardown(self.emulator.endpoint()).output().expect("the program"));
        holds(next.code == Some(0), || format!("{at}: {}", next.all()))?;
        self.holds_nothing().map_err(|left| format!("{at}: {left}"))
    }
}

async fn cut(part: Part) {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let mut world = World { emulator, place, made: 0 };
    world.make().expect("a backend");
    let (output, calls) = cut_off(&world.emulator, None, |endpoint| world.teardown(endpoint));
    assert!(output.status.success(), "{output:?}");
    world.holds_nothing().expect("all is gone");
    Cuts::of("teardown", &calls, part, SAMPLE).each(async |cut| world.survives(cut)).await;
}
