//! `--auto-approve` in a terminal asks for what has no default and nothing else; approving is never
//! the default, and what was typed before a question does not answer it.

use std::{net::TcpListener, path::Path, time::Duration};

use super::{CTRL_U, ESCAPE};
use crate::{
    readme,
    support::{emulator::Emulator, page, program::Place, terminal::Terminal},
};

const SMALL: [&str; 7] = [
    "--lock=s3",
    "--encryption=sse-s3",
    "--trail=off",
    "--alarms=false",
    "--policy=false",
    "--access-logs=false",
    "--parallelism=1",
];

#[tokio::test]
async fn auto_approve_asks_only_for_what_has_no_default() {
    let emulator = Emulator::start().await;
    let mut place = Place::with(&emulator);
    // Everything is known: nothing is asked, and nothing is written but the files.
    let all = [
        "bootstrap",
        "--env=prod",
        "--project=acme",
        "--region=eu-west-1",
        "-y",
        "--parallelism=8",
    ];
    let mut terminal = Terminal::start(&place, &all);
    assert_eq!(terminal.end(), 0, "{}", terminal.screen());
    assert!(
        terminal.screen().contains("verified: 28 resources")
            && !terminal.screen().contains("The same without questions")
    );
    assert!(!place.path().join("tfbackend.toml").exists());
    drop(terminal);

    // Names have suggestions, and no defaults; the region has that of the profile, if there is one.
    let few = [&["bootstrap", "--yes", "--out=test"][..], &SMALL].concat();
    let mut terminal = Terminal::start(&place, &few);
    terminal.answer(
        "Environment, as part of every name",
        &format!("{CTRL_U}test\r"),
    );
    terminal.answer("Project, as part of every name", "acme\r");
    assert_eq!(terminal.end(), 0, "{}", terminal.screen());
    assert!(
        terminal.screen().contains("acme test in eu-west-1"),
        "{}",
        terminal.screen()
    );
    drop(terminal);
    place.vars.remove("AWS_CONFIG_FILE");
    let few = [&["bootstrap", "--yes", "--out=dev"][..], &SMALL].concat();
    let mut terminal = Terminal::start(&place, &few);
    terminal.answer(
        "Environment, as part of every name",
        &format!("{CTRL_U}dev\r"),
    );
    terminal.answer("Project, as part of every name", "acme\r");
    terminal.answer("AWS region of the backend", "eu-west-1\r");
    assert_eq!(terminal.end(), 0, "{}", terminal.screen());
    let screen = terminal.screen();
    assert!(
        screen.contains("verified: 6 resources") && screen.matches('✔').count() == 3,
        "{screen}"
    );
    assert!(!place.path().join("tfbackend.toml").exists());
}

/// Where no instance answers, asking it takes seconds.
#[test]
fn instance_is_asked_only_for_a_region_that_is_not_known() {
    let metadata = TcpListener::bind("127.0.0.1:0").expect("a port");
    metadata.set_nonblocking(true).expect("it does not wait");
    let mut place = Place::bare();
    place.set("AWS_EC2_METADATA_DISABLED", "false");
    place.set(
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        &format!("http://{}", metadata.local_addr().expect("an address")),
    );
    let args = ["config", "init", "--env=dev", "--project=acme", "-y"];
    let mut terminal = Terminal::start(&place, &[&args[..], &["--region=eu-west-1"]].concat());
    assert_eq!(terminal.end(), 0, "{}", terminal.screen());
    assert!(metadata.accept().is_err(), "it was asked");
    drop(terminal);

    let mut terminal = Terminal::start(
        &place,
        &[
            "config",
            "init",
            "--env=test",
            "--project=acme",
            "-y",
            "--new-env",
        ],
    );
    terminal.answer("AWS region of the backend", "eu-west-1\r");
    assert_eq!(terminal.end(), 0, "{}", terminal.screen());
    assert!(metadata.accept().is_ok(), "it may know");
}

