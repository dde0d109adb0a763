//! The parts of an environment of tfbackend that change with its locks: the runner policy, the lock
//! table, the trail selectors, the settings file.

use std::path::PathBuf;

use crate::{
    backend::aws::{
        AwsProvider,
        access::{RunnerPolicy, lock_rights},
        blueprint::{
            self, KEY, LOCK_TABLE, LOCK_TABLE_RECOVERY, RUNNER_POLICY, TRAIL, TRAIL_SELECTORS,
        },
        bucket,
        error::ServiceErrorKind,
        lock_table::LockTableEncryption,
        ownership::EnvironmentId,
        policies::{PolicyContext, TableAccess, dns_suffix},
        policy::PolicyDocument,
        resources::{self, AwsSpec},
    },
    cli::{
        context::Context,
        environment::{EnvironmentArgs, Prompting, ResolvedEnvironment},
        explain,
        failure::CliError,
        save::PendingFile,
        target::S3Target,
    },
    engine::{
        blueprint::{Blueprint, BlueprintNode},
        observation::{self, Observation, Observed, ResourceOwner},
        plan::{Plan, PlanStep, PlannedChange},
        spec::{Spec, UNKNOWN},
    },
    settings::{
        file::SettingsFile,
        layer::{LockMechanism, SettingsLayer},
        merge::SettingsSources,
        names::EnvName,
        s3::{S3Settings, derived::DerivedNames},
    },
};

/// An environment, and the existing parts that change with its locks.
pub(super) struct EnvironmentLockParts {
    pub env: EnvName,
    /// Its folder of files and the name of its partial configuration.
    pub out: PathBuf,
    pub conf_file: PathBuf,
    /// The name of its lock table, whether or not that is there.
    pub table: String,
    aws: AwsProvider,
    blueprint: Blueprint<AwsSpec>,
    observation: Observation<AwsSpec>,
    /// The settings file that knows it.
    file: Option<SettingsFile>,
}

/// A change of the runner policy; `None` where nothing is to change.
#[derive(Default)]
pub(super) struct PolicyChanges {
    /// Before the locks move.
    pub grant: Option<Plan<AwsSpec>>,
    /// After they moved.
    pub revoke: Option<Plan<AwsSpec>>,
}

/// Returns the environment of this backend, if tfbackend created it.
///
/// # Errors
/// If its settings contradict each other, or the account cannot be read.
pub(super) async fn find(
    args: Option<EnvironmentArgs>,
    target: &S3Target,
    cx: &mut Context<'_>,
) -> Result<Option<EnvironmentLockParts>, CliError> {
    let sources = SettingsSources::read(
        cx.host,
        SettingsLayer::default(),
        cx.global.config.as_deref(),
    )
    .map_err(|error| explain::settings(&error))?;
    let (settings, file) = match args {
        Some(mut args) => {
            args.layer.lock = Some(LockMechanism::Both);
            (
                args.resolve(cx.host, &cx.global, Prompting::Never)
                    .await?
                    .settings,
                sources.file,
            )
        }
        None => match cx
            .until_cancelled(bucket::made_for(&target.aws, &target.address.bucket))
            .await?
        {
            Ok(Some(mark)) => {
                let Some(settings) = of_mark(&mark, target, cx)? else {
                    return Ok(None);
                };
                let file = sources.file.filter(|file| {
                    project_in(file, &settings.common.env)
                        .is_none_or(|project| project == mark.project)
                });
                (settings, file)
            }
            Ok(None) => return Ok(None),
            Err(error) if error.kind == ServiceErrorKind::Denied => {
                cx.status(&format!(
                    "note: whether tfbackend created this bucket is unknown, so no runner policy \
                     is changed: {error}"
                ));
                return Ok(None);
            }
            Err(error) => {
                return Err(explain::aws(
                    CliError::failed("the bucket's tags cannot be read").because(&error),
                    &error,
                    None,
                ));
            }
        },
    };
    let aws = AwsProvider {
        mark: EnvironmentId {
            project: settings.common.project.to_string(),
            env: settings.common.env.to_string(),
        },
        ..target.aws.clone()
    };
    let account = aws.account().parse().map_err(|error| {
        CliError::failed(format!("AWS returned an invalid account ID: {error}"))
    })?;
    let mut names = DerivedNames::new(&settings, &account);
    names.state_bucket.clone_from(&target.address.bucket);
    if let Some(table) = target
        .address
        .table
        .as_ref()
        .or(target.missing_table.as_ref())
    {
        names.table.clone_from(table);
    }
    let whole = blueprint::blueprint(&settings, &names, &aws);
    let moves = [
        KEY,
        LOCK_TABLE,
        LOCK_TABLE_RECOVERY,
        RUNNER_POLICY,
        TRAIL,
        TRAIL_SELECTORS,
    ];
    let nodes = whole
        .nodes()
        .iter()
        .filter(|node| moves.contains(&node.address));
    let needs = |node: &BlueprintNode<AwsSpec>| {
        node.needs
            .iter()
            .filter(|need| moves.contains(need))
            .cloned()
            .collect()
    };
    let blueprint = Blueprint::new(
        nodes
            .map(|node| BlueprintNode {
                needs: needs(node),
                ..node.clone()
            })
            .collect(),
    );
    let mut observation = cx
        .until_cancelled(resources::observe(&aws, &blueprint))
        .await?;
    // An existing KMS key is known only from the files.
    if let (Some(node), false) = (
        blueprint.get(&KEY),
        observation::outputs(&observation).contains_key(&KEY),
    ) && let Ok(Some(arn)) = cx.until_cancelled(target.key_arn()).await?
    {
        observation.insert(
            KEY,
            Observed::Present {
                spec: node.spec.clone(),
                output: Some(arn),
                owner: ResourceOwner::Us,
            },
        );
    }
    Ok(Some(EnvironmentLockParts {
        env: settings.common.env.clone(),
        out: cx
            .host
            .cwd
            .join(&settings.common.files.out)
            .components()
            .collect(),
        conf_file: PathBuf::from(
            settings
                .common
                .files
                .conf_file
                .for_env(&settings.common.env),
        ),
        table: names.table,
        aws,
        blueprint,
        observation,
        file,
    }))
}

