//! Gathers the facts that the guards of a stage need, with one read.

use super::{
    guards::{MigrationFacts, RunnerLockRights},
    ours::EnvironmentLockParts,
};
use crate::{
    backend::aws::{
        access::lock_files::{self, DeniedAction},
        bucket::policy::{self, denial},
        error::AwsError,
        lock_table::migration,
        verify::usage::AT_ONCE,
    },
    cli::{context::Context, explain, failure::CliError, target::S3Target},
    settings::layer::LockMechanism,
    state::layout::lock_file,
};

/// Inputs beside the backend itself.
pub(super) struct MigrationInputs<'a> {
    pub now: Option<LockMechanism>,
    /// The state key to migrate; the whole bucket if absent.
    pub only: Option<&'a str>,
    /// Those of runs, by ARN.
    pub roles: &'a [String],
    pub ours: Option<&'a EnvironmentLockParts>,
}

/// # Errors
/// If the tags of the table, or the permissions of a role, cannot be read.
pub(super) async fn gather(
    target: &S3Target,
    MigrationInputs {
        now,
        only,
        roles,
        ours,
    }: MigrationInputs<'_>,
    cx: &mut Context<'_>,
) -> Result<MigrationFacts, CliError> {
    let failed = |what: &str, error: AwsError| {
        explain::aws(CliError::failed(what).because(&error), &error, None)
    };
    let table = target.address.table.clone();
    let since = match &table {
        Some(table) => {
            let since = cx
                .until_cancelled(migration::both_since(&target.aws, table))
                .await?;
            since.map_err(|error| {
                failed(
                    "the table has no tag that says since when lock files are in use",
                    error,
                )
            })?
        }
        None => None,
    };
    let used = cx
        .until_cancelled(target.store().used(only, since, AT_ONCE))
        .await?;
    let bucket = format!(
        "arn:{}:s3:::{}",
        target.aws.caller.partition, target.address.bucket
    );
    let denials = match cx
        .until_cancelled(policy::get(&target.aws, &target.address.bucket))
        .await?
    {
        Ok(None) => Ok(vec![]),
        Ok(Some(policy)) => Ok(denial::denials_of_locks(
            &policy,
            &denial::EncryptionHeaders::to(bucket.clone(), target.aws.account()),
        )),
        Err(error) => Err(error.to_string()),
    };
    let runners = cx
        .until_cancelled(runners(target, roles, ours))
        .await?
        .map_err(|error| failed("cannot check the permissions of Terraform runs", error))?;
    let lock_files = format!("{bucket}/*.tflock");
    Ok(MigrationFacts {
        now,
        since,
        used,
        table,
        makes_table: false,
        lock_files,
        runners,
        denials,
        words: super::words(target),
    })
}

/// Returns the mechanism in use, depending on whether the table is named.
pub(super) fn now(target: &S3Target, names_table: bool) -> Option<LockMechanism> {
    match (names_table, target.locks.file) {
        (_, None) => None,
        (true, Some(true)) => Some(LockMechanism::Both),
        (true, Some(false)) => Some(LockMechanism::Dynamodb),
        (false, Some(true)) => Some(LockMechanism::S3),
        // No lock at all: the table, if one is named, is as good as a beginning.
        (false, Some(false)) => None,
    }
}

/// Returns the principals that cannot use lock files after this migration.
async fn runners(
    target: &S3Target,
    roles: &[String],
    ours: Option<&EnvironmentLockParts>,
) -> Result<Vec<RunnerLockRights>, AwsError> {
    let (aws, bucket) = (&target.aws, &target.address.bucket);
    let key = target
        .address
        .layout
        .key
        .as_deref()
        .unwrap_or("terraform.tfstate");
    let file = format!(
        "arn:{}:s3:::{bucket}/{}",
        aws.caller.partition,
        lock_file(key)
    );
    // What the runner policy is going to allow.
    let granted = ours.and_then(|ours| {
        Some((
            ours.runner_policy()?,
            ours.granted(LockMechanism::Both, bucket)?,
        ))
    });
    let mut runners = vec![];
    for role in roles {
        let mut denied = lock_files::denied_to_principal(aws, role, &file).await?;
        if let (Some((policy, document)), true) =
            (&granted, denied.iter().any(|denied| !denied.explicit))
            && lock_files::has_policy(aws, role, policy).await?
        {
            let still = lock_files::denied(document, &file);
            denied.retain(|DeniedAction { action, explicit }| *explicit || still.contains(action));
        }
        let denied = denied.into_iter().map(|denied| denied.action).collect();
        runners.push(RunnerLockRights {
            who: role.clone(),
            denied,
            unread: None,
        });
    }
    let policy = ours
        .and_then(EnvironmentLockParts::runner_policy)
        .or(target.policy.as_deref());
    if let (Some(policy), Some(error)) =
        (policy, ours.and_then(EnvironmentLockParts::policy_unread))
    {
        runners.push(RunnerLockRights {
            who: format!("policy {policy}"),
            denied: vec![],
            unread: Some(error.to_owned()),
        });
        return Ok(runners);
    }
    let denied = match (&granted, policy) {
        (Some((_, document)), Some(_)) => Some(lock_files::denied(document, &file)),
        (None, Some(policy)) => lock_files::denied_by_policy(aws, policy, &file)
            .await?
            .map(|(_, denied)| denied),
        (_, None) => None,
    };
    if let (Some(denied), Some(policy)) = (denied, policy) {
        runners.push(RunnerLockRights {
            who: format!("policy {policy}"),
            denied,
            unread: None,
        });
    }
    Ok(runners)
}
