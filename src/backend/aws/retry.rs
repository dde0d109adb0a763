//! Retries for eventual consistency, which the retries of the SDK do not cover.

use std::{future::Future, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::error::AwsError;

/// Error codes that are retried for any call.
///
/// `OperationAborted`: concurrent writes on a bucket, or its name is still reserved after a delete.
/// The others: concurrent writes on a trail, policy, topic, alarm or table.
const BUSY: &[&str] = &[
    "OperationAborted",
    "ConflictException",
    "ConcurrentModification",
    "ConcurrentModificationException",
    "ConcurrentAccess",
    "ConcurrentAccessException",
];

/// Throttling codes of SNS, which the SDK does not retry (`ThrottledException`,
/// `KMSThrottlingException`).
const THROTTLED_BY_SNS: &[&str] = &["Throttled", "KMSThrottling"];

/// The time-out for consistency of a new resource. The Terraform AWS provider waits as long for
/// buckets and for IAM.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The time-out of the read after an apply: bucket configuration and IAM take up to two minutes to
/// be consistent, keys and point-in-time recovery may take longer.
pub(crate) const SHOWN: Duration = Duration::from_secs(180);

/// The time-out to create, change or delete a table in DynamoDB: a change of its key has no
/// documented limit, and the Terraform AWS provider waits 20 minutes for that and for point-in-time
/// recovery.
pub(crate) const TABLE: Duration = Duration::from_secs(20 * 60);

/// Error codes for a policy with a principal that does not exist, or that is new and not consistent
/// yet.
const UNKNOWN: &[&str] = &[
    "MalformedPolicy",
    "MalformedPolicyDocument",
    "MalformedPolicyDocumentException",
];

/// AWS does not distinguish the two, and IAM takes seconds: a shorter time-out reports typing
/// errors earlier.
pub(crate) const SEEN_BY_IAM: Duration = Duration::from_secs(30);

/// Texts of KMS for a missing key. A key that is disabled, scheduled for deletion or of the wrong
/// kind remains so.
const UNSEEN: &[&str] = &["does not exist", "not found", "NotFoundException"];

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Retries a call until it succeeds, fails permanently, or [`PATIENCE`] has passed. `not_yet` are
/// further error codes to retry.
pub(crate) async fn settle<T, F, Fut>(not_yet: &[&str], call: F) -> Result<T, AwsError>
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
                tracing::debug!(%error, "retrying");
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

/// Returns whether DynamoDB, which calls KMS, does not see a new key yet.
fn knows_no_key(error: &AwsError) -> bool {
    error.is(&["ValidationException"])
        && of_kms(error).is_some_and(|of_kms| UNSEEN.iter().any(|unseen| of_kms.contains(unseen)))
}

/// The same with another text of DynamoDB. A missing permission has the same text, so that the
/// time-out is shorter.
fn is_denied_a_key(error: &AwsError) -> bool {
    error.is(&["AccessDeniedException"]) && of_kms(error).is_some()
}

/// Returns the part of a DynamoDB message that is from KMS, possibly after a prefix: `KMS key
/// access denied error: …`. The name of a user, table or key may contain KMS, too, but does not
/// begin a part of a message.
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

/// Returns whether a policy was rejected for its principals, not for its syntax.
pub(crate) fn names_somebody_unknown(error: &AwsError) -> bool {
    error.is(UNKNOWN)
        && error
            .message
            .as_deref()
            .is_some_and(|message| message.contains("rincipal"))
}

/// A time-out for eventual consistency, by the clock and not by the number of attempts. It starts
/// with the first failed attempt, regardless of its duration.
pub(crate) struct WaitLimit {
    started: Option<Instant>,
    patience: Duration,
    pauses: Backoff,
    cancel: Option<CancellationToken>,
}

impl WaitLimit {
    pub(crate) fn at_most(patience: Duration) -> Self {
        Self {
            started: None,
            patience,
            pauses: Backoff::default(),
            cancel: None,
        }
    }

    /// Sets the maximum delay.
    pub(crate) fn with_pauses_up_to(patience: Duration, longest: Duration) -> Self {
        Self {
            pauses: Backoff {
                longest,
                ..Backoff::default()
            },
            ..Self::at_most(patience)
        }
    }

    /// Ends on Ctrl-C.
    #[must_use]
    pub(crate) fn until_cancelled(self, cancel: &CancellationToken) -> Self {
        Self {
            cancel: Some(cancel.clone()),
            ..self
        }
    }

    /// The time since the first failed attempt.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started
            .map_or(Duration::ZERO, |started| started.elapsed())
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel
            .as_ref()
            .is_some_and(CancellationToken::is_cancelled)
    }

    /// Waits for the next delay; returns false if the time-out has passed or it was cancelled.
    pub(crate) async fn again(&mut self) -> bool {
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

/// Returns growing delays with jitter.
pub(crate) struct Backoff {
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
    pub(crate) async fn wait(&mut self) {
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