/// The settings of a backend that is described by its files alone.
fn of_mark(
    mark: &EnvironmentId,
    target: &S3Target,
    cx: &mut Context<'_>,
) -> Result<Option<S3Settings>, CliError> {
    // Tags that are not names are not ours.
    let (Ok(project), Ok(env), Ok(region)) = (
        mark.project.parse(),
        mark.env.parse(),
        target.aws.region.parse(),
    ) else {
        return Ok(None);
    };
    let layer = SettingsLayer {
        project: Some(project),
        region: Some(region),
        lock: Some(LockMechanism::Both),
        ..SettingsLayer::default()
    };
    ResolvedEnvironment::said(layer, &env, cx.host, &cx.global)
        .map(|resolved| Some(resolved.settings))
}

/// The project that a settings file says for an environment.
fn project_in(file: &SettingsFile, env: &EnvName) -> Option<String> {
    let own = file.envs.get(env).and_then(|table| table.get("project"));
    own.or_else(|| file.top.get("project"))
        .and_then(|said| said.value.as_str().map(str::to_owned))
}

impl EnvironmentLockParts {
    pub(super) fn aws(&self) -> &AwsProvider {
        &self.aws
    }

    pub(super) fn has_table(&self) -> bool {
        matches!(
            self.observation.get(&LOCK_TABLE),
            Some(Observed::Present { .. })
        )
    }

    /// Returns the plan that creates the lock table, or the reason why that is not possible.
    pub(super) fn missing_table(&self) -> Result<Option<Plan<AwsSpec>>, String> {
        let plan = Plan::to_apply(&self.blueprint, &self.observation, false);
        let of_table =
            |step: &PlanStep<AwsSpec>| [LOCK_TABLE, LOCK_TABLE_RECOVERY].contains(&step.address);
        let steps: Vec<PlanStep<AwsSpec>> = plan.steps.into_iter().filter(of_table).collect();
        let creates = steps.iter().any(|step| {
            step.address == LOCK_TABLE && matches!(step.change, PlannedChange::Create { .. })
        });
        let reason = steps.iter().find_map(|step| match &step.change {
            PlannedChange::Blocked { reason } => Some(reason.to_string()),
            PlannedChange::Create {
                to: AwsSpec::LockTable(table),
            } if is_unknown(&table.encryption) => {
                Some("the key that encrypts the states was not found".to_owned())
            }
            _ => None,
        });
        match (creates, reason) {
            (_, Some(reason)) => Err(reason),
            (true, None) => Ok(Some(Plan { steps })),
            (false, None) => Ok(None),
        }
    }

    /// The name of the runner policy, where the environment has one: as it is there, else as it
    /// would be.
    pub(super) fn runner_policy(&self) -> Option<&str> {
        let spec = match self.observation.get(&RUNNER_POLICY) {
            Some(Observed::Present { spec, .. }) => spec,
            _ => &self.blueprint.get(&RUNNER_POLICY)?.spec,
        };
        match spec {
            AwsSpec::Policy(policy) => Some(&policy.name),
            _ => None,
        }
    }

    /// Returns the existing runner policy, if tfbackend manages it.
    fn policy(&self) -> Option<&RunnerPolicy> {
        match self.observation.get(&RUNNER_POLICY)? {
            Observed::Present {
                spec: AwsSpec::Policy(policy),
                owner: ResourceOwner::Us,
                ..
            } => Some(policy),
            _ => None,
        }
    }

    /// Returns the error of reading the runner policy.
    pub(super) fn policy_unread(&self) -> Option<&str> {
        match self.observation.get(&RUNNER_POLICY)? {
            Observed::Unreadable(error) => Some(error),
            Observed::Present { .. } | Observed::Absent => None,
        }
    }

