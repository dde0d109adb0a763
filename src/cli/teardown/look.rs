//! All that is looked at before anything is taken down: what is there, what would be lost, and what
//! forbids it.

use std::collections::BTreeSet;

use super::{TeardownOptions, sharing::Sharing};
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
        settle::TABLE,
        store::{Store, StoreAddress, write::Encrypt},
        teardown::{
            self,
            appeared::Sight,
            audit_logs, census, everything,
            guards::{self, Guard, Guarded},
            purge,
            scope::Scope,
        },
    },
    cli::{context::Context, environment::Environment, failure::Failure, wait::Waits},
    engine::{
        observation::{self, Observation, Owner, Seen},
        plan::{Change, Plan, teardown::Terms},
        spec::{Address, Outputs},
    },
    settings::{Encryption, names::PrincipalKind},
    state::{
        census::{Census, Versions},
        layout::Layout,
    },
    terraform::read::Configured,
};

/// A backend before it is taken down.
pub struct Looked {
    pub terms: Terms,
    pub plan: Plan<AwsSpec>,
    pub outputs: Outputs,
    /// `None` where nothing is there.
    pub census: Option<Census>,
    /// Where the states are, if the bucket is ours, or shared with us.
    pub store: Option<StoreAddress>,
    /// How its locks are written: as the bucket's policy asks for.
    pub encrypt: Encrypt,
    /// Which of them go.
    pub scope: Scope,
    /// What was in the bucket before it was counted.
    pub sight: Option<Sight>,
    pub guards: Vec<Guard>,
    /// What is to be known, and forbids nothing.
    pub warnings: Vec<String>,
}

impl Looked {
    /// Whether nothing of it is there.
    pub fn is_nothing(&self) -> bool {
        let states = !self.scope.is_whole()
            && self
                .census
                .as_ref()
                .is_some_and(|census| census.versions != Versions::default());
        self.plan.deletes().next().is_none() && !states
    }
}

pub async fn look(
    environment: &Environment,
    options: &TeardownOptions,
    cx: &mut Context<'_>,
) -> Result<Looked, Failure> {
    let Environment {
        settings,
        names,
        aws,
        ..
    } = environment;
    wait_for_table(environment, cx).await?;
    let (blueprint, observation) = cx
        .look(everything::look(
            aws,
            settings,
            names,
            &environment.blueprint,
        ))
        .await?;
    let mut sharing = Sharing::of(environment, cx)?;
    if is_ours(&observation, &LOCK_TABLE) {
        let address = address(environment, &observation);
        let others = cx.look(purge::others(&Store::new(aws, &address))).await?;
        // That it may not be read is found out again, and said, by the census.
        sharing.table.extend(others.unwrap_or_default());
    }
    let scope = match observation.get(&STATE_BUCKET) {
        Some(Seen::Present { owner, .. }) => sharing.scope(owner, settings),
        Some(Seen::Absent | Seen::Unreadable(_)) | None => None,
    };
    let logs_under_key = cx.look(logs_under_key(&observation, environment)).await?;
    let terms = teardown::terms(&options.choice(&sharing, logs_under_key));
    let plan = Plan::to_teardown(&blueprint, &observation, &terms);
    let mut looked = Looked {
        terms,
        encrypt: encrypt(&observation, environment),
        outputs: observation::outputs(&observation),
        census: None,
        store: scope.is_some().then(|| address(environment, &observation)),
        scope: scope.unwrap_or(Scope::Whole),
        sight: None,
        guards: vec![],
        warnings: vec![],
        plan,
    };
    cx.look(count(&mut looked, &observation, environment))
        .await?;
    looked.guards = guards(&looked, &observation, &sharing, options, environment, cx);
    looked.warnings = warnings(&looked, options, environment, cx);
    Ok(looked)
}

