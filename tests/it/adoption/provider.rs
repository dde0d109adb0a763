//! Real Terraform with the AWS provider, onto an emulator.

use std::{env, fs, path::Path};

use tempfile::TempDir;

use crate::support::{backend::said, emulator::Emulator, page};

/// The folder that has `registry.terraform.io/hashicorp/aws/VERSION/PLATFORM/`.
const MIRROR: &str = "TFBACKEND_TF_MIRROR";

/// Applies files of `tests/it/adoption` as one configuration.
///
/// # Panics
/// If there is no provider, or Terraform fails.
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

fn settings() -> String {
    let mirror = env::var(MIRROR).unwrap_or_default();
    let provider = Path::new(&mirror).join("registry.terraform.io/hashicorp/aws");
    assert!(
        !mirror.is_empty() && provider.is_dir(),
        "this test needs the AWS provider of Terraform: set {MIRROR} to a mirror that has it \
         (`terraform providers mirror FOLDER` makes one, in a folder whose configuration asks for it)"
    );
    format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path = {mirror:?}\n  }}\n  direct {{\n    exclude = \
         [\"registry.terraform.io/*/*\"]\n  }}\n}}\n"
    )
}
