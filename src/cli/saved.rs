//! A saved plan, from `plan --out` to `bootstrap FILE`, and its validation.

use crate::backend::{aws::provider::S3Provider, provider::Provider};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{environment::ConnectedEnvironment, explain, failure::CliError};
use crate::{
    backend::aws::resources::AwsSpec,
    engine::{
        blueprint::Blueprint,
        plan::{Plan, PlanStep, PlannedChange},
        spec::KnownOutputs,
    },
    report::json::FORMAT_VERSION,
    settings::{
        defaults, layer::SettingsLayer, merge::SettingOrigin, names::EnvName,
        s3::CredentialSettings,
    },
    store::location::BackendLocation,
    terraform::write,
    text::words,
};

pub(crate) mod carry_out;
pub mod file;
pub mod since;

/// Counts up when a field changes its meaning or goes away: a program of another format refuses the
/// file.
pub const SAVED_VERSION: u32 = 1;

/// Everything that carrying the plan out needs but credentials, of which it holds none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    /// [`SAVED_VERSION`].
    pub saved_plan: u32,
    /// Checksum of all other lines, to detect changes. It is not a signature: a user who can write
    /// the file can compute a new one.
    pub sha256: String,
    /// The version of tfbackend that made it.
    pub tool_version: String,
    pub project: String,
    pub env: EnvName,
    /// Absent in a plan of a version that did not name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<BackendLocation>,
    /// The account's 12 digits.
    pub account: String,
    pub region: String,
    pub partition: String,
    /// Checksum of the blueprint and the files, in hexadecimal.
    pub blueprint_sha256: String,
    /// True if it adopts resources that were not created by tfbackend.
    pub adopt: bool,
    /// True if it does what refuses runs as they were configured.
    #[serde(default)]
    pub enforce: bool,
    /// The settings of the environment: names, options, and the folder of the files.
    pub settings: SettingsLayer,
    /// True if the state key was said, and is not only the default of the folder.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub key_said: bool,
    /// The files that are written in the end, as they are called in their folder.
    pub files: Vec<String>,
    /// With everything that is there now and will be there, in an order in which they can be
    /// carried out.
    pub steps: Vec<PlanStep<AwsSpec>>,
}

