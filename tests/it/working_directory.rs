//! A folder of Terraform's: what is read in it, and what `verify` has to say of it.

use std::{fs, path::Path};

use tempfile::TempDir;
use tfbackend::{
    checks::{CheckResult, Verdict, files},
    terraform::{
        read::{FolderReadOptions, WorkingDirectory},
        write::s3::S3BackendConfig,
    },
};

mod cloud;
mod corpus;
mod findings;
mod left_behind;
mod hostile;
mod conflicts;
mod next;

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-4cd3-9ef5-1234567890ab";
const STUB: &str = "terraform {\n  backend \"s3\" {\n    encrypt = true\n  }\n}\n";
const CONF: &str = r#"bucket = "b"
key = "k"
region = "eu-west-1"
encrypt = true
kms_key_id = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-4cd3-9ef5-1234567890ab"
use_lockfile = true
allowed_account_ids = ["111122223333"]
"#;
const SAVED: &str = r#"{"version": 3, "backend": {"type": "s3", "hash": 1, "config": {
  "bucket": "b", "key": "k", "region": "eu-west-1", "encrypt": true, "acl": null,
  "kms_key_id": "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-4cd3-9ef5-1234567890ab",
  "use_lockfile": true, "allowed_account_ids": ["111122223333"]
}}}"#;
const SAVED_AT: &str = ".terraform/terraform.tfstate";

/// A folder where all is as it should be, and some of its files replaced; empty text removes one.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join(".git")).expect("made");
    let good = [
        ("backend.tf", STUB),
        ("backend.conf", CONF),
        (SAVED_AT, SAVED),
        (".gitignore", ".terraform/\n*.tfstate\n*.tfstate.*\n"),
    ];
    for (name, text) in good.iter().chain(files) {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        match *text {
            "" => fs::remove_file(path).expect("removed"),
            text => fs::write(path, text).expect("written"),
        }
    }
    dir
}

fn checked(dir: &Path, cloud: Option<&S3BackendConfig>) -> Vec<CheckResult> {
    let folder = WorkingDirectory::read(dir, &FolderReadOptions::default()).expect("a folder");
    files::check(&folder, cloud, true)
}

/// What does not hold, as a person reads it.
fn said(dir: &Path, checked: &[CheckResult]) -> String {
    let mut text = String::new();
    for CheckResult {
        check,
        place,
        verdict,
    } in checked
    {
        let (found, remediation) = match verdict {
            Verdict::Holds | Verdict::Untold { .. } | Verdict::FailsWith { .. } => continue,
            Verdict::Fails { found, remediation } => (found.clone(), remediation.clone()),
            Verdict::Unreadable { error } => (format!("? {error}"), String::new()),
        };
        let line = format!("{} {}\n  {found}\n", check.id, place.shown());
        text.push_str(&line);
        if !remediation.is_empty() {
            text.push_str(&format!("  -> {remediation}\n"));
        }
    }
    text.replace(&format!("{}/", dir.display()), "")
        .replace(&dir.display().to_string(), ".")
}

/// What is found in a folder with these files changed.
fn found(files: &[(&str, &str)]) -> String {
    let dir = folder(files);
    said(dir.path(), &checked(dir.path(), None))
}

fn cloud() -> S3BackendConfig {
    S3BackendConfig {
        skips_account: false,
        profile: None,
        role: None,
        project: "acme".into(),
        env: "prod".into(),
        bucket: "b".into(),
        key: "k".into(),
        region: "eu-west-1".into(),
        account: "111122223333".into(),
        kms_key_arn: Some(KEY.into()),
        dynamodb_table: None,
        use_lockfile: true,
        workspace_key_prefix: "env:".into(),
        emulator: None,
    }
}

/// The same, set against an environment.
fn found_with(cloud: &S3BackendConfig, files: &[(&str, &str)]) -> String {
    let dir = folder(files);
    said(dir.path(), &checked(dir.path(), Some(cloud)))
}
