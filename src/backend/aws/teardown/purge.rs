//! Takes one environment's states out of a bucket that others share: every version at its key, its
//! locks, its digests.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    demolition::DemolitionError,
    empty::{self, BucketEmptier, EmptyTotals},
    freeze::OPERATION,
    lifted::is_denied,
    scope::TeardownScope,
};
use crate::{
    backend::aws::{
        AwsProvider,
        bucket::policy as bucket_policy,
        error::AwsError,
        policies::{self, HISTORY},
        policy::PolicyDocument,
        settle::WaitLimit,
        store::{S3Store, table::ItemKind},
    },
    state::{layout, lock::LockInfo},
};

/// What is to be purged, once it stands still.
pub struct EnvironmentPurge<'a> {
    pub aws: &'a AwsProvider,
    pub store: S3Store<'a>,
    /// The state key; of all its workspaces.
    pub key: &'a str,
    pub until: Option<Timestamp>,
    /// How long AWS may take to allow what was lifted.
    pub patience: Duration,
    pub cancel: &'a CancellationToken,
}

impl EnvironmentPurge<'_> {
    /// What keeps the history of the states is lifted for these states alone, and stands as it was
    /// in the end.
    ///
    /// # Errors
    /// If something is left, or the policy could not be put back.
    pub async fn run(&self) -> Result<EmptyTotals, DemolitionError> {
        let bucket = &self.store.address().bucket;
        let policy = bucket_policy::get(self.aws, bucket)
            .await?
            .filter(|policy| policy.has(HISTORY));
        if let Some(policy) = &policy {
            bucket_policy::put(self.aws, bucket, &self.lifted(policy), &[]).await?;
        }
        let purged = self.states(policy.is_some()).await;
        if let Some(policy) = &policy {
            bucket_policy::put(self.aws, bucket, policy, &[]).await?;
        }
        let emptied = purged?;
        forget(&self.store, &TeardownScope::Key(self.key.to_owned())).await?;
        Ok(emptied)
    }

    fn lifted(&self, policy: &PolicyDocument) -> PolicyDocument {
        let address = self.store.address();
        let workspaces = address.layout.path(self.key, "*");
        let objects = [
            self.key.to_owned(),
            layout::lock_file(self.key),
            workspaces.clone(),
            layout::lock_file(&workspaces),
        ];
        policy.with(policies::history_but(
            &self.aws.caller.partition,
            &address.bucket,
            &objects,
        ))
    }

    /// `lifted`: what forbids it may hold for a while although it was lifted.
    async fn states(&self, lifted: bool) -> Result<EmptyTotals, DemolitionError> {
        let address = self.store.address();
        let scope = TeardownScope::Key(self.key.to_owned());
        let emptying = BucketEmptier {
            aws: self.aws,
            bucket: &address.bucket,
            owner: &address.owner,
            prefix: "",
            ours: &|object| scope.has_object(address, object),
            until: self.until,
            parallelism: empty::AT_ONCE,
            cancel: self.cancel,
        };
        let mut wait = WaitLimit::at_most(self.patience).until_cancelled(self.cancel);
        let mut all = EmptyTotals::default();
        loop {
            let emptied = emptying.run(&mut |_| {}).await;
            all.add(emptied.as_ref().unwrap_or_else(|left| &left.emptied));
            match emptied {
                Ok(_) => return Ok(all),
                Err(left) if lifted && is_denied(&left) && wait.again().await => {}
                Err(left) => return Err(left.into()),
            }
        }
    }
}

/// Deletes the digests of the states that are gone, and the locks of teardowns on them, from a
/// table that stays.
///
/// # Errors
/// If the table cannot be read or written.
pub async fn forget(store: &S3Store<'_>, scope: &TeardownScope) -> Result<(), AwsError> {
    let address = store.address();
    let Some(mut pages) = store.items() else {
        return Ok(());
    };
    while let Some(page) = pages.next().await? {
        for item in page {
            let Some(path) = item
                .path_in(&address.bucket)
                .filter(|path| scope.has_object(address, path))
            else {
                continue;
            };
            match &item.what {
                ItemKind::Digest(digest) => {
                    store.delete_digest(path, digest).await?;
                }
                ItemKind::Lock(raw) if is_of_a_teardown(raw) => {
                    store.release_item(path, raw).await?;
                }
                ItemKind::Lock(_) | ItemKind::Other => {}
            }
        }
    }
    Ok(())
}

fn is_of_a_teardown(raw: &str) -> bool {
    LockInfo::parse(raw.as_bytes()).is_ok_and(|info| info.operation == OPERATION)
}

/// Buckets of others that a table has locks or digests for, some of many.
///
/// # Errors
/// If the table cannot be read.
pub async fn others(store: &S3Store<'_>) -> Result<Vec<String>, AwsError> {
    const MOST: usize = 5;
    let mut others = BTreeSet::new();
    let Some(mut pages) = store.items() else {
        return Ok(vec![]);
    };
    while let Some(page) = pages.next().await? {
        let foreign = page
            .iter()
            .filter(|item| item.path_in(&store.address().bucket).is_none());
        others.extend(
            foreign
                .filter_map(|item| item.lock_id.split_once('/'))
                .map(|(bucket, _)| format!("bucket {bucket}")),
        );
    }
    Ok(others.into_iter().take(MOST).collect())
}
