//! What each file says, for each lock mechanism and each kind of encryption.

use insta::assert_snapshot;
use tfbackend::terraform::write::{
    RenderError, files,
    s3::{AssumedRole, EmulatorEndpoint, S3BackendConfig},
};

use super::{config, emulated, text};

fn sse_s3(config: S3BackendConfig) -> S3BackendConfig {
    S3BackendConfig {
        kms_key_arn: None,
        ..config
    }
}

fn lockfile(config: S3BackendConfig) -> S3BackendConfig {
    S3BackendConfig {
        dynamodb_table: None,
        use_lockfile: true,
        ..config
    }
}

fn both(config: S3BackendConfig) -> S3BackendConfig {
    S3BackendConfig {
        use_lockfile: true,
        ..config
    }
}

#[test]
fn the_block_says_only_what_is_the_same_everywhere() {
    assert_snapshot!(text(&config(), "backend.tf"), @r#"
    # Written by tfbackend. Change its settings, not this file.
    # sha256: 7e122731a387f10fc9b7a43bfe40a9ced1d4dfd3d7b45b3276e20d394880578c

    # The part of the backend that all environments share. The rest is in one file per environment,
    # so that a plain `terraform init` never uses another environment's state by mistake:
    #
    #   terraform init -backend-config=FILE
    terraform {
      backend "s3" {
        encrypt = true
      }
    }
    "#);
    assert_snapshot!(text(&lockfile(config()), "backend.tf"), @r#"
    # Written by tfbackend. Change its settings, not this file.
    # sha256: 7cb6a4aeecb6c2b0bfeb95a4e8bb1fc650c977f689dc208ec17987e9491f45b2

    # The part of the backend that all environments share. The rest is in one file per environment,
    # so that a plain `terraform init` never uses another environment's state by mistake:
    #
    #   terraform init -backend-config=FILE
    terraform {
      # The first version that supports `use_lockfile`.
      required_version = ">= 1.10"

      backend "s3" {
        encrypt = true
      }
    }
    "#);
    assert_eq!(
        text(&both(config()), "backend.tf"),
        text(&lockfile(config()), "backend.tf")
    );
    let elsewhere = S3BackendConfig {
        env: "dev".into(),
        bucket: "b".into(),
        ..emulated("http://127.0.0.1:1")
    };
    assert_eq!(
        text(&elsewhere, "backend.tf"),
        text(&sse_s3(config()), "backend.tf")
    );
}

#[test]
fn conf_with_a_lock_table_and_a_key() {
    assert_snapshot!(text(&config(), "backend.conf"), @r#"
    # Written by tfbackend. Change its settings, not this file.
    # project: acme
    # env: prod
    # backend: s3, account 111122223333
    # sha256: b1bb1f32175298ea7c77d7e6fd5d34b555ad4af773ec5440b329b3b5c8e88801

    # The prod environment of acme, for `terraform init -backend-config=FILE`.
    bucket = "acme-tfstate-prod-111122223333-eu-west-1"
    key    = "app/terraform.tfstate"
    region = "eu-west-1"

    # With `encrypt` alone, Terraform would request SSE-S3, regardless of the bucket's default.
    encrypt    = true
    kms_key_id = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-4cd3-9ef5-1234567890ab"

    dynamodb_table = "acme-tfstate-prod-locks"

    # Terraform refuses credentials of any other account.
    allowed_account_ids = ["111122223333"]
    "#);
}

#[test]
fn conf_with_a_lock_file_and_a_key() {
    assert_snapshot!(text(&lockfile(config()), "backend.conf"), @r#"
    # Written by tfbackend. Change its settings, not this file.
    # project: acme
    # env: prod
    # backend: s3, account 111122223333
    # sha256: b4ae1b7c31549a27faf1943192f7cf775099ce03a131eb2e9526cd03571e610a

    # The prod environment of acme, for `terraform init -backend-config=FILE`.
    bucket = "acme-tfstate-prod-111122223333-eu-west-1"
    key    = "app/terraform.tfstate"
    region = "eu-west-1"

    # With `encrypt` alone, Terraform would request SSE-S3, regardless of the bucket's default.
    encrypt    = true
    kms_key_id = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-4cd3-9ef5-1234567890ab"

    use_lockfile = true

    # Terraform refuses credentials of any other account.
    allowed_account_ids = ["111122223333"]
    "#);
}

#[test]
fn conf_with_both_locks_and_a_key() {
    assert_snapshot!(text(&both(config()), "backend.conf"), @r#"
    # Written by tfbackend. Change its settings, not this file.
    # project: acme
    # env: prod
    # backend: s3, account 111122223333
    # sha256: acf6f001bc87541559f9f55d4fba5e95b6c6bc6887e20ce1662592a7a6977cf0

    # The prod environment of acme, for `terraform init -backend-config=FILE`.
    bucket = "acme-tfstate-prod-111122223333-eu-west-1"
    key    = "app/terraform.tfstate"
    region = "eu-west-1"

    # With `encrypt` alone, Terraform would request SSE-S3, regardless of the bucket's default.
    encrypt    = true
    kms_key_id = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-4cd3-9ef5-1234567890ab"

    dynamodb_table = "acme-tfstate-prod-locks"
    use_lockfile   = true

    # Terraform refuses credentials of any other account.
    allowed_account_ids = ["111122223333"]
    "#);
}

#[test]
fn conf_with_a_lock_table_and_sse_s3() {
    assert_snapshot!(text(&sse_s3(config()), "backend.conf"), @r#"
    # Written by tfbackend. Change its settings, not this file.
    # project: acme
    # env: prod
    # backend: s3, account 111122223333
    # sha256: 0b5b67bceed83c3540ce3bd9a4eb2da1c711091d36f70952a6dfd06a85ce9d90

    # The prod environment of acme, for `terraform init -backend-config=FILE`.
    bucket = "acme-tfstate-prod-111122223333-eu-west-1"
    key    = "app/terraform.tfstate"
    region = "eu-west-1"

    encrypt = true

    dynamodb_table = "acme-tfstate-prod-locks"

    # Terraform refuses credentials of any other account.
    allowed_account_ids = ["111122223333"]
    "#);
}

#[test]
fn conf_with_a_lock_file_and_sse_s3() {
    assert_snapshot!(text(&sse_s3(lockfile(config())), "backend.conf"), @r#"
    # Written by tfbackend. Change its settings, not this file.
    # project: acme
    # env: prod
    # backend: s3, account 111122223333
    # sha256: ede5dc5cb80d5e7a6828f9a8d0c56c52a0434902316bbb18aa8cd874984d33b9

    # The prod environment of acme, for `terraform init -backend-config=FILE`.
    bucket = "acme-tfstate-prod-111122223333-eu-west-1"
    key    = "app/terraform.tfstate"
    region = "eu-west-1"

    encrypt = true

    use_lockfile = true

    # Terraform refuses credentials of any other account.
    allowed_account_ids = ["111122223333"]
    "#);
}

#[test]
fn conf_with_both_locks_and_sse_s3() {
    assert_snapshot!(text(&sse_s3(both(config())), "backend.conf"), @r#"
    # Written by tfbackend. Change its settings, not this file.
    # project: acme
    # env: prod
    # backend: s3, account 111122223333
    # sha256: d0ad7728edc4fbcbc62e9c69941f83668ee797fa1d079cef7bd3400be1a50cbd

    # The prod environment of acme, for `terraform init -backend-config=FILE`.
    bucket = "acme-tfstate-prod-111122223333-eu-west-1"
    key    = "app/terraform.tfstate"
    region = "eu-west-1"

    encrypt = true

    dynamodb_table = "acme-tfstate-prod-locks"
    use_lockfile   = true

    # Terraform refuses credentials of any other account.
    allowed_account_ids = ["111122223333"]
    "#);
}

#[test]
fn conf_for_an_emulator() {
    let emulator = EmulatorEndpoint {
        endpoint: "https://127.0.0.1:4566".into(),
        ca_file: Some("/home/me/ca.pem".into()),
    };
    assert_snapshot!(text(&S3BackendConfig { emulator: Some(emulator), ..both(emulated("")) }, "backend.conf"), @r#"
    # Written by tfbackend. Change its settings, not this file.
    # project: acme
    # env: prod
    # backend: s3, account 000000000000 (emulated)
    # sha256: c6a13b862381539eed2ed4faf60ad1f032d795dae4b18a12285d4c75e8ac458b

    # The prod environment of acme, for `terraform init -backend-config=FILE`.
    bucket = "acme-tfstate-prod-111122223333-eu-west-1"
    key    = "app/terraform.tfstate"
    region = "eu-west-1"

    # With `encrypt` alone, Terraform would request SSE-S3, regardless of the bucket's default.
    encrypt    = true
    kms_key_id = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-4cd3-9ef5-1234567890ab"

    dynamodb_table = "acme-tfstate-prod-locks"
    use_lockfile   = true

    # Terraform refuses credentials of any other account.
    allowed_account_ids = ["000000000000"]

    # An emulator: this backend is not on AWS.
    use_path_style              = true
    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_region_validation      = true
    custom_ca_bundle            = "/home/me/ca.pem"

    endpoints = {
      dynamodb = "https://127.0.0.1:4566"
      iam      = "https://127.0.0.1:4566"
      s3       = "https://127.0.0.1:4566"
      sts      = "https://127.0.0.1:4566"
    }
    "#);
    assert_snapshot!(text(&sse_s3(lockfile(emulated("http://127.0.0.1:4566"))), "backend.conf"), @r#"
    # Written by tfbackend. Change its settings, not this file.
    # project: acme
    # env: prod
    # backend: s3, account 000000000000 (emulated)
    # sha256: f7f39474e4eeaf7faf507a06b0ac5245abb9f137d7beaa107445999a28e98b8b

    # The prod environment of acme, for `terraform init -backend-config=FILE`.
    bucket = "acme-tfstate-prod-111122223333-eu-west-1"
    key    = "app/terraform.tfstate"
    region = "eu-west-1"

    encrypt = true

    use_lockfile = true

    # Terraform refuses credentials of any other account.
    allowed_account_ids = ["000000000000"]

    # An emulator: this backend is not on AWS.
    use_path_style              = true
    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_region_validation      = true

    endpoints = {
      iam = "http://127.0.0.1:4566"
      s3  = "http://127.0.0.1:4566"
      sts = "http://127.0.0.1:4566"
    }
    "#);
}

#[test]
fn another_workspace_prefix_is_said() {
    let conf = text(
        &S3BackendConfig {
            workspace_key_prefix: "workspaces".into(),
            ..config()
        },
        "backend.conf",
    );
    assert!(
        conf.contains("\nworkspace_key_prefix = \"workspaces\"\n"),
        "{conf}"
    );
    let conf = text(
        &S3BackendConfig {
            workspace_key_prefix: String::new(),
            ..config()
        },
        "backend.conf",
    );
    assert!(conf.contains("\nworkspace_key_prefix = \"\"\n"), "{conf}");
}

#[test]
fn no_value_becomes_more_than_a_value() {
    let hostile = "x\"\naccess_key = \"y\" # ${file(\"/etc/passwd\")}";
    let config = S3BackendConfig {
        project: hostile.into(),
        env: hostile.into(),
        bucket: hostile.into(),
        key: hostile.into(),
        region: hostile.into(),
        account: hostile.into(),
        skips_account: false,
        profile: Some(hostile.into()),
        role: Some(AssumedRole {
            arn: hostile.into(),
            external_id: Some(hostile.into()),
        }),
        kms_key_arn: Some(format!("arn:aws:kms:eu-west-1:111122223333:key/{hostile}")),
        dynamodb_table: Some(hostile.into()),
        use_lockfile: true,
        workspace_key_prefix: hostile.into(),
        emulator: Some(EmulatorEndpoint {
            endpoint: hostile.into(),
            ca_file: Some(hostile.into()),
        }),
    };
    let role = AssumedRole {
        arn: "arn".into(),
        external_id: None,
    };
    let credentials = S3BackendConfig {
        profile: Some("p".into()),
        role: Some(role),
        ..emulated("http://127.0.0.1:1")
    };
    let harmless = S3BackendConfig {
        workspace_key_prefix: "p".into(),
        ..both(credentials)
    };
    let mut expected = arguments(&text(&harmless, "backend.conf"));
    expected.push("custom_ca_bundle".into());
    expected.sort();
    let conf = files(&config, "backend.tf", "backend.conf")
        .expect("any text can be written")
        .remove(1)
        .text;
    assert_eq!(arguments(&conf), expected);
    let body: hcl_edit::structure::Body = conf.parse().expect("it is HCL");
    assert_eq!(
        body.get_attribute("bucket")
            .and_then(|bucket| bucket.value.as_str()),
        Some(hostile)
    );
}

/// Names of the arguments, sorted.
fn arguments(conf: &str) -> Vec<String> {
    let body: hcl_edit::structure::Body = conf.parse().expect("it is HCL");
    assert_eq!(body.blocks().count(), 0);
    let mut names: Vec<String> = body
        .attributes()
        .map(|attribute| attribute.key.to_string().trim().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_unsafe_is_refused() {
    let no_lock = S3BackendConfig {
        dynamodb_table: None,
        ..config()
    };
    assert!(matches!(
        files(&no_lock, "backend.tf", "backend.conf"),
        Err(RenderError::NoLock)
    ));
    let alias = S3BackendConfig {
        kms_key_arn: Some("alias/tfstate".into()),
        ..config()
    };
    assert!(matches!(
        files(&alias, "backend.tf", "backend.conf"),
        Err(RenderError::NoKeyArn { .. })
    ));
    assert!(matches!(
        files(&config(), "backend.tf", "../backend.conf"),
        Err(RenderError::FileName { .. })
    ));
    assert!(matches!(
        files(&config(), "backend.conf", "backend.conf"),
        Err(RenderError::FileName { .. })
    ));
}
