//! Settings out of short texts.

use std::{collections::BTreeMap, path::Path};

use clap::{Args, Command, FromArgMatches};
use tfbackend::settings::{
    error::SettingsError,
    file::SettingsFile,
    layer::SettingsLayer,
    merge::SettingsSources,
    names::EnvName,
    s3::{S3Settings, resolve::resolve},
    variables,
};

/// The layer that a command line makes; words are separated by spaces.
pub(crate) fn flags(line: &str) -> SettingsLayer {
    let command = SettingsLayer::augment_args(Command::new("test").no_binary_name(true));
    let matches = command
        .try_get_matches_from(line.split_whitespace())
        .unwrap_or_else(|error| panic!("{error}"));
    SettingsLayer::from_arg_matches(&matches).expect("clap checked it")
}

pub(crate) fn env(name: &str) -> EnvName {
    name.parse().expect("a valid environment")
}

pub(crate) fn sources(
    line: &str,
    vars: &[(&str, &str)],
    toml: &str,
) -> Result<SettingsSources, SettingsError> {
    let vars: BTreeMap<String, String> = vars
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let ambient = ["AWS_REGION", "AWS_DEFAULT_REGION"]
        .iter()
        .find_map(|name| Some(((*name).to_owned(), vars.get(*name)?.parse())));
    Ok(SettingsSources {
        flags: flags(line),
        variables: variables::read(&vars)?,
        file: Some(SettingsFile::parse(Path::new("tfbackend.toml"), toml)?),
        ambient_region: ambient,
    })
}

/// The settings of `prod`, or everything that is wrong with them.
pub(crate) fn prod(line: &str, vars: &[(&str, &str)], toml: &str) -> Result<S3Settings, String> {
    let sources = sources(line, vars, toml).map_err(|error| error.to_string())?;
    resolve(&env("prod"), &sources, &SettingsLayer::default()).map_err(|error| error.to_string())
}
