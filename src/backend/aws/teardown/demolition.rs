//! Carries a teardown out: as the plan says, and each resource with what has to be lifted, emptied
//! or detached first.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    created::is_another,
    empty::{self, BucketEmptier, EmptyTotals, NotEmptied},
    lifted::{is_denied, may_pass},
    people,
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
        settle::WaitLimit,
    },
    engine::{apply::Provider, plan::PlannedChange, spec::Address},
};

/// What S3 says of a bucket with something in it.
const NOT_EMPTY: &[&str] = &["BucketNotEmpty"];

/// What is to be done with what, beside deleting it.
pub struct DestroyTasks<'a> {
    pub aws: &'a AwsProvider,
    /// The state bucket: as long as there is one, or again one, the key stays.
    pub bucket: &'a str,
    /// Days until the key is gone: 7 to 30.
    pub key_days: i32,
    /// Whether the policy is taken from others as well.
    pub detach: bool,
    /// What was written later into this bucket is somebody's who does not know of it, and stays.
    pub until: Option<(&'a str, Timestamp)>,
    /// How long AWS may take to allow what was lifted, and no longer to show what was deleted.
    pub patience: Duration,
    pub cancel: CancellationToken,
    pub done: Mutex<DestroyReport>,
}

/// What there is to tell afterwards.
#[derive(Debug, Default)]
pub struct DestroyReport {
    pub key: Option<ScheduledDeletion>,
    /// When the state bucket was deleted, by the clock of S3.
    pub deleted: Option<Timestamp>,
    /// By bucket.
    pub emptied: BTreeMap<String, EmptyTotals>,
    /// Who had the policy until then.
    pub detached: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum DemolitionError {
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error(transparent)]
    NotEmptied(#[from] NotEmptied),
    #[error("bucket {bucket} is there again, and may use it: another run made it meanwhile")]
    UsedAgain { bucket: String },
    #[error("bucket {bucket} is still seen, or was made again, and may use it")]
    StillSeen { bucket: String },
}

impl Provider for DestroyTasks<'_> {
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
    /// Lifts what forbids it, empties it, and has S3 itself say that nothing is in it.
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

    /// Lifts what forbids deleting, and stops the delivery of logs, which would fill the bucket
    /// again for hours. Returns whether anything forbade it.
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

    /// What somebody makes while it is taken down is under this key.
    async fn key(&self, key: &KmsKey) -> Result<(), DemolitionError> {
        let mut wait = WaitLimit::at_most(self.patience).until_cancelled(&self.cancel);
        let mut deleted = None;
        self.done(|done| deleted = done.deleted);
        // One that was just deleted may still be seen.
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
            for who in people::attached(self.aws, &arn).await? {
                if let Some(attachment) = PolicyAttachment::of(&arn, &who) {
                    attachment.delete(self.aws).await?;
                    self.done(|done| done.detached.push(who));
                }
            }
        }
        policy.delete(self.aws).await
    }

    fn done(&self, say: impl FnOnce(&mut DestroyReport)) {
        // Whoever panicked while telling has not broken anything that is told here.
        say(&mut self
            .done
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests;
