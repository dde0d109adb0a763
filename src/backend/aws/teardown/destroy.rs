//! Applies a teardown plan, and removes protection, empties or detaches each resource first.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    attachments,
    created::is_another,
    empty::{self, BucketEmptier, EmptyTotals, NotEmptied},
    lifted::{is_denied, may_pass},
};
use crate::{
    backend::aws::{
        AwsProvider,
        access::{RunnerPolicy, attachment::PolicyAttachment},
        bucket::{self, BucketSpec, policy as bucket_policy},
        error::AwsError,
        key::{KmsKey, ScheduledDeletion},
        policies::{ACCESS_LOG_WRITES, HISTORY, LOGS, TRAIL_CHECKS, TRAIL_WRITES},
        resource::AwsResource,
        resources::AwsSpec,
        retry::WaitLimit,
    },
    engine::{apply::ChangeWriter, plan::PlannedChange, spec::Address},
};

/// The error code of S3 for a bucket that is not empty.
const NOT_EMPTY: &[&str] = &["BucketNotEmpty"];

/// The options of a teardown.
pub(crate) struct DestroyTasks<'a> {
    pub aws: &'a AwsProvider,
    /// The state bucket: the key is kept as long as it exists, or exists again.
    pub bucket: &'a str,
    /// The deletion window of the key in days: 7 to 30.
    pub key_days: i32,
    /// True if the policy is also detached from principals of others.
    pub detach: bool,
    /// Later objects in this bucket belong to clients that are unaware of the teardown, and are
    /// kept.
    pub until: Option<(&'a str, Timestamp)>,
    /// The time-out for consistency of changed policies and deleted resources.
    pub patience: Duration,
    pub cancel: CancellationToken,
    pub done: Mutex<DestroyReport>,
}

/// The report of a teardown.
#[derive(Debug, Default)]
pub(crate) struct DestroyReport {
    pub key: Option<ScheduledDeletion>,
    /// The time when the state bucket was deleted, by the clock of S3.
    pub deleted: Option<Timestamp>,
    /// By bucket.
    pub emptied: BTreeMap<String, EmptyTotals>,
    /// The detached principals.
    pub detached: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum DemolitionError {
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error(transparent)]
    NotEmptied(#[from] NotEmptied),
    #[error("bucket {bucket} exists again, and may use it: another run created it in the meantime")]
    UsedAgain { bucket: String },
    #[error("bucket {bucket} is still listed, or was created again, and may use it")]
    StillSeen { bucket: String },
}

impl ChangeWriter for DestroyTasks<'_> {
    type Spec = AwsSpec;
    type Error = DemolitionError;

    async fn write(
        &self,
        address: &Address,
        change: &PlannedChange<AwsSpec>,
    ) -> Result<Option<String>, DemolitionError> {
        let PlannedChange::Delete { from } = change else {
            unreachable!("a teardown deletes: {address}")
        };
        match from {
            AwsSpec::Bucket(bucket) => self.bucket(bucket).await?,
            AwsSpec::Key(key) => self.key(key).await?,
            AwsSpec::Policy(policy) => self.policy(policy).await?,
            other => other.delete(self.aws).await?,
        }
        Ok(None)
    }
}

impl DestroyTasks<'_> {
    /// Removes the protection, empties the bucket, and deletes it, which S3 only allows if it is
    /// empty.
    async fn bucket(&self, bucket: &BucketSpec) -> Result<(), DemolitionError> {
        let lifted = self.lift(&bucket.name).await?;
        let mut wait = WaitLimit::at_most(self.patience).until_cancelled(&self.cancel);
        loop {
            let emptying = BucketEmptier {
                aws: self.aws,
                bucket: &bucket.name,
                owner: self.aws.account(),
                prefix: "",
                ours: &|_| true,
                until: self
                    .until
                    .filter(|(name, _)| *name == bucket.name)
                    .map(|(_, until)| until),
                parallelism: empty::AT_ONCE,
                cancel: &self.cancel,
            };
            let emptied = emptying.run(&mut |_| {}).await;
            let so_far = emptied
                .as_ref()
                .unwrap_or_else(|left| &left.emptied)
                .clone();
            self.done(|done| {
                done.emptied
                    .entry(bucket.name.clone())
                    .or_default()
                    .add(&so_far)
            });
            match emptied {
                Ok(_) => {}
                Err(left) if lifted && is_denied(&left) && wait.again().await => continue,
                Err(left) => return Err(left.into()),
            }
            match bucket.delete_at(self.aws).await {
                Err(error)
                    if (error.is(NOT_EMPTY) || lifted && may_pass(&error))
                        && wait.again().await => {}
                Err(error) => return Err(error.into()),
                Ok(at) => {
                    if bucket.name == self.bucket {
                        self.done(|done| done.deleted = at);
                    }
                    return Ok(());
                }
            }
        }
    }

    /// Removes the statement that denies deleting, and stops the delivery of logs, which would
    /// continue for hours. Returns whether there was such a statement.
    async fn lift(&self, bucket: &str) -> Result<bool, AwsError> {
        let Some(policy) = bucket_policy::get(self.aws, bucket).await? else {
            return Ok(false);
        };
        let lifted = [HISTORY, LOGS, TRAIL_WRITES, TRAIL_CHECKS, ACCESS_LOG_WRITES]
            .iter()
            .fold(policy.clone(), |policy, statement| {
                policy.without(statement)
            });
        if lifted == policy {
            return Ok(false);
        }
        if lifted.statements.is_empty() {
            bucket_policy::delete(self.aws, bucket).await?;
        } else {
            bucket_policy::put(self.aws, bucket, &lifted, &[]).await?;
        }
        Ok(policy.has(HISTORY) || policy.has(LOGS))
    }

    /// Objects that are created during the teardown are encrypted with this key.
    async fn key(&self, key: &KmsKey) -> Result<(), DemolitionError> {
        let mut wait = WaitLimit::at_most(self.patience).until_cancelled(&self.cancel);
        let mut deleted = None;
        self.done(|done| deleted = done.deleted);
        // A just deleted one may still be listed.
        while bucket::region(self.aws, self.bucket, self.aws.account())
            .await?
            .is_some()
        {
            if is_another(self.aws, self.bucket, deleted).await {
                return Err(DemolitionError::UsedAgain {
                    bucket: self.bucket.to_owned(),
                });
            }
            if !wait.again().await {
                return Err(DemolitionError::StillSeen {
                    bucket: self.bucket.to_owned(),
                });
            }
        }
        let doomed = key.schedule(self.aws, self.key_days).await?;
        self.done(|done| done.key = doomed);
        Ok(())
    }

    async fn policy(&self, policy: &RunnerPolicy) -> Result<(), AwsError> {
        if self.detach {
            let arn = policy.arn(self.aws);
            for who in attachments::attached(self.aws, &arn).await? {
                if let Some(attachment) = PolicyAttachment::of(&arn, &who) {
                    attachment.delete(self.aws).await?;
                    self.done(|done| done.detached.push(who));
                }
            }
        }
        policy.delete(self.aws).await
    }

    fn done(&self, say: impl FnOnce(&mut DestroyReport)) {
        // A panic in the holder does not invalidate the data.
        say(&mut self
            .done
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests;
