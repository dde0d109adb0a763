//! The final report of a teardown: deleted, kept and remaining resources, and how to cancel the key
//! deletion.

use crate::backend::{aws::provider::S3Provider, provider::Provider};
use schemars::JsonSchema;
use serde::Serialize;

use super::{assess::Assessment, carry_out::TakenDown};
use crate::{
    backend::aws::{
        blueprint::{KEY, LOCK_TABLE, LOCK_TABLE_RECOVERY},
        key::ScheduledDeletion,
        resources::AwsSpec,
        teardown::{
            destroy::DemolitionError,
            empty::{LeftoverObject, LeftoverReason},
        },
    },
    cli::{context::Context, environment::ConnectedEnvironment, explain, failure::CliError},
    engine::{
        apply::ApplyOutcome,
        plan::{Plan, PlannedChange},
        spec::Address,
    },
    exit,
    report::{json, safe::safe},
    store::location::BackendLocation,
    terraform::write::files::FileRemoval,
    text::words,
};

/// Kept resources, with reasons.
pub(crate) struct StayingResource {
    pub kept: Vec<(Address, String)>,
    /// DynamoDB keeps a backup of its own of a table that had point-in-time recovery.
    pub system_backup: bool,
}

/// The last line of `teardown --output json`.
#[derive(Serialize, JsonSchema)]
pub(in crate::cli) struct TakenDownDocument<'a> {
    event: &'static str,
    project: &'a str,
    env: &'a str,
    backend: BackendLocation,
    account: &'a str,
    region: &'a str,
    bucket: &'a str,
    deleted: usize,
    versions: u64,
    delete_markers: u64,
    uploads: u64,
    kept: Vec<KeptResourceDocument>,
    files: Vec<RemovedFileDocument>,
    detached: &'a [String],
    backup: Option<BackupDocument>,
    key: Option<KeyDocument>,
}

#[derive(Serialize, JsonSchema)]
struct KeptResourceDocument {
    address: String,
    why: String,
}

#[derive(Serialize, JsonSchema)]
struct RemovedFileDocument {
    path: String,
    removed: bool,
}

#[derive(Serialize, JsonSchema)]
struct BackupDocument {
    path: String,
    states: usize,
    versions: usize,
    sha256: String,
}

#[derive(Serialize, JsonSchema)]
struct KeyDocument {
    arn: String,
    deleted_on: Option<String>,
    /// In this order, until then.
    take_back: [String; 2],
}

pub(crate) fn kept(plan: &Plan<AwsSpec>) -> StayingResource {
    let kept = plan.steps.iter().filter_map(|step| match &step.change {
        PlannedChange::Keep { why, .. } => Some((step.address.clone(), why.to_string())),
        _ => None,
    });
    let table = plan.deletes().any(|step| step.address == LOCK_TABLE);
    let recovery = plan
        .steps
        .iter()
        .any(|step| step.address == LOCK_TABLE_RECOVERY);
    StayingResource {
        kept: kept.collect(),
        system_backup: table && recovery,
    }
}

/// Reports that nothing exists.
pub(crate) fn nothing(
    looked: &Assessment,
    environment: &ConnectedEnvironment,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    let taken = TakenDown {
        backup: None,
        files: vec![],
        applied: 0,
        whole: true,
        done: Default::default(),
    };
    cx.status(&format!(
        "{}: nothing to delete",
        environment.provider.title()
    ));
    taken_down(&taken, &kept(&looked.plan), environment, cx)
}

pub(crate) fn taken_down(
    taken: &TakenDown,
    stays: &StayingResource,
    environment: &ConnectedEnvironment,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    if cx.global.json() {
        let document = document(taken, stays, environment);
        return json::write_line(&mut *cx.host.out, document)
            .map_err(|error| CliError::failed("cannot write the output").because(&error));
    }
    for file in &taken.files {
        match file {
            FileRemoval::Removed(path) => cx.status(&format!("removed: {}", path.display())),
            FileRemoval::Kept(path, refusal) => {
                cx.status(&format!("kept: {} {refusal}", path.display()))
            }
            FileRemoval::InUse(path, other) => cx.status(&format!(
                "kept: {} has the block that {} completes",
                path.display(),
                safe(other)
            )),
        }
    }
    for (address, why) in &stays.kept {
        cx.status(&format!("kept: {address}: {why}"));
    }
    if taken.applied > 0 {
        cx.status(&format!(
            "deleted: {}",
            words::count(taken.applied, "resource", "resources")
        ));
    }
    if stays.system_backup && taken.applied > 0 {
        cx.status("DynamoDB keeps a backup of the lock table for 35 days, at no cost.");
    }
    if let Some(doomed) = &taken.done.key {
        cx.status(&format!(
            "the key {} is deleted {}; to cancel its deletion:",
            doomed.arn,
            on(doomed)
        ));
        for line in take_back(doomed) {
            cx.status(&format!("  {line}"));
        }
    }
    Ok(())
}

fn on(doomed: &ScheduledDeletion) -> String {
    doomed.on.map_or_else(
        || "soon".to_owned(),
        |on| format!("on {}", on.strftime("%Y-%m-%d")),
    )
}

/// A key whose deletion is cancelled is disabled (`CancelKeyDeletion`).
fn take_back(doomed: &ScheduledDeletion) -> [String; 2] {
    [
        format!("aws kms cancel-key-deletion --key-id {}", doomed.arn),
        format!("aws kms enable-key --key-id {}", doomed.arn),
    ]
}

