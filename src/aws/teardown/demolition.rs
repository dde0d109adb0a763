//! Carries a teardown out: as the plan says, and each resource with what has to be lifted, emptied or detached first.

use std::{collections::BTreeMap, sync::Mutex};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    empty::{self, Emptied, Emptying, Left, NotEmptied, Reason, Why},
    people,
};
use crate::{
    apply::Cloud,
    aws::{
        Aws,
        access::{Policy, attachment::Attachment},
        bucket::{self, Bucket, policy as bucket_policy},
        error::AwsError,
        key::{Doomed, Key},
        policies::{HISTORY, LOGS},
        resource::Resource,
        resources::AwsSpec,
        settle::Pauses,
    },
    plan::Change,
    spec::Address,
};

/// A bucket into which somebody still writes is emptied this often before it is said to be left.
const TRIES: usize = 5;
/// What S3 says of a bucket with something in it.
const NOT_EMPTY: &[&str] = &["BucketNotEmpty"];

/// What is to be done with what, beside deleting it.
pub struct Demolition<'a> {
    pub aws: &'a Aws,
    /// The state bucket: as long as there is one, or again one, the key stays.
    pub bucket: &'a str,
    /// Days until the key is gone: 7 to 30.
    pub key_days: i32,
    /// Whether the policy is taken from others as well.
    pub detach: bool,
    /// What was written later into this bucket is somebody's who does not know of it, and stays.
    pub until: Option<(&'a str, Timestamp)>,
    pub cancel: CancellationToken,
    pub done: Mutex<Done>,
}

/// What there is to tell afterwards.
#[derive(Debug, Default)]
pub struct Done {
    pub key: Option<Doomed>,
    /// By bucket.
    pub emptied: BTreeMap<String, Emptied>,
    /// Who had the policy until then.
    pub detached: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum DemolitionError {
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error(transparent)]
    NotEmptied(#[from] NotEmptied),
    #[error("bucket {bucket} is there again, and may use it: somebody made it meanwhile")]
    UsedAgain { bucket: String },
}

impl Cloud for Demolition<'_> {
    type Spec = AwsSpec;
    type Error = DemolitionError;

    async fn write(&self, address: &Address, change: &Change<AwsSpec>) -> Result<Option<String>, DemolitionError> {
        let Change::Delete { from } = change else { unreachable!("a teardown deletes: {address}") };
        match from {
            AwsSpec::Bucket(bucket) => self.bucket(bucket).await?,
            AwsSpec::Key(key) => self.key(key).await?,
            AwsSpec::Policy(policy) => self.policy(policy).await?,
            other => other.delete(self.aws).await?,
        }
        Ok(None)
    }
}

impl Demolition<'_> {
    /// Lifts what forbids it, empties it, and has S3 itself say that nothing is in it.
    async fn bucket(&self, bucket: &Bucket) -> Result<(), DemolitionError> {
        let lifted = self.lift(&bucket.name).await?;
        let mut pauses = Pauses::default();
        for tries in 1.. {
            let emptying = Emptying {
                aws: self.aws,
                bucket: &bucket.name,
                owner: self.aws.account(),
                prefix: "",
                ours: &|_| true,
                until: self.until.filter(|(name, _)| *name == bucket.name).map(|(_, until)| until),
                parallelism: empty::AT_ONCE,
                cancel: &self.cancel,
            };
            let emptied = emptying.run(&mut |_| {}).await;
            let so_far = emptied.as_ref().unwrap_or_else(|left| &left.emptied).clone();
            self.done(|done| add(done.emptied.entry(bucket.name.clone()).or_default(), &so_far));
            match emptied {
                Ok(_) => {}
                // A policy that was just written does not hold everywhere at once.
                Err(left) if lifted && is_denied(&left) && tries < TRIES => {
                    pauses.wait().await;
                    continue;
                }
                Err(left) => return Err(left.into()),
            }
            match bucket.delete(self.aws).await {
                Err(error) if error.is(NOT_EMPTY) && tries < TRIES => pauses.wait().await,
                deleted => return Ok(deleted?),
            }
        }
        unreachable!("the last try returns")
    }

    /// Whether there was anything to lift.
    async fn lift(&self, bucket: &str) -> Result<bool, AwsError> {
        let Some(policy) = bucket_policy::get(self.aws, bucket).await? else { return Ok(false) };
        let lifted = policy.without(HISTORY).without(LOGS);
        if lifted == policy {
            return Ok(false);
        }
        if lifted.statements.is_empty() {
            bucket_policy::delete(self.aws, bucket).await?;
        } else {
            bucket_policy::put(self.aws, bucket, &lifted, &[]).await?;
        }
        Ok(true)
    }

    /// What somebody makes while it is taken down is under this key.
    async fn key(&self, key: &Key) -> Result<(), DemolitionError> {
        let mut pauses = Pauses::default();
        let mut tries = 1;
        while bucket::region(self.aws, self.bucket, self.aws.account()).await?.is_some() {
            if tries == TRIES {
                return Err(DemolitionError::UsedAgain { bucket: self.bucket.to_owned() });
            }
            // One that was just deleted may still be seen.
            tries += 1;
            pauses.wait().await;
        }
        let doomed = key.schedule(self.aws, self.key_days).await?;
        self.done(|done| done.key = doomed);
        Ok(())
    }

    async fn policy(&self, policy: &Policy) -> Result<(), AwsError> {
        if self.detach {
            let arn = policy.arn(self.aws);
            for who in people::attached(self.aws, &arn).await? {
                if let Some(attachment) = Attachment::of(&arn, &who) {
                    attachment.delete(self.aws).await?;
                    self.done(|done| done.detached.push(who));
                }
            }
        }
        policy.delete(self.aws).await
    }

    fn done(&self, say: impl FnOnce(&mut Done)) {
        // Whoever panicked while telling has not broken anything that is told here.
        say(&mut self.done.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

fn add(all: &mut Emptied, more: &Emptied) {
    let Emptied { versions, markers, uploads, bytes, calls } = more;
    all.versions += versions;
    all.markers += markers;
    all.uploads += uploads;
    all.bytes += bytes;
    all.calls += calls;
}

fn is_denied(left: &NotEmptied) -> bool {
    let denied = |one: &Left| matches!(&one.reason, Reason::Refused { code, .. } if code == "AccessDenied");
    matches!(left.why, Why::Kept) && left.left.rows.iter().all(denied)
}

#[cfg(test)]
mod tests;