impl SavedPlan {
    pub fn of(
        plan: &Plan<AwsSpec>,
        environment: &ConnectedEnvironment,
        enforce: bool,
    ) -> Result<Self, CliError> {
        let S3Provider {
            settings,
            aws,
            blueprint,
            ..
        } = &environment.provider;
        let files = files(environment)?;
        Ok(Self {
            saved_plan: SAVED_VERSION,
            sha256: file::NO_SUM.to_owned(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            project: settings.common.project.to_string(),
            env: settings.common.env.clone(),
            backend: Some(environment.location()),
            account: aws.account().to_owned(),
            region: settings.region.to_string(),
            partition: aws.caller.partition.clone(),
            blueprint_sha256: sum(blueprint, &files),
            adopt: settings.common.run.adopt,
            enforce,
            settings: settings_of(environment),
            key_said: environment.key_said,
            files: files.into_iter().map(|file| file.name).collect(),
            steps: plan.steps.clone(),
        })
    }

    pub fn plan(&self) -> Plan<AwsSpec> {
        Plan {
            steps: self.steps.clone(),
        }
    }

    /// A plan with blocked steps is never applied, even if the cause was resolved.
    pub fn must_not_be_blocked(&self) -> Result<(), CliError> {
        let plan = self.plan();
        let blocked: Vec<String> = plan
            .blocked()
            .map(|(address, reason)| format!("{address}: {reason}"))
            .collect();
        if blocked.is_empty() {
            return Ok(());
        }
        let count = words::count(blocked.len(), "step is", "steps are");
        let mut failure =
            CliError::refused(format!("{count} blocked in this plan; nothing was changed"));
        failure.causes = blocked;
        Err(failure.hint("resolve that, then make a new plan"))
    }

    /// Refuses a plan with deletions, which must be decided on the current resources, never on
    /// those that existed
    /// once.
    pub fn must_not_delete(&self) -> Result<(), CliError> {
        let takes_down = |step: &&PlanStep<AwsSpec>| {
            matches!(
                step.change,
                PlannedChange::Delete { .. } | PlannedChange::Keep { .. }
            )
        };
        match self.steps.iter().find(takes_down) {
            None => Ok(()),
            Some(step) => Err(CliError::refused(format!(
                "this plan deletes {}; nothing was changed",
                step.address
            ))
            .hint("a saved plan can only create and update resources")),
        }
    }

    /// Returns whether this version of the program made it.
    pub fn is_of_this_version(&self) -> bool {
        self.tool_version == env!("CARGO_PKG_VERSION")
    }

    /// The plan is for this account.
    pub fn must_be_for(&self, environment: &ConnectedEnvironment) -> Result<(), CliError> {
        let aws = &environment.provider.aws;
        if (&*self.account, &*self.partition) != (aws.account(), &*aws.caller.partition) {
            let (account, partition) = (aws.account(), &aws.caller.partition);
            return Err(CliError::refused(format!(
                "the plan is for account {} ({}), and these credentials are for account {account} \
                 ({partition}); nothing was changed",
                self.account, self.partition
            ))
            .hint("use credentials of that account (--profile, AWS_PROFILE)"));
        }
        Ok(())
    }

    /// This program would plan towards the same.
    pub fn must_fit(&self, environment: &ConnectedEnvironment) -> Result<(), CliError> {
        let S3Provider {
            settings,
            blueprint,
            ..
        } = &environment.provider;
        let place = (settings.common.project.as_str(), settings.region.as_str());
        let here = environment.location();
        let is_here = |backend: &BackendLocation| {
            (backend.kind, &backend.location) == (here.kind, &here.location)
        };
        if (&*self.project, &*self.region) == place
            && self.backend.as_ref().is_none_or(is_here)
            && self.blueprint_sha256 == sum(blueprint, &files(environment)?)
        {
            return Ok(());
        }
        let this = env!("CARGO_PKG_VERSION");
        let why = if self.tool_version == this {
            "the plan does not match its own settings".to_owned()
        } else {
            format!(
                "the plan was made by tfbackend {}, and {this} would plan something else from the \
                 same settings",
                self.tool_version
            )
        };
        Err(CliError::refused(format!("{why}; nothing was changed"))
            .hint("make a new plan with this version"))
    }
}

/// Returns the settings, including existing values of state location and locking: the plan is
/// carried out in any folder. So are defaults that depend on this one.
fn settings_of(environment: &ConnectedEnvironment) -> SettingsLayer {
    let ConnectedEnvironment {
        said,
        kept,
        provider: S3Provider { settings, .. },
        ..
    } = environment;
    let (defaults, key, name) = (
        defaults::defaults(),
        &settings.key,
        &settings.common.files.conf_file,
    );
    let key = Some(key)
        .filter(|key| defaults.key.as_ref() != Some(key))
        .cloned();
    let conf_file = Some(name)
        .filter(|name| defaults.conf_file.as_ref() != Some(name))
        .cloned();
    // Those of this caller are not those of the one who carries the plan out; what the files say
    // belongs to the plan.
    let is_of_file = |name: &str| {
        matches!(
            environment.merged.origin(name),
            Some(SettingOrigin::File { .. })
        )
    };
    let CredentialSettings {
        profile,
        role,
        in_conf,
    } = environment.provider.of_runs.clone();
    let credentials = if in_conf {
        let (role_arn, external_id) = role.map(|role| (role.arn, role.external_id)).unzip();
        SettingsLayer {
            profile,
            role_arn,
            external_id: external_id.flatten(),
            ..SettingsLayer::default()
        }
    } else {
        let SettingsLayer {
            profile,
            role_arn,
            external_id,
            ..
        } = environment.merged.layer.clone();
        let (profile, role_arn) = (
            profile.filter(|_| is_of_file("profile")),
            role_arn.filter(|_| is_of_file("role-arn")),
        );
        SettingsLayer {
            external_id: external_id.filter(|_| role_arn.is_some()),
            profile,
            role_arn,
            ..SettingsLayer::default()
        }
    };
    let table = kept.table.clone().filter(|_| settings.lock.uses_table());
    SettingsLayer {
        key: said.key.clone().or(key),
        conf_file: said.conf_file.clone().or(conf_file),
        workspace_key_prefix: said
            .workspace_key_prefix
            .clone()
            .or_else(|| kept.workspace_key_prefix.clone()),
        lock: said.lock.or(kept.lock),
        bucket: said.bucket.clone().or_else(|| kept.bucket.clone()),
        namespace: said.namespace.or(kept.namespace),
        table: said.table.clone().or(table),
        profile: credentials.profile,
        role_arn: credentials.role_arn,
        external_id: credentials.external_id,
        conf_credentials: said.conf_credentials.or(in_conf.then_some(true)),
        ..said.clone()
    }
}

/// The files without an emulator and before the key is known: independent of the caller.
fn files(environment: &ConnectedEnvironment) -> Result<Vec<write::RenderedFile>, CliError> {
    let names = &environment.provider.settings.common.files;
    let backend = write::s3::S3BackendConfig {
        emulator: None,
        ..environment.provider.backend_config(&KnownOutputs::new())
    };
    write::files(&backend, names.tf_file.as_str(), names.conf_file.as_str())
        .map_err(|error| explain::render(&error))
}

/// One number for everything that should exist, and for what the files say of it.
fn sum(blueprint: &Blueprint<AwsSpec>, files: &[write::RenderedFile]) -> String {
    let nodes: Vec<_> = blueprint
        .nodes()
        .iter()
        .map(|node| (&node.address, &node.needs, &node.spec))
        .collect();
    let files: Vec<_> = files.iter().map(|file| (&file.name, &file.text)).collect();
    let text = serde_json::to_string(&(FORMAT_VERSION, nodes, files)).expect("plain data");
    hexadecimal(text.as_bytes())
}

fn hexadecimal(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