fn document<'a>(
    taken: &'a TakenDown,
    stays: &StayingResource,
    environment: &'a ConnectedEnvironment,
) -> impl Serialize + 'a {
    let S3Provider {
        settings,
        names,
        aws,
        ..
    } = &environment.provider;
    let emptied = taken.done.emptied.values();
    let file = |file: &FileRemoval| match file {
        FileRemoval::Removed(path) => RemovedFileDocument {
            path: path.display().to_string(),
            removed: true,
        },
        FileRemoval::Kept(path, _) | FileRemoval::InUse(path, _) => RemovedFileDocument {
            path: path.display().to_string(),
            removed: false,
        },
    };
    TakenDownDocument {
        event: if taken.whole {
            "taken-down"
        } else {
            "partly-taken-down"
        },
        project: settings.common.project.as_str(),
        env: settings.common.env.as_str(),
        backend: environment.location(),
        account: aws.account(),
        region: settings.region.as_str(),
        bucket: &names.state_bucket,
        deleted: taken.applied,
        versions: emptied.clone().map(|emptied| emptied.versions).sum(),
        delete_markers: emptied.clone().map(|emptied| emptied.markers).sum(),
        uploads: emptied.map(|emptied| emptied.uploads).sum(),
        kept: stays
            .kept
            .iter()
            .map(|(address, why)| KeptResourceDocument {
                address: address.to_string(),
                why: why.clone(),
            })
            .collect(),
        files: taken.files.iter().map(file).collect(),
        detached: &taken.done.detached,
        backup: taken.backup.as_ref().map(|backup| BackupDocument {
            path: backup.path.display().to_string(),
            states: backup.states,
            versions: backup.versions,
            sha256: backup.sha256.clone(),
        }),
        key: taken.done.key.as_ref().map(|doomed| KeyDocument {
            arn: doomed.arn.clone(),
            deleted_on: doomed.on.map(|on| on.to_string()),
            take_back: take_back(doomed),
        }),
    }
}

fn object(left: &LeftoverObject) -> String {
    match &left.reason {
        LeftoverReason::Refused { code, message } => {
            format!("{} (version {}): {code}: {message}", left.key, left.id)
        }
        LeftoverReason::Newer => format!(
            "{} (version {}): was written since the backup; its content was not checked",
            left.key, left.id
        ),
        LeftoverReason::Again => format!(
            "{} (version {}): still exists, or exists again",
            left.key, left.id
        ),
    }
}

/// The states of one environment could not all be taken out of a bucket that others use.
pub(crate) fn not_purged(
    error: &DemolitionError,
    environment: &ConnectedEnvironment,
    cx: &Context<'_>,
) -> CliError {
    let bucket = &environment.provider.names.state_bucket;
    let code = if cx.host.cancel.is_cancelled() {
        exit::INTERRUPTED
    } else {
        exit::PARTLY
    };
    let failure = CliError::new(
        code,
        format!(
            "not all states of {} could be deleted from {bucket}",
            environment.name()
        ),
    );
    explained(failure, bucket, error).hint("the same command continues where this one stopped")
}

fn explained(mut failure: CliError, what: &str, error: &DemolitionError) -> CliError {
    /// The maximum number of listed objects that could not be deleted.
    const MOST: usize = 10;
    failure.causes.push(format!("{what}: {error}"));
    match error {
        DemolitionError::Aws(error) => explain::aws(failure, error, None),
        DemolitionError::UsedAgain { .. } => failure,
        DemolitionError::StillSeen { .. } => failure.hint(
            "a deleted bucket may be listed for some minutes: run the same command again; if it \
             remains, another run is creating the backend again",
        ),
        DemolitionError::NotEmptied(not) => {
            failure.causes.extend(
                not.left
                    .rows
                    .iter()
                    .take(MOST)
                    .map(|left| format!("{what}: {}", object(left))),
            );
            let more = not.left.count.saturating_sub(MOST);
            failure
                .causes
                .extend((more > 0).then(|| format!("{what}: and {more} more")));
            failure
        }
    }
}

/// Returns the failure with the remaining resources and reasons.
pub(crate) fn left(outcome: &ApplyOutcome<DemolitionError>, interrupted: bool) -> Option<CliError> {
    if outcome.failed.is_empty() && outcome.left.is_empty() {
        return None;
    }
    let gone = words::count(
        outcome.applied.len(),
        "resource deleted",
        "resources deleted",
    );
    let summary = format!("{gone}, {} left", outcome.failed.len() + outcome.left.len());
    let mut failure = match outcome.failed.first() {
        None => CliError::interrupted(format!("interrupted: {summary}")),
        Some((address, _)) if interrupted => {
            CliError::interrupted(format!("interrupted, and {address} failed: {summary}"))
        }
        Some((address, _)) => CliError::partly(format!("{address} failed: {summary}")),
    };
    for (address, error) in &outcome.failed {
        failure = explained(failure, address.as_str(), error);
    }
    if !outcome.left.is_empty() {
        let left: Vec<&str> = outcome.left.iter().map(Address::as_str).collect();
        failure = failure.hint(format!("not started: {}", left.join(", ")));
    }
    if outcome
        .failed
        .iter()
        .map(|(address, _)| address)
        .chain(&outcome.left)
        .any(|address| *address != KEY)
    {
        failure = failure.hint(
            "until the teardown is complete, no run can write a state here; to keep the backend, \
             run bootstrap instead",
        );
    }
    Some(failure.hint("the same command continues where this one stopped"))
}
