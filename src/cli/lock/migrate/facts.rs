//! All that the guards of a stage ask for, looked at once.

use super::guards::{Facts, Runner};
use crate::{
    aws::{access::lock_files, error::AwsError, lock_table::migration, verify::usage::AT_ONCE},
    cli::{context::Context, explain, failure::Failure, target::Target},
    settings::layer::LockMechanism,
    state::layout::lock_file,
};

/// `roles` are those of runs, by ARN.
///
/// # Errors
/// If the table's tags, or what a role may do, cannot be looked at.
pub async fn gather(
    target: &Target,
    now: Option<LockMechanism>,
    only: Option<&str>,
    roles: &[String],
    cx: &mut Context<'_>,
) -> Result<Facts, Failure> {
    let failed = |what: &str, error: AwsError| explain::aws(Failure::failed(what).because(&error), &error, None);
    let table = target.address.table.clone();
    let since = match &table {
        Some(table) => {
            let since = cx.look(migration::both_since(&target.aws, table)).await?;
            since.map_err(|error| failed("the table does not say since when lock files are in use", error))?
        }
        None => None,
    };
    let used = cx.look(target.store().used(only, since, AT_ONCE)).await?;
    let runners = cx.look(runners(target, roles)).await?.map_err(|error| failed("nobody can say what runs may do", error))?;
    Ok(Facts { now, since, used, table, runners })
}

/// What the files say, if they name the table or not.
pub fn now(target: &Target, names_table: bool) -> Option<LockMechanism> {
    match (names_table, target.locks.file) {
        (_, None) => None,
        (true, Some(true)) => Some(LockMechanism::Both),
        (true, Some(false)) => Some(LockMechanism::Dynamodb),
        (false, Some(true)) => Some(LockMechanism::S3),
        // No lock at all: the table, if one is named, is as good as a beginning.
        (false, Some(false)) => None,
    }
}

async fn runners(target: &Target, roles: &[String]) -> Result<Vec<Runner>, AwsError> {
    let key = target.address.layout.key.as_deref().unwrap_or("terraform.tfstate");
    let file = format!("arn:{}:s3:::{}/{}", target.aws.caller.partition, target.address.bucket, lock_file(key));
    let mut runners = vec![];
    for role in roles {
        let denied = lock_files::denied_to_principal(&target.aws, role, &file).await?;
        runners.push(Runner { who: role.clone(), denied });
    }
    if let Some(policy) = &target.policy
        && let Some((policy, denied)) = lock_files::denied_by_policy(&target.aws, policy, &file).await?
    {
        runners.push(Runner { who: format!("policy {policy}"), denied });
    }
    Ok(runners)
}
