//! Two folders, one state: with the real Terraform, which deletes the resources of the one that it
//! does not find in the other.

use std::fs;

use serde_json::Value;

use super::{BUCKET, Folders, SMALL};
use crate::support::{program::Place, terminal::Terminal};

const MAIN: &str = "resource \"terraform_data\" \"one\" {}\n";

impl Folders {
    /// Initializes a folder with its partial configuration, and applies one resource.
    fn apply(&self, folder: &str) {
        self.put(&format!("{folder}/main.tf"), MAIN);
        self.terraform(folder, &["init", "-backend-config=backend.conf"]);
        self.terraform(folder, &["apply", "-auto-approve"]);
    }
}

#[tokio::test]
async fn folder_without_files_is_not_pointed_at_the_state_of_another() {
    let world = Folders::new().await;
    world.ok("first", &format!("bootstrap {SMALL} -y"));
    assert_eq!(world.said("first/backend.conf", "key"), "terraform.tfstate");
    world.apply("first");

    let url = format!("s3://{BUCKET}/terraform.tfstate");
    let there =
        format!("{url} already exists, and this folder has not used it; nothing was changed");
    for command in [format!("bootstrap {SMALL} -y"), format!("render {SMALL}")] {
        let text = world.refused("second", &command, 3);
        let parts = [
            &*there,
            "1 resource, serial 1, last written 20",
            "1.11",
            "--key second/terraform.tfstate",
            "--use-existing-state",
        ];
        assert!(
            parts.iter().all(|part| text.contains(part)),
            "{command}: {text}"
        );
        assert_eq!(
            fs::read_dir(world.path("second"))
                .expect("a folder")
                .count(),
            0,
            "{command}"
        );
    }
    let plan = world.ok("second", &format!("plan {SMALL}"));
    assert!(
        plan.contains(&format!("State: {url} (already exists: 1 resource")),
        "{plan}"
    );
    let plan = world.ok("first", &format!("plan {SMALL}"));
    assert!(plan.contains(&format!("State: {url}\n")), "{plan}");
    for (folder, more, status, message) in [
        (
            "second",
            "",
            "foreign",
            Some("1 resource, serial 1, last written 20"),
        ),
        (
            "second",
            "--key terraform.tfstate",
            "chosen",
            Some("1 resource, serial 1, last written 20"),
        ),
        ("second", "--key another", "new", None),
        ("first", "", "configured", None),
    ] {
        let plan = world.ok(folder, &format!("plan {SMALL} {more} --output json"));
        let state = &serde_json::from_str::<Value>(&plan).expect("JSON")["state"];
        let key = if status == "new" {
            "another"
        } else {
            "terraform.tfstate"
        };
        assert_eq!(
            (state["address"].as_str(), state["status"].as_str()),
            (Some(&*format!("s3://{BUCKET}/{key}")), Some(status)),
            "{more}"
        );
        assert!(
            message.map_or(state["message"].is_null(), |text| state["message"]
                .as_str()
                .is_some_and(|all| all.contains(text))),
            "{state}"
        );
    }

    // A saved plan is no way around it.
    world.ok("second", &format!("plan {SMALL} --out saved.plan"));
    let text = world.refused("second", "bootstrap saved.plan -y", 3);
    assert!(text.contains(&there), "{text}");
    assert!(!world.exists("second/backend.conf"));
    let text = world.ok("second", "bootstrap saved.plan -y --use-existing-state");
    assert!(
        text.contains(&format!(
            "This folder uses {url}, which already exists: 1 resource"
        )),
        "{text}"
    );
    fs::remove_file(world.path("second").join("backend.conf")).expect("removed");

    // What the message names are ways out.
    world.ok(
        "second",
        &format!("bootstrap {SMALL} -y --key second/terraform.tfstate"),
    );
    assert_eq!(
        world.said("second/backend.conf", "key"),
        "second/terraform.tfstate"
    );
    world.apply("second");
    world.terraform("first", &["plan", "-detailed-exitcode"]);
    world.ok("third", &format!("render {SMALL} --use-existing-state"));
    assert_eq!(world.said("third/backend.conf", "key"), "terraform.tfstate");

    // A folder whose files say so needs no word again, and its key stays what it is.
    for (folder, key) in [
        ("third", "terraform.tfstate"),
        ("second", "second/terraform.tfstate"),
    ] {
        world.ok(folder, &format!("render {SMALL}"));
        assert_eq!(world.said(&format!("{folder}/backend.conf"), "key"), key);
    }
    // A settings file beside that says the key is a word for it; one that other folders share is
    // none.
    world.put("fourth/tfbackend.toml", "key = \"terraform.tfstate\"\n");
    world.ok("fourth", &format!("render {SMALL}"));
    world.put("repository/tfbackend.toml", "key = \"terraform.tfstate\"\n");
    assert!(
        world
            .refused("repository/fifth", &format!("render {SMALL}"), 3)
            .contains(&there)
    );
    world.put(
        "repository/tfbackend.toml",
        "key = \"terraform.tfstate\"\nout = \"fifth\"\n",
    );
    world.ok("repository", &format!("render {SMALL}"));
    assert!(world.exists("repository/fifth/backend.conf"));
}

