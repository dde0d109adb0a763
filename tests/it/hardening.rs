//! Every setting that is made, read back through boto3 and not through our code.

mod defaults;
mod variations;

use std::process::Output;

use crate::support::{
    backend::{bootstrap, said},
    emulator::Emulator,
};

/// Runs `tfbackend bootstrap` with these arguments.
fn run(emulator: &Emulator, args: &[&str]) -> Output {
    let dir = tempfile::tempdir().expect("a directory");
    bootstrap(emulator, dir.path(), args)
}

/// What there is after a bootstrap with these arguments, a setting a line.
#[track_caller]
fn settings(emulator: &Emulator, args: &[&str]) -> String {
    let output = run(emulator, args);
    assert!(output.status.success(), "{}", said(&output));
    emulator.python("tests/it/hardening/read_back.py", &[])
}
