//! `lock migrate`: the whole way from the table to lock files and back, with Terraform at work at each stage.

use std::{fs, thread, time::Duration};

use super::{ENV, TABLE, json, lock, lock_ok, locks};
use crate::{
    support::backend::{Backend, bootstrap, said},
    terraform::running::{Holder, initialized, nothing_to_change},
};

/// A folder of somebody's, below the one of the backend.
const OTHER: &str = r#"terraform {
  backend "s3" {
    bucket         = "BUCKET"   # ours
    key            = "other/terraform.tfstate"
    region         = "eu-west-1"
    # ask ops first
    dynamodb_table = "acme-tfstate-prod-locks" // old
  }
}
"#;

#[track_caller]
fn refused(backend: &Backend, line: &str, reasons: &[&str]) {
    let before = fs::read_to_string(backend.dir().join("backend.conf")).expect("a file");
    let output = lock(backend, line);
    let text = said(&output).replace("\n    ", " ");
    assert_eq!(output.status.code(), Some(3), "{line}: {text}");
    for reason in reasons {
        assert!(text.contains(reason), "{line}: {reason}: {text}");
    }
    assert_eq!(fs::read_to_string(backend.dir().join("backend.conf")).expect("a file"), before, "nothing was changed");
}

fn init(backend: &Backend) {
    backend.terraform_ok(&["init", "-reconfigure", "-backend-config=backend.conf"]);
}

/// Each has another content than before.
fn write(backend: &Backend, workspace: &str, blocks: u32, more: &[&str]) {
    backend.terraform_ok(&["workspace", "select", workspace]);
    let blocks = format!("blocks={blocks}");
    backend.terraform_ok(&[&["apply", "-auto-approve", "-var", &blocks], more].concat());
    backend.terraform_ok(&["workspace", "select", "default"]);
}

fn items(backend: &Backend, stale: &[&str]) -> String {
    backend.emulator.python("tests/it/lock/items.py", &[&[TABLE], stale].concat())
}

fn argument(backend: &Backend, name: &str) -> bool {
    let conf = fs::read_to_string(backend.dir().join("backend.conf")).expect("a file");
    conf.lines().any(|line| line.split('=').next().is_some_and(|said| said.trim() == name))
}

