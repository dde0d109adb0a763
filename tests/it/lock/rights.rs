//! Those who may only run Terraform: they see the state that they work on, and are told that it is
//! not all.

use std::process::Output;

use super::{id_of, json, lock_command};
use crate::{
    support::backend::{Backend, said},
    terraform::running::{Holder, apply, initialized},
};

fn as_runner(backend: &Backend, line: &str) -> Output {
    let mut command = lock_command(backend, line);
    // The keys of whoever runs Terraform.
    command.env_clear().envs(backend.runner());
    command.output().expect("the program")
}

#[tokio::test]
async fn a_runner_releases_the_lock_on_their_own_state() {
    let backend = initialized(&["--lock", "both"]).await;
    apply(&backend, &[]);
    let mut holder = Holder::start(&backend);
    let id = id_of(&backend.terraform(&["plan"]));

    let listed = as_runner(&backend, "list");
    assert_eq!(
        listed.status.code(),
        Some(1),
        "it is not all: {}",
        said(&listed)
    );
    assert!(
        said(&listed).contains(&id) && said(&listed).contains("allow dynamodb:Scan"),
        "{}",
        said(&listed)
    );
    let listed = as_runner(&backend, "list --output json");
    assert_eq!(
        (
            listed.status.code(),
            json(&listed)["unseen"].as_array().map(Vec::len)
        ),
        (Some(1), Some(1)),
        "{}",
        said(&listed)
    );
    let shown = as_runner(&backend, "show");
    assert!(
        shown.status.success() && said(&shown).contains("Held in:    file and table"),
        "{}",
        said(&shown)
    );

    let output = as_runner(
        &backend,
        "release --id 00000000-7d3f-0b0c-9a51-3c1a6a2c5f10 --auto-approve",
    );
    assert_eq!(
        output.status.code(),
        Some(1),
        "nobody knows whether it is wrong: {}",
        said(&output)
    );
    let output = as_runner(&backend, "release --older-than 0s --auto-approve");
    assert_eq!(
        output.status.code(),
        Some(1),
        "nor which are old: {}",
        said(&output)
    );
    let output = as_runner(&backend, &format!("release --id {id} --auto-approve"));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(
        said(&output).contains("lock file deleted and item of the table deleted"),
        "{}",
        said(&output)
    );
    backend.terraform_ok(&["plan"]);
    holder.finish();
}
