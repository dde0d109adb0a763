//! The examples: for each environment, the plan on an empty account and the files, as they stand in its folder.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use tfbackend::{
    aws::{Aws, blueprint, caller::Caller, clients::Clients, ownership::Mark, resources::AwsSpec},
    cli::describe::describe,
    observation::{Owner, Seen},
    plan::Plan,
    render::{self, BackendConfig},
    report::{View, plan as report, style::Style},
    settings::{Encryption, Settings, derived::Names, layer::Layer, merge::Sources, names::EnvName},
    spec::Spec,
};

use crate::support::host::Outside;

const ACCOUNT: &str = "123456789012";
const KEY_ARN: &str = "arn:aws:kms:REGION:123456789012:key/00000000-0000-4000-8000-000000000000";

#[test]
fn each_example_is_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut folders: Vec<PathBuf> = fs::read_dir(&root).expect("examples").map(|entry| entry.expect("an entry").path()).collect();
    folders.sort();
    assert!(folders.len() >= 5, "{folders:?}");
    for folder in folders {
        let sources = Sources::read(&Outside::new(&folder, BTreeMap::new()).host(), Layer::default(), None).expect("settings");
        let envs: Vec<EnvName> = sources.file.as_ref().expect("tfbackend.toml").envs.keys().cloned().collect();
        assert!(!envs.is_empty(), "{}", folder.display());
        for env in envs {
            let settings = sources.merged(&env).resolve(&env).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
            for (name, text) in expected(&settings) {
                is_current(&folder.join(env.as_str()).join(name), &text);
            }
        }
    }
}

/// What a bootstrap of an empty account shows, and what it writes.
fn expected(settings: &Settings) -> Vec<(String, String)> {
    let names = Names::new(settings, &ACCOUNT.parse().expect("an account"));
    let aws = nowhere(settings);
    let blueprint = blueprint::blueprint(settings, &names, &aws);
    let observation = blueprint.nodes().iter().map(|node| {
        // What is brought along is there.
        let seen = match node.spec.reference() {
            Some(_) => {
                let output = match &node.spec {
                    AwsSpec::OwnKey(key) => Some(key.arn.clone()),
                    _ => None,
                };
                Seen::Present { spec: node.spec.clone(), output, owner: Owner::Unmanaged }
            }
            None => Seen::Absent,
        };
        (node.address.clone(), seen)
    });
    let plan = Plan::to_apply(&blueprint, &observation.collect(), false);
    let view = View { width: 100, style: Style { color: false, unicode: true }, verbose: true };
    let mut files = vec![("plan.txt".to_owned(), report::text(&plan, &describe, &view))];
    let backend = BackendConfig {
        project: settings.project.to_string(),
        env: settings.env.to_string(),
        bucket: names.state_bucket.clone(),
        key: settings.key.to_string(),
        region: settings.region.to_string(),
        account: ACCOUNT.to_owned(),
        kms_key_arn: match &settings.encryption {
            Encryption::SseS3 => None,
            Encryption::OwnKey { arn } => Some(arn.to_string()),
            Encryption::NewKey { .. } => Some(KEY_ARN.replace("REGION", settings.region.as_str())),
        },
        dynamodb_table: settings.lock.uses_table().then(|| names.table.clone()),
        use_lockfile: settings.lock.uses_lockfile(),
        workspace_key_prefix: settings.workspace_key_prefix.to_string(),
        emulator: None,
    };
    let rendered = render::files(&backend, settings.files.tf_file.as_str(), settings.files.conf_file.as_str()).expect("the files");
    files.extend(rendered.into_iter().map(|file| (file.name, file.text)));
    files
}

/// An account that is never called.
fn nowhere(settings: &Settings) -> Aws {
    let region = settings.region.to_string();
    let config = SdkConfig::builder().behavior_version(BehaviorVersion::v2026_01_12()).region(Region::new(region.clone())).build();
    Aws {
        clients: Clients::new(&config),
        caller: Caller {
            account: ACCOUNT.to_owned(),
            partition: settings.region.partition().to_owned(),
            arn: format!("arn:aws:iam::{ACCOUNT}:user/terraform"),
        },
        region,
        mark: Mark { project: settings.project.to_string(), env: settings.env.to_string() },
    }
}

fn is_current(path: &Path, text: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        fs::write(path, text).expect("it is written");
    }
    let there = fs::read_to_string(path).unwrap_or_default();
    assert!(there == text, "{} is not current; `make docs` writes it again", path.display());
}
