//! A story: chapters, which begin with `# name`, of lines.
//!
//! `$ ARGS` runs the program (quotes as in a shell are not known; `\ ` is a space in a word), `@`
//! in it stands for the environment's names. `! COMMAND` and `py WHAT` (`set_up.py`) prepare, and
//! must succeed. `cat FILE` keeps a file as well, `set NAME VALUE` and `unset NAME` change
//! variables (`~/home` is the home of the place).

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::redact::{redact, redact_file};
use crate::support::{emulator::Emulator, program::Place};

const NAMES: &str = "--env prod --project acme --region eu-west-1";

pub(super) struct Chapter<'a> {
    pub name: &'a str,
    lines: Vec<&'a str>,
}

pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden")
}

pub(super) fn chapters(text: &str) -> Vec<Chapter<'_>> {
    let mut chapters: Vec<Chapter<'_>> = vec![];
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match (line.strip_prefix("# "), chapters.last_mut()) {
            (Some(name), _) => chapters.push(Chapter {
                name,
                lines: vec![],
            }),
            (None, Some(chapter)) => chapter.lines.push(line),
            (None, None) => panic!("a chapter begins with its name, not with {line}"),
        }
    }
    chapters
}

/// Everything that was said in one chapter.
pub(super) fn tell(emulator: &Emulator, place: &mut Place, chapter: &Chapter<'_>) -> String {
    let mut heard = String::new();
    for line in &chapter.lines {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "$" => heard.push_str(&run(place, rest)),
            "cat" => {
                let text = fs::read_to_string(place.path().join(rest)).expect(line);
                heard.push_str(&format!(
                    "=== {rest}\n{}\n",
                    redact_file(&place.plain(&text))
                ));
            }
            "!" => {
                let mut command = Command::new("sh");
                command.args(["-euc", rest]).current_dir(place.path());
                command.env("GOLDEN", folder());
                command.env("HOME_OF_PLACE", &place.vars["HOME"]);
                assert!(command.status().expect("a shell").success(), "{line}");
            }
            "py" => {
                let args: Vec<&str> = rest.split(' ').collect();
                emulator.python("tests/it/golden/set_up.py", &args);
            }
            "set" => {
                let (name, value) = rest.split_once(' ').expect(line);
                let value = value.replace("~/home", &place.vars["HOME"]);
                place.set(name, &value);
            }
            "unset" => drop(place.vars.remove(rest)),
            _ => panic!("{line} is not a line of a story"),
        }
    }
    heard
}

fn run(place: &Place, line: &str) -> String {
    let line = line.replace(" @", &format!(" {NAMES}"));
    let home = &place.vars["HOME"];
    let line = line.replace("~/home", home);
    let words: Vec<String> = line
        .replace("\\ ", "\0")
        .split_whitespace()
        .map(|word| word.replace('\0', " "))
        .collect();
    let said = place.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let code = said
        .code
        .map_or("killed".to_owned(), |code| code.to_string());
    let line = line.replace(home.as_str(), "~/home");
    let mut heard = format!("$ tfbackend {line}\n[exit code {code}]\n");
    for (name, text) in [("stdout", said.out), ("stderr", said.err)] {
        if !text.is_empty() {
            heard.push_str(&format!("--- {name}\n{}", redact(&legible(&text))));
        }
    }
    heard.push('\n');
    heard
}

/// A JSON document that is one line, over several.
fn legible(text: &str) -> String {
    let documents: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
    match documents {
        Ok(documents) => documents
            .iter()
            .map(|document| serde_json::to_string_pretty(document).expect("JSON") + "\n")
            .collect(),
        Err(_) => text.to_owned(),
    }
}
