//! Assesses a backend before a teardown: existing resources, data that would be lost, and blocking
//! conditions.

use crate::backend::aws::provider::S3Provider;
use std::collections::BTreeSet;

use super::{TeardownFlags, sharing::SharedBucket};
use crate::{
    backend::aws::{
        blueprint::{
            KEY, LOCK_TABLE, LOG_BUCKET, RUNNER_POLICY, STATE_BUCKET, STATE_ENCRYPTION, TOPIC,
        },
        key::DAYS_UNTIL_DELETION,
        lock_table::{is_being_deleted, wait::polling},
        ownership::{PROTECTED, Tags},
        policies::{HISTORY, LOGS, TRAIL_WRITES},
        resources::AwsSpec,
        retry::TABLE,
        store::{S3Store, StoreAddress, write::WriteEncryption},
        teardown::{
            self, audit_logs, census,
            change_guard::ObjectFingerprint,
            everything,
            guards::{self, GuardInputs, TeardownGuard},
            purge,
            scope::TeardownScope,
        },
    },
    cli::{
        context::Context, environment::ConnectedEnvironment, failure::CliError, wait::WaitReport,
    },
    engine::{
        observation::{self, Observation, Observed, ResourceOwner},
        plan::{Plan, PlannedChange, teardown::TeardownOptions},
        spec::{Address, KnownOutputs},
    },
    settings::{names::PrincipalArnKind, s3::EncryptionSettings},
    state::{
        census::{StateCensus, VersionCensus},
        layout::StateLayout,
    },
    terraform::read::ConfiguredBackend,
};

/// A backend before its teardown.
pub(crate) struct Assessment {
    pub terms: TeardownOptions,
    pub plan: Plan<AwsSpec>,
    pub outputs: KnownOutputs,
    /// `None` if nothing exists.
    pub census: Option<StateCensus>,
    /// The address of the states, if the bucket belongs to this environment or is shared with it.
    pub store: Option<StoreAddress>,
    /// The encryption of its lock files, as the bucket policy requires.
    pub encrypt: WriteEncryption,
    /// The states to delete.
    pub scope: TeardownScope,
    /// The contents of the bucket before the census.
    pub sight: Option<ObjectFingerprint>,
    pub guards: Vec<TeardownGuard>,
    /// Warnings, which do not block.
    pub warnings: Vec<String>,
}

impl Assessment {
    /// Returns whether nothing exists.
    pub(crate) fn is_nothing(&self) -> bool {
        let states = !self.scope.is_whole()
            && self
                .census
                .as_ref()
                .is_some_and(|census| census.versions != VersionCensus::default());
        self.plan.deletes().next().is_none() && !states
    }
}

pub(super) async fn look(
    environment: &ConnectedEnvironment,
    options: &TeardownFlags,
    cx: &mut Context<'_>,
) -> Result<Assessment, CliError> {
    let S3Provider {
        settings,
        names,
        aws,
        ..
    } = &environment.provider;
    wait_for_table(environment, cx).await?;
    let (blueprint, observation) = cx
        .until_cancelled(everything::look(
            aws,
            settings,
            names,
            &environment.provider.blueprint,
        ))
        .await?;
    let mut sharing = SharedBucket::of(environment, cx)?;
    if is_ours(&observation, &LOCK_TABLE) {
        let address = address(environment, &observation);
        let others = cx
            .until_cancelled(purge::others(&S3Store::new(aws, &address)))
            .await?;
        // A denied read is reported by the census.
        sharing.table.extend(others.unwrap_or_default());
    }
    let scope = match observation.get(&STATE_BUCKET) {
        Some(Observed::Present { owner, .. }) => sharing.scope(owner, settings),
        Some(Observed::Absent | Observed::Unreadable(_)) | None => None,
    };
    let logs_under_key = cx
        .until_cancelled(logs_under_key(&observation, environment))
        .await?;
    let terms = teardown::terms(&options.choice(&sharing, logs_under_key));
    let plan = Plan::to_teardown(&blueprint, &observation, &terms);
    let mut looked = Assessment {
        terms,
        encrypt: encrypt(&observation, environment),
        outputs: observation::outputs(&observation),
        census: None,
        store: scope.is_some().then(|| address(environment, &observation)),
        scope: scope.unwrap_or(TeardownScope::Whole),
        sight: None,
        guards: vec![],
        warnings: vec![],
        plan,
    };
    cx.busy_with(
        "counting states and locks",
        count(&mut looked, &observation, environment),
    )
    .await?;
    looked.guards = guards(&looked, &observation, &sharing, options, environment, cx);
    looked.warnings = warnings(&looked, options, environment, cx);
    Ok(looked)
}

