//! Real Terraform with the AWS provider, onto an emulator.

use std::{env, fs, path::Path};

use tempfile::TempDir;

use crate::support::{backend::said, emulator::Emulator, page};

/// The folder that has `registry.terraform.io/hashicorp/aws/VERSION/PLATFORM/`.
const MIRROR: &str = "TFBACKEND_TF_MIRROR";

/// Applies files of `tests/it/adoption` as one configuration.
///
/// # Panics
/// If Terraform fails, also for want of the provider.
pub fn apply(emulator: &Emulator, files: &[&str]) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for file in ["provider.tf"].iter().chain(files) {
        fs::copy(page::path("tests/it/adoption").join(file), dir.path().join(file)).expect(file);
    }
    // Where Terraform, which runs in this HOME, looks for its own settings.
    fs::write(emulator.home().join(".terraformrc"), settings()).expect("settings");
    for args in [&["init", "-no-color"][..], &["apply", "-no-color", "-auto-approve", "-parallelism=20"]] {
        let output = emulator.terraform(dir.path(), args);
        assert!(output.status.success(), "{args:?}: {}\n{}", said(&output), emulator.log());
    }
    dir
}

/// From the mirror, if there is one; else Terraform gets the provider where it gets everything, and says so if it cannot.
fn settings() -> String {
    let mirror = env::var(MIRROR).unwrap_or_default();
    if mirror.is_empty() {
        return String::new();
    }
    let provider = Path::new(&mirror).join("registry.terraform.io/hashicorp/aws");
    assert!(provider.is_dir(), "{MIRROR} names no mirror that has the AWS provider: {}", provider.display());
    format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path = {mirror:?}\n  }}\n  direct {{\n    exclude = \
         [\"registry.terraform.io/*/*\"]\n  }}\n}}\n"
    )
}