#[tokio::test]
async fn folder_that_has_the_state_already_needs_no_word() {
    let world = Folders::new().await;
    world.ok("first", &format!("bootstrap {SMALL} -y"));
    world.apply("first");

    // The same state as a local one: it was copied into the bucket from here.
    let state = world.terraform("first", &["state", "pull"]);
    world.put("moved/terraform.tfstate", &state);
    let text = world.ok("moved", &format!("bootstrap {SMALL} -y"));
    assert!(text.contains("which already exists: 1 resource"), "{text}");
    // Another one, and one that cannot be read.
    let lineage = serde_json::from_str::<Value>(&state).expect("a state")["lineage"]
        .as_str()
        .expect("a lineage")
        .to_owned();
    for local in [
        state.replace(&lineage, "5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10"),
        "{".to_owned(),
    ] {
        world.put("other/terraform.tfstate", &local);
        world.refused("other", &format!("bootstrap {SMALL} -y"), 3);
    }

    // A folder that Terraform was initialized in with this very state, and whose files were lost
    // since.
    world.ok(
        "initialized",
        &format!("render {SMALL} --use-existing-state"),
    );
    world.apply("initialized");
    for file in ["backend.tf", "backend.conf"] {
        fs::remove_file(world.path("initialized").join(file)).expect("removed");
    }
    world.ok("initialized", &format!("bootstrap {SMALL} -y"));
    assert_eq!(
        world.said("initialized/backend.conf", "key"),
        "terraform.tfstate"
    );
}

#[tokio::test]
async fn lock_or_workspace_without_a_state_holds_the_key_too() {
    let world = Folders::new().await;
    let table = SMALL.replace("--lock s3", "--lock both");
    world.ok("first", &format!("bootstrap {table} -y"));
    let info = r#"{"ID":"5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10","Operation":"OperationTypeApply","Info":"","Who":"ops@home","Version":"1.11.4","Created":"2026-11-28T10:00:00Z","Path":"x"}"#;
    world.emulator.python(
        "tests/it/idempotence/states.py",
        &["lock", BUCKET, "acme-tfstate-prod-locks", info],
    );
    let text = world.refused("second", &format!("bootstrap {table} -y"), 3);
    assert!(
        text.contains("locked by ops@home since 2026-11-28T10:00:00Z"),
        "{text}"
    );

    // Terraform's default workspace need not have a state.
    let key = "--key app/terraform.tfstate";
    world.ok("third", &format!("bootstrap {table} -y {key}"));
    world.put("third/main.tf", MAIN);
    world.terraform("third", &["init", "-backend-config=backend.conf"]);
    world.terraform("third", &["workspace", "new", "blue"]);
    let text = world.refused("repository/app", &format!("bootstrap {table} -y"), 3);
    assert!(text.contains("a state in 1 other workspace"), "{text}");
}

/// Taking the default of the question does not say that the state is meant.
#[tokio::test]
async fn existing_state_is_asked_for_in_a_terminal() {
    let world = Folders::new().await;
    let line = SMALL.replace("--lock s3", "--lock both");
    let place = Place::with(&world.emulator);
    let made = place.bootstrap(&format!("{line} --ephemeral -y"));
    assert_eq!(made.code, Some(0), "{}", made.all());
    world.emulator.python(
        "tests/it/idempotence/states.py",
        &["write", BUCKET, "acme-tfstate-prod-locks"],
    );
    fs::remove_file(place.path().join("backend.conf")).expect("removed");
    let args: Vec<&str> = ["bootstrap"]
        .into_iter()
        .chain(line.split_whitespace())
        .chain(["--ephemeral", "--save=false"])
        .collect();
    for (keys, code) in [("\r", 3), ("y\r", 0)] {
        let mut terminal = Terminal::start(&place, &args);
        if code == 0 {
            terminal.answer("Use the answers of the last, unfinished run", "n\r");
        }
        terminal.answer("State key", "\r");
        terminal.answer("Use this state in this folder", keys);
        assert_eq!(terminal.end(), code, "{}", terminal.screen());
        let screen = terminal.screen();
        assert!(
            screen.contains("terraform.tfstate already exists: 0 resources"),
            "{screen}"
        );
        assert_eq!(
            (
                screen.ends_with("Cancelled. Nothing was changed."),
                place.path().join("backend.conf").exists()
            ),
            (code == 3, code == 0)
        );
    }
    // With `-y` nothing is asked, and so it is refused.
    fs::remove_file(place.path().join("backend.conf")).expect("removed");
    let mut terminal = Terminal::start(&place, &[&args[..], &["-y"]].concat());
    assert_eq!(terminal.end(), 3, "{}", terminal.screen());
    assert!(
        terminal.screen().contains("--use-existing-state"),
        "{}",
        terminal.screen()
    );
}

