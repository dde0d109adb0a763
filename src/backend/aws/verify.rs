//! Checks of a backend on AWS: each setting of the blueprint, and more.

pub(crate) mod alarms;
pub(crate) mod catalogue;
pub(crate) mod contents;
pub(crate) mod terraform_access;
pub(crate) mod expected;
pub(crate) mod exposure;
pub(crate) mod identities;
pub(crate) mod lifecycle;
pub(crate) mod subscribers;
pub(crate) mod external_access;
pub(crate) mod own_key;
pub(crate) mod probe;
pub(crate) mod settings;
pub(crate) mod runtime_status;
pub(crate) mod account;
pub(crate) mod trails;
pub(crate) mod unmanaged;
pub mod usage;

use super::{AwsProvider, blueprint::KEY, resources::AwsSpec};
use crate::{
    checks::CheckResult,
    engine::{
        blueprint::Blueprint,
        observation::{self, Observation},
        plan::Plan,
        spec::KnownOutputs,
    },
};

/// A backend that was read.
pub struct VerifiedBackend<'a> {
    pub aws: &'a AwsProvider,
    pub blueprint: &'a Blueprint<AwsSpec>,
    pub observation: &'a Observation<AwsSpec>,
    /// The command that fixes differences from the blueprint.
    pub remediation: &'a str,
    /// True if the backend uses lock files.
    pub lock_files: bool,
    /// True if tags identify the owner, which they do not for an unmanaged backend.
    pub tagged: bool,
    /// Says how two values of a setting differ.
    pub describe: settings::DescribeDifferences,
}

impl VerifiedBackend<'_> {
    /// Returns all checks of its settings, policies and status. Makes no call.
    pub fn checks(&self) -> Vec<CheckResult> {
        let Self {
            aws,
            blueprint,
            observation,
            remediation,
            lock_files,
            tagged,
            describe,
        } = *self;
        let plan = Plan::to_apply(blueprint, observation, true);
        let known = observation::outputs(observation);
        let name = |spec: &AwsSpec| name(aws, spec, &known);
        let mut checked = settings::SettingChecks {
            blueprint,
            observation,
            plan: &plan,
            remediation,
            tagged,
            describe,
        }
        .checks(&name);
        checked.extend(external_access::checks(observation, aws.account(), &name));
        checked.extend(lifecycle::checks(blueprint, observation, &name));
        checked.extend(terraform_access::checks(
            blueprint,
            observation,
            lock_files,
            &name,
        ));
        checked.extend(runtime_status::checks(observation, &name));
        expected::complete(&mut checked, blueprint, tagged, &name);
        checked
    }
}

/// Returns the ARN of a resource or of its parent.
pub fn name(aws: &AwsProvider, spec: &AwsSpec, known: &KnownOutputs) -> Option<String> {
    let bucket = |name: &str| Some(format!("arn:{}:s3:::{name}", aws.caller.partition));
    let table = |name: &str| Some(aws.arn("dynamodb", &aws.region, &format!("table/{name}")));
    let trail = |name: &str| Some(aws.arn("cloudtrail", &aws.region, &format!("trail/{name}")));
    match spec {
        AwsSpec::Key(_) | AwsSpec::Rotation(_) => known.get(&KEY).cloned(),
        AwsSpec::OwnKey(key) => Some(key.arn.clone()),
        AwsSpec::Bucket(spec) => bucket(&spec.name),
        AwsSpec::PublicAccess(spec) => bucket(&spec.bucket),
        AwsSpec::Versioning(spec) => bucket(&spec.bucket),
        AwsSpec::Encryption(spec) => bucket(&spec.bucket),
        AwsSpec::Lifecycle(spec) => bucket(&spec.bucket),
        AwsSpec::Logging(spec) => bucket(&spec.bucket),
        AwsSpec::Notifications(spec) => bucket(&spec.bucket),
        AwsSpec::BucketPolicy(spec) => bucket(&spec.bucket),
        AwsSpec::LockTable(spec) => table(&spec.name),
        AwsSpec::Recovery(spec) => table(&spec.table),
        AwsSpec::Topic(spec) => Some(aws.arn("sns", &aws.region, &spec.name)),
        AwsSpec::ExistingTopic(spec) => Some(spec.arn.clone()),
        AwsSpec::Subscription(spec) => Some(spec.topic.clone()),
        AwsSpec::Alarm(spec) => {
            Some(aws.arn("cloudwatch", &aws.region, &format!("alarm:{}", spec.name)))
        }
        AwsSpec::Trail(spec) => trail(&spec.name),
        AwsSpec::ExistingTrail(spec) => spec.trail.clone(),
        AwsSpec::Selectors(spec) => trail(&spec.trail),
        AwsSpec::TrailLogging(spec) => trail(&spec.trail),
        AwsSpec::Policy(spec) => Some(spec.arn(aws)),
        AwsSpec::Attachment(spec) => Some(spec.policy.clone()),
    }
}
