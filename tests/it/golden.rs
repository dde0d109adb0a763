//! What a user reads of every command, word for word: each story is a file of commands, and what
//! they said is beside it.
//!
//! A difference is meant or a mistake. `INSTA_UPDATE=always` makes the snapshots again; their diff
//! is then to be read.

mod help;
mod redact;
mod story;

use std::fs;

use crate::support::{emulator::Emulator, program::Place};

/// One story: an environment of its own, and `name.story` told in it.
async fn told(name: &str) {
    let emulator = Emulator::start().await;
    let mut place = Place::with(&emulator);
    let home = place.path().with_file_name("home");
    if name.starts_with("local") || name == "self_check" {
        place.set("HOME", &home.display().to_string());
    }
    place.hide(&emulator.home().display().to_string(), "EMULATOR");
    let sandbox = place.path().join("no sandbox").display().to_string();
    place.set("TFBACKEND_SANDBOX_DIR", &sandbox);
    // Where lines are broken depends on how long the paths are.
    place.vars.remove("COLUMNS");
    // One call at a time: the steps come in one order.
    place.set("TFBACKEND_PARALLELISM", "1");
    let text = fs::read_to_string(story::folder().join(format!("{name}.story"))).expect("a story");
    for chapter in story::chapters(&text) {
        let heard = story::tell(&emulator, &mut place, &chapter);
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(story::folder().join("snapshots"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(format!("{name}_{}", chapter.name), heard));
    }
}

#[tokio::test]
async fn bootstrap_says_what_it_said() {
    told("bootstrap").await;
}

#[tokio::test]
async fn repair_says_what_it_said() {
    told("repair").await;
}

#[tokio::test]
async fn render_says_what_it_said() {
    told("render").await;
}

#[tokio::test]
async fn settings_say_what_they_said() {
    told("settings").await;
}

#[tokio::test]
async fn local_environments_say_what_they_said() {
    told("local_environment").await;
}

#[tokio::test]
async fn verify_says_what_it_said() {
    told("verify").await;
}

#[tokio::test]
async fn state_says_what_it_said() {
    told("state").await;
}

#[tokio::test]
async fn local_says_what_it_said() {
    told("local").await;
}

#[tokio::test]
async fn lock_says_what_it_said() {
    told("lock").await;
}

#[tokio::test]
async fn migrate_says_what_it_said() {
    told("migrate").await;
}

#[tokio::test]
async fn migration_of_states_says_what_it_said() {
    told("migrate_states").await;
}

#[tokio::test]
async fn self_check_says_what_it_said() {
    told("self_check").await;
}

#[tokio::test]
async fn teardown_says_what_it_said() {
    told("teardown").await;
}

/// A chapter that is no test's would keep nothing.
#[test]
fn every_snapshot_is_of_a_chapter() {
    let names = |folder: &str, end: &str| -> Vec<String> {
        let entries = fs::read_dir(story::folder().join(folder)).expect("a folder");
        let names = entries.map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        });
        names
            .filter_map(|name| Some(name.strip_suffix(end)?.to_owned()))
            .collect()
    };
    let mut told = vec!["help".to_owned(), "help_local".to_owned()];
    for story in names("", ".story") {
        let text =
            fs::read_to_string(story::folder().join(format!("{story}.story"))).expect("a story");
        told.extend(
            story::chapters(&text)
                .into_iter()
                .map(|chapter| format!("{story}_{}", chapter.name)),
        );
        let test = format!("told(\"{story}\").await");
        assert!(
            include_str!("golden.rs").contains(&test),
            "no test tells {story}.story"
        );
    }
    let mut kept = names("snapshots", ".snap");
    told.sort();
    kept.sort();
    assert_eq!(kept, told);
}
