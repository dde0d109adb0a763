//! Each check where it holds, and where it does not: that one finding and no other.

use std::{collections::BTreeSet, fs};

use insta::assert_snapshot;
use tfbackend::checks::files::catalogue::ALL;

use super::{CONF, SAVED, SAVED_AT, STUB, checked, cloud, folder, found, found_with};

/// The partial configuration with one line replaced.
fn conf(from: &str, to: &str) -> String {
    assert!(CONF.contains(from), "{from}");
    CONF.replace(from, to)
}

/// In both places, so that nothing else is to be said.
fn both(name: &str, to_hcl: &str, to_json: &str) -> [(&'static str, String); 2] {
    let line = CONF
        .lines()
        .find(|line| line.starts_with(name))
        .expect(name);
    let start = SAVED.find(&format!("\"{name}\":")).expect(name);
    let end = start + SAVED[start..].find(['\n', ',']).expect("an end");
    let saved = format!("{}{to_json}{}", &SAVED[..start], &SAVED[end..]);
    [
        ("backend.conf", CONF.replace(line, to_hcl)),
        (SAVED_AT, saved),
    ]
}

fn found_in_both([conf, saved]: [(&str, String); 2]) -> String {
    found(&[(conf.0, &conf.1), (saved.0, &saved.1)])
}

#[test]
fn where_all_is_well_every_check_holds() {
    let dir = folder(&[]);
    let all = checked(dir.path(), Some(&cloud()));
    assert!(all.iter().all(|checked| !checked.is_finding()), "{all:?}");
    let carried_out: BTreeSet<&str> = all.iter().map(|checked| checked.check.id).collect();
    // Only where a table locks.
    let expected: BTreeSet<&str> = ALL
        .iter()
        .map(|check| check.id)
        .filter(|id| *id != "files-lock-not-deprecated")
        .collect();
    assert_eq!(carried_out, expected);
    assert!(
        checked(dir.path(), None)
            .iter()
            .all(|checked| !checked.is_finding())
    );
}

#[test]
fn a_folder_without_terraform_has_no_checks() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join(".git")).expect("made");
    fs::write(dir.path().join("backend.conf"), "server {\n}\n").expect("written");
    assert_eq!(checked(dir.path(), Some(&cloud())), []);
}

