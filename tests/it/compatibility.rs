//! Files that earlier versions made, read by the program of the day. `fixtures/README.md` says what
//! they are.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use crate::support::{
    emulator::Emulator,
    program::{Place, Said},
};

const NAMES: &str = "--env prod --project acme --region eu-west-1";
/// Of the environment that `lock-file` and `update.plan` were made for.
const SMALL: &str =
    "--lock s3 --encryption sse-s3 --trail off --alarms=false --policy=false --access-logs=false";
const VERSIONS: [&str; 1] = ["v0.1"];
/// Plans towards what this version words otherwise: the comments in rendered files, and the
/// description of an alarm.
const PLANNED_OTHERWISE: [(&str, &str, &str); 2] = [
    (
        "v0.1",
        "update.plan",
        "the plan does not match its own settings",
    ),
    (
        "v0.1",
        "create.plan",
        "alarm[lock_contention]: the planned change is not the change that is needed",
    ),
];

fn fixture(version: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/fixtures")
        .join(version)
        .join(name)
}

/// The fixture, copied to where the program runs.
fn copied(place: &Place, version: &str, name: &str, to: &str) -> PathBuf {
    let target = place.path().join(to);
    fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
    fs::copy(fixture(version, name), &target).expect(name);
    target
}

fn run(place: &Place, line: &str) -> Said {
    place.run(&line.split_whitespace().collect::<Vec<_>>())
}

#[track_caller]
fn ok(place: &Place, line: &str) -> Said {
    let said = run(place, line);
    assert_eq!(said.code, Some(0), "{line}: {}", said.all());
    said
}

#[track_caller]
fn document(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.all()))
}

#[test]
fn settings_file_means_what_it_meant() {
    for version in VERSIONS {
        let place = Place::bare();
        copied(&place, version, "tfbackend.toml", "tfbackend.toml");
        for env in ["prod", "dev"] {
            let shown = document(&ok(
                &place,
                &format!("config show --env {env} --output json"),
            ));
            let rows = shown["settings"].as_array().expect("settings");
            let text = |row: &Value| row["name"].as_str().expect("a name").to_owned();
            let now: Map<String, Value> = rows
                .iter()
                .map(|row| (text(row), row["value"].clone()))
                .collect();
            let kept = fs::read_to_string(fixture(version, &format!("settings-{env}.json")))
                .expect("settings");
            // Both without UUIDs, as a `Place` has it.
            let kept: Map<String, Value> = serde_json::from_str(&place.plain(&kept)).expect("JSON");
            assert!(kept.len() > 30);
            // A later version may have further settings.
            for (name, value) in &kept {
                assert_eq!(now.get(name), Some(value), "{version}, {env}: {name}");
            }
        }
    }
}

/// Every key is in the file, or the test above shows less than it says.
#[test]
fn settings_file_has_every_key_of_its_time() {
    let text = fs::read_to_string(fixture("v0.1", "tfbackend.toml")).expect("a settings file");
    let kept = fs::read_to_string(fixture("v0.1", "settings-dev.json")).expect("settings");
    let kept: Map<String, Value> = serde_json::from_str(&kept).expect("JSON");
    // Those that a file may not say, and the one that heads its table.
    let others = [
        "env",
        "auto-approve",
        "non-interactive",
        "adopt",
        "overwrite",
    ];
    for name in kept.keys().filter(|name| !others.contains(&name.as_str())) {
        assert!(
            text.lines()
                .any(|line| line.starts_with(&format!("{name} = "))),
            "{name}"
        );
    }
}

#[tokio::test]
async fn rendered_files_are_known_as_ours() {
    for (folder, settings) in [("lock-file", SMALL), ("both", "--lock both")] {
        for version in VERSIONS {
            let emulator = Emulator::start().await;
            let place = Place::with(&emulator);
            ok(
                &place,
                &format!("bootstrap {NAMES} {settings} -y --out made"),
            );
            let files =
                ["backend.tf", "backend.conf"].map(|name| (format!("{folder}/{name}"), name));
            for (from, name) in &files {
                copied(&place, version, from, name);
            }
            // A partial configuration says which backend it is, whichever version wrote it.
            let listed = document(&ok(&place, "state list --output json"));
            assert_eq!(
                listed["bucket"], "acme-tfstate-prod-000000000000-eu-west-1",
                "{listed}"
            );

            // Of another backend's key, so that there is something to replace.
            let checked = run(
                &place,
                &format!("render {NAMES} {settings} --check --output json"),
            );
            let status = document(&checked);
            assert_eq!(
                status["refused"].as_array().map(Vec::len),
                Some(0),
                "{}",
                checked.all()
            );
            let written = ok(&place, &format!("render {NAMES} {settings}"));
            assert!(
                !place.path().join("backend.conf.bak").exists(),
                "{}",
                written.all()
            );
            ok(&place, &format!("render {NAMES} {settings} --check"));

            // One that was edited is not: what is known is its header.
            for (from, name) in &files {
                let path = copied(&place, version, from, name);
                let text = fs::read_to_string(&path).expect("a file");
                fs::write(&path, text.replace("encrypt", "encrypt ")).expect("written");
                let refused = run(&place, &format!("render {NAMES} {settings}"));
                assert_eq!(refused.code, Some(3), "{name}: {}", refused.all());
                copied(&place, version, from, name);
            }
        }
    }
}