/// A table that an earlier run deletes cannot be looked at. That it may not be looked at, or takes
/// longer, is said by the look.
async fn wait_for_table(environment: &Environment, cx: &mut Context<'_>) -> Result<(), Failure> {
    let (mut waiting, mut waits) = (polling(), Waits::new("AWS has deleted", TABLE));
    while let Ok(true) = cx
        .look(is_being_deleted(&environment.aws, &environment.names.table))
        .await?
    {
        waits.on(&[LOCK_TABLE], cx);
        if !cx.look(waiting.again()).await? {
            break;
        }
    }
    Ok(())
}

/// Names everything that forbids it, at once.
pub fn must_not_be_guarded(looked: &Looked) -> Result<(), Failure> {
    let mut failure = match &looked.guards[..] {
        [] => return Ok(()),
        [only] => Failure::refused(format!("{only}; nothing was changed")),
        several => {
            let mut failure = Failure::refused(format!(
                "{} things forbid it; nothing was changed",
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

fn address(environment: &Environment, observation: &Observation<AwsSpec>) -> StoreAddress {
    let Environment {
        settings,
        names,
        aws,
        ..
    } = environment;
    // A table of ours may hold locks although the settings name none.
    let named = settings.lock.uses_table()
        && !matches!(observation.get(&LOCK_TABLE), None | Some(Seen::Absent));
    let table = named || is_ours(observation, &LOCK_TABLE);
    StoreAddress {
        bucket: names.state_bucket.clone(),
        owner: aws.account().to_owned(),
        table: table.then(|| names.table.clone()),
        layout: Layout {
            key: Some(settings.key.to_string()),
            workspace_prefix: settings.workspace_key_prefix.to_string(),
        },
    }
}

/// With the key that the bucket has as its default, which need not be the one that the settings
/// come to.
fn encrypt(observation: &Observation<AwsSpec>, environment: &Environment) -> Encrypt {
    if let Some(Seen::Present {
        spec: AwsSpec::Encryption(default),
        ..
    }) = observation.get(&STATE_ENCRYPTION)
        && let Some(key) = default.key_arn()
    {
        return Encrypt::Kms(key.to_owned());
    }
    let key = || observation::outputs(observation).get(&KEY).cloned();
    match environment.settings.encryption {
        Encryption::SseS3 => Encrypt::OfS3,
        Encryption::NewKey { .. } | Encryption::OwnKey { .. } => {
            key().map_or(Encrypt::Unsaid, Encrypt::Kms)
        }
    }
}

/// Of the states of another nothing is read.
async fn count(looked: &mut Looked, observation: &Observation<AwsSpec>, environment: &Environment) {
    let aws = &environment.aws;
    let policy = is_ours(observation, &RUNNER_POLICY)
        .then(|| looked.outputs.get(&RUNNER_POLICY))
        .flatten();
    let topic = is_ours(observation, &TOPIC)
        .then(|| looked.outputs.get(&TOPIC))
        .flatten();
    let mut counted = Census::default();
    if let Some(address) = &looked.store {
        let store = Store::new(aws, address);
        // First, so that nothing comes in between unseen.
        match Sight::of(&store, &looked.scope).await {
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

/// Whether audit logs are there that cannot be read without the key. Where that cannot be found
/// out, they may be.
async fn logs_under_key(observation: &Observation<AwsSpec>, environment: &Environment) -> bool {
    let is_there =
        |address: &Address| matches!(observation.get(address), Some(Seen::Present { .. }));
    if !is_there(&KEY) || !is_ours(observation, &LOG_BUCKET) {
        return false;
    }
    let has_or_had_trail = observation.values().any(|seen| match seen {
        Seen::Present {
            spec: AwsSpec::Trail(_),
            owner: Owner::Us,
            ..
        } => true,
        Seen::Present {
            spec: AwsSpec::BucketPolicy(policy),
            ..
        } => policy.document.has(TRAIL_WRITES),
        Seen::Present { .. } | Seen::Absent | Seen::Unreadable(_) => false,
    });
    has_or_had_trail
        || audit_logs::any(&environment.aws, &environment.names.log_bucket)
            .await
            .unwrap_or(true)
}

fn is_ours(observation: &Observation<AwsSpec>, address: &Address) -> bool {
    matches!(
        observation.get(address),
        Some(Seen::Present {
            owner: Owner::Us,
            ..
        })
    )
}

/// Whether the state bucket is there, and nothing says whose it is: all that is left is what runs
/// on its states need.
fn is_untagged(observation: &Observation<AwsSpec>) -> bool {
    matches!(
        observation.get(&STATE_BUCKET),
        Some(Seen::Present {
            owner: Owner::Unmanaged,
            ..
        })
    )
}

fn guards(
    looked: &Looked,
    observation: &Observation<AwsSpec>,
    sharing: &Sharing,
    options: &TeardownOptions,
    environment: &Environment,
    cx: &Context<'_>,
) -> Vec<Guard> {
    let plan = &looked.plan;
    let blocked = plan
        .steps
        .iter()
        .filter(|step| plan.blocking_whole(step).is_none())
        .filter_map(|step| match &step.change {
            Change::Blocked { reason } => Some(format!("{}: {reason}", step.address)),
            _ => None,
        });
    let guarded = Guarded {
        protected: !looked.is_nothing() && is_protected(observation, environment),
        census: looked.census.as_ref(),
        attached: &strangers(looked, environment),
        same_states: &sharing.states,
        untagged: (!looked.is_nothing() && is_untagged(observation))
            .then_some(&*environment.names.state_bucket),
        blocked: &blocked.collect::<Vec<_>>(),
        now: cx.now(),
    };
    guards::holding(&guarded, options.said())
}

/// By the settings, if they say so, or by any of the levels that are there: tags, the table's own
/// protection, the policies.
fn is_protected(observation: &Observation<AwsSpec>, environment: &Environment) -> bool {
    let ours = observation.values().filter_map(|seen| match seen {
        Seen::Present {
            spec,
            owner: Owner::Us,
            ..
        } => Some(spec),
        Seen::Present { .. } | Seen::Absent | Seen::Unreadable(_) => None,
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

/// Who has the policy that goes, and did not get it from the settings.
fn strangers(looked: &Looked, environment: &Environment) -> Vec<String> {
    let goes = looked
        .plan
        .deletes()
        .any(|step| step.address == RUNNER_POLICY);
    let ours: BTreeSet<String> = environment
        .settings
        .access
        .attach_to
        .iter()
        .map(|principal| {
            let kind = match principal.kind() {
                PrincipalKind::Role => "role",
                PrincipalKind::User => "user",
                PrincipalKind::Group => "group",
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
    looked: &Looked,
    options: &TeardownOptions,
    environment: &Environment,
    cx: &Context<'_>,
) -> Vec<String> {
    let mut warnings = vec![];
    let goes = |address: &Address| looked.plan.deletes().any(|step| step.address == *address);
    let bucket = &environment.names.state_bucket;
    if goes(&STATE_BUCKET) && points_here(bucket, cx) {
        warnings.push(format!(
            "the configuration in this folder still points at {bucket}; to take its states along, \
             change the backend and run terraform init -migrate-state first"
        ));
    }
    if goes(&KEY) && options.key_window < DAYS_UNTIL_DELETION {
        warnings.push(format!(
            "the key goes in {} days: what its policy says against fewer than \
             {DAYS_UNTIL_DELETION} is lifted first",
            options.key_window
        ));
    }
    warnings
}

/// Whether Terraform, run in the current folder, may use this bucket.
fn points_here(bucket: &str, cx: &Context<'_>) -> bool {
    let folder = crate::cli::verify::read_folder(&cx.host.cwd, &[], cx);
    folder.is_ok_and(|folder| {
        Configured::candidates(&folder)
            .iter()
            .any(|configured| configured.bucket.value == bucket)
    })
}
