//! Real Terraform with the AWS provider, onto an emulator.

use std::{
    fs,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::support::{backend::said, emulator::Emulator, page};

/// Applies files of `tests/it/adoption` as one configuration.
///
/// # Panics
/// If Terraform fails, also for want of the provider.
pub(super) fn apply(emulator: &Emulator, files: &[&str]) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for file in ["provider.tf"].iter().chain(files) {
        fs::copy(
            page::path("tests/it/adoption").join(file),
            dir.path().join(file),
        )
        .expect(file);
    }
    // Where Terraform, which runs in this HOME, looks for its own settings.
    fs::write(emulator.home().join(".terraformrc"), settings()).expect("settings");
    for args in [
        &["init", "-no-color"][..],
        &["apply", "-no-color", "-auto-approve", "-parallelism=20"],
    ] {
        let output = emulator.terraform(dir.path(), args);
        assert!(
            output.status.success(),
            "{args:?}: {}\n{}",
            said(&output),
            emulator.log()
        );
    }
    dir
}

/// From the mirror, if there is one; else Terraform gets the provider where it gets everything, and
/// says so if it cannot.
fn settings() -> String {
    let found = Command::new(page::path("tests/mirror.sh"))
        .stderr(Stdio::inherit())
        .output()
        .expect("tests/mirror.sh");
    assert!(
        found.status.success(),
        "there is no mirror that can be trusted"
    );
    let mirror = String::from_utf8(found.stdout).expect("a path");
    let mirror = mirror.trim_end_matches('\n');
    if mirror.is_empty() {
        return String::new();
    }
    format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path = {mirror:?}\n  }}\n  direct \
         {{\n    exclude = [\"registry.terraform.io/*/*\"]\n  }}\n}}\n"
    )
}
