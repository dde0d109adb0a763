//! The files against the backend as it is.

use insta::assert_snapshot;
use tfbackend::terraform::write::s3::S3BackendConfig;

use super::{CONF, SAVED_AT, cloud, found_with};

/// Nothing is stored yet, so that only the files are looked at.
fn with(conf: &str) -> String {
    found_with(&cloud(), &[("backend.conf", conf), (SAVED_AT, "")])
}

#[test]
fn each_argument_is_the_backends() {
    assert_eq!(with(CONF), "");
    assert_snapshot!(with(&CONF.replace("\"b\"", "\"b2\"")), @r#"
    files-agree-with-cloud backend.conf
      `bucket` is "b2" at backend.conf:1, but "b" in the backend
      -> this folder uses another state than the settings: if it is correct, set `bucket` "b2" in the settings; otherwise move the state with `terraform init -migrate-state`, never with -reconfigure
    "#);
    let all = CONF
        .replace("\"k\"", "\"k2\"")
        .replace("\"eu-west-1\"", "\"us-east-1\"")
        .replace("1234abcd-", "ffffffff-")
        .replace(
            "use_lockfile = true",
            "dynamodb_table = \"t\"\nworkspace_key_prefix = \"w\"",
        )
        .replace("[\"111122223333\"]", "[\"444455556666\"]");
    assert_snapshot!(with(&all), @r#"
    files-agree-with-cloud backend.conf
      `key` is "k2" at backend.conf:2, but "k" in the backend; `region` is "us-east-1" at backend.conf:3, but "eu-west-1" in the backend; `kms_key_id` is "arn:aws:kms:eu-west-1:111122223333:key/ffffffff-12ab-4cd3-9ef5-1234567890ab" at backend.conf:5, but "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-4cd3-9ef5-1234567890ab" in the backend; `dynamodb_table` is "t" at backend.conf:6, but nothing in the backend; `use_lockfile` is nothing at backend.conf, but true in the backend; `workspace_key_prefix` is "w" at backend.conf:7, but "env:" in the backend; `allowed_account_ids` at backend.conf:8 does not contain the account of the backend, 111122223333
      -> this folder uses another state than the settings: if it is correct, set `key` "k2", `workspace_key_prefix` "w" in the settings; otherwise move the state with `terraform init -migrate-state`, never with -reconfigure; in backend.conf, write `region = "eu-west-1"`, `kms_key_id = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-4cd3-9ef5-1234567890ab"`, `use_lockfile = true`, `allowed_account_ids = ["111122223333"]` and remove `dynamodb_table`; then `terraform init -reconfigure -backend-config=backend.conf`
    files-lock-not-deprecated backend.conf
      `dynamodb_table` at backend.conf:6 is the only lock
      -> write `use_lockfile = true` at backend.conf, then `terraform init -reconfigure -backend-config=backend.conf`; remove the table when all runs use lock files
    "#);
}

#[test]
fn what_may_be_said_elsewhere_may_be_left_out() {
    let conf = CONF
        .replace("region = \"eu-west-1\"\n", "")
        .replace("allowed_account_ids = [\"111122223333\"]\n", "");
    assert_eq!(with(&conf), "");
}

#[test]
fn a_lock_that_the_environment_has_is_used() {
    let table = S3BackendConfig {
        dynamodb_table: Some("t".into()),
        use_lockfile: false,
        ..cloud()
    };
    let conf = CONF.replace("use_lockfile = true\n", "");
    assert_snapshot!(found_with(&table, &[("backend.conf", &conf), (SAVED_AT, "")]), @r#"
    files-agree-with-cloud backend.conf
      `dynamodb_table` is nothing at backend.conf, but "t" in the backend
      -> in backend.conf, write `dynamodb_table = "t"`; then `terraform init -reconfigure -backend-config=backend.conf`
    files-lock-argument backend.conf
      neither `use_lockfile = true` nor `dynamodb_table` is set
      -> write `dynamodb_table = "t"` at backend.conf, then `terraform init -reconfigure -backend-config=backend.conf`
    "#);
    // As its settings ask for it.
    let conf = format!("{conf}dynamodb_table = \"t\"\n");
    assert_eq!(
        found_with(&table, &[("backend.conf", &conf), (SAVED_AT, "")]),
        ""
    );
}

#[test]
fn encryption_without_the_key_would_be_another() {
    let line = CONF
        .lines()
        .find(|line| line.starts_with("kms_key_id"))
        .expect("a key");
    assert_snapshot!(with(&CONF.replace(line, "")), @r#"
    files-encrypt-names-key backend.conf
      `encrypt` at backend.conf:4 is set without `kms_key_id`: states are written with AES256
      -> write `kms_key_id = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-4cd3-9ef5-1234567890ab"` at backend.conf, then `terraform init -reconfigure -backend-config=backend.conf`
    "#);
    // A key that is yet to be made has no ARN to compare with.
    let unknown = S3BackendConfig {
        kms_key_arn: Some("(known after apply: key)".into()),
        ..cloud()
    };
    assert_eq!(found_with(&unknown, &[(SAVED_AT, "")]), "");
    // Where the bucket has no key, there is none to name.
    let plain = S3BackendConfig {
        kms_key_arn: None,
        ..cloud()
    };
    assert_eq!(
        found_with(
            &plain,
            &[("backend.conf", &CONF.replace(line, "")), (SAVED_AT, "")]
        ),
        ""
    );
    assert_snapshot!(found_with(&plain, &[(SAVED_AT, "")]), @r#"
    files-agree-with-cloud backend.conf
      `kms_key_id` is "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-4cd3-9ef5-1234567890ab" at backend.conf:5, but nothing in the backend
      -> in backend.conf, remove `kms_key_id`; then `terraform init -reconfigure -backend-config=backend.conf`
    "#);
}

#[test]
fn files_of_other_environments_are_not_this_ones() {
    let dev = CONF.replace("\"b\"", "\"dev\"");
    assert_eq!(found_with(&cloud(), &[("dev.s3.tfbackend", &dev)]), "");
    let elsewhere = S3BackendConfig {
        bucket: "elsewhere".into(),
        ..cloud()
    };
    assert_snapshot!(found_with(&elsewhere, &[("dev.s3.tfbackend", &dev)]), @r#"
    files-agree-with-cloud .
      none of the files contains the bucket of the environment prod, "elsewhere"
      -> `tfbackend render --env prod`
    "#);
    // By the header, whatever the bucket.
    let owner = |env: &str| S3BackendConfig {
        env: env.into(),
        bucket: "same".into(),
        ..cloud()
    };
    let texts = ["dev", "prod"].map(|env| {
        let files = tfbackend::terraform::write::files(&owner(env), "backend.tf", "backend.conf")
            .expect("files");
        files[1].text.clone()
    });
    let files = [
        ("dev.s3.tfbackend", texts[0].as_str()),
        ("backend.conf", &texts[1]),
        (SAVED_AT, ""),
    ];
    assert_eq!(found_with(&owner("prod"), &files), "");
    let moved = S3BackendConfig {
        bucket: "moved".into(),
        ..owner("prod")
    };
    let found = found_with(&moved, &files);
    assert!(
        found.contains("files-agree-with-cloud backend.conf") && !found.contains("dev.s3"),
        "{found}"
    );
}

#[test]
fn another_backend_than_the_environments_is_named() {
    let gcs = "terraform {\n  backend \"gcs\" {\n  }\n}\n";
    assert_snapshot!(found_with(&cloud(), &[("backend.tf", gcs), ("backend.conf", ""), (SAVED_AT, "")]), @r#"
    files-backend-declared backend.tf
      backend.tf:2 has `backend "gcs"`, and the environment prod has an s3 backend
      -> write `backend "s3" {}` for `backend "gcs"` at backend.tf:2
    "#);
}

#[test]
fn what_init_stored_is_compared_where_the_files_leave_it_open() {
    let elsewhere = S3BackendConfig {
        key: "elsewhere".into(),
        ..cloud()
    };
    assert_snapshot!(found_with(&elsewhere, &[("backend.conf", "")]), @r#"
    files-agree-with-cloud .terraform/terraform.tfstate
      `key` is "k" at .terraform/terraform.tfstate, but "elsewhere" in the backend
      -> this folder uses another state than the settings: if it is correct, set `key` "k" in the settings; otherwise move the state with `terraform init -migrate-state`, never with -reconfigure
    "#);
}
