//! Which backend comes out, for each way to say it.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::terraform::read::FolderReadOptions;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }
    dir
}

fn of(files: &[(&str, &str)], given: &[&str]) -> Result<ConfiguredBackend, String> {
    let dir = folder(files);
    let read = WorkingDirectory::read(dir.path(), &FolderReadOptions::default()).expect("a folder");
    let given: Vec<String> = given.iter().map(|given| (*given).to_owned()).collect();
    let hidden = format!("{}/", dir.path().display());
    ConfiguredBackend::of_folder(&read, &given).map_err(|error| {
        error
            .to_string()
            .replace(&hidden, "")
            .replace(hidden.trim_end_matches('/'), ".")
    })
}

/// Bucket and key, and where each was said.
fn place(files: &[(&str, &str)], given: &[&str]) -> Vec<String> {
    let configured = of(files, given).expect("a backend");
    let shown = |said: &SourcedValue<String>| {
        let origin = said.origin.to_string();
        format!(
            "{} {}",
            said.value,
            origin.rsplit('/').next().expect("a name")
        )
    };
    [Some(&configured.bucket), configured.key.as_ref()]
        .into_iter()
        .flatten()
        .map(shown)
        .collect()
}

const STUB: (&str, &str) = (
    "backend.tf",
    "terraform {\n  backend \"s3\" {\n    key = \"block\"\n  }\n}\n",
);
const CONF: (&str, &str) = ("backend.conf", "bucket = \"conf\"\nkey = \"conf\"\n");
const SAVED: (&str, &str) = (
    ".terraform/terraform.tfstate",
    r#"{"backend": {"type": "s3", "config": {"bucket": "saved", "key": null}}}"#,
);

#[test]
fn what_init_stored_comes_first() {
    assert_eq!(
        place(&[STUB, CONF, SAVED], &[]),
        ["saved terraform.tfstate"]
    );
    assert_eq!(
        place(&[STUB, CONF], &[]),
        ["conf backend.conf:1", "conf backend.conf:2"]
    );
}

#[test]
fn each_given_value_goes_over_those_before_it() {
    let more = ("more.tfbackend", "bucket = \"more\"\nkey = null\n");
    assert_eq!(
        place(&[STUB, CONF, SAVED], &["backend.conf"]),
        ["conf backend.conf:1", "conf backend.conf:2"]
    );
    assert_eq!(
        place(&[STUB, more, CONF], &["backend.conf", "more.tfbackend"]),
        ["more more.tfbackend:1"]
    );
    assert_eq!(
        place(&[STUB, CONF], &["bucket=cli"]),
        ["cli -backend-config=bucket=…", "block backend.tf:3"]
    );
    assert_eq!(
        place(&[STUB, CONF], &["bucket=cli", "backend.conf"])[0],
        "conf backend.conf:1"
    );
}

