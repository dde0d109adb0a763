//! Init, apply, workspaces and a large state, with each lock mechanism.

use super::running::{HEAD, apply, initialized, nothing_to_change};
use crate::support::backend::Backend;

const STATE: &str = "terraform.tfstate";

/// How the state is encrypted, with the key's ARN as `ours`.
fn heads(backend: &Backend, keys: &[&str]) -> String {
    let said = backend
        .emulator
        .python(HEAD, &[&[&*backend.conf("bucket")], keys].concat());
    said.replace(&backend.conf("kms_key_id"), "ours")
}

async fn works(lock: &str) {
    let backend = initialized(&["--lock", lock]).await;
    assert!(apply(&backend, &[]).contains("1 added"));
    nothing_to_change(&backend, &[]);
    assert_eq!(
        heads(&backend, &[STATE]),
        "terraform.tfstate aws:kms ours 1 parts False\n"
    );

    backend.terraform_ok(&["workspace", "new", "blue"]);
    apply(&backend, &[]);
    assert_eq!(
        heads(&backend, &["env:/blue/terraform.tfstate"]),
        "env:/blue/terraform.tfstate aws:kms ours 1 parts False\n"
    );
    backend.terraform_ok(&["destroy", "-auto-approve"]);
    backend.terraform_ok(&["workspace", "select", "default"]);
    backend.terraform_ok(&["workspace", "delete", "blue"]);
    assert_eq!(
        heads(&backend, &["env:/blue/terraform.tfstate"]),
        "env:/blue/terraform.tfstate 404\n"
    );
    assert_eq!(
        backend.terraform_ok(&["workspace", "list"]).trim(),
        "* default"
    );

    // More than 5 MB are uploaded in parts.
    let large = ["-var", "blocks=320"];
    apply(&backend, &large);
    assert_eq!(
        heads(&backend, &[STATE]),
        "terraform.tfstate aws:kms ours 2 parts True\n"
    );
    nothing_to_change(&backend, &large);
    // And it can be made small again.
    apply(&backend, &[]);
    nothing_to_change(&backend, &[]);
}

#[tokio::test]
async fn everything_works_with_a_lock_table() {
    works("dynamodb").await;
}

#[tokio::test]
async fn everything_works_with_lock_files() {
    works("s3").await;
}

#[tokio::test]
async fn everything_works_with_both_locks() {
    works("both").await;
}
