//! A restore that is cut off: the old or the new state, readable, with its digest, or under a lock
//! that can be released.

use serde_json::Value;

use super::{Cut, Cuts, cut_off, was_cut};
use crate::{
    faults::holds,
    state::world::{KEY, World},
    support::{
        backend::said,
        parts::{Part, in_parts},
    },
};

/// Where it is not soaked.
const SAMPLE: usize = 3;

in_parts! { fn cut_off_anywhere_the_next_restore_goes_on: cut in only }

/// An older state is put back, and each time the one that is not there.
struct Restores {
    world: World,
    versions: [String; 2],
    next: usize,
}

impl Restores {
    /// The version that is not there.
    fn other(&mut self) -> String {
        self.next = 1 - self.next;
        self.versions[self.next].clone()
    }

    fn survives(&mut self, cut: Cut) -> Result<(), String> {
        let id = self.other();
        let world = &self.world;
        let args = ["restore", KEY, "--version-id", &id, "-y"];
        let (before, _) = serial(&world.standing());
        let (output, calls) = cut_off(&world.backend.emulator, Some(cut), |endpoint| {
            world.command_at(endpoint, &args)
        });
        was_cut(&output)?;
        let at = calls
            .last()
            .map_or("no call".to_owned(), |last| last.call.name());

        let standing = world.standing();
        let (now, rest) = serial(&standing);
        holds(now == before || now == before + 1, || {
            format!("{at}: neither the old nor the new state: {standing}")
        })?;
        holds(
            rest == "digest right locks none" || !rest.ends_with("locks none"),
            || format!("{at}: nothing says so: {standing}"),
        )?;
        if !rest.ends_with("locks none") {
            let again = world.state(&args);
            let text = said(&again);
            // Once the digest is written all is as it should be, but for the lock.
            let code = if rest.starts_with("digest right") && now == before + 1 {
                0
            } else {
                3
            };
            let told =
                text.contains("is locked by") && text.contains("tfbackend lock release --id");
            holds(again.status.code() == Some(code) && told, || {
                format!("{at}: {standing}: {text}")
            })?;
            release(world).map_err(|why| format!("{at}: {why}"))?;
        }
        let next = world.state(&args);
        holds(next.status.success(), || format!("{at}: {}", said(&next)))?;
        let standing = world.standing();
        let whole = format!("serial {} digest right locks none", before + 1);
        holds(standing == whole, || {
            format!("{at}: {standing} and not {whole}")
        })
    }
}

/// As whoever reads the message does, with the id that is listed.
fn release(world: &World) -> Result<(), String> {
    let lock = |args: &[&str]| world.lock(args).output().expect("the program");
    let listed = lock(&["list", "--output", "json"]);
    let document: Value = serde_json::from_slice(&listed.stdout)
        .map_err(|error| format!("{error}: {}", said(&listed)))?;
    let id = document["locks"][0]["id"]
        .as_str()
        .ok_or_else(|| format!("no lock has an id: {document}"))?;
    let released = lock(&["release", "--id", id, "-y"]);
    holds(
        released.status.success() && world.standing().ends_with("locks none"),
        || said(&released),
    )
}

/// The serial, and what else there is to say.
fn serial(standing: &str) -> (u64, &str) {
    let (serial, rest) = standing
        .strip_prefix("serial ")
        .and_then(|rest| rest.split_once(' '))
        .expect("a serial");
    (
        serial
            .parse()
            .unwrap_or_else(|_| panic!("no state can be read: {standing}")),
        rest,
    )
}

async fn cut(part: Part) {
    let world = World::make("both").await;
    world.apply(&[]);
    world.apply(&["more=1"]);
    let ids = world.versions();
    let [(newer, _), (older, _)] = &ids[..] else {
        panic!("{ids:?}")
    };
    let mut restores = Restores {
        versions: [newer.clone(), older.clone()],
        next: 0,
        world,
    };
    let id = restores.other();
    let args = ["restore", KEY, "--version-id", &id, "-y"];
    let (output, calls) = cut_off(&restores.world.backend.emulator, None, |endpoint| {
        restores.world.command_at(endpoint, &args)
    });
    assert!(output.status.success(), "{}", said(&output));
    Cuts::of("state restore", &calls, part, SAMPLE)
        .each(async |cut| restores.survives(cut))
        .await;
    let more = ["more=0", "more=1"][1 - restores.next];
    restores.world.nothing_to_change(&[more]);
}