#[test]
fn without_a_stub_the_state_stays_local() {
    assert_snapshot!(found(&[("backend.tf", "locals {\n}\n"), (SAVED_AT, "")]), @r#"
    files-backend-declared backend.conf
      no file of the folder has a `backend "s3"` block, so that Terraform stays local
      -> write `terraform { backend "s3" {} }`, the block on a line of its own, to a `.tf` file, then `terraform init -migrate-state -backend-config=backend.conf`
    "#);
    let local = (
        "terraform.tfstate",
        r#"{"version": 4, "resources": [{}], "outputs": {}}"#,
    );
    assert_snapshot!(found(&[("backend.tf", ""), ("main.tf", "locals {\n}\n"), (SAVED_AT, ""), local]), @r#"
    files-backend-declared backend.conf
      no file of the folder has a `backend "s3"` block, so that Terraform stays local: the state is in terraform.tfstate
      -> write `terraform { backend "s3" {} }`, the block on a line of its own, to `backend.tf`, then `terraform init -migrate-state -backend-config=backend.conf`
    files-no-local-state terraform.tfstate
      it contains 1 resource and 0 outputs in plain text
      -> `tfbackend migrate --from . --to backend.conf`
    "#);
    assert_snapshot!(found(&[("backend.tf", "terraform {\n  backend \"local\" {\n  }\n}\n"), ("backend.conf", ""), ("prod.s3.tfbackend", CONF), (SAVED_AT, "")]), @r#"
    files-backend-declared prod.s3.tfbackend
      backend.tf:2 has `backend "local"`, so that the partial configuration applies to another backend, or to none
      -> write `backend "s3" {}` for `backend "local"` at backend.tf:2, then `terraform init -migrate-state -backend-config=prod.s3.tfbackend`
    "#);
    // Without any configuration, the files may belong to another folder.
    assert_snapshot!(found(&[("backend.tf", ""), (SAVED_AT, ""), ("prod.s3.tfbackend", CONF), ("backend.conf", "")]), @"");
}

#[test]
fn a_block_that_is_gone_after_init_is_missed() {
    assert_snapshot!(found(&[("backend.tf", "locals {\n}\n"), ("backend.conf", "")]), @"
    files-backend-declared .terraform/terraform.tfstate
      it was initialized with an s3 backend, and no file of the folder has the block now: the next `init` changes to a local state in the folder
      -> restore the block; `terraform plan` shows whether it is the same
    ");
}

#[test]
fn the_partial_configuration_of_another_backend_is_left_alone() {
    let gcs = "terraform {\n  backend \"gcs\" {\n  }\n}\n";
    assert_eq!(
        found(&[
            ("backend.tf", gcs),
            ("backend.conf", "bucket = \"b\"\nprefix = \"p\"\n"),
            (SAVED_AT, "")
        ]),
        ""
    );
}

#[test]
fn a_second_block_is_one_too_many() {
    assert_snapshot!(found(&[("two.tf", "terraform {\n  cloud {\n  }\n}\n")]), @r#"
    files-one-backend .
      backend.tf:2 has `backend "s3"`, and two.tf:2 has `cloud`
      -> keep one of them, and remove the block at two.tf:2
    "#);
    // An override is none.
    assert_eq!(found(&[("two_override.tf", STUB)]), "");
}

#[test]
fn what_cannot_be_read_is_never_said_to_hold() {
    assert_snapshot!(found(&[("main.tf", "terraform { backend {{")]), @"
    files-readable main.tf
      ? the file is not valid HCL at line 1, column 22
    files-one-backend .
      ? a configuration file that may have a block cannot be parsed
    files-backend-declared backend.conf
      ? a configuration file that may have the block cannot be parsed
    ");
    assert_snapshot!(found(&[("backend.conf", "bucket = \n")]), @"
    files-readable backend.conf
      ? the file is not valid HCL at line 1, column 10
    ");
    assert_snapshot!(found(&[(SAVED_AT, "{")]), @"
    files-readable .terraform/terraform.tfstate
      ? the file is not valid JSON at line 1, column 1
    ");
    // What is in it goes over the block, which alone would be fine.
    let block = STUB.replace("encrypt = true", CONF);
    let dir = folder(&[
        ("backend.tf", &block),
        ("backend.conf", "bucket = \n"),
        (SAVED_AT, ""),
    ]);
    let all = checked(dir.path(), Some(&cloud()));
    assert!(
        !all.iter()
            .any(|checked| ["files-lock-argument", "files-agree-with-cloud"]
                .contains(&checked.check.id)),
        "{all:?}"
    );
    // The block that is missing may be in the file that makes no sense.
    assert_snapshot!(found(&[("backend.tf", "terraform {\n backend \"s3\" {\n"), (SAVED_AT, "")]), @"
    files-readable backend.tf
      ? the file is not valid HCL at line 2, column 15
    files-one-backend .
      ? a configuration file that may have a block cannot be parsed
    files-backend-declared backend.conf
      ? a configuration file that may have the block cannot be parsed
    ");
}

#[test]
fn state_stores_are_said_to_be_unsupported() {
    let store = "terraform {\n  state_store \"aws_s3\" {\n    provider \"aws\" {}\n  }\n}\n";
    let saved = r#"{"backend": null, "state_store": {"type": "aws_s3", "provider": {"config": {}}, "config": {"bucket": "b"}, "hash": 1}}"#;
    let partial = [
        ("backend.tf", store),
        ("backend.conf", ""),
        ("prod.s3.tfbackend", CONF),
        (SAVED_AT, saved),
    ];
    assert_snapshot!(found(&partial), @r#"
    files-backend-declared prod.s3.tfbackend
      backend.tf:2 has `state_store "aws_s3"`, so that the partial configuration applies to another backend, or to none; tfbackend does not support state stores, only `backend "s3"`
      -> write `backend "s3" {}` for `state_store "aws_s3"` at backend.tf:2, then `terraform init -migrate-state -backend-config=prod.s3.tfbackend`
    files-initialized-as-written .terraform/terraform.tfstate
      it was initialized with `state_store "aws_s3"`; tfbackend does not support state stores, only `backend "s3"`
      -> `terraform init -reconfigure -backend-config=prod.s3.tfbackend`, or with `-migrate-state` instead of `-reconfigure` to migrate its state
    "#);
    assert_snapshot!(found_with(&cloud(), &[("backend.tf", store), ("backend.conf", ""), (SAVED_AT, saved)]), @r#"
    files-backend-declared backend.tf
      backend.tf:2 has `state_store "aws_s3"`, and the environment prod has an s3 backend; tfbackend does not support state stores, only `backend "s3"`
      -> write `backend "s3" {}` for `state_store "aws_s3"` at backend.tf:2
    "#);
    assert_snapshot!(found(&[(SAVED_AT, saved)]), @r#"
    files-initialized-as-written .terraform/terraform.tfstate
      it was initialized with `state_store "aws_s3"`; tfbackend does not support state stores, only `backend "s3"`
      -> `terraform init -reconfigure -backend-config=backend.conf`, or with `-migrate-state` instead of `-reconfigure` to migrate its state
    "#);
}

#[test]
fn block_and_partial_configuration_agree() {
    let block = STUB.replace(
        "encrypt = true",
        "bucket = \"other\"\n    encrypt = \"true\"\n    use_lockfile = false",
    );
    assert_snapshot!(found(&[("backend.tf", &block)]), @r#"
    files-block-agrees backend.conf
      `bucket` is "other" at backend.tf:3, and "b" at backend.conf:1; `use_lockfile` is false at backend.tf:5, and true at backend.conf:6
      -> remove `bucket` at backend.tf:3; remove `use_lockfile` at backend.tf:5
    "#);
}

#[test]
fn init_stored_what_the_files_say() {
    assert_snapshot!(found(&[("backend.conf", &conf("\"k\"", "\"k2\""))]), @r#"
    files-initialized-as-written .terraform/terraform.tfstate
      `key` is "k2" at backend.conf:2, and was "k" at the last `init`
      -> `terraform init -reconfigure -backend-config=backend.conf`
    "#);
    assert_snapshot!(found(&[("backend.conf", &format!("{CONF}max_retries = 3\n"))]), @"
    files-initialized-as-written .terraform/terraform.tfstate
      `max_retries` is 3 at backend.conf:8, and was nothing at the last `init`
      -> `terraform init -reconfigure -backend-config=backend.conf`
    ");
    let saved = SAVED.replace(
        "\"acl\": null",
        "\"workspace_key_prefix\": \"x\", \"profile\": \"mine\"",
    );
    assert_snapshot!(found(&[(SAVED_AT, &saved)]), @r#"
    files-initialized-as-written .terraform/terraform.tfstate
      `workspace_key_prefix` is nothing at backend.conf, and was "x" at the last `init`
      -> `terraform init -reconfigure -backend-config=backend.conf`
    "#);
    assert_snapshot!(found(&[(SAVED_AT, r#"{"backend": {"type": "local", "config": {}}}"#)]), @r#"
    files-initialized-as-written .terraform/terraform.tfstate
      it was initialized with `backend "local"`
      -> `terraform init -reconfigure -backend-config=backend.conf`, or with `-migrate-state` instead of `-reconfigure` to migrate its state
    "#);
    // As Terraform writes it: converted, in another order, without what was given by the command
    // line.
    let saved = SAVED.replace(
        "\"eu-west-1\"",
        "\"eu-west-1\", \"max_retries\": 3, \"profile\": \"mine\"",
    );
    let conf = CONF.replace(
        "use_lockfile = true",
        "use_lockfile = \"true\"\nmax_retries = \"3\"\ndynamodb_table = \"\"\nacl = null",
    );
    assert_eq!(found(&[("backend.conf", &conf), (SAVED_AT, &saved)]), "");
}

#[test]
fn with_several_partial_configurations_init_used_one_of_them() {
    let dev = conf("\"b\"", "\"dev\"");
    assert_eq!(found(&[("dev.s3.tfbackend", &dev)]), "");
    assert_snapshot!(found(&[("dev.s3.tfbackend", &dev), (SAVED_AT, &SAVED.replace("\"k\"", "\"elsewhere\""))]), @r#"
    files-initialized-as-written .terraform/terraform.tfstate
      it was initialized with `backend "s3"`, bucket "b", key "elsewhere", which none of the 2 partial configurations contains
      -> `terraform init -reconfigure -backend-config=FILE` with the intended file
    "#);
}

#[test]
fn an_argument_asks_for_a_lock() {
    let removed = |name| found_in_both(both(name, "", "\"acl\": null"));
    assert_snapshot!(removed("use_lockfile"), @"
    files-lock-argument backend.conf
      neither `use_lockfile = true` nor `dynamodb_table` is set
      -> write `use_lockfile = true` at backend.conf, then `terraform init -reconfigure -backend-config=backend.conf`
    ");
    let table = both(
        "use_lockfile",
        "dynamodb_table = \"t\"",
        "\"dynamodb_table\": \"t\"",
    );
    assert_snapshot!(found_in_both(table.clone()), @"
    files-lock-not-deprecated backend.conf
      `dynamodb_table` at backend.conf:6 is the only lock
      -> write `use_lockfile = true` at backend.conf, then `terraform init -reconfigure -backend-config=backend.conf`; remove the table when all runs use lock files
    ");
    // OpenTofu keeps it, and a lock file beside it is what to go over to.
    assert_eq!(
        found(&[
            (table[0].0, &table[0].1),
            (table[1].0, &table[1].1),
            ("x.tofu", "locals {\n}\n")
        ]),
        ""
    );
    let both = both(
        "use_lockfile",
        "dynamodb_table = \"t\"\nuse_lockfile = true",
        "\"dynamodb_table\": \"t\", \"use_lockfile\": true",
    );
    assert_eq!(found_in_both(both), "");
}

#[test]
fn key_and_encryption_come_together() {
    let stub = ("backend.tf", "terraform {\n  backend \"s3\" {\n  }\n}\n");
    let [conf, saved] = both("encrypt", "", "\"acl\": null");
    assert_snapshot!(found(&[stub, (conf.0, &conf.1), (saved.0, &saved.1)]), @"
    files-key-is-used backend.conf
      `kms_key_id` at backend.conf:5 is ignored: `encrypt` is not true
      -> write `encrypt = true` at backend.conf, then `terraform init -reconfigure -backend-config=backend.conf`
    ");
    let alias = "arn:aws:kms:eu-west-1:111122223333:alias/x";
    let alias = both(
        "kms_key_id",
        &format!("kms_key_id = \"{alias}\""),
        &format!("\"kms_key_id\": \"{alias}\""),
    );
    assert_snapshot!(found_in_both(alias), @r#"
    files-key-arn backend.conf
      `kms_key_id` at backend.conf:5 is "arn:aws:kms:eu-west-1:111122223333:alias/x"
      -> write `kms_key_id = ARN` at backend.conf:5, then `terraform init -reconfigure -backend-config=backend.conf`, the ARN that `aws kms describe-key --key-id ID` returns
    "#);
    // Without a key, it is the bucket's own encryption that counts: nothing is known of it here.
    assert_eq!(found_in_both(both("kms_key_id", "", "\"acl\": null")), "");
}

#[test]
fn what_init_stored_stands_alone_where_the_rest_was_given_by_hand() {
    let saved = SAVED.replace("\"use_lockfile\": true, ", "");
    assert_snapshot!(found(&[("backend.conf", ""), (SAVED_AT, &saved)]), @"
    files-lock-argument .terraform/terraform.tfstate
      neither `use_lockfile = true` nor `dynamodb_table` is set
      -> `terraform init -reconfigure` with `use_lockfile = true` in its configuration
    ");
    assert_eq!(found(&[("backend.conf", "")]), "");
}

#[test]
fn credentials_are_found_in_every_file_and_never_shown() {
    let secret = "secret_key = \"CANARY\"\nassume_role_with_web_identity = { role_arn = \"r\", \
                  web_identity_token = \"CANARY\" }\n";
    let stub = STUB.replace(
        "encrypt = true",
        "encrypt = true\n    access_key = \"CANARY\"",
    );
    let saved = SAVED.replace(
        "\"acl\": null",
        r#""acl": null, "access_key": "CANARY", "secret_key": "CANARY",
        "assume_role_with_web_identity": {"role_arn": "r", "web_identity_token": "CANARY"}"#,
    );
    let found = found(&[
        ("backend.tf", &stub),
        ("backend.conf", &format!("{CONF}{secret}")),
        (SAVED_AT, &saved),
    ]);
    assert!(!found.contains("CANARY"), "{found}");
    assert_snapshot!(found, @"
    files-no-credentials backend.tf
      credentials in `access_key` (backend.tf:4)
      -> rotate the credential, because others may have read it; remove the argument here and from the history of the repository, and use environment variables or a profile
    files-no-credentials backend.conf
      credentials in `secret_key` (backend.conf:8), `assume_role_with_web_identity.web_identity_token` (backend.conf:9)
      -> rotate the credential, because others may have read it; remove the argument here and from the history of the repository, and use environment variables or a profile
    files-no-credentials .terraform/terraform.tfstate
      credentials in `access_key` (.terraform/terraform.tfstate), `secret_key` (.terraform/terraform.tfstate), `assume_role_with_web_identity.web_identity_token` (.terraform/terraform.tfstate)
      -> rotate the credential, because others may have read it; remove it from the configuration for `init`, then `terraform init -reconfigure`
    ");
}

#[test]
fn the_token_of_hcp_terraform_is_a_credential_too() {
    let cloud = "terraform {\n  cloud {\n    token = \"CANARY\"\n  }\n}\n";
    assert_snapshot!(found(&[("backend.tf", cloud), ("backend.conf", ""), (SAVED_AT, "")]), @"
    files-no-credentials backend.tf
      credentials in `token` (backend.tf:3)
      -> rotate the credential, because others may have read it; remove the argument here and from the history of the repository, and use environment variables or a profile
    ");
}

#[test]
fn arguments_are_known_and_not_deprecated() {
    let more = "force_path_style = true\nrole_arn = \"r\"\nbuckte = \"b\"\nendpoints = { s3 = \"http://x\", sso = \"http://y\", s4 = \"\" }\n";
    let conf = format!("{CONF}{more}");
    assert_snapshot!(found(&[("backend.conf", &conf), (SAVED_AT, "")]), @"
    files-known-arguments backend.conf
      Terraform no longer supports `role_arn` (backend.conf:9); Terraform does not support `buckte` (backend.conf:10); Terraform does not support `endpoints.s4` (backend.conf:11)
      -> write `assume_role = { role_arn = … }` for `role_arn` at backend.conf:9; backend.conf:10: write `bucket`, if this is intended, or remove it; backend.conf:11: remove it
    files-no-deprecated-arguments backend.conf
      `force_path_style` (backend.conf:8) is deprecated
      -> write `use_path_style` for `force_path_style` at backend.conf:8
    ");
    assert_snapshot!(found(&[("backend.conf", &conf), (SAVED_AT, ""), ("x.tofu", "locals {\n}\n")]), @"
    files-known-arguments backend.conf
      OpenTofu does not support `buckte` (backend.conf:10); OpenTofu does not support `endpoints.s4` (backend.conf:11); OpenTofu does not support `endpoints.sso` (backend.conf:11)
      -> backend.conf:10: write `bucket`, if this is intended, or remove it; backend.conf:11: remove it; backend.conf:11: remove it
    files-no-deprecated-arguments backend.conf
      `force_path_style` (backend.conf:8) is deprecated; `role_arn` (backend.conf:9) is deprecated
      -> write `use_path_style` for `force_path_style` at backend.conf:8; write `assume_role = { role_arn = … }` for `role_arn` at backend.conf:9
    ");
}

#[test]
fn values_are_literals() {
    let stub = STUB.replace("encrypt = true", "encrypt = true\n    region = var.region");
    let conf = CONF.replace("region = \"eu-west-1\"\n", "");
    assert_snapshot!(found(&[("backend.tf", &stub), ("backend.conf", &conf)]), @"
    files-literal-values backend.tf
      one is not a literal value: `region` (backend.tf:4)
      -> write the value itself, or pass it with `-backend-config=NAME=VALUE`
    ");
    // OpenTofu knows variables in a block, and none in a partial configuration.
    assert_eq!(
        found(&[
            ("backend.tf", &stub),
            ("backend.conf", &conf),
            ("x.tofu", "locals {\n}\n")
        ]),
        ""
    );
    let conf = CONF.replace("use_lockfile = true", "use_lockfile = var.lock");
    assert_snapshot!(found(&[("backend.conf", &conf), ("x.tofu", "locals {\n}\n")]), @"
    files-literal-values backend.conf
      one is not a literal value: `use_lockfile` (backend.conf:6)
      -> write the value itself, or pass it with `-backend-config=NAME=VALUE`
    files-lock-argument backend.conf
      ? `use_lockfile` at backend.conf:6 is not a literal value
    ");
}

#[test]
fn versions_with_a_fault_are_named() {
    let fault = (
        "versions.tf",
        "terraform {\n  required_version = \"1.15.0\"\n}\n",
    );
    assert_snapshot!(found(&[fault, (".tool-versions", "terraform 1.15.0\n")]), @"
    files-engine .
      versions.tf:2 names Terraform 1.15.0: its `validate` fails on the partial configuration; .tool-versions:1 names Terraform 1.15.0: its `validate` fails on the partial configuration
      -> use Terraform 1.15.1 or later
    ");
    let whole = STUB.replace("encrypt = true\n", &CONF.replace('\n', "\n    "));
    assert_eq!(
        found(&[fault, ("backend.tf", &whole), ("backend.conf", "")]),
        "",
        "there is no partial configuration"
    );
    assert_eq!(
        found(&[(
            "versions.tf",
            "terraform {\n  required_version = \"~> 1.15.0\"\n}\n"
        )]),
        ""
    );
    let tofu = |version: &'static str| {
        found(&[
            ("more.tofu", "locals {\n}\n"),
            (".opentofu-version", version),
        ])
    };
    assert_snapshot!(tofu("1.10.1\n"), @"
    files-engine .
      .opentofu-version:1 names OpenTofu 1.10.1: it writes lock files without the configured encryption
      -> use OpenTofu 1.10.2 or later
    ");
    assert_snapshot!(tofu("1.9.4\n"), @"
    files-engine .
      .opentofu-version:1 names OpenTofu 1.9.4: it does not support lock files
      -> use OpenTofu 1.10.2 or later
    ");
    assert_eq!(tofu("1.10.2\n"), "");
    let table = both(
        "use_lockfile",
        "dynamodb_table = \"t\"",
        "\"dynamodb_table\": \"t\"",
    );
    let [conf, saved] = table.each_ref().map(|(name, text)| (*name, text.as_str()));
    assert_eq!(
        found(&[
            ("more.tofu", "locals {\n}\n"),
            (".opentofu-version", "1.9.4\n"),
            conf,
            saved
        ]),
        "",
        "only a table locks"
    );
}
