//! All waiting and retrying that the SDK's own retries do not cover: AWS is eventually consistent.

use std::{future::Future, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::error::AwsError;

/// Answers that mean "not yet" or "not now" for any call, worth another try.
///
/// `OperationAborted`: two writes on one bucket at once, or its name is still held after a delete.
/// The others: two writes on one trail, policy, topic, alarm or table at once.
const BUSY: &[&str] = &[
    "OperationAborted",
    "ConflictException",
    "ConcurrentModification",
    "ConcurrentModificationException",
    "ConcurrentAccess",
    "ConcurrentAccessException",
];

/// How SNS asks to slow down, which the SDK does not try again (`ThrottledException`,
/// `KMSThrottlingException`).
const THROTTLED_BY_SNS: &[&str] = &["Throttled", "KMSThrottling"];

/// How long a thing that was just made may take to be seen everywhere. The Terraform AWS provider
/// waits as long for buckets and for IAM.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// How long the look after an apply waits until AWS shows all that was written: bucket
/// configuration and IAM take up to two minutes, keys and point-in-time recovery may take longer.
pub const SHOWN: Duration = Duration::from_secs(180);

/// How long DynamoDB may take to make, change or delete a table: a change of its key is documented
/// with no limit, and the Terraform AWS provider gives that and point-in-time recovery 20 minutes.
pub const TABLE: Duration = Duration::from_secs(20 * 60);

/// How AWS says that a policy names somebody who is not there, or who was made a moment ago and is
/// not seen everywhere yet.
const UNKNOWN: &[&str] = &[
    "MalformedPolicy",
    "MalformedPolicyDocument",
    "MalformedPolicyDocumentException",
];

/// It does not tell the two apart, and IAM takes seconds: nobody waits two minutes to hear of a
/// typing error.
pub const SEEN_BY_IAM: Duration = Duration::from_secs(30);

/// How KMS says that there is no such key. One that is disabled, about to be deleted or of the
/// wrong kind stays so.
const UNSEEN: &[&str] = &["does not exist", "not found", "NotFoundException"];

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

async fn settle_within<T, F, Fut>(
    patience: Duration,
    not_yet: &[&str],
    mut call: F,
) -> Result<T, AwsError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, AwsError>>,
{
    let mut waiting = WaitLimit::at_most(patience);
    loop {
        match call().await {
            Err(error) if is_worth_it(&error, not_yet, waiting.elapsed()) => {
                tracing::debug!(%error, "trying again");
                if !waiting.again().await {
                    return Err(error);
                }
            }
            result => return result,
        }
    }
}

fn is_worth_it(error: &AwsError, not_yet: &[&str], elapsed: Duration) -> bool {
    let for_a_while = || names_somebody_unknown(error) || is_denied_a_key(error);
    let passes =
        error.is(BUSY) || error.is(THROTTLED_BY_SNS) || error.is(not_yet) || knows_no_key(error);
    passes || (elapsed < SEEN_BY_IAM && for_a_while())
}

/// Whether DynamoDB, which asks KMS by itself, does not see a key yet: a new one takes a while to
/// be seen everywhere.
fn knows_no_key(error: &AwsError) -> bool {
    error.is(&["ValidationException"])
        && of_kms(error).is_some_and(|of_kms| UNSEEN.iter().any(|unseen| of_kms.contains(unseen)))
}

/// The same in other words of DynamoDB. A permission that is missing looks alike, so it is not
/// waited for as long.
fn is_denied_a_key(error: &AwsError) -> bool {
    error.is(&["AccessDeniedException"]) && of_kms(error).is_some()
}

/// What DynamoDB passes on of KMS, perhaps after words of its own: `KMS key access denied error:
/// …`. The name of a user, a table or a key may have KMS in it as well, and begins no part of a
/// message.
fn of_kms(error: &AwsError) -> Option<&str> {
    let message = error
        .message
        .as_deref()
        .filter(|_| error.api.operation.starts_with("dynamodb:"))?;
    if message.starts_with("KMS ") {
        Some(message)
    } else {
        message.split_once(": KMS ").map(|(_, of_kms)| of_kms)
    }
}

/// Whether a policy was refused for whom it names, and not for how it is written.
pub fn names_somebody_unknown(error: &AwsError) -> bool {
    error.is(UNKNOWN)
        && error
            .message
            .as_deref()
            .is_some_and(|message| message.contains("rincipal"))
}

/// A limited time to wait for what AWS shows or allows only after a while, by the clock and not by
/// the number of tries. It begins with the first try that was in vain, however long that took.
pub struct WaitLimit {
    started: Option<Instant>,
    patience: Duration,
    pauses: Backoff,
    cancel: Option<CancellationToken>,
}

impl WaitLimit {
    pub fn at_most(patience: Duration) -> Self {
        Self {
            started: None,
            patience,
            pauses: Backoff::default(),
            cancel: None,
        }
    }

    /// With pauses that do not grow beyond this.
    pub fn with_pauses_up_to(patience: Duration, longest: Duration) -> Self {
        Self {
            pauses: Backoff {
                longest,
                ..Backoff::default()
            },
            ..Self::at_most(patience)
        }
    }

    /// That Ctrl-C ends.
    #[must_use]
    pub fn until_cancelled(self, cancel: &CancellationToken) -> Self {
        Self {
            cancel: Some(cancel.clone()),
            ..self
        }
    }

    /// Since the first try that was in vain.
    pub fn elapsed(&self) -> Duration {
        self.started
            .map_or(Duration::ZERO, |started| started.elapsed())
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancel
            .as_ref()
            .is_some_and(CancellationToken::is_cancelled)
    }

    /// Waits a moment; once the time is over, or it was cancelled, returns false at once.
    pub async fn again(&mut self) -> bool {
        let started = *self.started.get_or_insert_with(Instant::now);
        if started.elapsed() >= self.patience || self.is_cancelled() {
            return false;
        }
        match &self.cancel {
            Some(cancel) => cancel
                .run_until_cancelled(self.pauses.wait())
                .await
                .is_some(),
            None => {
                self.pauses.wait().await;
                true
            }
        }
    }
}

/// Pauses that grow, each of a random length so that two programs get out of step.
pub struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            next: FIRST_PAUSE,
            longest: LONGEST_PAUSE,
        }
    }
}

impl Backoff {
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.next()).await;
    }

    fn next(&mut self) -> Duration {
        let pause = self.next.mul_f64(0.5 + fastrand::f64() / 2.0);
        self.next = (self.next * 2).min(self.longest);
        pause
    }
}

#[cfg(test)]
mod tests;