#[tokio::test]
async fn each_folder_of_a_repository_has_a_state_of_its_own() {
    let world = Folders::new().await;
    // As an older version made it: the key stays.
    world.ok(
        "repository/old",
        &format!("bootstrap {SMALL} -y --key terraform.tfstate"),
    );
    for line in ["bootstrap -y", "render", "bootstrap -y"] {
        world.ok(
            "repository/old",
            &line
                .replacen(' ', &format!(" {SMALL} "), 1)
                .replace("render", &format!("render {SMALL}")),
        );
        assert_eq!(
            world.said("repository/old/backend.conf", "key"),
            "terraform.tfstate",
            "{line}"
        );
    }
    world.apply("repository/old");
    let plan = world.ok("repository/network", &format!("plan {SMALL}"));
    assert!(
        plan.contains(&format!(
            "State: s3://{BUCKET}/network/terraform.tfstate (new)"
        )),
        "{plan}"
    );
    let shown = world.ok(
        "repository/network",
        "config show --env prod --project acme --region eu-west-1",
    );
    assert!(
        shown.lines().any(|line| line.split_whitespace().eq([
            "key",
            "network/terraform.tfstate",
            "this",
            "folder"
        ])),
        "{shown}"
    );

    // Where the files go counts, and not where the command is run; a saved plan keeps it.
    world.ok("repository", &format!("bootstrap {SMALL} -y --out live/eu"));
    assert_eq!(
        world.said("repository/live/eu/backend.conf", "key"),
        "live/eu/terraform.tfstate"
    );
    world.ok(
        "repository/network",
        &format!("plan {SMALL} --out ../../saved.plan"),
    );
    world.ok("repository/network", "bootstrap ../../saved.plan -y");
    assert_eq!(
        world.said("repository/network/backend.conf", "key"),
        "network/terraform.tfstate"
    );
    for folder in ["repository/network", "repository/live/eu"] {
        world.apply(folder);
    }
    for folder in ["repository/old", "repository/network", "repository/live/eu"] {
        let plan = world.terraform(folder, &["plan", "-detailed-exitcode"]);
        assert!(plan.contains("No changes."), "{folder}: {plan}");
    }
}

/// A folder that was copied with its files leads to the state of the first; both are told so, and
/// neither is stopped.
#[tokio::test]
async fn copied_folder_is_said_to_use_the_state_of_the_first() {
    let world = Folders::new().await;
    let first = "repository/first";
    world.path(first);
    world.ok(first, &format!("bootstrap {SMALL} -y"));
    let alone = world.ok(first, &format!("plan {SMALL}"));
    assert!(!alone.contains("of this repository"), "{alone}");
    for file in ["backend.tf", "backend.conf"] {
        world.put(
            &format!("repository/copies/second/{file}"),
            &world.read(&format!("{first}/{file}")),
        );
    }
    // One with a state of its own is no matter.
    world.ok("repository/third", &format!("bootstrap {SMALL} -y"));
    let url = format!("s3://{BUCKET}/first/terraform.tfstate");
    for (folder, other, own) in [
        (first, "copies/second/backend.conf", None),
        (
            "repository/copies/second",
            "first/backend.conf",
            Some("second/terraform.tfstate"),
        ),
    ] {
        for command in [
            format!("plan {SMALL}"),
            format!("bootstrap {SMALL} -y"),
            format!("render {SMALL} --check"),
        ] {
            let text = world
                .ok(folder, &command)
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            assert!(
                text.contains(&format!(
                    "warning: {other} of this repository also uses {url}"
                )),
                "{folder} {command}: {text}"
            );
            assert!(
                own.is_none_or(|own| text.contains(&format!("pass --key {own}"))),
                "{text}"
            );
        }
    }
    let third = world.ok("repository/third", &format!("plan {SMALL}"));
    assert!(!third.contains("of this repository"), "{third}");
}
