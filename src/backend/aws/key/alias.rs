//! The alias of the key: how it is found again, what a person sees in the console, and, since KMS
//! has each name once, what decides between two keys that were made at the same moment.

use super::{DAYS_UNTIL_DELETION, NOT_YET, find, find::FoundKey, schedule};
use crate::{
    backend::aws::{
        AwsProvider,
        error::{ApiOperation, AwsError},
    },
    engine::observation::ResourceOwner,
};

const CREATE: ApiOperation = ApiOperation::new("kms:CreateAlias");
const TAKEN: &str = "AlreadyExistsException";

/// Names the key that was just made, and returns the ARN of the one that is the environment's.
///
/// Where another run was faster that is the other one's key, and the deletion of the one of ours is
/// scheduled: nothing is encrypted with it yet.
///
/// # Errors
/// If the alias leads to a key of another owner by now, or KMS refuses.
pub(super) async fn claim(
    aws: &AwsProvider,
    alias: &str,
    made: String,
) -> Result<String, AwsError> {
    let taken = match point(aws, alias, &made).await {
        Err(error) if error.is(&[TAKEN]) => error,
        result => return result.map(|()| made),
    };
    let first = first(aws, alias, taken).await?;
    let ours = match schedule(aws, &made, DAYS_UNTIL_DELETION).await {
        Ok(_) => "is scheduled for deletion".to_owned(),
        Err(error) => format!("is not used, and could not be scheduled for deletion: {error}"),
    };
    aws.notes.add(format!(
        "another run made the key {} first; {made}, which this one made, {ours}",
        first.arn
    ));
    Ok(first.arn)
}

/// Names the key that was found by its tags, and returns the ARN of the one that is the
/// environment's.
///
/// Where another run named another key meanwhile, that is the one. The key that was found is left
/// to the run that made it.
///
/// # Errors
/// If the alias leads to a key of another owner by now, or KMS refuses.
pub(super) async fn name(
    aws: &AwsProvider,
    alias: &str,
    found: String,
) -> Result<String, AwsError> {
    match point(aws, alias, &found).await {
        Err(error) if error.is(&[TAKEN]) => Ok(first(aws, alias, error).await?.arn),
        result => result.map(|()| found),
    }
}

/// The environment's key that the alias leads to, after it was `taken`.
async fn first(aws: &AwsProvider, alias: &str, taken: AwsError) -> Result<FoundKey, AwsError> {
    // An alias that was just made is not seen everywhere at once.
    let request = aws.clients.kms.describe_key().key_id(alias);
    let first = match aws
        .send(find::DESCRIBE, alias, NOT_YET, || request.clone().send())
        .await?
        .key_metadata
    {
        Some(metadata) => find::with_tags(aws, metadata).await?,
        None => return Err(taken),
    };
    if first.owner == ResourceOwner::Us {
        Ok(first)
    } else {
        Err(taken)
    }
}

/// Makes the alias. That it leads there already is success.
pub(super) async fn point(aws: &AwsProvider, alias: &str, key: &str) -> Result<(), AwsError> {
    let request = aws
        .clients
        .kms
        .create_alias()
        .alias_name(alias)
        .target_key_id(key);
    match aws
        .send(CREATE, alias, NOT_YET, || request.clone().send())
        .await
    {
        // The answer of an earlier try was lost, or another run was faster.
        Err(error) if error.is(&[TAKEN]) => {
            let target = find::describe(aws, alias).await?.and_then(|key| key.arn);
            if target.as_deref() == Some(key) {
                Ok(())
            } else {
                Err(error)
            }
        }
        result => result.map(drop),
    }
}

#[cfg(test)]
mod tests;
