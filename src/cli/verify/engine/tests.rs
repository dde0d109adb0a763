//! A program on PATH that says its version, in place of Terraform.

use std::{fs, os::unix::fs::PermissionsExt};

use super::*;
use crate::terraform::read::FolderReadOptions;

/// A folder with these files and the programs that are installed beside it.
async fn installed(files: &[(&str, &str)], programs: &[(&str, &str)]) -> Vec<String> {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(dir.path().join(name), text).expect("written");
    }
    let bin = dir.path().join("bin");
    fs::create_dir(&bin).expect("made");
    for (name, script) in programs {
        fs::write(bin.join(name), format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755))
            .expect("made executable");
    }
    let path = format!("bin:{}:/usr/bin:/bin", bin.display());
    let vars = [("PATH", path.as_str()), ("SECRET", "x")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut folder =
        WorkingDirectory::read(dir.path(), &FolderReadOptions::default()).expect("a folder");
    add_installed(&mut folder, &BTreeMap::from(vars)).await;
    let said = folder
        .versions
        .iter()
        .flatten()
        .map(|one| format!("{} {} {}", one.engine.title(), one.text, one.at));
    said.map(|said| said.replace(&format!("{}/", dir.path().display()), ""))
        .collect()
}

/// Also says where it runs, and what it is told.
const SAYS: &str = r#"[ "$PWD$*$SECRET$CHECKPOINT_DISABLE" = "/version -json1" ] && echo '{"terraform_version": "1.15.0", "platform": "x"}'"#;

#[tokio::test]
async fn installed_engine_is_the_one_of_the_folder() {
    let main = ("main.tf", "locals {}\n");
    assert_eq!(
        installed(&[main], &[("terraform", SAYS), ("tofu", SAYS)]).await,
        ["Terraform 1.15.0 bin/terraform"]
    );
    assert_eq!(
        installed(&[("main.tofu", "")], &[("terraform", SAYS), ("tofu", SAYS)]).await,
        ["OpenTofu 1.15.0 bin/tofu"]
    );
    // What a version manager is told counts in place of what is installed.
    let managed = (".terraform-version", "1.11.4\n");
    assert_eq!(
        installed(&[main, managed], &[("terraform", SAYS)]).await,
        ["Terraform 1.11.4 .terraform-version:1"]
    );
    let required = (
        "more.tf",
        "terraform {\n  required_version = \">= 1.10\"\n}\n",
    );
    assert_eq!(
        installed(&[main, required], &[("terraform", SAYS)]).await,
        [
            "Terraform >= 1.10 more.tf:2",
            "Terraform 1.15.0 bin/terraform"
        ]
    );
    for silent in [
        "exit 1",
        "echo 1.15.0",
        "echo '{\"terraform_version\": 1}'",
        "echo '{\"terraform_version\": \"1.16.0-dev\"}'",
    ] {
        assert_eq!(
            installed(&[main], &[("terraform", silent)]).await,
            [""; 0],
            "{silent}"
        );
    }
    assert_eq!(
        installed(&[("notes.txt", "")], &[("terraform", SAYS)]).await,
        [""; 0],
        "no folder of Terraform's"
    );
}
