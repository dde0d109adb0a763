//! `tfbackend state`: what it shows and puts right of states that the real Terraform wrote.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tfbackend::exit;

use crate::support::{
    backend::{Backend, said},
    host::Outside,
};

mod history;
mod check;
mod cut_off;
mod fields;
mod list;
mod restore;
mod unreadable;
pub(crate) mod world;

/// A terminal remembers what it showed: nothing is asked of AWS for that.
#[test]
fn no_state_is_shown_on_a_terminal() {
    let dir = tempfile::tempdir().expect("a folder");
    let outside = Outside::new(dir.path(), BTreeMap::new());
    let mut host = outside.host();
    host.out_is_terminal = true;
    let args = [
        "tfbackend",
        "state",
        "pull",
        "--bucket",
        "states",
        "--key",
        "a.tfstate",
    ];
    assert_eq!(
        tfbackend::cli::run(args.map(OsString::from), &mut host),
        exit::REFUSED
    );
    assert!(
        outside.take_err().contains("--out FILE"),
        "and says what to do instead"
    );
}

/// The built program in the backend's folder, as the administrator; nothing says where AWS is but
/// the folder's own files.
fn run(backend: &Backend, args: &[&str]) -> Output {
    folder(backend, args).output().expect("the program")
}

fn folder(backend: &Backend, args: &[&str]) -> Command {
    let mut vars = backend.emulator.aws_env();
    for name in [
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_CA_BUNDLE",
    ] {
        vars.remove(name);
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_tfbackend"));
    command
        .arg("state")
        .args(args)
        .current_dir(backend.dir())
        .env_clear()
        .envs(vars)
        .stdin(Stdio::null());
    command
}

/// The same, with all that can be logged.
fn logged(backend: &Backend, args: &[&str]) -> Output {
    let mut command = folder(backend, args);
    command
        .envs([("TFBACKEND_LOG", "trace"), ("RUST_LOG", "trace")])
        .output()
        .expect("the program")
}

/// The same, with what says where AWS is.
fn command(backend: &Backend, args: &[&str]) -> Command {
    let mut vars = backend.emulator.aws_env();
    vars.retain(|name, _| {
        !["AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"].contains(&name.as_str())
    });
    let mut command = Command::new(env!("CARGO_BIN_EXE_tfbackend"));
    command
        .arg("state")
        .args(args)
        .current_dir(backend.dir())
        .env_clear()
        .envs(vars)
        .stdin(Stdio::null());
    command
}

#[track_caller]
fn with(backend: &Backend, args: &[&str]) -> Value {
    document(
        &command(backend, &[args, &["--output", "json"]].concat())
            .output()
            .expect("the program"),
    )
}

/// With the answer as JSON.
#[track_caller]
fn json(backend: &Backend, args: &[&str]) -> Value {
    document(&run(backend, &[args, &["--output", "json"]].concat()))
}

#[track_caller]
fn document(output: &Output) -> Value {
    assert!(output.status.success(), "{}", said(output));
    let document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", said(output)));
    assert_eq!(document["format_version"], 1, "{document}");
    document
}
