//! Tells the program its target and its compiler. Both are the same in every build of a release.

use std::{env, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = env::var("TARGET").expect("cargo sets it");
    println!("cargo::rustc-env=TFBACKEND_TARGET={target}");
    let rustc = env::var_os("RUSTC").expect("cargo sets it");
    let said = Command::new(rustc).arg("--version").output();
    // Without it, `version` prints null.
    if let Ok(output) = said
        && output.status.success()
        && let Ok(text) = String::from_utf8(output.stdout)
    {
        println!("cargo::rustc-env=TFBACKEND_RUSTC={}", text.trim());
    }
}
