//! What users install: `install.sh`, archives, recipes, workflows and the action.

mod action;
mod archive;
mod install;
mod recipes;
mod refused;
mod release;
mod releases;
mod workflows;

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::support::{emulator, page};

/// What is released is in one file: targets, and the machines that build them.
fn data() -> Value {
    serde_json::from_str(&page::read("packaging/targets.json")).expect("JSON")
}

fn targets() -> Vec<String> {
    let data = data();
    let targets = data["targets"].as_object().expect("targets");
    assert!(targets.len() >= 7, "{targets:?}");
    targets.keys().cloned().collect()
}

fn is_windows(target: &str) -> bool {
    target.contains("-windows-")
}

/// The file of a release for a target.
fn archive(target: &str) -> String {
    let end = if is_windows(target) { "zip" } else { "tar.gz" };
    format!("tfbackend-{}-{target}.{end}", env!("CARGO_PKG_VERSION"))
}

/// The address of a file of the release of this version.
fn url(name: &str) -> String {
    format!(
        "{}/releases/download/v{}/{name}",
        env!("CARGO_PKG_REPOSITORY"),
        env!("CARGO_PKG_VERSION")
    )
}

/// A program of `packaging/`, with Python.
fn program(name: &str) -> Command {
    let mut command = Command::new(emulator::python());
    command.env("CARGO", env!("CARGO"));
    command
        .args(["-Es", "-B"])
        .arg(page::path("packaging").join(name));
    command
}

/// What a script prints that can import the programs of `packaging/`, as JSON.
fn python(script: &str, args: &[&str]) -> Value {
    let start = "import json, sys; sys.path.insert(0, sys.argv[1]); del sys.argv[1]\n";
    let output = Command::new(emulator::python())
        .env("CARGO", env!("CARGO"))
        .args(["-Es", "-B", "-c", &format!("{start}{script}")])
        .arg(page::path("packaging"))
        .args(args)
        .output()
        .expect("Python");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|wrong| panic!("{wrong}: {error}"))
}

/// A YAML file, as another parser than that of GitHub reads it.
fn yaml(path: &Path) -> Value {
    let script = "import yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)";
    python(script, &[path.to_str().expect("a path")])
}