/// Waits for a table that an earlier run is deleting, which cannot be read. Denied reads and
/// timeouts are reported by the assessment.
async fn wait_for_table(
    environment: &ConnectedEnvironment,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    let (mut waiting, mut waits) = (polling(), WaitReport::new("AWS has deleted", TABLE));
    while let Ok(true) = cx
        .until_cancelled(is_being_deleted(
            &environment.provider.aws,
            &environment.provider.names.table,
        ))
        .await?
    {
        waits.on(&[LOCK_TABLE], cx);
        if !cx.until_cancelled(waiting.again()).await? {
            break;
        }
    }
    Ok(())
}

/// Returns a failure with all blocking conditions.
pub(super) fn must_not_be_guarded(looked: &Assessment) -> Result<(), CliError> {
    let mut failure = match &looked.guards[..] {
        [] => return Ok(()),
        [only] => CliError::refused(format!("{only}; nothing was changed")),
        several => {
            let mut failure = CliError::refused(format!(
                "teardown is blocked by {} conditions; nothing was changed",
                several.len()
            ));
            failure
                .causes
                .extend(several.iter().map(ToString::to_string));
            failure
        }
    };
    for guard in &looked.guards {
        failure = failure.hint(guard.what_to_do());
    }
    Err(failure)
}

fn address(environment: &ConnectedEnvironment, observation: &Observation<AwsSpec>) -> StoreAddress {
    let S3Provider {
        settings,
        names,
        aws,
        ..
    } = &environment.provider;
    // A table of ours may hold locks although the settings name none.
    let named = settings.lock.uses_table()
        && !matches!(observation.get(&LOCK_TABLE), None | Some(Observed::Absent));
    let table = named || is_ours(observation, &LOCK_TABLE);
    StoreAddress {
        bucket: names.state_bucket.clone(),
        owner: aws.account().to_owned(),
        table: table.then(|| names.table.clone()),
        layout: StateLayout {
            key: Some(settings.key.to_string()),
            workspace_prefix: settings.workspace_key_prefix.to_string(),
        },
    }
}

/// With the key that the bucket has as its default, which need not be the one that the settings
/// come to.
fn encrypt(
    observation: &Observation<AwsSpec>,
    environment: &ConnectedEnvironment,
) -> WriteEncryption {
    if let Some(Observed::Present {
        spec: AwsSpec::Encryption(default),
        ..
    }) = observation.get(&STATE_ENCRYPTION)
        && let Some(key) = default.key_arn()
    {
        return WriteEncryption::Kms(key.to_owned());
    }
    let key = || observation::outputs(observation).get(&KEY).cloned();
    match environment.provider.settings.encryption {
        EncryptionSettings::SseS3 => WriteEncryption::OfS3,
        EncryptionSettings::NewKey { .. } | EncryptionSettings::OwnKey { .. } => {
            key().map_or(WriteEncryption::Unsaid, WriteEncryption::Kms)
        }
    }
}

/// States of another owner are not read.
async fn count(
    looked: &mut Assessment,
    observation: &Observation<AwsSpec>,
    environment: &ConnectedEnvironment,
) {
    let aws = &environment.provider.aws;
    let policy = is_ours(observation, &RUNNER_POLICY)
        .then(|| looked.outputs.get(&RUNNER_POLICY))
        .flatten();
    let topic = is_ours(observation, &TOPIC)
        .then(|| looked.outputs.get(&TOPIC))
        .flatten();
    let mut counted = StateCensus::default();
    if let Some(address) = &looked.store {
        let store = S3Store::new(aws, address);
        // First, so that no concurrent change is missed.
        match ObjectFingerprint::of(&store, &looked.scope).await {
            Ok(sight) => looked.sight = Some(sight),
            Err(error) => counted.unseen.add(error.to_string()),
        }
        let unseen = counted.unseen;
        counted = census::take(&store, &looked.scope).await;
        unseen
            .rows
            .into_iter()
            .for_each(|error| counted.unseen.add(error));
    } else if policy.is_none() && topic.is_none() {
        return;
    }
    census::people(
        aws,
        policy.map(String::as_str),
        topic.map(String::as_str),
        &mut counted,
    )
    .await;
    looked.census = Some(counted);
}

/// Returns whether audit logs exist that need the key. If unknown, they may exist.
async fn logs_under_key(
    observation: &Observation<AwsSpec>,
    environment: &ConnectedEnvironment,
) -> bool {
    let is_there =
        |address: &Address| matches!(observation.get(address), Some(Observed::Present { .. }));
    if !is_there(&KEY) || !is_ours(observation, &LOG_BUCKET) {
        return false;
    }
    let has_or_had_trail = observation.values().any(|seen| match seen {
        Observed::Present {
            spec: AwsSpec::Trail(_),
            owner: ResourceOwner::Us,
            ..
        } => true,
        Observed::Present {
            spec: AwsSpec::BucketPolicy(policy),
            ..
        } => policy.document.has(TRAIL_WRITES),
        Observed::Present { .. } | Observed::Absent | Observed::Unreadable(_) => false,
    });
    has_or_had_trail
        || audit_logs::any(
            &environment.provider.aws,
            &environment.provider.names.log_bucket,
        )
        .await
        .unwrap_or(true)
}