    /// The runner policy as it will be while locks are in these places.
    pub(super) fn granted(&self, to: LockMechanism, bucket: &str) -> Option<PolicyDocument> {
        Some(lock_rights::granted(
            &self.policy()?.document,
            &self.lock_rights(bucket),
            to,
        ))
    }

    /// Returns the change of the runner policy; none if it is not managed by tfbackend or does not
    /// exist.
    pub(super) fn policy_changes(&self, to: LockMechanism, bucket: &str) -> PolicyChanges {
        let (Some(policy), Some(granted)) = (self.policy(), self.granted(to, bucket)) else {
            return PolicyChanges::default();
        };
        let revoked = lock_rights::revoked(&granted, to);
        PolicyChanges {
            grant: update(policy, &policy.document, &granted),
            revoke: update(policy, &granted, &revoked),
        }
    }

    /// Returns the change of the trail selectors for the lock table; none if the trail is not
    /// managed by tfbackend or does not exist.
    pub(super) fn trail_change(&self, to: LockMechanism) -> Option<Plan<AwsSpec>> {
        let Observed::Present {
            spec: AwsSpec::Selectors(there),
            owner: ResourceOwner::Us,
            ..
        } = self.observation.get(&TRAIL_SELECTORS)?
        else {
            return None;
        };
        let AwsSpec::Selectors(of_both) = &self.blueprint.get(&TRAIL_SELECTORS)?.spec else {
            return None;
        };
        let wanted = there.with_table_of(to.uses_table().then_some(of_both));
        if there.basic || *there == wanted {
            return None;
        }
        let change = PlannedChange::Update {
            from: AwsSpec::Selectors(there.clone()),
            to: AwsSpec::Selectors(wanted),
        };
        Some(Plan {
            steps: vec![PlanStep {
                address: TRAIL_SELECTORS,
                needs: vec![],
                change,
                consequence: None,
            }],
        })
    }

    /// A runner policy with the statements of both kinds of lock, as they have to be here.
    fn lock_rights(&self, bucket: &str) -> PolicyDocument {
        let caller = &self.aws.caller;
        let key = match self.observation.get(&LOCK_TABLE) {
            Some(Observed::Present {
                spec: AwsSpec::LockTable(table),
                ..
            }) => match &table.encryption {
                LockTableEncryption::Kms(key) => Some(key.clone()),
                LockTableEncryption::AwsOwned => None,
            },
            // As it is going to be.
            _ => match self.table_to_make() {
                Some(LockTableEncryption::Kms(key)) => Some(key),
                Some(LockTableEncryption::AwsOwned) | None => None,
            },
        };
        let access = if key.is_some() {
            TableAccess::WithKey
        } else {
            TableAccess::WithoutKey
        };
        let place = PolicyContext {
            partition: caller.partition.clone(),
            dns_suffix: dns_suffix(&caller.partition).to_owned(),
            region: self.aws.region.clone(),
            account: caller.account.clone(),
            bucket: bucket.to_owned(),
            log_bucket: String::new(),
            table: self.table.clone(),
            topic: String::new(),
            trail: String::new(),
            alarm_prefix: String::new(),
            key,
            workspace_prefix: String::new(),
            old_keys: vec![],
        };
        place.runner_policy(Some(access), true)
    }

    fn table_to_make(&self) -> Option<LockTableEncryption> {
        match self
            .blueprint
            .get(&LOCK_TABLE)?
            .spec
            .resolve(&observation::outputs(&self.observation))
        {
            AwsSpec::LockTable(table) => Some(table.encryption),
            _ => None,
        }
    }

    /// The edit of the settings file; `None` if there is nothing to edit.
    ///
    /// # Errors
    /// If the file has to be edited by hand: the reason.
    pub(super) fn settings(
        &self,
        to: LockMechanism,
        cx: &Context<'_>,
    ) -> Result<Option<PendingFile>, CliError> {
        let Some(file) = &self.file else {
            return Ok(None);
        };
        PendingFile::setting(file, &self.env, "lock", super::name_of(to), cx.host)
    }
}

fn is_unknown(encryption: &LockTableEncryption) -> bool {
    matches!(encryption, LockTableEncryption::Kms(key) if key.starts_with(UNKNOWN))
}

fn update(
    policy: &RunnerPolicy,
    from: &PolicyDocument,
    to: &PolicyDocument,
) -> Option<Plan<AwsSpec>> {
    if from.means(to) {
        return None;
    }
    let with = |document: &PolicyDocument| {
        AwsSpec::Policy(RunnerPolicy {
            document: document.clone(),
            ..policy.clone()
        })
    };
    let change = PlannedChange::Update {
        from: with(from),
        to: with(to),
    };
    Some(Plan {
        steps: vec![PlanStep {
            address: RUNNER_POLICY,
            needs: vec![],
            change,
            consequence: None,
        }],
    })
}
