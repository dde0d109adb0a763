//! A teardown that is cut off: afterwards nothing is left but what is kept on purpose.

use std::os::unix::process::ExitStatusExt;

use super::{Cut, Cuts, cut_off, was_cut};
use crate::{
    faults::{holds, run},
    support::{
        backend::said,
        emulator::Emulator,
        parts::{Part, in_parts},
        program::{Place, Said},
        proxy::{Client, Faults, Reply, When, Which},
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
        self.place.command_at(
            endpoint,
            &format!("teardown {LINE} --confirm {BUCKET} --purge-logs"),
        )
    }

    /// Each key stays for as long as it can be had back.
    fn holds_nothing(&self) -> Result<(), String> {
        let left = self.emulator.python(INVENTORY, &[]);
        let keys = "key PendingDeletion\n".repeat(self.made);
        holds(left == keys, || left)
    }

    fn survives(&mut self, cut: Cut) -> Result<(), String> {
        self.make()?;
        let (output, calls) = cut_off(&self.emulator, Some(cut), |endpoint| {
            self.teardown(endpoint)
        });
        was_cut(&output)?;
        let at = calls
            .last()
            .map_or("no call".to_owned(), |last| last.call.name());
        let next = self.place.said(
            &self
                .teardown(self.emulator.endpoint())
                .output()
                .expect("the program"),
        );
        holds(next.code == Some(0), || format!("{at}: {}", next.all()))?;
        self.holds_nothing().map_err(|left| format!("{at}: {left}"))
    }
}

async fn cut(part: Part) {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let mut world = World {
        emulator,
        place,
        made: 0,
    };
    world.make().expect("a backend");
    let (output, calls) = cut_off(&world.emulator, None, |endpoint| world.teardown(endpoint));
    assert!(output.status.success(), "{output:?}");
    world.holds_nothing().expect("all is gone");
    Cuts::of("teardown", &calls, part, SAMPLE)
        .each(async |cut| world.survives(cut))
        .await;
}

/// It got as far as its locks, and no run gets one: whoever looks is told so.
#[tokio::test]
async fn teardown_that_was_cut_off_after_its_locks_is_named() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let mut world = World {
        emulator,
        place,
        made: 0,
    };
    world.make().expect("a backend");
    let client = Client::default();
    let killed = client.clone();
    let faults = Faults::seeded(0).rule("s3:PutBucketPolicy", Which::Nth(1), move || {
        Reply::Kill(killed.clone(), When::Before)
    });
    let (output, _) = run(&world.emulator, &client, faults, |endpoint| {
        world.teardown(endpoint)
    });
    assert_eq!(output.status.signal(), Some(9), "{}", said(&output));

    let told = |said: &Said, code: i32| {
        let all = said.all().split_whitespace().collect::<Vec<_>>().join(" ");
        let named = all.contains("is being torn down, or a teardown of it was interrupted")
            && all.contains("teardown --env dev --cancel")
            && all.contains("releases its locks and deletes nothing");
        assert!(said.code == Some(code) && named, "{all}");
    };
    let line = |command: &str| {
        world
            .place
            .run(&format!("{command} {LINE}").split(' ').collect::<Vec<_>>())
    };
    told(&line("bootstrap -y"), 3);
    told(&line("plan"), 0);
    // From a folder that does not have its files, too.
    let elsewhere = Place::with(&world.emulator);
    told(
        &elsewhere.bootstrap(&format!("{LINE} -y --use-existing-state")),
        3,
    );

    let canceled = line("teardown --cancel");
    assert_eq!(canceled.code, Some(0), "{}", canceled.all());
    let again = line("bootstrap -y");
    assert!(
        again.code == Some(0) && again.all().contains("nothing to do"),
        "{}",
        again.all()
    );
}
