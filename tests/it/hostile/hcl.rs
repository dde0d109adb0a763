//! Files with hostile values in every place: another parser than ours, and the real Terraform, read
//! what was meant.

use std::fs;
use tfbackend::text::invisible::is_invisible;

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Map, Value, json};
use tfbackend::terraform::write::{
    files,
    s3::{AssumedRole, EmulatorEndpoint, S3BackendConfig},
};

use crate::render::{HOSTILE, config, rendered, terraform::terraform};

/// What is special in HCL, in templates, on a terminal or to a reader, and anything else.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => proptest::sample::select(HOSTILE).prop_map(str::to_owned),
        2 => any::<char>().prop_map(String::from),
        1 => "[ -~]{0,6}",
    ];
    proptest::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat())
}

prop_compose! {
    fn configs()(
        [project, env, bucket, key, region, account] in [text(), text(), text(), text(), text(), text()],
        [prefix, table, endpoint, ca] in [text(), text(), text(), text()],
        use_lockfile in any::<bool>(),
        [profile, role, external_id] in [text(), text(), text()],
        with in any::<[bool; 6]>(),
    ) -> S3BackendConfig {
        let [has_table, has_key, has_emulator, has_profile, has_role, has_id] = with;
        let emulator = has_emulator.then(|| EmulatorEndpoint { endpoint, ca_file: Some(ca.into()) });
        S3BackendConfig {
            skips_account: false,
            profile: has_profile.then_some(profile),
            role: has_role.then(|| AssumedRole { arn: role, external_id: has_id.then_some(external_id) }),
            project, env, bucket, key, region, account, emulator, use_lockfile,
            kms_key_arn: has_key.then(|| config().kms_key_arn).flatten(),
            dynamodb_table: (has_table || !use_lockfile).then_some(table),
            workspace_key_prefix: prefix,
        }
    }
}

/// The arguments as they are meant.
fn meant(config: &S3BackendConfig) -> Value {
    let S3BackendConfig {
        bucket,
        key,
        region,
        account,
        kms_key_arn,
        dynamodb_table,
        use_lockfile,
        ..
    } = config;
    let S3BackendConfig {
        workspace_key_prefix,
        emulator,
        profile,
        role,
        ..
    } = config;
    let mut meant = json!({ "bucket": bucket, "key": key, "region": region, "encrypt": true, "allowed_account_ids": [account] });
    let all: &mut Map<String, Value> = meant.as_object_mut().expect("an object");
    let mut also = |name: &str, value: Option<Value>| {
        drop(value.map(|value| all.insert(name.to_owned(), value)));
    };
    also("kms_key_id", kms_key_arn.as_ref().map(|arn| json!(arn)));
    also("profile", profile.as_ref().map(|profile| json!(profile)));
    let assumed = |role: &AssumedRole| match &role.external_id {
        Some(id) => json!({ "role_arn": role.arn, "external_id": id }),
        None => json!({ "role_arn": role.arn }),
    };
    also("assume_role", role.as_ref().map(assumed));
    also(
        "dynamodb_table",
        dynamodb_table.as_ref().map(|table| json!(table)),
    );
    also("use_lockfile", use_lockfile.then_some(json!(true)));
    also(
        "workspace_key_prefix",
        (workspace_key_prefix != "env:").then(|| json!(workspace_key_prefix)),
    );
    if let Some(EmulatorEndpoint { endpoint, ca_file }) = emulator {
        for name in [
            "use_path_style",
            "skip_credentials_validation",
            "skip_metadata_api_check",
            "skip_region_validation",
        ] {
            also(name, Some(json!(true)));
        }
        also("custom_ca_bundle", ca_file.as_ref().map(|path| json!(path)));
        let services = ["dynamodb", "iam", "s3", "sts"]
            .into_iter()
            .filter(|service| *service != "dynamodb" || dynamodb_table.is_some());
        also(
            "endpoints",
            Some(
                services
                    .map(|service| (service.to_owned(), json!(endpoint)))
                    .collect(),
            ),
        );
    }
    meant
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn another_parser_reads_what_was_meant(config in configs()) {
        let files = files(&config, "backend.tf", "backend.conf").expect("the settings make sense");
        let [block, conf] = &files[..] else { panic!("two files") };
        let read: Value = hcl::from_str(&conf.text).unwrap_or_else(|error| panic!("{error}: {}", conf.text));
        prop_assert_eq!(read, meant(&config));
        let body = hcl::parse(&block.text).unwrap_or_else(|error| panic!("{error}: {}", block.text));
        prop_assert!(body.blocks().count() == 1 && body.attributes().count() == 0, "{}", block.text);
        for file in files {
            prop_assert!(!file.text.chars().any(|c| c != '\n' && is_invisible(c)), "{}", file.text);
        }
    }
}

/// Many of them in one configuration: Terraform is started once.
#[test]
fn threat_20_terraform_reads_what_was_meant() {
    const SAMPLE: usize = 150;
    let mut runner = TestRunner::deterministic();
    let configs: Vec<S3BackendConfig> = (0..SAMPLE)
        .map(|_| configs().new_tree(&mut runner).expect("a value").current())
        .collect();
    let dir = tempfile::tempdir().expect("a folder");
    let written: String = configs
        .iter()
        .map(|config| format!("{{\n{}\n}},\n", rendered(config)[1].text))
        .collect();
    let main = format!(
        "locals {{\n  written = [\n{written}]\n  meant = \
         jsondecode(file(\"${{path.module}}/meant.json\"))\n}}\n"
    );
    fs::write(dir.path().join("main.tf"), main).expect("written");
    let meant: Vec<Value> = configs.iter().map(meant).collect();
    fs::write(
        dir.path().join("meant.json"),
        Value::from(meant).to_string(),
    )
    .expect("written");
    let question = "jsonencode([length(local.written), [for i, x in local.written : i if \
                    jsonencode(x) != jsonencode(local.meant[i])]])\n";
    let ran = terraform(dir.path(), &["console"], question);
    assert_eq!(
        ran.stdout.trim_end(),
        format!("\"[{SAMPLE},[]]\""),
        "{}",
        ran.stderr
    );
}
