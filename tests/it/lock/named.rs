//! `lock migrate --drop-table`: no table is deleted that a folder here still leads to, with
//! Terraform as the judge.

use std::{fs, path::Path};

use super::{TABLE, lock, lock_ok};
use crate::{
    support::backend::{Backend, said},
    terraform::running::initialized,
};

/// Refused for each of these reasons, with the table still there.
#[track_caller]
fn refused(backend: &Backend, reasons: &[&str]) {
    let output = lock(backend, "migrate --to s3 --drop-table -y");
    let text = said(&output)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert_eq!(output.status.code(), Some(3), "{text}");
    for reason in reasons {
        assert!(text.contains(reason), "{reason}: {text}");
    }
    assert_eq!(
        backend.emulator.python("tests/it/lock/items.py", &[TABLE]),
        ""
    );
}

fn put(dir: &Path, name: &str, bytes: &[u8]) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, bytes).expect("written");
}

#[tokio::test]
async fn table_that_a_file_elsewhere_names_is_not_deleted() {
    let backend = initialized(&["--lock", "both"]).await;
    let init = |more: &[&str]| {
        let more = more
            .iter()
            .map(|file| format!("-backend-config={file}"))
            .collect::<Vec<_>>();
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        backend.terraform_ok(
            &[
                &["init", "-reconfigure", "-backend-config=backend.conf"],
                &more[..],
            ]
            .concat(),
        );
    };
    lock_ok(&backend, "migrate --to both -y");
    lock_ok(&backend, "migrate --to s3 -y");
    let table = format!("dynamodb_table = \"{TABLE}\"\n");
    let record = ".terraform/terraform.tfstate: `init` was run with `dynamodb_table` = \
                  \"acme-tfstate-prod-locks\"";

    // A partial configuration in a folder below, which is not edited without a word for it.
    put(backend.dir(), "config/prod.s3.tfbackend", table.as_bytes());
    init(&["config/prod.s3.tfbackend"]);
    refused(
        &backend,
        &[
            "config/prod.s3.tfbackend cannot be edited: it names the table",
            "--all-files",
            record,
        ],
    );
    fs::remove_dir_all(backend.dir().join("config")).expect("removed");
    // One of a name that tells nothing: what `init` stored does.
    put(backend.dir(), "lock.txt", table.as_bytes());
    init(&["lock.txt"]);
    refused(&backend, &[record, "--backend-config FILE"]);
    // A file that names another table, or none, does not say the same.
    for other in ["\"others\"", "null"] {
        put(
            backend.dir(),
            "prod.s3.tfbackend",
            format!("dynamodb_table = {other}\n").as_bytes(),
        );
        refused(&backend, &[record]);
    }
    fs::remove_file(backend.dir().join("prod.s3.tfbackend")).expect("removed");
    // JSON beside the block, without the name of the bucket.
    fs::remove_file(backend.dir().join("lock.txt")).expect("removed");
    let json = format!("{{\"dynamodb_table\": \"{TABLE}\"}}");
    put(backend.dir(), "prod.tfbackend.json", json.as_bytes());
    init(&["prod.tfbackend.json"]);
    refused(
        &backend,
        &["prod.tfbackend.json cannot be edited: it is JSON: remove `dynamodb_table`"],
    );
    fs::remove_file(backend.dir().join("prod.tfbackend.json")).expect("removed");
    // One that cannot be read; to Terraform it is a comment.
    let latin = [b"# f\xfcr alle\n", table.as_bytes()].concat();
    put(backend.dir(), "prod.s3.tfbackend", &latin);
    init(&["prod.s3.tfbackend"]);
    refused(
        &backend,
        &["prod.s3.tfbackend cannot be edited: is not valid UTF-8"],
    );
    fs::remove_file(backend.dir().join("prod.s3.tfbackend")).expect("removed");

    // The files are right by now, and the folder still goes by what it was initialized with.
    refused(&backend, &[record, "terraform init -reconfigure"]);
    init(&[]);
    lock_ok(&backend, "migrate --to s3 --drop-table -y");
    assert_eq!(
        backend.emulator.python("tests/it/lock/items.py", &[TABLE]),
        "no table\n"
    );
    backend.terraform_ok(&["apply", "-auto-approve"]);
}
