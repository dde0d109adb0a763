//! What forbids a teardown: each alone, and nothing is changed by one that was refused.

use crate::support::{emulator::Emulator, program::Place};

const LINE: &str = "--env dev --project acme --region eu-west-1 --lock both --trail off \
                    --alarms=false --access-logs=false";
const BUCKET: &str = "acme-tfstate-dev-000000000000-eu-west-1";
const INVENTORY: &str = "tests/it/support/inventory.py";
const SET: &str = "tests/it/teardown/set.py";

struct World {
    emulator: Emulator,
    place: Place,
    /// Everything that is there, with every version of every object, as it was left.
    there: String,
}

impl World {
    async fn with(line: &str) -> Self {
        let emulator = Emulator::start().await;
        let place = Place::with(&emulator);
        let mut world = Self {
            emulator,
            place,
            there: String::new(),
        };
        let said = world.place.bootstrap(&format!("{LINE} {line} -y"));
        assert_eq!(said.code, Some(0), "{}", said.all());
        world.there = world.python(&["all"]);
        world
    }

    fn teardown(&self, line: &str) -> (Option<i32>, String) {
        let words = format!("teardown {LINE} {line}");
        let said = self
            .place
            .run(&words.split_whitespace().collect::<Vec<_>>());
        (said.code, said.refusal())
    }

    fn python(&self, words: &[&str]) -> String {
        self.emulator.python(SET, &[words, &[BUCKET]].concat())
    }

    /// Nothing was changed since the last time; then something is.
    #[track_caller]
    fn set(&mut self, words: &[&str]) {
        let said = self.python(words);
        let (before, after) = said.split_once("----\n").expect("before and after");
        assert_eq!(before, self.there);
        self.there = after.to_owned();
    }

    /// Refused, and for this reason alone.
    #[track_caller]
    fn refuses(&self, line: &str, reason: &str) {
        let (code, said) = self.teardown(line);
        assert_eq!(code, Some(3), "{said}");
        assert!(
            said.contains(reason)
                && said.contains("nothing was changed")
                && !said.contains("teardown is blocked by"),
            "{reason}: {said}"
        );
    }

    #[track_caller]
    fn goes(&self, line: &str) {
        assert_eq!(
            self.python(&["all"]),
            self.there,
            "nothing was changed until then"
        );
        let (code, said) = self.teardown(line);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(
            self.emulator.python(INVENTORY, &[]),
            "key PendingDeletion\n"
        );
    }
}

#[tokio::test]
async fn a_teardown_is_not_confirmed_by_mistake() {
    let world = World::with("--ephemeral").await;
    world.refuses(
        "--confirm acme-tfstate-prod-000000000000-eu-west-1",
        &format!("the bucket of this environment is {BUCKET}"),
    );
    world.refuses("-y", "--auto-approve does not confirm a teardown");
    let (code, said) = world.teardown("");
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("this is not a terminal") && said.contains(&format!("--confirm {BUCKET}")),
        "{said}"
    );
    world.refuses(
        &format!("--confirm {BUCKET} --account 111122223333"),
        "111122223333",
    );
    // What somebody changed is somebody's.
    let conf = world.place.path().join("backend.conf");
    let changed = std::fs::read_to_string(&conf).expect("written") + "# mine\n";
    std::fs::write(&conf, &changed).expect("written");
    world.goes(&format!("--confirm {BUCKET} -y"));
    assert_eq!(
        std::fs::read_to_string(&conf).expect("it is there"),
        changed
    );
    assert!(!world.place.path().join("backend.tf").exists());
}

/// Each of the levels is enough, whatever the others say.
#[tokio::test]
async fn each_level_of_protection_protects() {
    let mut world = World::with("--ephemeral").await;
    let confirm = format!("--confirm {BUCKET}");
    world.refuses(
        &format!("{confirm} --ephemeral=false"),
        "the environment is protected",
    );
    for level in ["tag", "table", "policy"] {
        world.set(&["protect", level]);
        world.refuses(&confirm, "the environment is protected");
        world.set(&["unprotect", level]);
    }
    for level in ["tag", "table", "policy"] {
        world.set(&["protect", level]);
    }
    world.goes(&format!("{confirm} --unprotect"));
}

#[tokio::test]
async fn threat_13_states_locks_and_strangers_each_hold_it() {
    let mut world = World::with("--ephemeral").await;
    let confirm = format!("--confirm {BUCKET}");
    for contents in ["in-use", "encrypted", "garbage", "nothing"] {
        world.set(&["state", contents]);
        world.refuses(&confirm, "states may be needed");
        world.refuses(
            &format!("{confirm} --unprotect --detach --purge-logs --no-backup -y"),
            "states may be needed",
        );
    }
    world.set(&["state", "empty"]);
    for place in ["item", "file", "broken-item", "broken-file"] {
        world.set(&["lock", place]);
        let said = "locked: terraform.tfstate";
        world.refuses(
            &format!("{confirm} --unprotect --detach --purge-states"),
            said,
        );
        world.set(&["unlock", place]);
    }
    world.set(&["attach", "stranger"]);
    world.refuses(
        &format!("{confirm} --unprotect --purge-states"),
        "the policy is attached to user/stranger",
    );
    // Without its backup nothing goes.
    std::fs::write(world.place.path().join("full"), "").expect("written");
    let (code, said) = world.teardown(&format!("{confirm} --detach --backup-dir full"));
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("the backup failed; nothing was deleted") && said.contains("--backup-dir"),
        "{said}"
    );
    world.goes(&format!("{confirm} --detach --no-backup"));
}

/// All that says that the bucket is this environment's is gone; a run holds a lock, and its rights
/// are the policy's.
#[tokio::test]
async fn bucket_that_lost_its_tags_holds_the_teardown() {
    let mut world = World::with("--ephemeral").await;
    world.set(&["state", "in-use"]);
    world.set(&["lock", "item"]);
    world.set(&["untag"]);
    let flags = format!(
        "--confirm {BUCKET} --unprotect --purge-states --detach --purge-logs --no-backup -y"
    );
    world.refuses(
        &flags,
        &format!("the bucket {BUCKET} has no tags of this environment"),
    );
    let said = world.place.run(
        &format!("teardown {LINE} --plan")
            .split_whitespace()
            .collect::<Vec<_>>(),
    );
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert!(
        !said.out.contains(" 0 in use") && said.out.contains("bootstrap --adopt"),
        "{}",
        said.all()
    );
    assert_eq!(world.python(&["all"]), world.there, "nothing was changed");
}
