//! All waiting and retrying that the SDK's own retries do not cover: AWS is eventually consistent.

use std::{future::Future, time::Duration};

use tokio::time::Instant;

use super::error::AwsError;

/// Answers that mean "not yet" or "not now" for any call, worth another try.
///
/// `OperationAborted`: two writes on one bucket at once, or its name is still held after a delete.
/// The others: two writes on one trail, policy, topic or table at once.
const BUSY: &[&str] = &["OperationAborted", "ConflictException", "ConcurrentModification", "ConcurrentAccess", "ConcurrentAccessException"];

/// How long a thing that was just made may take to be seen everywhere. The Terraform AWS provider
/// waits as long for buckets and for IAM.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// How AWS says that a policy names somebody who is not there, or who was made a moment ago and is not seen everywhere yet.
const UNKNOWN: &[&str] = &["MalformedPolicy", "MalformedPolicyDocument", "MalformedPolicyDocumentException"];

/// It does not tell the two apart, and IAM takes seconds: nobody waits two minutes to hear of a typing error.
pub const SEEN_BY_IAM: Duration = Duration::from_secs(30);

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Calls until it succeeds, fails for good, or [`PATIENCE`] is over. `not_yet` are further codes
/// that a later try may get rid of.
pub async fn settle<T, F, Fut>(not_yet: &[&str], call: F) -> Result<T, AwsError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, AwsError>>,
{
    settle_within(PATIENCE, not_yet, call).await
}

async fn settle_within<T, F, Fut>(patience: Duration, not_yet: &[&str], mut call: F) -> Result<T, AwsError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, AwsError>>,
{
    let started = Instant::now();
    let mut pauses = Pauses::default();
    loop {
        match call().await {
            Err(error) if is_worth_it(&error, not_yet, started.elapsed(), patience) => {
                tracing::debug!(%error, "trying again");
                pauses.wait().await;
            }
            result => return result,
        }
    }
}

fn is_worth_it(error: &AwsError, not_yet: &[&str], elapsed: Duration, patience: Duration) -> bool {
    elapsed < patience && (error.is(BUSY) || error.is(not_yet) || (elapsed < SEEN_BY_IAM && names_somebody_unknown(error)))
}

/// Whether a policy was refused for whom it names, and not for how it is written.
pub fn names_somebody_unknown(error: &AwsError) -> bool {
    error.is(UNKNOWN) && error.message.as_deref().is_some_and(|message| message.contains("rincipal"))
}

/// Pauses that grow, each of a random length so that two programs get out of step.
pub struct Pauses {
    next: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self { next: FIRST_PAUSE }
    }
}

impl Pauses {
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.next()).await;
    }

    fn next(&mut self) -> Duration {
        let pause = self.next.mul_f64(0.5 + fastrand::f64() / 2.0);
        self.next = (self.next * 2).min(LONGEST_PAUSE);
        pause
    }
}

#[cfg(test)]
mod tests;
