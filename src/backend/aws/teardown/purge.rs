//! Deletes the states of one environment from a shared bucket: all versions at its key, its locks
//! and its digests.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    destroy::DemolitionError,
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
        retry::WaitLimit,
        store::{S3Store, table::ItemKind},
    },
    state::{layout, lock::LockInfo},
};

/// The states to purge, once frozen.
pub(crate) struct EnvironmentPurge<'a> {
    pub aws: &'a AwsProvider,
    pub store: S3Store<'a>,
    /// The state key, for all its workspaces.
    pub key: &'a str,
    pub until: Option<Timestamp>,
    /// The time-out for consistency of the changed policy.
    pub patience: Duration,
    pub cancel: &'a CancellationToken,
}

impl EnvironmentPurge<'_> {
    /// The protection of the history is removed for these states only, and restored at the end.
    ///
    /// # Errors
    /// If something remains, or the policy could not be restored.
    pub(crate) async fn run(&self) -> Result<EmptyTotals, DemolitionError> {
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

    /// `lifted`: the denial may remain in effect for some time after its removal.
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

/// Deletes the digests of deleted states, and the locks of teardowns on them, from a kept table.
///
/// # Errors
/// If the table cannot be read or written.
pub(crate) async fn forget(store: &S3Store<'_>, scope: &TeardownScope) -> Result<(), AwsError> {
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

/// Returns some other buckets for which a table has locks or digests.
///
/// # Errors
/// If the table cannot be read.
pub(crate) async fn others(store: &S3Store<'_>) -> Result<Vec<String>, AwsError> {
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
