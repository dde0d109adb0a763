//! The real Terraform takes what is written: as it is formatted, with no warning, and each value as
//! it was meant.

use std::fs;

use tempfile::tempdir;
use tfbackend::terraform::write::{
    files::write,
    hcl::quoted,
    s3::{EmulatorEndpoint, S3BackendConfig},
};

use super::{HOSTILE, config, emulated, endpoint, rendered, terraform::terraform};

#[test]
fn files_are_formatted() {
    let dir = tempdir().expect("a folder");
    let lockfile = S3BackendConfig {
        dynamodb_table: None,
        use_lockfile: true,
        ..config()
    };
    let sse_s3 = S3BackendConfig {
        kms_key_arn: None,
        workspace_key_prefix: "workspaces".into(),
        ..config()
    };
    let with_ca = EmulatorEndpoint {
        endpoint: "https://127.0.0.1:4566".into(),
        ca_file: Some("/home/me/ca.pem".into()),
    };
    let both = S3BackendConfig {
        use_lockfile: true,
        emulator: Some(with_ca),
        ..config()
    };
    for (i, config) in [
        config(),
        lockfile,
        sse_s3,
        both,
        emulated("http://127.0.0.1:4566"),
    ]
    .iter()
    .enumerate()
    {
        for file in rendered(config) {
            // Terraform formats only what it knows by its ending.
            let ending = if file.name.ends_with(".tf") {
                "tf"
            } else {
                "tfvars"
            };
            fs::write(dir.path().join(format!("{i}.{ending}")), file.text).expect("it is written");
        }
    }
    let ran = terraform(dir.path(), &["fmt", "-check", "-diff", "-no-color"], "");
    assert!(ran.ok, "{}", ran.all());
}

#[test]
fn terraform_takes_the_block_alone() {
    let dir = tempdir().expect("a folder");
    let config = S3BackendConfig {
        use_lockfile: true,
        ..config()
    };
    let _ = write(dir.path(), &rendered(&config), false).expect("they are written");
    let ran = terraform(dir.path(), &["init", "-no-color", "-backend=false"], "");
    assert!(ran.ok && ran.stderr.is_empty(), "{}", ran.all());
    let ran = terraform(dir.path(), &["validate", "-no-color"], "");
    assert_eq!(
        ran.stdout, "Success! The configuration is valid.\n\n",
        "{}",
        ran.stderr
    );
    let ran = terraform(dir.path(), &["init", "-no-color", "-input=false"], "");
    assert!(
        !ran.ok && ran.stderr.contains("\"bucket\""),
        "a plain init must not find a bucket: {}",
        ran.all()
    );
}

/// `more` are further arguments on the command line.
#[track_caller]
fn assert_init_is_silent(config: &S3BackendConfig, more: &[&str]) {
    let dir = tempdir().expect("a folder");
    let _ = write(dir.path(), &rendered(config), false).expect("they are written");
    let mut args = vec![
        "init",
        "-no-color",
        "-input=false",
        "-backend-config=backend.conf",
    ];
    args.extend(more);
    let ran = terraform(dir.path(), &args, "");
    assert!(ran.ok && ran.stderr.is_empty(), "{}", ran.all());
    assert!(
        ran.stdout
            .contains("Successfully configured the backend \"s3\"!"),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("Warning"), "{}", ran.stdout);
}

#[test]
fn init_takes_both_files_without_a_warning() {
    let url = endpoint::start("111122223333");
    let endpoints =
        format!("-backend-config=endpoints={{s3=\"{url}\",sts=\"{url}\",dynamodb=\"{url}\"}}");
    let on_aws = ["-backend-config=use_path_style=true", endpoints.as_str()];
    assert_init_is_silent(&config(), &on_aws);
    assert_init_is_silent(
        &S3BackendConfig {
            kms_key_arn: None,
            use_lockfile: true,
            ..config()
        },
        &on_aws,
    );
    let lockfile = S3BackendConfig {
        dynamodb_table: None,
        use_lockfile: true,
        workspace_key_prefix: "workspaces".into(),
        ..config()
    };
    assert_init_is_silent(&lockfile, &on_aws);
}

#[test]
fn init_takes_the_files_of_an_emulator_without_a_warning() {
    let url = endpoint::start("000000000000");
    let dir = tempdir().expect("a folder");
    let certificate = rcgen::generate_simple_self_signed(vec!["localhost".into()])
        .expect("a certificate")
        .cert
        .pem();
    let ca_file = dir.path().join("ca file.pem");
    fs::write(&ca_file, certificate).expect("it is written");
    let emulator = EmulatorEndpoint {
        endpoint: url.clone(),
        ca_file: Some(ca_file),
    };
    assert_init_is_silent(
        &S3BackendConfig {
            use_lockfile: true,
            emulator: Some(emulator),
            ..emulated(&url)
        },
        &[],
    );
    assert_init_is_silent(
        &S3BackendConfig {
            dynamodb_table: None,
            use_lockfile: true,
            ..emulated(&url)
        },
        &[],
    );
}

#[test]
fn init_stops_in_another_account() {
    let url = endpoint::start("999999999999");
    let dir = tempdir().expect("a folder");
    let _ = write(dir.path(), &rendered(&emulated(&url)), false).expect("they are written");
    let ran = terraform(
        dir.path(),
        &[
            "init",
            "-no-color",
            "-input=false",
            "-backend-config=backend.conf",
        ],
        "",
    );
    assert!(
        !ran.ok
            && ran
                .stderr
                .contains("AWS account ID not allowed: 999999999999"),
        "{}",
        ran.all()
    );
}

#[test]
fn terraform_reads_each_value_as_it_was_meant() {
    let dir = tempdir().expect("a folder");
    let list: Vec<String> = HOSTILE.iter().map(|text| quoted(text)).collect();
    let written = format!(
        "locals {{\n  x        = [{}]\n  expected = \
         jsondecode(file(\"${{path.module}}/expected.json\"))\n}}\n",
        list.join(", ")
    );
    fs::write(dir.path().join("main.tf"), written).expect("it is written");
    fs::write(
        dir.path().join("expected.json"),
        serde_json::json!(HOSTILE).to_string(),
    )
    .expect("it is written");
    let question = "jsonencode({ count = length(local.x), other = [for i, x in local.x : i if \
                    jsonencode(x) != jsonencode(local.expected[i])] })\n";
    let ran = terraform(dir.path(), &["console"], question);
    assert_eq!(
        ran.stdout.trim_end(),
        format!(r#""{{\"count\":{},\"other\":[]}}""#, HOSTILE.len()),
        "{}",
        ran.stderr
    );
}
