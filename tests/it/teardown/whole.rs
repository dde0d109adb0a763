//! Real Terraform from the first apply to the last: refused while it manages something, gone after
//! its destroy, and back again.

use std::fs;

use serde_json::Value;

use crate::{
    support::backend::said,
    terraform::running::{apply, initialized},
};

const BUCKET: &str = "acme-tfstate-prod-000000000000-eu-west-1";
const INVENTORY: &str = "tests/it/support/inventory.py";

#[tokio::test]
async fn refused_while_in_use_gone_after_destroy_and_back_again() {
    let backend = initialized(&["--lock", "both", "--alarm-email", "ops@example.com"]).await;
    apply(&backend, &[]);
    backend.terraform_ok(&["workspace", "new", "blue"]);
    apply(&backend, &[]);
    let inventory = || backend.emulator.python(INVENTORY, &[]);
    let before = inventory();

    let confirm = &["--confirm", BUCKET][..];
    let refused = backend.tfbackend("teardown", confirm);
    let text = said(&refused);
    assert_eq!(refused.status.code(), Some(3), "{text}");
    assert!(
        text.contains("the environment is protected") && text.contains("2 in use"),
        "all of it at once: {text}"
    );
    let refused = backend.tfbackend("teardown", &[confirm, &["--unprotect"]].concat());
    assert_eq!(refused.status.code(), Some(3), "{}", said(&refused));
    assert!(
        !said(&refused).contains("is protected"),
        "{}",
        said(&refused)
    );
    assert_eq!(inventory(), before, "nothing was changed");
    crate::terraform::running::nothing_to_change(&backend, &[]);

    backend.terraform_ok(&["destroy", "-auto-approve"]);
    backend.terraform_ok(&["workspace", "select", "default"]);
    backend.terraform_ok(&["workspace", "delete", "blue"]);
    backend.terraform_ok(&["destroy", "-auto-approve"]);
    let done = backend.tfbackend("teardown", &[confirm, &["--unprotect"]].concat());
    let text = said(&done);
    assert_eq!(
        done.status.code(),
        Some(0),
        "{text}\n{}",
        backend.emulator.log()
    );
    assert_eq!(
        inventory(),
        "alias/acme-tfstate-prod\nbucket acme-tfstate-prod-logs-000000000000-eu-west-1\nkey \
         Enabled\n",
        "{text}"
    );
    for line in [
        "removed: ",
        "kept: log_bucket: ",
        "kept: key: ",
        "it costs $1.00 a month",
        "backup: ",
        "still points at",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(
        !backend.dir().join("backend.conf").exists() && !backend.dir().join("backend.tf").exists(),
        "{text}"
    );
    assert!(backend.dir().join("main.tf").exists());
    let archives = fs::read_dir(backend.dir().join(".tfbackend"))
        .expect("a folder")
        .flatten();
    let archives = archives
        .filter(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .starts_with("tfbackend-backup-prod-")
        })
        .count();
    assert_eq!(archives, 1, "what was empty is in the backup as well");

    let again = backend.tfbackend(
        "teardown",
        &[confirm, &["--unprotect", "--output", "json"]].concat(),
    );
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    let last: Value = serde_json::from_slice(&again.stdout).expect("one line");
    assert_eq!(
        (
            &last["event"],
            &last["deleted"],
            &last["kept"][0]["address"]
        ),
        (&"taken-down".into(), &0.into(), &"log_bucket".into())
    );

    // The audit logs go, and with them what they were encrypted with.
    let purged = backend.tfbackend(
        "teardown",
        &[confirm, &["--unprotect", "--purge-logs"]].concat(),
    );
    let text = said(&purged);
    assert_eq!(
        (purged.status.code(), &*inventory()),
        (Some(0), "key PendingDeletion\n"),
        "{text}\n{}",
        backend.emulator.log()
    );
    assert!(
        text.contains("cancel-key-deletion") && text.contains("enable-key"),
        "{text}"
    );

    let output = backend.bootstrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(
        inventory()
            .lines()
            .filter(|line| line.starts_with("key "))
            .collect::<Vec<_>>(),
        ["key Enabled", "key PendingDeletion"]
    );
    backend.terraform_ok(&["init", "-reconfigure", "-backend-config=backend.conf"]);
    apply(&backend, &[]);
}
