//! An environment in a made-up account that is never called.

use std::path::Path;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use tfbackend::{
    backend::aws::{
        Aws, blueprint, caller::Caller, clients::Clients, kept::Beside, ownership::Mark,
        resources::AwsSpec,
    },
    cli::environment::Environment,
    engine::{
        observation::{Observation, Seen},
        plan::Plan,
    },
    settings::{
        Credentials, derived::Names, file::File, layer::Layer, merge::Sources, rerun::Rerun,
    },
};

use super::sources::{env, flags};

pub const ACCOUNT: &str = "123456789012";

/// What flags and a `tfbackend.toml` make of an environment.
#[track_caller]
pub fn environment(name: &str, line: &str, toml: &str) -> Environment {
    let file =
        File::parse(Path::new("tfbackend.toml"), toml).unwrap_or_else(|error| panic!("{error}"));
    let sources = Sources {
        flags: flags(line),
        file: Some(file),
        ..Sources::default()
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
    let mark = Mark {
        project: settings.project.to_string(),
        env: name.to_owned(),
    };
    let aws = Aws::new(Clients::new(&config), caller, region, mark);
    let names = Names::new(&settings, &ACCOUNT.parse().expect("an account"));
    let blueprint = blueprint::blueprint(&settings, &names, &aws);
    let said: Layer = merged.said();
    let rerun = Rerun::new(&settings.env, &merged, String::new(), false);
    Environment {
        settings,
        names,
        aws,
        blueprint,
        held: None,
        emulator: None,
        said,
        flags: Layer::default(),
        rerun,
        asked: false,
        may_ask: false,
        key_said: false,
        merged,
        beside: Beside::default(),
        kept: Layer::default(),
        weaker: Layer::default(),
        judged: None,
        unwanted: vec![],
        changes: vec![],
        live: false,
        of_runs: Credentials::default(),
        notes: vec![],
    }
}

/// The plan for an account in which nothing of it is, and what is only used is as it should be.
pub fn plan(environment: &Environment) -> Plan<AwsSpec> {
    use tfbackend::engine::{observation::Owner, spec::Spec};
    let seen = |spec: &AwsSpec| match spec.reference() {
        Some(_) => Seen::Present {
            spec: spec.clone(),
            output: None,
            owner: Owner::Unmanaged,
        },
        None => Seen::Absent,
    };
    let nodes = environment.blueprint.nodes().iter();
    let observation: Observation<AwsSpec> = nodes
        .map(|node| (node.address.clone(), seen(&node.spec)))
        .collect();
    Plan::to_apply(&environment.blueprint, &observation, false)
}