#[test]
fn nothing_is_guessed() {
    let conf2 = ("prod.tfbackend", "bucket = \"prod\"\n");
    let gcs = ("backend.tf", "terraform {\n  backend \"gcs\" {\n  }\n}\n");
    let saved_gcs = (
        ".terraform/terraform.tfstate",
        r#"{"backend": {"type": "gc\u001b", "config": {}}}"#,
    );
    let refused =
        |files: &[(&str, &str)], given: &[&str]| of(files, given).expect_err("nothing is known");
    assert_eq!(
        refused(&[STUB, CONF, conf2], &[]),
        ". has 2 partial configurations (backend.conf, prod.tfbackend), and none is selected"
    );
    assert_eq!(
        refused(&[CONF], &[]),
        ". has no `backend \"s3\"` block, and was not initialized with such a backend"
    );
    assert_eq!(
        refused(&[gcs, CONF], &[]),
        "backend.tf:2 has `backend \"gcs\"`, not `backend \"s3\"`"
    );
    assert_eq!(
        refused(&[STUB, saved_gcs], &[]),
        ".terraform/terraform.tfstate has `backend \"gc\\u001b\"`, not `backend \"s3\"`"
    );
    assert_eq!(
        refused(&[STUB, ("two.tf", STUB.1)], &[]),
        "backend.tf:2 and two.tf:2 both configure a backend, and only one is allowed"
    );
    assert_eq!(refused(&[STUB], &[]), ". does not set `bucket`");
    assert_eq!(
        refused(&[STUB, CONF, (SAVED.0, "{")], &[]),
        ".terraform/terraform.tfstate is not valid JSON at line 1, column 1"
    );
    let broken = ("x.tf", "terraform { cloud {{");
    assert_eq!(
        refused(&[STUB, CONF, broken], &[]),
        "x.tf is not valid HCL at line 1, column 20"
    );
    assert_eq!(refused(&[STUB], &["none.conf"]), "none.conf does not exist");
    let variable = ("backend.conf", "bucket = \"b\"\nregion = var.region\n");
    assert_eq!(
        refused(&[STUB, variable], &[]),
        "backend.conf:2 does not set `region` to a literal value"
    );
    let secret = (
        "backend.conf",
        "bucket = \"b\"\nendpoints = { s3 = \"https://u:CANARY@x\" }\n",
    );
    assert_eq!(
        refused(&[STUB, secret], &[]),
        "backend.conf:2 does not set `endpoints.s3` to a literal value"
    );
}

#[test]
fn the_one_partial_configuration_counts_whatever_the_block_says() {
    let block = (
        "main.tf",
        "terraform {\n  backend \"s3\" {\n    bucket = \"block\"\n    key = \"block\"\n  }\n}\n",
    );
    let partial = (
        "prod.s3.tfbackend",
        "key = \"partial\"\ndynamodb_table = \"locks\"\n",
    );
    let other = ("dev.s3.tfbackend", "key = \"dev\"\n");
    assert_eq!(
        place(&[block, partial], &[]),
        ["block main.tf:3", "partial prod.s3.tfbackend:1"]
    );
    let table = of(&[block, partial], &[])
        .expect("a backend")
        .dynamodb_table
        .expect("a table");
    assert_eq!(table.value, "locks");
    assert_eq!(place(&[block], &[]), ["block main.tf:3", "block main.tf:4"]);
    assert_eq!(
        place(&[block, partial, other], &["/dev/null"]),
        ["block main.tf:3", "block main.tf:4"]
    );
    assert_eq!(
        place(&[block, partial], &["key=cli"])[1],
        "cli -backend-config=key=…",
        "what is given is all there is"
    );
    let several = ". has 2 partial configurations (dev.s3.tfbackend, prod.s3.tfbackend), and none \
                   is selected";
    assert_eq!(of(&[block, partial, other], &[]), Err(several.to_owned()));
    let unreadable = ("prod.s3.tfbackend", "key =\n");
    assert_eq!(
        of(&[block, unreadable], &[]),
        Err("prod.s3.tfbackend is not valid HCL at line 1, column 6".to_owned())
    );
}

#[test]
fn each_backend_that_a_folder_may_use_is_a_candidate() {
    let block = (
        "main.tf",
        "terraform {\n  backend \"s3\" {\n    bucket = \"block\"\n  }\n}\n",
    );
    let (dev, prod) = (
        ("dev.s3.tfbackend", "key = \"dev\"\n"),
        ("prod.s3.tfbackend", "bucket = \"prod\"\nkey = \"prod\"\n"),
    );
    let unreadable = ("test.s3.tfbackend", "key =\n");
    let of = |files: &[(&str, &str)]| {
        let folder = WorkingDirectory::read(folder(files).path(), &FolderReadOptions::default())
            .expect("a folder");
        let place = |one: &ConfiguredBackend| {
            format!(
                "{} {}",
                one.bucket.value,
                one.key.as_ref().map_or("-", |key| &key.value)
            )
        };
        ConfiguredBackend::candidates(&folder)
            .iter()
            .map(place)
            .collect::<Vec<_>>()
    };
    assert_eq!(of(&[block]), ["block -"]);
    assert_eq!(of(&[block, prod]), ["prod prod"]);
    assert_eq!(
        of(&[block, dev, prod, unreadable]),
        ["block dev", "prod prod", "block -"]
    );
    assert_eq!(
        of(&[STUB, dev, prod]),
        ["prod prod"],
        "nothing else has a bucket"
    );
    assert_eq!(
        of(&[block, dev, prod, SAVED]),
        ["saved -"],
        "what `init` stored is what is used"
    );
    assert_eq!(of(&[block, (SAVED.0, "{")]), ["block -"]);
    assert_eq!(of(&[dev, prod]), [] as [String; 0]);
}

