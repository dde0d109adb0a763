//! The alias of the key: it identifies the key later and in the console, and, since alias names are
//! unique, decides between two keys that were created concurrently.

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

/// Creates the alias for a new key, and returns the ARN of the environment's key.
///
/// If another run was faster, it is the key of that run, and the unused new key is scheduled for
/// deletion.
///
/// # Errors
/// If the alias points to a key of another owner, or KMS returns an error.
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
        Err(error) => format!("is unused, but could not be scheduled for deletion: {error}"),
    };
    aws.notes.add(format!(
        "another run created key {} first; key {made} of this run {ours}",
        first.arn
    ));
    Ok(first.arn)
}

/// Creates the alias for a key that was found by its tags, and returns the ARN of the environment's
/// key.
///
/// If another run created the alias for another key, it is that key. The found key is left to the
/// run that created it.
///
/// # Errors
/// If the alias points to a key of another owner, or KMS returns an error.
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

/// Returns the environment's key behind the alias, after it was `taken`.
async fn first(aws: &AwsProvider, alias: &str, taken: AwsError) -> Result<FoundKey, AwsError> {
    // A new alias is eventually consistent.
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

/// Creates the alias. An alias that already points to the key is a success.
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
        // The response to an earlier attempt was lost, or another run was faster.
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
