//! Other settings than the defaults, each with the real Terraform.

use super::running::{HEAD, apply, initialized, nothing_to_change};

#[tokio::test]
async fn without_a_key_of_ones_own_s3_encrypts() {
    let backend = initialized(&["--encryption", "sse-s3"]).await;
    apply(&backend, &[]);
    nothing_to_change(&backend, &[]);
    let head = backend
        .emulator
        .python(HEAD, &[&backend.conf("bucket"), "terraform.tfstate"]);
    assert_eq!(head, "terraform.tfstate AES256 None 1 parts False\n");
}

#[tokio::test]
async fn workspaces_below_a_prefix_of_ones_own() {
    let backend = initialized(&[
        "--workspace-key-prefix",
        "stages",
        "--key",
        "shop/app.tfstate",
        "--lock",
        "both",
    ])
    .await;
    backend.terraform_ok(&["workspace", "new", "blue"]);
    apply(&backend, &[]);
    nothing_to_change(&backend, &[]);
    let bucket = backend.conf("bucket");
    let head = backend
        .emulator
        .python(HEAD, &[&bucket, "stages/blue/shop/app.tfstate"]);
    assert_eq!(
        head,
        format!(
            "stages/blue/shop/app.tfstate aws:kms {} 1 parts False\n",
            backend.conf("kms_key_id")
        )
    );
    backend.terraform_ok(&["destroy", "-auto-approve"]);
    backend.terraform_ok(&["workspace", "select", "default"]);
    backend.terraform_ok(&["workspace", "delete", "blue"]);
    apply(&backend, &[]);
    nothing_to_change(&backend, &[]);
    assert!(
        backend
            .emulator
            .python(HEAD, &[&bucket, "shop/app.tfstate"])
            .starts_with("shop/app.tfstate aws:kms")
    );
}

#[tokio::test]
async fn a_bucket_in_the_accounts_own_namespace() {
    let backend = initialized(&["--namespace", "account-regional"]).await;
    assert_eq!(
        backend.conf("bucket"),
        "acme-tfstate-prod-000000000000-eu-west-1-an"
    );
    apply(&backend, &[]);
    nothing_to_change(&backend, &[]);
}

#[tokio::test]
async fn an_ephemeral_environment() {
    let backend = initialized(&[
        "--ephemeral",
        "--trail",
        "off",
        "--alarms=false",
        "--lock",
        "s3",
    ])
    .await;
    apply(&backend, &[]);
    nothing_to_change(&backend, &[]);
}