#[test]
fn a_state_store_is_its_own_kind() {
    let store = (
        "main.tf",
        "terraform {\n  state_store \"aws_s3\" {\n    provider \"aws\" {}\n    bucket = \"b\"\n  \
         }\n}\n",
    );
    let stored = r#"{"version": 3, "terraform_version": "1.15.2", "state_store": {"type": "aws_s3", "hash": 7,
        "provider": {"version": "6.0.0", "source": "registry.terraform.io/hashicorp/aws", "config": {"region": null}, "hash": 5},
        "config": {"bucket": "b", "key": "k"}}}"#;
    let unsupported = "has `state_store \"aws_s3\"`: tfbackend does not support state stores, \
                       only `backend \"s3\"`";
    let refused =
        |files: &[(&str, &str)], given: &[&str]| of(files, given).expect_err("no s3 backend");
    assert_eq!(refused(&[store], &[]), format!("main.tf:2 {unsupported}"));
    assert_eq!(
        refused(&[store, CONF], &["backend.conf"]),
        format!("main.tf:2 {unsupported}")
    );
    for files in [
        &[STUB, CONF, (SAVED.0, stored)][..],
        &[(SAVED.0, stored)],
        &[store, (SAVED.0, stored)],
    ] {
        assert_eq!(
            refused(files, &[]),
            format!(".terraform/terraform.tfstate {unsupported}")
        );
    }
}