#[tokio::test]
async fn from_the_table_to_lock_files_and_back() {
    let backend = initialized(&["--lock", "dynamodb"]).await;
    write(&backend, "default", 1, &[]);
    backend.terraform_ok(&["workspace", "new", "blue"]);
    write(&backend, "blue", 1, &[]);
    let bucket = backend.conf("bucket");
    fs::create_dir(backend.dir().join("other")).expect("a folder");
    let other = backend.dir().join("other/backend.tf");
    fs::write(&other, OTHER.replace("BUCKET", &bucket)).expect("written");

    // Whoever runs Terraform may not delete lock files yet.
    let of_env = ENV.replace("--lock both", "--lock dynamodb");
    refused(
        &backend,
        &format!("migrate --to both {of_env} -y"),
        &["policy acme-tfstate-prod-runner-eu-west-1 does not allow s3:DeleteObject"],
    );
    let role = "--role-arn arn:aws:iam::000000000000:user/terraform";
    refused(&backend, &format!("migrate --to both {role} -y"), &["user/terraform does not allow s3:DeleteObject on lock files"]);
    let made = bootstrap(
        &backend.emulator,
        backend.dir(),
        &["--lock", "both", "--attach-to", "user/terraform", "--out", "made", "--use-existing-state"],
    );
    assert!(made.status.success(), "{}", said(&made));
    fs::remove_dir_all(backend.dir().join("made")).expect("removed");

    // Stage by stage, and never past a run.
    refused(&backend, "migrate --to s3 -y", &["lock files are not in use beside the table yet", "migrate --to both"]);
    refused(&backend, "migrate --to both --min-version 1.9.8 -y", &["lock files are known from 1.10 on"]);
    let mut holder = Holder::start(&backend);
    refused(&backend, "migrate --to both -y", &["terraform.tfstate is locked"]);
    assert!(holder.finish().status.success());
    write(&backend, "default", 1, &[]);
    refused(&backend, "migrate --to both", &["nobody to ask", "--auto-approve"]);
    let check = json(&lock(&backend, "migrate --check --output json"));
    assert_eq!(
        (&check["now"], &check["since"], &check["to"], &check["ready"]),
        (&"dynamodb".into(), &().into(), &"both".into(), &true.into())
    );

    let done = lock(&backend, &format!("migrate --to both --all-files {role} -y"));
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    assert!(said(&done).contains("terraform init -reconfigure -backend-config=backend.conf"), "{}", said(&done));
    assert!(said(&done).contains("terraform -chdir=other init -reconfigure"), "{}", said(&done));
    let edited = OTHER.replace("BUCKET", &bucket).replace("// old\n", "// old\n    use_lockfile   = true\n");
    assert_eq!(fs::read_to_string(&other).expect("a file"), edited, "one line, and no other");
    assert!(argument(&backend, "use_lockfile") && argument(&backend, "dynamodb_table"));
    thread::sleep(Duration::from_millis(1_100));
    init(&backend);
    nothing_to_change(&backend, &[]);
    for left in ["hold", "hold.started"] {
        fs::remove_file(backend.dir().join(left)).expect("of the first holder");
    }
    let mut holder = Holder::start(&backend);
    assert_eq!(locks(&backend, "")[0]["held_in"], serde_json::json!(["file", "table"]));
    assert!(holder.finish().status.success());
    assert!(lock_ok(&backend, "migrate --to both -y").is_empty(), "twice is once");

    // Every state, written since, under a lock file.
    let no = lock(&backend, "migrate --to s3 --check");
    assert_eq!(no.status.code(), Some(2), "{}", said(&no));
    assert!(said(&no).contains("Now: both, since 20") && said(&no).contains("2 states, 1 written since"), "{}", said(&no));
    refused(&backend, "migrate --to s3 -y", &["env:/blue/terraform.tfstate was last written at"]);
    write(&backend, "blue", 2, &["-lock=false"]);
    refused(&backend, "migrate --to s3 -y", &["env:/blue/terraform.tfstate was written since", "never under a lock file"]);
    write(&backend, "blue", 3, &[]);
    assert_eq!(items(&backend, &[]).lines().count(), 2, "a digest of each state");
    lock_ok(&backend, "migrate --to s3 --all-files -y");
    assert!(argument(&backend, "use_lockfile") && !argument(&backend, "dynamodb_table"));
    let edited = edited.replace("    dynamodb_table = \"acme-tfstate-prod-locks\" // old\n", "");
    assert_eq!(fs::read_to_string(&other).expect("a file"), edited, "and the comment above it stays");
    assert_eq!(items(&backend, &[]), "", "no digest is left to go stale");
    init(&backend);
    write(&backend, "default", 4, &[]);

    // Back again, with a digest that is not that of the state.
    let stale = format!("{bucket}/terraform.tfstate");
    assert_eq!(items(&backend, &[&stale]), format!("{stale}-md5\n"));
    refused(&backend, &format!("migrate --to dynamodb --table {TABLE} -y"), &["would not see that", "migrate --to both"]);
    lock_ok(&backend, &format!("migrate --to both --table {TABLE} --all-files -y"));
    assert_eq!(items(&backend, &[]), "", "the digest would have kept Terraform from reading the state");
    init(&backend);
    write(&backend, "default", 5, &[]);
    lock_ok(&backend, "migrate --to dynamodb --all-files -y");
    assert!(!argument(&backend, "use_lockfile") && argument(&backend, "dynamodb_table"));
    init(&backend);
    write(&backend, "default", 6, &[]);

    // And for good: the table goes with its protection, and Terraform does not miss it.
    lock_ok(&backend, "migrate --to both --all-files -y");
    thread::sleep(Duration::from_millis(1_100));
    init(&backend);
    write(&backend, "default", 7, &[]);
    write(&backend, "blue", 7, &[]);
    backend.emulator.python("tests/it/lock/locks.py", &[&bucket, TABLE, "foreign", "their.tfstate", "{}"]);
    refused(&backend, "migrate --to s3 --drop-table --all-files -y", &["the table has 1 other items"]);
    backend.emulator.python("tests/it/lock/unlock.py", &[TABLE, "other-bucket/their.tfstate"]);
    lock_ok(&backend, "migrate --to s3 --drop-table --all-files -y");
    assert_eq!(items(&backend, &[]), "no table\n");
    init(&backend);
    write(&backend, "default", 8, &[]);
    nothing_to_change(&backend, &["-var", "blocks=8"]);
    assert!(lock_ok(&backend, "migrate --check").contains("Now: s3: only lock files lock"));
}
