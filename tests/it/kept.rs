//! Unsaid means unchanged: what a live backend has is kept where nothing says otherwise, and what
//! is said is a step of its own.

mod encryption;
mod everything;
mod hints;
mod locks;
mod prune;
mod state_key;
mod unwanted;

use std::{
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::support::{backend::Backend, emulator::Emulator, program::Said};

/// Neither trail nor alarms: what they are tried with elsewhere.
const SMALL: [&str; 4] = ["--alarms=false", "--trail", "off", "--access-logs=false"];

/// Runs `words` in `dir` with no more than the names of the environment, as the administrator.
fn unsaid(emulator: &Emulator, dir: &Path, words: &[&str]) -> Said {
    let names = [
        "--project",
        "acme",
        "--env",
        "prod",
        "--region",
        emulator.region(),
        "--endpoint-url",
        emulator.endpoint(),
    ];
    let mut program = Command::new(env!("CARGO_BIN_EXE_tfbackend"));
    let (command, more) = words.split_at(
        words
            .iter()
            .take_while(|word| !word.starts_with('-'))
            .count(),
    );
    program
        .args(command)
        .args(names)
        .args(more)
        .current_dir(dir)
        .env_clear()
        .envs(emulator.aws_env());
    let output = program.stdin(Stdio::null()).output().expect("the program");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said {
        code: output.status.code(),
        out: text(&output.stdout),
        err: text(&output.stderr),
    }
}

/// A command as it is printed, after the name of the program, in the same folder.
fn printed(emulator: &Emulator, dir: &Path, words: &str) -> Said {
    let mut program = Command::new(env!("CARGO_BIN_EXE_tfbackend"));
    program
        .args(words.split_whitespace())
        .current_dir(dir)
        .env_clear()
        .envs(emulator.aws_env());
    let output = program.stdin(Stdio::null()).output().expect("the program");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said {
        code: output.status.code(),
        out: text(&output.stdout),
        err: text(&output.stderr),
    }
}

/// The words of the first such command that was printed, after the name of the program.
#[track_caller]
fn command_in(said: &Said, start: &str) -> String {
    let all = words(said);
    let at = all
        .find(&format!("tfbackend {start}"))
        .unwrap_or_else(|| panic!("no {start}: {all}"));
    let line = &all[at + "tfbackend ".len()..];
    let end = ["`", " hint: ", " caused by: "]
        .iter()
        .filter_map(|end| line.find(end))
        .min()
        .unwrap_or(line.len());
    line[..end].to_owned()
}

/// With the lines of paragraphs joined.
fn words(said: &Said) -> String {
    said.all().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn nothing_to_do(said: &Said) {
    assert!(
        said.code == Some(0)
            && said
                .err
                .contains("nothing to do, the backend matches its settings"),
        "{}",
        said.all()
    );
}

/// Refused with 3, in words that hold all of these.
#[track_caller]
fn refused(said: &Said, texts: &[&str]) {
    assert_eq!(said.code, Some(3), "{}", said.all());
    let all = words(said);
    for text in texts {
        assert!(all.contains(text), "{text}: {all}");
    }
}

/// The findings of `verify`, as `id at address`, but for those of the account itself.
fn findings(emulator: &Emulator, dir: &Path, more: &[&str]) -> Vec<String> {
    let said = unsaid(
        emulator,
        dir,
        &[&["verify", "--output", "json"], more].concat(),
    );
    let document: Value =
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.all()));
    let all = document["findings"].as_array().expect("findings");
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    all.iter()
        .map(|finding| format!("{} at {}", text(finding, "id"), text(finding, "address")))
        // That no address is named is a finding of each of these environments, whatever is kept.
        .filter(|finding| !finding.starts_with("account-") && finding != "topic-heard at topic")
        .collect()
}

fn conf(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("backend.conf")).expect("backend.conf")
}

/// The real Terraform in `dir`, as the backend's runner.
fn terraform(backend: &Backend, dir: &Path, args: &[&str]) -> Said {
    let output = backend
        .terraform_command(args)
        .current_dir(dir)
        .output()
        .expect("this test needs `terraform` on PATH");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said {
        code: output.status.code(),
        out: text(&output.stdout),
        err: text(&output.stderr),
    }
}

#[track_caller]
fn no_changes(backend: &Backend, dir: &Path) {
    let said = terraform(backend, dir, &["plan", "-detailed-exitcode"]);
    assert!(
        said.code == Some(0) && said.out.contains("No changes."),
        "{}",
        said.all()
    );
}