#[test]
fn texts_are_normalized_as_terraform_does() {
    let decomposed = "gro\u{308}\u{df}e/a.tfstate";
    let conf = format!("bucket = \"b\"\nkey = \"{decomposed}\"\n");
    let json = format!(r#"{{"bucket": "b", "key": "{decomposed}"}}"#);
    let block = format!(
        "terraform {{\n  backend \"s3\" {{\n    bucket = \"b\"\n    key = \
         <<EOT\n{decomposed}\nEOT\n  }}\n}}\n"
    );
    let key = |files: &[(&str, &str)], given: &[&str]| {
        of(files, given)
            .expect("a backend")
            .key
            .expect("a key")
            .value
    };
    assert_eq!(
        key(&[STUB, ("backend.conf", &conf)], &[]),
        "gr\u{f6}\u{df}e/a.tfstate"
    );
    assert_eq!(
        key(&[STUB, ("x.tfbackend.json", &json)], &[]),
        "gr\u{f6}\u{df}e/a.tfstate"
    );
    assert_eq!(
        key(&[("main.tf", &block)], &[]),
        "gr\u{f6}\u{df}e/a.tfstate\n"
    );
    assert_eq!(
        key(&[STUB], &["bucket=b", &format!("key={decomposed}")]),
        "gr\u{f6}\u{df}e/a.tfstate"
    );
}

#[test]
fn all_arguments_are_taken_over() {
    let conf = r#"
        bucket = "b"
        key = "a//k/./x"
        region = "eu-west-1"
        dynamodb_table = ""
        use_lockfile = "true"
        encrypt = true
        kms_key_id = "arn"
        workspace_key_prefix = "stages"
        profile = "p"
        endpoint = "http://old"
        sts_endpoint = "http://sts"
        endpoints = { s3 = "http://new", iam = null }
        force_path_style = true
        custom_ca_bundle = "/ca"
        allowed_account_ids = ["111122223333", 444455556666]
        assume_role = { role_arn = "r" }
        "#;
    let dir = folder(&[("x.conf", conf)]);
    let all = ConfiguredBackend::of_file(&dir.path().join("x.conf")).expect("a backend");
    let value = |said: &Option<SourcedValue<String>>| said.as_ref().map(|said| said.value.clone());
    assert_eq!(value(&all.region).as_deref(), Some("eu-west-1"));
    assert_eq!((value(&all.dynamodb_table), all.locks()), (None, true));
    assert_eq!(value(&all.kms_key_id).as_deref(), Some("arn"));
    assert_eq!(value(&all.profile).as_deref(), Some("p"));
    assert_eq!(value(&all.custom_ca_bundle).as_deref(), Some("/ca"));
    assert!(
        all.encrypt.as_ref().is_some_and(|said| said.value)
            && all.use_path_style.as_ref().is_some_and(|said| said.value)
    );
    assert_eq!(
        all.allowed_account_ids
            .as_ref()
            .map(|said| said.value.join(" "))
            .as_deref(),
        Some("111122223333 444455556666")
    );
    let endpoints: Vec<_> = all
        .endpoints
        .iter()
        .map(|(service, said)| format!("{service} {}", said.value))
        .collect();
    assert_eq!(endpoints, ["s3 http://new", "sts http://sts"]);
    assert_eq!(
        all.role.as_ref().map(|role| role.value.arn.as_str()),
        Some("r")
    );
    // As `path.Join`.
    assert_eq!(all.object_key("default").as_deref(), Some("a//k/./x"));
    assert_eq!(all.object_key("blue").as_deref(), Some("stages/blue/a/k/x"));
}

#[test]
fn flags_are_enough() {
    let all = ConfiguredBackend::of_flags("b", Some("k"), Some("t"));
    assert_eq!(all.bucket.origin.to_string(), "--bucket");
    assert_eq!(all.object_key("blue").as_deref(), Some("env:/blue/k"));
    assert!(all.locks());
    let bare = ConfiguredBackend::of_flags("b", None, None);
    assert!(!bare.locks() && bare.object_key("default").is_none());
}

#[test]
fn a_folder_without_terraform_is_none() {
    let is_terraform = |files: &[(&str, &str)]| {
        WorkingDirectory::read(folder(files).path(), &FolderReadOptions::default())
            .expect("a folder")
            .is_terraform()
    };
    assert!(
        !is_terraform(&[]) && !is_terraform(&[("README.md", ""), ("backend.conf", "server {}")])
    );
    for file in [
        STUB,
        ("x.tfbackend", ""),
        SAVED,
        (SAVED.0, "{"),
        ("terraform.tfstate", ""),
    ] {
        assert!(is_terraform(&[file]), "{file:?}");
    }
}

#[test]
fn a_folder_is_no_file_whatever_its_name() {
    let dir = folder(&[
        STUB,
        CONF,
        ("modules.tf/README", ""),
        ("x.tfbackend/README", ""),
        ("x.tfstate/README", ""),
    ]);
    let read = WorkingDirectory::read(dir.path(), &FolderReadOptions::default()).expect("a folder");
    assert_eq!(
        (
            read.configuration.unreadable.len(),
            read.partial.len(),
            read.local_states.len()
        ),
        (0, 1, 0)
    );
    assert!(
        WorkingDirectory::read(&dir.path().join("nowhere"), &FolderReadOptions::default()).is_err()
    );
}

#[test]
fn working_data_may_be_elsewhere() {
    let dir = folder(&[
        STUB,
        ("data/terraform.tfstate", SAVED.1),
        ("data/environment", "blue"),
    ]);
    for data_dir in [Path::new("data"), &dir.path().join("data")] {
        let look = FolderReadOptions {
            data_dir: Some(data_dir),
            ..FolderReadOptions::default()
        };
        let read = WorkingDirectory::read(dir.path(), &look).expect("a folder");
        assert_eq!(read.workspace.as_deref(), Ok("blue"));
        assert_eq!(
            ConfiguredBackend::of_folder(&read, &[])
                .expect("a backend")
                .bucket
                .value,
            "saved"
        );
    }
}
