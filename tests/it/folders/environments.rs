//! Which environment is meant: those of the settings file, and a further one only if it is said to
//! be new.

use std::fs;

use super::{Folders, SMALL};
use crate::support::{emulator::Emulator, program::Place, terminal::Terminal};

const TWO: &str = "project = \"acme\"\nregion = \"eu-west-1\"\n[env.prod]\n[env.stage]\n";

#[test]
fn typing_error_makes_no_second_backend() {
    // Without credentials: whatever called AWS would fail otherwise.
    let place = Place::bare();
    fs::write(place.path().join("tfbackend.toml"), TWO).expect("written");
    for command in [
        "bootstrap -y",
        "bootstrap --save=false -y",
        "plan",
        "verify",
        "render",
        "render --check",
        "teardown --plan",
        "config show",
        "lock list",
        "lock migrate --to both --check",
        "state list",
        "state check",
    ] {
        let (name, rest) = command
            .split_once(" -")
            .map_or((command, String::new()), |(name, rest)| {
                (name, format!("-{rest}"))
            });
        let line = format!("{name} --env stagee {rest}");
        let said = place.run(&line.split_whitespace().collect::<Vec<_>>());
        insta::allow_duplicates! {
            insta::assert_snapshot!(said.refusal(), @"
            1
            error: tfbackend.toml has no environment `stagee`; did you mean `stage`?
              hint: its environments: prod, stage
              hint: for an environment that it does not have, pass --new-env
            ");
        }
    }
    let mut by_variable = place.command(&["plan"]);
    let said = place.said(
        &by_variable
            .env("TFBACKEND_ENV", "stagee")
            .output()
            .expect("the program"),
    );
    assert!(said.err.contains("did you mean `stage`?"), "{}", said.all());
    insta::assert_snapshot!(place.run(&["plan"]).refusal(), @"
    1
    error: no environment was given
      hint: pass --env with one of tfbackend.toml: prod, stage
    ");
    let said = place.run(&["lock", "list"]);
    assert!(
        said.err
            .contains("for an environment: --env with one of prod, stage"),
        "{}",
        said.all()
    );
    // A file that has no environments at all speaks for each.
    fs::write(place.path().join("tfbackend.toml"), "project = \"acme\"\n").expect("written");
    let said = place.run(&["config", "show", "--env=stagee", "--region=eu-west-1"]);
    assert_eq!(said.code, Some(0), "{}", said.all());
}

#[tokio::test]
async fn new_environment_is_said_to_be_new() {
    let world = Folders::new().await;
    world.put("repository/tfbackend.toml", TWO);
    let line = SMALL.replace("--env prod", "--env dev");
    world.refused("repository", &format!("bootstrap {line} -y"), 1);
    world.ok("repository", &format!("plan {line} --new-env"));
    assert_eq!(world.read("repository/tfbackend.toml"), TWO);
    // Adding it to the file says so too.
    world.ok("repository", &format!("bootstrap {line} -y --save"));
    assert!(
        world
            .read("repository/tfbackend.toml")
            .contains("[env.dev]")
    );
    world.ok(
        "repository",
        "verify --env dev --usage=false --min-severity critical",
    );
}

#[tokio::test]
async fn only_environment_of_the_file_is_taken() {
    let world = Folders::new().await;
    let toml = "project = \"acme\"\nregion = \"eu-west-1\"\nencryption = \"sse-s3\"\ntrail = \
                \"off\"\nalarms = false\npolicy = false\naccess-logs = false\nlock = \
                \"s3\"\n[env.stage]\n";
    world.put("repository/tfbackend.toml", toml);
    let text = world.ok("repository", "bootstrap -y");
    assert!(text.contains("acme stage in eu-west-1"), "{text}");
    for command in [
        "plan",
        "render",
        "config show",
        "lock list",
        "state list",
        "teardown --plan",
    ] {
        world.ok("repository", command);
    }
    // Also where the folder has no files that would say which backend is meant.
    let text = world.ok("repository/elsewhere", "state list");
    assert!(text.contains("acme stage in eu-west-1"), "{text}");
}

/// In a terminal the question is one whose default is no.
#[tokio::test]
async fn new_environment_is_asked_for_in_a_terminal() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    fs::write(place.path().join("tfbackend.toml"), TWO).expect("written");
    let mut terminal = Terminal::start(&place, &["bootstrap", "--env=stagee"]);
    terminal.answer(
        "tfbackend.toml has no environment stagee (did you mean stage?). Create stagee",
        "\r",
    );
    assert_eq!(terminal.end(), 3, "{}", terminal.screen());
    assert!(
        terminal
            .screen()
            .ends_with("Cancelled. Nothing was changed."),
        "{}",
        terminal.screen()
    );
    let mut terminal = Terminal::start(
        &place,
        &[
            "config",
            "init",
            "--env=dev",
            "--lock=s3",
            "--encryption=sse-s3",
            "--alarms=false",
        ],
    );
    terminal.wait_for("Use these?");
}
