//! The guides of `docs/guide`, followed from top to bottom on an emulator, with real Terraform.

mod follow;
mod pipelines;
mod snippets;
mod steps;

use follow::Guide;

#[tokio::test]
async fn quick_start_can_be_followed() {
    Guide::start().await.follow("quick-start");
}

#[tokio::test]
async fn local_to_remote_can_be_followed() {
    Guide::start().await.follow("local-to-remote");
}

#[tokio::test]
async fn environments_can_be_followed() {
    Guide::start().await.follow("environments");
}

#[tokio::test]
async fn lock_files_can_be_followed() {
    Guide::start().await.follow("lock-files");
}

#[tokio::test]
async fn recovery_can_be_followed() {
    Guide::start().await.follow("recovery");
}

#[tokio::test]
async fn teardown_can_be_followed() {
    Guide::start().await.follow("teardown");
}

#[tokio::test]
async fn verify_can_be_followed() {
    Guide::start().await.follow("verify");
}

/// With the `tofu` of this machine; where there is none, `terraform` under this name, because the
/// guide shows nothing but what both do.
#[tokio::test]
async fn opentofu_can_be_followed() {
    let mut guide = Guide::start().await;
    guide.must_have("tofu", "terraform");
    guide.follow("opentofu");
}
