//! `docs/concepts/plans.md`: the commands of the page, one after the other, on an emulator.

use std::{fs, process::Command};

use crate::support::{emulator::Emulator, page, program::Place, user::User};

#[tokio::test]
async fn the_commands_of_the_page_do_what_it_says() {
    let emulator = Emulator::start().await;
    User::make(&emulator, "terraform").await;
    let mut place = Place::with(&emulator);
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_tfbackend"))
        .parent()
        .expect("a folder");
    let path = format!(
        "{}:{}",
        bin.display(),
        place.vars.get("PATH").expect("a PATH")
    );
    place.set("PATH", &path);
    fs::write(
        place.path().join("tfbackend.toml"),
        "project = \"acme\"\nregion = \"eu-west-1\"\n[env.prod]\n[env.test]\n",
    )
    .expect("written");
    let page = page::read("docs/concepts/plans.md");
    let mut commands = 0;
    for block in page.split("<!-- run -->\n```console\n").skip(1) {
        for line in block.split("\n```").next().expect("a block").lines() {
            // With the status that it is to end with, if that is not 0.
            let (command, code) = line
                .strip_prefix("$ ")
                .expect("a command")
                .split_once("  # ")
                .map_or_else(
                    || (line.trim_start_matches("$ "), 0),
                    |(command, code)| {
                        (
                            command,
                            code.split(':')
                                .next()
                                .and_then(|code| code.parse().ok())
                                .expect("a status"),
                        )
                    },
                );
            let mut sh = Command::new("sh");
            let output = sh
                .args(["-c", command])
                .current_dir(place.path())
                .env_clear()
                .envs(&place.vars)
                .output()
                .expect("sh");
            let said = place.said(&output);
            assert_eq!(said.code, Some(code), "{command}\n{}", said.all());
            commands += 1;
        }
    }
    assert!(commands >= 5, "{commands}");
    let policy = fs::read_to_string(place.path().join("policy.json")).expect("a policy");
    assert!(policy.contains("\"s3:CreateBucket\""), "{policy}");
}
