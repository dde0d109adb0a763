//! What each file says, for each lock mechanism and each kind of encryption.

use insta::assert_snapshot;
use tfbackend::terraform::write::{
    AssumedRole, BackendConfig, EmulatorEndpoint, RenderError, files,
};

use super::{config, emulated, text};

fn sse_s3(config: BackendConfig) -> BackendConfig {
    BackendConfig {
        kms_key_arn: None,
        ..config
    }
}

fn lockfile(config: BackendConfig) -> BackendConfig {
    BackendConfig {
        dynamodb_table: None,
        use_lockfile: true,
        ..config
    }
}

fn both(config: BackendConfig) -> BackendConfig {
    BackendConfig {
        use_lockfile: true,
        ..config
    }
}

#[test]
fn the_block_says_only_what_is_the_same_everywhere() {
    assert_snapshot!(text(&config(), "backend.tf"), @r#"
    # Written by tfbackend. Change its settings, not this file.
    # sha256: 2457e63bb2a0993f3b7d1466f46f5c43438f73d81be0d6f8f16773ddbf19313f

    # The part of the backend that is the same for each environment. The rest is in a file of its own,
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
    # sha256: 98f0d3aee85ac5c55d7c522e62a9ece9fd835b8ce24c32b11b16df234d25ee1d

    # The part of the backend that is the same for each environment. The rest is in a file of its own,
    # so that a plain `terraform init` never uses another environment's state by mistake:
    #
    #   terraform init -backend-config=FILE
    terraform {
      # The first version that knows `use_lockfile`.
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
    let elsewhere = BackendConfig {
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
    # account: 111122223333
    # sha256: 2ba32e3ac9aa8773cf32d58e5660418c17e57b8786a12163132b8e17d07f5e15

    # The prod environment of acme, for `terraform init -backend-config=FILE`.
    bucket = "acme-tfstate-prod-111122223333-eu-west-1"
    key    = "app/terraform.tfstate"
    region = "eu-west-1"

    # With `encrypt` alone, Terraform would ask for SSE-S3, whatever the default of the bucket.
    encrypt    = true
    kms_key_id = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-4cd3-9ef5-1234567890ab"

    dynamodb_table = "acme-tfstate-prod-locks"

    # With credentials of any other account, Terraform stops.
    allowed_account_ids = ["111122223333"]
    "#);
}

#[test]
fn conf_with_a_lock_file_and_a_key() {
    assert_snapshot!(text(&lockfile(config()), "backend.conf"), @r#"
    # Written by tfbackend. Change its settings, not this file.
    # project: acme
    # env: prod
    # account: 111122223333
    # sha256: 653579bca5945b7bf7cecdd07916ab2fa8555bebe2f9bfc2a8b7662e6c1265c5

    # The prod environment of acme, for `terraform init -backend-config=FILE`.
    bucket = "acme-tfstate-prod-111122223333-eu-west-1"
    key    = "app/terraform.tfstate"
    region = "eu-west-1"

    # With `encrypt` alone, Terraform would ask for SSE-S3, whatever the default of the bucket.
    encrypt    = true
    kms_key_id = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-4cd3-9ef5-1234567890ab"

    use_lockfile = true

    # With credentials of any other account, Terraform stops.
    allowed_account_ids = ["111122223333"]
    "#);
}

#[test]
fn conf_with_both_locks_and_a_key() {
    assert_snapshot!(text(&both(config()), "backend.conf"), @r#"
    # Written by tfbackend. Change its settings, not this file.
    # project: acme
    # env: prod
    # account: 111122223333
    # sha256: f421d068e19de0f755603da944a0716007ca13af65145ad47e728ba4c00e41c8

    # The prod environment of acme, for `terraform init -backend-config=FILE`.
    bucket = "acme-tfstate-prod-111122223333-eu-west-1"
    key    = "app/terraform.tfstate"
    region = "eu-west-1"

    # With `encrypt` alone, Terraform would ask for SSE-S3, whatever the default of the bucket.
    encrypt    = true
    kms_key_id = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-4cd3-9ef5-1234567890ab"

    dynamodb_table = "acme-tfstate-prod-locks"
    use_lockfile   = true

    # With credentials of any other account, Terraform stops.
    allowed_account_ids = ["111122223333"]
    "#);
}

#[test]
fn conf_with_a_lock_table_and_sse_s3() {
    assert_snapshot!(text(&sse_s3(config()), "backend.conf"), @r#"
    # Written by tfbackend. Change its settings, not this file.
    # project: acme
    # env: prod
    # account: 111122223333
    # sha256: ed919d21e639925e7d6c8b7ad03e00f2ecb8df2cd12a48e842f8a46aebc94c69

    # The prod environment of acme, for `terraform init -backend-config=FILE`.
    bucket = "acme-tfstate-prod-111122223333-eu-west-1"
    key    = "app/terraform.tfstate"
    region = "eu-west-1"

    encrypt = true

    dynamodb_table = "acme-tfstate-prod-locks"

    # With credentials of any other account, Terraform stops.
    allowed_account_ids = ["111122223333"]
    "#);
}

#[test]
fn conf_with_a_lock_file_and_sse_s3() {
    assert_snapshot!(text(&sse_s3(lockfile(config())), "backend.conf"), @r#"
    # Written by tfbackend. Change its settings, not this file.
    # project: acme
    # env: prod
    # account: 111122223333
    # sha256: 0589b09c7c510e829e63275db6cb977a9bd5a67f6dbe68c7bf40c40c1027dee0

    # The prod environment of acme, for `terraform init -backend-config=FILE`.
    bucket = "acme-tfstate-prod-111122223333-eu-west-1"
    key    = "app/terraform.tfstate"
    region = "eu-west-1"

    encrypt = true

    use_lockfile = true

    # With credentials of any other account, Terraform stops.
    allowed_account_ids = ["111122223333"]
    "#);
}

#[test]
fn conf_with_both_locks_and_sse_s3() {
    assert_snapshot!(text(&sse_s3(both(config())), "backend.conf"), @r#"
    # Written by tfbackend. Change its settings, not this file.
    # project: acme
    # env: prod
    # account: 111122223333
    # sha256: 3df3bf04334bee34f6223f4b58c4097ad56f2677d270b42e46599b0c4ea3ef06

    # The prod environment of acme, for `terraform init -backend-config=FILE`.
    bucket = "acme-tfstate-prod-111122223333-eu-west-1"
    key    = "app/terraform.tfstate"
    region = "eu-west-1"

    encrypt = true

    dynamodb_table = "acme-tfstate-prod-locks"
    use_lockfile   = true

    # With credentials of any other account, Terraform stops.
    allowed_account_ids = ["111122223333"]
    "#);
}

#[test]
fn conf_for_an_emulator() {
    let emulator = EmulatorEndpoint {
        endpoint: "https://127.0.0.1:4566".into(),
        ca_file: Some("/home/me/ca.pem".into()),
    };
    assert_snapshot!(text(&BackendConfig { emulator: Some(emulator), ..both(emulated("")) }, "backend.conf"), @r#"
    # Written by tfbackend. Change its settings, not this file.
    # project: acme
    # env: prod
    # account: 000000000000 (emulated)
    # sha256: 7454ee492b288cba788c22884c8a97f4da1d134d2502304704ee52223d7cef8f

    # The prod environment of acme, for `terraform init -backend-config=FILE`.
    bucket = "acme-tfstate-prod-111122223333-eu-west-1"
    key    = "app/terraform.tfstate"
    region = "eu-west-1"

    # With `encrypt` alone, Terraform would ask for SSE-S3, whatever the default of the bucket.
    encrypt    = true
    kms_key_id = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-4cd3-9ef5-1234567890ab"

    dynamodb_table = "acme-tfstate-prod-locks"
    use_lockfile   = true

    # With credentials of any other account, Terraform stops.
    allowed_account_ids = ["000000000000"]

    # An emulator: nothing of this is on AWS.
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
    # account: 000000000000 (emulated)
    # sha256: 31446f4e75d58de90908eeea9a89452c74a263a3acfec59fd6ca6b61af69f6c2

    # The prod environment of acme, for `terraform init -backend-config=FILE`.
    bucket = "acme-tfstate-prod-111122223333-eu-west-1"
    key    = "app/terraform.tfstate"
    region = "eu-west-1"

    encrypt = true

    use_lockfile = true

    # With credentials of any other account, Terraform stops.
    allowed_account_ids = ["000000000000"]

    # An emulator: nothing of this is on AWS.
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
        &BackendConfig {
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
        &BackendConfig {
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
    let config = BackendConfig {
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
    let credentials = BackendConfig {
        profile: Some("p".into()),
        role: Some(role),
        ..emulated("http://127.0.0.1:1")
    };
    let harmless = BackendConfig {
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
    let no_lock = BackendConfig {
        dynamodb_table: None,
        ..config()
    };
    assert!(matches!(
        files(&no_lock, "backend.tf", "backend.conf"),
        Err(RenderError::NoLock)
    ));
    let alias = BackendConfig {
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
