//! The state key of a folder is that of its file, whatever the default.

use std::fs;

use super::{SMALL, conf, findings, no_changes, nothing_to_do, refused, terraform, unsaid, words};
use crate::{
    support::backend::Backend,
    terraform::running::{apply, initialized, nothing_to_change},
};

const KEY: &str = "app/terraform.tfstate";

async fn with_key() -> Backend {
    let backend = initialized(&[&SMALL[..], &["--key", KEY]].concat()).await;
    apply(&backend, &[]);
    nothing_to_change(&backend, &[]);
    backend
}

#[tokio::test]
async fn state_key_of_a_clone_is_kept() {
    let backend = with_key().await;
    let clone = tempfile::tempdir().expect("a folder");
    for file in ["main.tf", "backend.tf", "backend.conf"] {
        fs::copy(backend.dir().join(file), clone.path().join(file)).expect("copied");
    }
    let before = conf(clone.path());
    nothing_to_do(&unsaid(&backend.emulator, clone.path(), &["bootstrap"]));
    assert_eq!(conf(clone.path()), before);
    let shown = unsaid(&backend.emulator, clone.path(), &["plan"]);
    assert!(
        words(&shown).contains(&format!("existing values kept: key = {KEY}")),
        "{}",
        shown.all()
    );
    let rendered = unsaid(&backend.emulator, clone.path(), &["render", "--check"]);
    assert_eq!(rendered.code, Some(0), "{}", rendered.all());
    assert_eq!(
        unsaid(&backend.emulator, clone.path(), &["render"]).code,
        Some(0)
    );
    assert_eq!(conf(clone.path()), before);
    assert_eq!(
        findings(&backend.emulator, clone.path(), &[]),
        Vec::<String>::new()
    );

    let init = terraform(
        &backend,
        clone.path(),
        &["init", "-backend-config=backend.conf"],
    );
    assert_eq!(init.code, Some(0), "{}", init.all());
    no_changes(&backend, clone.path());
}

#[tokio::test]
async fn state_key_said_otherwise_is_refused_and_moved_by_hand() {
    let backend = with_key().await;
    let (emulator, dir) = (&backend.emulator, backend.dir());
    let before = conf(dir);
    let other = ["--key", "other.tfstate"];
    let hints = [
        "state_key",
        "backend.conf uses the state at `app/terraform.tfstate`",
        "terraform init -migrate-state",
    ];
    refused(
        &unsaid(emulator, dir, &[&["bootstrap", "-y"], &other[..]].concat()),
        &hints,
    );
    let planned = unsaid(
        emulator,
        dir,
        &[&["plan", "--out", "p.plan"], &other[..]].concat(),
    );
    assert!(
        words(&planned).contains("blocked state_key"),
        "{}",
        planned.all()
    );
    refused(&unsaid_plan(&backend), &hints[1..]);
    refused(
        &unsaid(emulator, dir, &[&["render"], &other[..]].concat()),
        &hints,
    );
    let checked = unsaid(
        emulator,
        dir,
        &[&["render", "--check"], &other[..]].concat(),
    );
    assert!(
        checked.code == Some(2) && words(&checked).contains("-migrate-state"),
        "{}",
        checked.all()
    );
    assert_eq!(conf(dir), before, "nothing was written");

    // Verify names the difference, and never says to write the other key.
    let said = unsaid(emulator, dir, &[&["verify"], &other[..]].concat());
    let all = words(&said);
    assert!(
        said.code == Some(2) && all.contains("settings-live"),
        "{all}"
    );
    assert!(
        !all.contains("-reconfigure") && !all.contains("write `key"),
        "{all}"
    );

    // The way that is named.
    let rendered = unsaid(
        emulator,
        dir,
        &[&["render", "--overwrite"], &other[..]].concat(),
    );
    assert!(
        rendered.code == Some(0) && words(&rendered).contains("terraform init -migrate-state"),
        "{}",
        rendered.all()
    );
    let moved = terraform(
        &backend,
        dir,
        &[
            "init",
            "-migrate-state",
            "-force-copy",
            "-backend-config=backend.conf",
        ],
    );
    assert_eq!(moved.code, Some(0), "{}", moved.all());
    nothing_to_change(&backend, &[]);
    nothing_to_do(&unsaid(emulator, dir, &["bootstrap"]));
    assert!(conf(dir).contains("other.tfstate"));
}

fn unsaid_plan(backend: &Backend) -> crate::support::program::Said {
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_tfbackend"));
    program
        .args([
            "bootstrap",
            "p.plan",
            "-y",
            "--endpoint-url",
            backend.emulator.endpoint(),
        ])
        .current_dir(backend.dir());
    let output = program
        .env_clear()
        .envs(backend.emulator.aws_env())
        .output()
        .expect("the program");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    crate::support::program::Said {
        code: output.status.code(),
        out: text(&output.stdout),
        err: text(&output.stderr),
    }
}

/// A folder with a block of its own, as any second stack in the bucket has.
#[tokio::test]
async fn state_key_of_another_stack_is_no_finding() {
    let backend = Backend::make(&SMALL).await;
    let stack = tempfile::tempdir().expect("a folder");
    let text = conf(backend.dir())
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect::<Vec<_>>()
        .join("\n    ");
    let block = format!(
        "terraform {{\n  backend \"s3\" {{\n    {}\n  }}\n}}\n",
        text.replace("\"terraform.tfstate\"", "\"network/x.tfstate\"")
    );
    fs::write(stack.path().join("main.tf"), &block).expect("written");
    let found = findings(&backend.emulator, stack.path(), &[]);
    assert!(
        !found
            .iter()
            .any(|finding| finding.starts_with("files-agree")),
        "{found:?}\n{block}"
    );
}
