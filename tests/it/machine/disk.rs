//! A disk that takes no more, and folders in which nothing can be written: nothing is left half,
//! and what was made is said.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs::{self, File},
    process::{Command, Stdio},
};

use crate::support::{
    emulator::Emulator,
    program::{Place, Said},
};

const ENV: &str = "--env dev";
const SETTINGS: &str = "project = \"acme\"\nregion = \"eu-west-1\"\nlock = \"both\"\nephemeral = \
                        true\nencryption = \"sse-s3\"\ntrail = \"off\"\nalarms = false\npolicy = \
                        false\naccess-logs = false\n";

/// No file can grow: as on a full disk, but for the name of the error.
fn full(place: &Place, line: &str) -> Said {
    let mut shell = Command::new("sh");
    shell
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"",
            env!("CARGO_BIN_EXE_tfbackend"),
        ])
        .args(line.split_whitespace());
    let output = shell
        .current_dir(place.path())
        .env_clear()
        .envs(&place.vars)
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    place.said(&output)
}

fn files(place: &Place) -> BTreeSet<OsString> {
    fs::read_dir(place.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect()
}

#[tokio::test]
async fn a_full_disk_leaves_nothing_half() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    fs::write(place.path().join("tfbackend.toml"), SETTINGS).expect("written");
    let nothing = files(&place);
    for line in [
        format!("plan {ENV} --out saved.json"),
        "config init --env new".to_owned(),
    ] {
        let said = full(&place, &format!("{line} --non-interactive"));
        assert!(
            matches!(said.code, Some(1 | 4)) && said.refusal().contains("File too large"),
            "{line}: {}",
            said.all()
        );
        assert_eq!(files(&place), nothing, "{line}");
        assert_eq!(
            fs::read_to_string(place.path().join("tfbackend.toml")).expect("there"),
            SETTINGS,
            "{line}"
        );
    }
    // All is made but the files, and the command that is printed writes them.
    let said = full(
        &place,
        &format!("bootstrap {ENV} -y --out infra/dev --noncurrent-days 100"),
    );
    let refusal = said.refusal();
    assert!(
        said.code == Some(4)
            && refusal.contains("File too large")
            && refusal.contains("is up to date, but its files were not written"),
        "{refusal}"
    );
    assert_eq!(files(&place), nothing, "no folder either");
    let (_, command) = refusal
        .split_once("once they can be written: `tfbackend ")
        .expect("a command");
    let (command, _) = command.split_once('`').expect("its end");
    let made = place.run(&command.split_whitespace().collect::<Vec<_>>());
    assert!(
        command.starts_with("render ") && made.code == Some(0),
        "{command}: {}",
        made.all()
    );
    assert!(
        place.path().join("infra/dev/backend.tf").exists()
            && place.path().join("infra/dev/backend.conf").exists()
    );
    let made = place.bootstrap(&format!("{ENV} -y --use-existing-state"));
    assert!(
        made.code == Some(0) && made.err.contains("nothing to do"),
        "{}",
        made.all()
    );
    emulator.python(
        "tests/it/teardown/set.py",
        &["state", "in-use", "acme-tfstate-dev-000000000000-eu-west-1"],
    );
    let before = files(&place);
    for line in [
        format!("render {ENV} --out other --use-existing-state"),
        format!("state pull {ENV} --out pulled"),
        format!("teardown {ENV} --purge-states --confirm acme-tfstate-dev-000000000000-eu-west-1"),
    ] {
        let said = full(&place, &line);
        assert!(
            matches!(said.code, Some(1 | 3)) && said.refusal().contains("File too large"),
            "{line}: {}",
            said.all()
        );
        assert_eq!(
            files(&place),
            before,
            "{line}: neither the folder of the files nor that of the backup"
        );
    }
    // Without its backup nothing was taken down.
    let said = place.run(&["state", "list", "--env", "dev"]);
    assert!(
        said.code == Some(0) && said.out.contains("terraform.tfstate"),
        "{}",
        said.all()
    );

    // What cannot be told is an error, and no reason to stop half-way.
    if let Ok(no_room) = File::options().write(true).open("/dev/full") {
        let to_nowhere = |line: &str| {
            let args: Vec<&str> = line.split_whitespace().collect();
            let out = Stdio::from(no_room.try_clone().expect("the same"));
            let output = place
                .command(&args)
                .stdout(out)
                .stderr(Stdio::piped())
                .spawn()
                .expect("it runs")
                .wait_with_output();
            place.said(&output.expect("it ends"))
        };
        for line in [
            format!("plan {ENV}"),
            format!("plan {ENV} --output json"),
            format!("state list {ENV}"),
            format!("config show {ENV}"),
        ] {
            let said = to_nowhere(&line);
            assert!(said.code == Some(1), "{line}: {}", said.all());
            assert!(
                line.contains("json") || said.err.contains("No space left"),
                "{line}: {}",
                said.all()
            );
        }
        let test = "--env test --out test";
        let said = to_nowhere(&format!("bootstrap {test} -y --output json"));
        assert_eq!(said.code, Some(1), "{}", said.all());
        let again = place.bootstrap(&format!("{test} -y"));
        assert!(
            again.code == Some(0) && again.err.contains("nothing to do"),
            "{}",
            again.all()
        );
    }
}

/// Nobody writes there, not even root.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn where_nothing_can_be_written_nothing_is_made() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    const ENV: &str = "--env dev --project acme --region eu-west-1";
    for line in [
        format!("bootstrap {ENV} -y --out /proc/self/below"),
        format!("bootstrap {ENV} -y --chdir /proc/self --save"),
        format!("plan {ENV} --out /proc/self/plan.json"),
        format!("config init {ENV} --chdir /proc/self"),
    ] {
        let said = place.run(&line.split_whitespace().collect::<Vec<_>>());
        assert!(
            said.code == Some(1) && said.err.contains("error: "),
            "{line}: {}",
            said.all()
        );
    }
    assert_eq!(emulator.python("tests/it/support/inventory.py", &[]), "");
}
