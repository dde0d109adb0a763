//! `tfbackend lock` on a backend that the real Terraform uses: who holds what, and exactly that
//! released.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::backend::{Backend, said};

mod commands;
mod migrate;
mod named;
mod rights;
pub(crate) mod this_run;

const TABLE: &str = "acme-tfstate-prod-locks";
const ENV: &str = "--env prod --project acme --region eu-west-1 --lock both";

/// The built program in the folder of the backend, as the emulator's administrator.
fn lock_command(backend: &Backend, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tfbackend"));
    command
        .arg("lock")
        .args(line.split_whitespace())
        .current_dir(backend.dir());
    command
        .env_clear()
        .envs(backend.emulator.aws_env())
        .stdin(Stdio::null());
    command
}

fn lock(backend: &Backend, line: &str) -> Output {
    lock_command(backend, line).output().expect("the program")
}

#[track_caller]
fn lock_ok(backend: &Backend, line: &str) -> String {
    let output = lock(backend, line);
    assert_eq!(
        output.status.code(),
        Some(0),
        "lock {line}: {}",
        said(&output)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", said(output)))
}

/// The documents of all locks.
#[track_caller]
fn locks(backend: &Backend, way: &str) -> Vec<Value> {
    let output = lock(backend, &format!("list {way} --output json"));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let document = json(&output);
    assert_eq!(document["format_version"], 1);
    document["locks"].as_array().expect("locks").clone()
}

/// What Terraform says of the lock that keeps it out.
#[track_caller]
fn id_of(refused: &Output) -> String {
    let said = said(refused);
    let id = said
        .lines()
        .find_map(|line| line.trim_start_matches(['│', ' ']).strip_prefix("ID:"))
        .unwrap_or_else(|| panic!("{said}"));
    id.trim().to_owned()
}