fn is_ours(observation: &Observation<AwsSpec>, address: &Address) -> bool {
    matches!(
        observation.get(address),
        Some(Observed::Present {
            owner: ResourceOwner::Us,
            ..
        })
    )
}

/// Returns whether the state bucket is there, and nothing says whose it is: all that is left is
/// what runs
/// on its states need.
fn is_untagged(observation: &Observation<AwsSpec>) -> bool {
    matches!(
        observation.get(&STATE_BUCKET),
        Some(Observed::Present {
            owner: ResourceOwner::Unmanaged,
            ..
        })
    )
}

fn guards(
    looked: &Assessment,
    observation: &Observation<AwsSpec>,
    sharing: &SharedBucket,
    options: &TeardownFlags,
    environment: &ConnectedEnvironment,
    cx: &Context<'_>,
) -> Vec<TeardownGuard> {
    let plan = &looked.plan;
    let blocked = plan
        .steps
        .iter()
        .filter(|step| plan.blocking_whole(step).is_none())
        .filter_map(|step| match &step.change {
            PlannedChange::Blocked { reason } => Some(format!("{}: {reason}", step.address)),
            _ => None,
        });
    let guarded = GuardInputs {
        protected: !looked.is_nothing() && is_protected(observation, environment),
        census: looked.census.as_ref(),
        attached: &strangers(looked, environment),
        same_states: &sharing.states,
        untagged: (!looked.is_nothing() && is_untagged(observation))
            .then_some(&*environment.provider.names.state_bucket),
        blocked: &blocked.collect::<Vec<_>>(),
        now: cx.now(),
    };
    guards::holding(&guarded, options.said())
}

/// By the settings, if they say so, or by any of the levels that are there: tags, the table's own
/// protection, the policies.
fn is_protected(observation: &Observation<AwsSpec>, environment: &ConnectedEnvironment) -> bool {
    let ours = observation.values().filter_map(|seen| match seen {
        Observed::Present {
            spec,
            owner: ResourceOwner::Us,
            ..
        } => Some(spec),
        Observed::Present { .. } | Observed::Absent | Observed::Unreadable(_) => None,
    });
    let by_tag = |tags: &Tags| {
        tags.get(PROTECTED)
            .is_some_and(|protected| protected == "true")
    };
    let mut levels = ours.map(|spec| match spec {
        AwsSpec::Key(key) => by_tag(&key.tags),
        AwsSpec::Bucket(bucket) => by_tag(&bucket.tags),
        AwsSpec::LockTable(table) => by_tag(&table.tags) || table.deletion_protection,
        AwsSpec::BucketPolicy(policy) => policy.document.has(HISTORY) || policy.document.has(LOGS),
        _ => false,
    });
    environment.said.ephemeral == Some(false) || levels.any(|protected| protected)
}

/// Returns the principals with the policy that are not in the settings.
fn strangers(looked: &Assessment, environment: &ConnectedEnvironment) -> Vec<String> {
    let goes = looked
        .plan
        .deletes()
        .any(|step| step.address == RUNNER_POLICY);
    let ours: BTreeSet<String> = environment
        .provider
        .settings
        .access
        .attach_to
        .iter()
        .map(|principal| {
            let kind = match principal.kind() {
                PrincipalArnKind::Role => "role",
                PrincipalArnKind::User => "user",
                PrincipalArnKind::Group => "group",
            };
            format!("{kind}/{}", principal.name())
        })
        .collect();
    let attached = looked
        .census
        .iter()
        .filter(|_| goes)
        .flat_map(|census| &census.attached.rows);
    attached
        .filter(|who| !ours.contains(*who))
        .cloned()
        .collect()
}

fn warnings(
    looked: &Assessment,
    options: &TeardownFlags,
    environment: &ConnectedEnvironment,
    cx: &Context<'_>,
) -> Vec<String> {
    let mut warnings = vec![];
    let goes = |address: &Address| looked.plan.deletes().any(|step| step.address == *address);
    let bucket = &environment.provider.names.state_bucket;
    if goes(&STATE_BUCKET) && points_here(bucket, cx) {
        warnings.push(format!(
            "the configuration in this folder still points at {bucket}; to keep its states, first \
             change the backend and run `terraform init -migrate-state`"
        ));
    }
    if goes(&KEY) && options.key_window < DAYS_UNTIL_DELETION {
        warnings.push(format!(
            "the key is deleted in {} days: its policy, which denies fewer than \
             {DAYS_UNTIL_DELETION} days, is changed first",
            options.key_window
        ));
    }
    warnings
}

/// Returns whether Terraform in the current folder may use this bucket.
fn points_here(bucket: &str, cx: &Context<'_>) -> bool {
    let folder = crate::cli::verify::read_folder(&cx.host.cwd, &[], cx);
    folder.is_ok_and(|folder| {
        ConfiguredBackend::candidates(&folder)
            .iter()
            .any(|configured| configured.bucket.value == bucket)
    })
}