#[tokio::test]
async fn backup_gives_its_states_back() {
    for version in VERSIONS {
        let emulator = Emulator::start().await;
        let place = Place::with(&emulator);
        ok(&place, &format!("bootstrap {NAMES} --lock both -y"));
        copied(&place, version, "backup.tar.zst", "backup.tar.zst");
        for line in [
            "terraform.tfstate --from-backup backup.tar.zst --serial 1",
            "terraform.tfstate --from-backup backup.tar.zst",
            "env:/blue/terraform.tfstate --from-backup backup.tar.zst",
            "env:/empty/terraform.tfstate --from-backup backup.tar.zst",
        ] {
            ok(&place, &format!("state restore {line} -y"));
        }
        let listed = document(&ok(&place, "state list --output json"));
        let states = listed["states"].as_array().expect("states");
        let row = |state: &Value| {
            format!(
                "{} {} {}",
                state["path"], state["lineage"], state["resources"]
            )
            .replace('"', "")
        };
        assert_eq!(
            states.iter().map(row).collect::<Vec<_>>(),
            [
                "env:/blue/terraform.tfstate lineage-of-blue 1",
                "env:/empty/terraform.tfstate lineage-of-empty 0",
                "terraform.tfstate lineage-of-prod 2",
            ]
        );
        ok(&place, "state check");
        ok(&place, "state diff previous current");
    }
}

/// Carries the saved plan out; `false` if it is one of [`PLANNED_OTHERWISE`], which is refused.
#[track_caller]
fn carried_out(place: &Place, version: &str, plan: &str) -> bool {
    let said = run(place, &format!("bootstrap {plan} -y"));
    let Some((.., reason)) = PLANNED_OTHERWISE
        .iter()
        .find(|(of, name, _)| (*of, *name) == (version, plan))
    else {
        assert_eq!(said.code, Some(0), "{}", said.all());
        return true;
    };
    let why = said.refusal();
    assert!(
        said.code == Some(3)
            && why.contains(reason)
            && why.contains("nothing was changed")
            && why.contains("hint: make a new plan"),
        "{why}"
    );
    false
}

#[tokio::test]
async fn saved_plan_is_carried_out_or_refused_for_what_is_there() {
    for version in VERSIONS {
        let emulator = Emulator::start().await;
        let place = Place::with(&emulator);
        for name in ["create.plan", "update.plan"] {
            copied(&place, version, name, name);
        }
        // Read, and held against an account where nothing is yet.
        let early = run(&place, "bootstrap update.plan -y");
        assert_eq!(early.code, Some(3), "{}", early.all());
        let why = early.err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            why.contains("changed since the plan was made; nothing was changed")
                && why.contains("state_bucket: no longer exists"),
            "{why}"
        );

        let small = format!("plan {NAMES} {SMALL} --detailed-exitcode");
        ok(&place, &format!("bootstrap {NAMES} {SMALL} -y"));
        if carried_out(&place, version, "update.plan") {
            let settled = format!("{SMALL} --noncurrent-days 400 --tag Owner=platform");
            let same = format!("plan {NAMES} {settled} --detailed-exitcode");
            ok(&place, &same);
        } else {
            ok(&place, &small);
        }

        let other = Emulator::start().await;
        let place = Place::with(&other);
        copied(&place, version, "create.plan", "create.plan");
        if carried_out(&place, version, "create.plan") {
            ok(
                &place,
                &format!("plan {NAMES} --lock both --detailed-exitcode"),
            );
        } else {
            assert_eq!(other.python("tests/it/support/inventory.py", &[]), "");
        }
    }
}
