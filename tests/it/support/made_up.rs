//! An environment in a made-up account that is never called.

use std::path::Path;
use tfbackend::{
    backend::aws::provider::S3Provider, kind::BackendKind, store::location::BackendLocation,
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use tfbackend::{
    backend::aws::{
        AwsProvider, blueprint, caller::Caller, clients::Clients, live_settings::FolderSettings,
        ownership::EnvironmentId, resources::AwsSpec,
    },
    cli::environment::ConnectedEnvironment,
    engine::{
        observation::{Observation, Observed},
        plan::Plan,
    },
    settings::{
        file::SettingsFile, layer::SettingsLayer, merge::SettingsSources, rerun::RerunArguments,
        s3::derived::DerivedNames,
    },
};

use super::sources::{env, flags};

pub(crate) const ACCOUNT: &str = "123456789012";

/// What flags and a `tfbackend.toml` make of an environment.
#[track_caller]
pub(crate) fn environment(name: &str, line: &str, toml: &str) -> ConnectedEnvironment {
    let file = SettingsFile::parse(Path::new("tfbackend.toml"), toml)
        .unwrap_or_else(|error| panic!("{error}"));
    let sources = SettingsSources {
        flags: flags(line),
        file: Some(file),
        ..SettingsSources::default()
    };
    let merged = sources.merged(&env(name));
    let settings = merged
        .resolve(&env(name))
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let region = settings.region.to_string();
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.clone()))
        .build();
    let partition = settings.region.partition().to_owned();
    let caller = Caller {
        account: ACCOUNT.to_owned(),
        arn: format!("arn:{partition}:iam::{ACCOUNT}:role/admin"),
        partition,
    };
    let mark = EnvironmentId {
        project: settings.common.project.to_string(),
        env: name.to_owned(),
    };
    let aws = AwsProvider::new(Clients::new(&config), caller, region, mark);
    let names = DerivedNames::new(&settings, &ACCOUNT.parse().expect("an account"));
    let blueprint = blueprint::blueprint(&settings, &names, &aws);
    let said: SettingsLayer = merged.said();
    let rerun = RerunArguments::new(&settings.common.env, &merged, String::new(), false);
    ConnectedEnvironment {
        provider: S3Provider::new(aws, settings, names, blueprint),
        said,
        flags: SettingsLayer::default(),
        rerun,
        asked: false,
        may_ask: false,
        key_said: false,
        merged,
        beside: FolderSettings::default(),
        kept: SettingsLayer::default(),
        weaker: SettingsLayer::default(),
        judged: None,
        unwanted: vec![],
        changes: vec![],
        live: false,
        notes: vec![],
    }
}

/// The plan for an account in which nothing of it is, and what is only used is as it should be.
pub(crate) fn plan(environment: &ConnectedEnvironment) -> Plan<AwsSpec> {
    use tfbackend::engine::{observation::ResourceOwner, spec::Spec};
    let seen = |spec: &AwsSpec| match spec.data_source() {
        Some(_) => Observed::Present {
            spec: spec.clone(),
            output: None,
            owner: ResourceOwner::Unmanaged,
        },
        None => Observed::Absent,
    };
    let nodes = environment.provider.blueprint.nodes().iter();
    let observation: Observation<AwsSpec> = nodes
        .map(|node| (node.address.clone(), seen(&node.spec)))
        .collect();
    Plan::to_apply(&environment.provider.blueprint, &observation, false)
}

/// The location of a backend of kind `s3`, for a document.
pub(crate) fn location(pairs: &[(&'static str, &str)]) -> BackendLocation {
    let pairs = pairs
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    BackendLocation::new(BackendKind::S3, pairs.collect())
}
