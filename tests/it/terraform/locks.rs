//! A lock that another run holds keeps a second one out, until it ends.

use std::process::Stdio;

use super::running::{HEAD, Holder, apply, initialized, nothing_to_change};
use crate::support::backend::said;

async fn excludes(lock: &str) {
    let backend = initialized(&["--lock", lock]).await;
    apply(&backend, &[]);
    let mut holder = Holder::start(&backend);

    let bucket = backend.conf("bucket");
    let held = backend.emulator.python(
        "tests/it/terraform/locks.py",
        &[&bucket, "acme-tfstate-prod-locks"],
    );
    let expected = match lock {
        "dynamodb" => {
            "item acme-tfstate-prod-000000000000-eu-west-1/terraform.tfstate OperationTypeApply\n"
        }
        "s3" => "file terraform.tfstate.tflock OperationTypeApply\n",
        _ => {
            "file terraform.tfstate.tflock OperationTypeApply\nitem \
             acme-tfstate-prod-000000000000-eu-west-1/terraform.tfstate OperationTypeApply\n"
        }
    };
    assert_eq!(held, expected);
    if lock != "dynamodb" {
        let head = backend
            .emulator
            .python(HEAD, &[&bucket, "terraform.tfstate.tflock"]);
        assert_eq!(
            head,
            format!(
                "terraform.tfstate.tflock aws:kms {} 1 parts False\n",
                backend.conf("kms_key_id")
            )
        );
    }

    let refused = backend.terraform(&["apply", "-auto-approve"]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(
        said(&refused).contains("Error acquiring the state lock"),
        "{}",
        said(&refused)
    );
    assert!(
        said(&refused).contains("OperationTypeApply"),
        "it names who holds the lock: {}",
        said(&refused)
    );

    let mut waiting = backend.terraform_command(&["apply", "-auto-approve", "-lock-timeout=60s"]);
    let mut waiting = waiting
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("terraform");
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert!(waiting.try_wait().expect("a child").is_none(), "it waits");
    let first = holder.finish();
    assert!(first.status.success(), "{}", said(&first));
    let second = waiting.wait_with_output().expect("terraform ends");
    assert!(
        second.status.success(),
        "{}\n{}",
        said(&second),
        backend.emulator.log()
    );

    let left = backend.emulator.python(
        "tests/it/terraform/locks.py",
        &[&bucket, "acme-tfstate-prod-locks"],
    );
    assert_eq!(left, "", "no lock is left behind");
    nothing_to_change(&backend, &[]);
}

#[tokio::test]
async fn a_lock_in_the_table_excludes_a_second_apply() {
    excludes("dynamodb").await;
}

#[tokio::test]
async fn a_lock_file_excludes_a_second_apply() {
    excludes("s3").await;
}

#[tokio::test]
async fn both_locks_exclude_a_second_apply() {
    excludes("both").await;
}
