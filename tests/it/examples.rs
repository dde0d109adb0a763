//! Each folder of `examples/` with the plan and the files that come of it.

use std::{collections::BTreeMap, fs};
use tfbackend::backend::provider::Provider;

use tfbackend::{
    backend::aws::blueprint::KEY,
    cli::environment::ConnectedEnvironment,
    engine::spec::KnownOutputs,
    report::{
        TextStyle,
        plan::{ResourceTitle, text},
        style::TextStyles,
    },
    settings::{file::SettingsFile, s3::EncryptionSettings},
    terraform::write,
};

use crate::support::{made_up, page};

/// What a new key's ARN would look like.
const NEW_KEY: &str = "key/00000000-0000-0000-0000-000000000000";

fn names() -> Vec<String> {
    let entries = fs::read_dir(page::path("examples")).expect("examples");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("a folder")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect();
    names.sort();
    names
}

#[test]
fn every_example_makes_its_plans_and_files() {
    let names = names();
    assert!(names.len() >= 6, "{names:?}");
    for name in names {
        let toml = page::read(&format!("examples/{name}/tfbackend.toml"));
        assert!(
            toml.starts_with("# "),
            "{name}: the first line says what the example is for"
        );
        let envs: Vec<&str> = toml
            .lines()
            .filter_map(|line| line.strip_prefix("[env.")?.strip_suffix(']'))
            .collect();
        let file = SettingsFile::parse("tfbackend.toml".as_ref(), &toml)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!envs.is_empty(), "{name} has no environment: {file:?}");
        let mut expected =
            BTreeMap::from([(format!("examples/{name}/tfbackend.toml"), toml.clone())]);
        for env in envs {
            let environment = made_up::environment(env, "", &toml);
            expected.insert(
                format!("examples/{name}/plan.{env}.txt"),
                plan(&environment),
            );
            expected.extend(
                files(&environment)
                    .into_iter()
                    .map(|(file, text)| (format!("examples/{name}/{env}/{file}"), text)),
            );
        }
        for (file, text) in &expected {
            page::must_be(file, text);
        }
        let mut found = found(&format!("examples/{name}"));
        // Read by the tests of packaging.
        found.retain(|file| !file.contains("/.github/workflows/"));
        assert_eq!(
            found,
            expected.keys().cloned().collect::<Vec<_>>(),
            "{name}: nothing else is there"
        );
    }
}

fn plan(environment: &ConnectedEnvironment) -> String {
    let view = TextStyle {
        width: 120,
        style: TextStyles {
            color: false,
            unicode: true,
        },
        verbose: false,
    };
    format!(
        "{}\n\n{}",
        environment.provider.title(),
        text(&made_up::plan(environment), &ResourceTitle::of, &view)
    )
}

fn files(environment: &ConnectedEnvironment) -> Vec<(String, String)> {
    let mut known = KnownOutputs::new();
    match &environment.provider.settings.encryption {
        EncryptionSettings::NewKey { .. } => drop(
            known.insert(
                KEY,
                environment
                    .provider
                    .aws
                    .arn("kms", &environment.provider.aws.region, NEW_KEY),
            ),
        ),
        EncryptionSettings::OwnKey { arn } => drop(known.insert(KEY, arn.to_string())),
        EncryptionSettings::SseS3 => {}
    }
    let names = &environment.provider.settings.common.files;
    let files = write::files(
        &environment.provider.backend_config(&known),
        names.tf_file.as_str(),
        names.conf_file.as_str(),
    )
    .expect("files");
    files
        .into_iter()
        .map(|file| (file.name, file.text))
        .collect()
}

fn found(folder: &str) -> Vec<String> {
    let mut found = vec![];
    for entry in fs::read_dir(page::path(folder)).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = format!("{folder}/{}", entry.file_name().to_str().expect("a name"));
        if entry.path().is_dir() {
            found.extend(self::found(&name));
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}
