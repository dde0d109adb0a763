//! A migration of states between files and S3 that is killed at any call to AWS: no state is lost,
//! and the same command ends it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Cut, Cuts, cut_off, was_cut};
use crate::{
    faults::holds,
    support::{
        backend::said,
        emulator::Emulator,
        parts::{Part, in_parts},
        program::Place,
    },
};

const BUCKET: &str = "acme-tfstate-prod-000000000000-eu-west-1";
/// Where it is not soaked.
const SAMPLE: usize = 4;

in_parts! { fn cut_off_anywhere_the_next_migration_of_states_goes_on: cut in only }

struct World {
    emulator: Emulator,
    place: Place,
    /// Each migration has folders and a state key of its own.
    next: usize,
}

fn state(workspace: &str) -> String {
    format!(
        "{{\"version\":4,\"terraform_version\":\"1.11.4\",\"serial\":3,\"lineage\":\"{workspace}\",\
         \"outputs\":{{}},\"resources\":[]}}"
    )
}

fn files(dir: &Path) -> [(&'static str, PathBuf); 2] {
    [
        ("default", dir.join("terraform.tfstate")),
        (
            "blue",
            dir.join("terraform.tfstate.d/blue/terraform.tfstate"),
        ),
    ]
}

impl World {
    /// Returns the command line of a new migration, and the folder that has the states at its end.
    fn begin(&mut self, to_s3: bool) -> (String, PathBuf, PathBuf) {
        self.next += 1;
        let number = self.next;
        let dir = self.place.path().join(format!("app{number}"));
        for (workspace, path) in files(&dir) {
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, state(workspace)).expect("written");
        }
        let s3 = format!("s3://{BUCKET}/app{number}/terraform.tfstate");
        let there = format!("migrate --from local:app{number} --to {s3} -y");
        if to_s3 {
            return (there, dir.clone(), dir);
        }
        let moved = self.place.command_at(self.emulator.endpoint(), &there);
        let moved = { moved }.output().expect("the program");
        assert!(moved.status.success(), "{}", said(&moved));
        let back = format!("back{number}");
        let line = format!("migrate --from {s3} --to local:{back}/terraform.tfstate -y");
        (line, dir, self.place.path().join(back))
    }

    fn survives(&mut self, to_s3: bool, cut: Cut) -> Result<(), String> {
        let (line, from, back) = self.begin(to_s3);
        let (output, calls) = cut_off(&self.emulator, Some(cut), |endpoint| {
            self.place.command_at(endpoint, &line)
        });
        was_cut(&output)?;
        let at = calls
            .last()
            .map_or("no call".to_owned(), |last| last.call.name());
        let next = self.place.command_at(self.emulator.endpoint(), &line);
        let next = { next }.output().expect("the program");
        holds(next.status.success(), || format!("{at}: {}", said(&next)))?;
        // Where the states are now, they can be moved on from: whole, and not locked.
        let number = self.next;
        let read = if to_s3 {
            let read = format!("read{number}");
            let s3 = format!("s3://{BUCKET}/app{number}/terraform.tfstate");
            let line = format!("migrate --from {s3} --to local:{read}/terraform.tfstate -y");
            let moved = self.place.command_at(self.emulator.endpoint(), &line);
            let moved = { moved }.output().expect("the program");
            holds(moved.status.success(), || format!("{at}: {}", said(&moved)))?;
            self.place.path().join(read)
        } else {
            back
        };
        for (workspace, path) in files(&read) {
            let text = fs::read_to_string(&path).unwrap_or_default();
            holds(text == state(workspace), || format!("{at}: {text}"))?;
        }
        for (workspace, path) in files(&from) {
            let mut copy = path.into_os_string();
            copy.push(".backup");
            let text = fs::read_to_string(&copy).unwrap_or_default();
            holds(text == state(workspace), || format!("{at}: {text}"))?;
        }
        Ok(())
    }
}

async fn cut(part: Part) {
    let emulator = Emulator::start().await;
    let mut place = Place::with(&emulator);
    place.vars.remove("COLUMNS");
    let made = place.bootstrap(
        "--env prod --project acme --region eu-west-1 --lock s3 --encryption sse-s3 --trail off \
         --alarms=false --policy=false --access-logs=false -y",
    );
    assert_eq!(made.code, Some(0), "{}", made.all());
    let mut world = World {
        emulator,
        place,
        next: 0,
    };
    for to_s3 in [true, false] {
        let (line, ..) = world.begin(to_s3);
        let (output, calls) = cut_off(&world.emulator, None, |endpoint| {
            world.place.command_at(endpoint, &line)
        });
        assert!(output.status.success(), "{}", said(&output));
        let what = if to_s3 {
            "migrate to s3"
        } else {
            "migrate to local"
        };
        Cuts::of(what, &calls, part, SAMPLE)
            .each(async |cut| world.survives(to_s3, cut))
            .await;
    }
}