/// Whatever was pressed while the program was at work is not an answer; Enter alone is a no.
#[tokio::test]
async fn typed_ahead_input_approves_nothing() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let args = [
        &[
            "bootstrap",
            "--env=prod",
            "--project=acme",
            "--region=eu-west-1",
            "--key=a",
            "--ephemeral",
        ][..],
        &SMALL,
    ]
    .concat();
    let inventory = || emulator.python("tests/it/support/inventory.py", &[]);
    for keys in ["y", "y\r", "\r\r\ry\r", "yes\r"] {
        let mut terminal = Terminal::start(&place, &args);
        terminal.send(keys);
        terminal.wait_for("Apply 6 changes");
        // What was typed ahead would have been taken by now.
        std::thread::sleep(Duration::from_millis(300));
        assert!(
            terminal
                .screen()
                .ends_with("Apply 6 changes (--auto-approve) [y/N]"),
            "{keys:?}: {}",
            terminal.screen()
        );
        terminal.press("\r");
        assert_eq!(terminal.end(), 3, "{}", terminal.screen());
        assert!(
            terminal
                .screen()
                .ends_with("✔ Apply 6 changes · no\nCancelled. Nothing was changed."),
            "{}",
            terminal.screen()
        );
    }
    assert_eq!(inventory(), "");
    let mut terminal = Terminal::start(&place, &args);
    terminal.answer("Apply 6 changes", "y\r");
    assert_eq!(terminal.end(), 0, "{}", terminal.screen());

    // The same of the name of a bucket: typed ahead, it takes nothing down, and nothing typed is a
    // no.
    let bucket = "acme-tfstate-prod-000000000000-eu-west-1";
    let down = [
        &[
            "teardown",
            "--env=prod",
            "--project=acme",
            "--region=eu-west-1",
            "--key=a",
            "--ephemeral",
        ][..],
        &SMALL,
    ]
    .concat();
    for (keys, code) in [("\r", 3), (ESCAPE, 130)] {
        let mut terminal = Terminal::start(&place, &down);
        terminal.send(&format!("{bucket}\r"));
        terminal.wait_for("to delete this backend");
        std::thread::sleep(Duration::from_millis(300));
        terminal.press(keys);
        assert_eq!(terminal.end(), code, "{}", terminal.screen());
    }
    assert_eq!(inventory(), format!("bucket {bucket}\n"));
}

/// The commands of the README, each as a newcomer types it: none of them waits for an answer.
#[test]
fn readme_commands_ask_nothing_in_a_terminal() {
    let mut place = Place::bare();
    let bin = Path::new(env!("CARGO_BIN_EXE_tfbackend"))
        .parent()
        .expect("a folder");
    place.set("PATH", &format!("{}:{}", bin.display(), place.vars["PATH"]));
    place.set(
        "XDG_CACHE_HOME",
        &Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("cache")
            .display()
            .to_string(),
    );
    place.set(
        "TFBACKEND_SANDBOX_DIR",
        &place.path().join("../sandbox").display().to_string(),
    );
    let shown = readme::shown(&page::read("README.md"));
    let (last, commands) = shown.split_last().expect("commands");
    let commands: Vec<&str> = commands
        .iter()
        .map(|shown| shown.command.as_str())
        .collect();
    assert!(
        commands
            .iter()
            .any(|command| command.starts_with("tfbackend bootstrap")),
        "{commands:?}"
    );
    let end = Ended {
        place: &place,
        command: &last.command,
    };
    for command in commands {
        let mut terminal = Terminal::run(&place, "/bin/sh", &["-c", command]);
        assert_eq!(
            terminal.end_within(Duration::from_secs(120)),
            0,
            "$ {command}\n{}",
            terminal.screen()
        );
        assert!(
            !terminal.screen().contains('›'),
            "$ {command}\n{}",
            terminal.screen()
        );
    }
    drop(end);
}

#[test]
fn demo_asks_nothing_in_a_terminal() {
    let mut place = Place::bare();
    place.set("TFBACKEND", env!("CARGO_BIN_EXE_tfbackend"));
    place.set(
        "XDG_CACHE_HOME",
        &Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("cache")
            .display()
            .to_string(),
    );
    place.set(
        "TFBACKEND_SANDBOX_DIR",
        &place.path().join("../sandbox").display().to_string(),
    );
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo.sh");
    let command = format!("{} sandbox down --purge", env!("CARGO_BIN_EXE_tfbackend"));
    let end = Ended {
        place: &place,
        command: &command,
    };
    let mut terminal = Terminal::run(&place, "bash", &[&demo.display().to_string()]);
    assert_eq!(
        terminal.end_within(Duration::from_secs(240)),
        0,
        "{}",
        terminal.screen()
    );
    assert!(
        terminal.screen().contains("The same in your own words"),
        "{}",
        terminal.screen()
    );
    drop(end);
}

/// Ends the sandbox, also of a test that failed.
struct Ended<'a> {
    place: &'a Place,
    command: &'a str,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let mut terminal = Terminal::run(self.place, "/bin/sh", &["-c", self.command]);
        terminal.end();
    }
}
