//! Takes one environment's states out of a bucket that others share: every version at its key, its locks, its digests.

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    demolition::DemolitionError,
    empty::{self, Emptied, Emptying},
    scope::Scope,
};
use crate::{
    aws::{
        Aws,
        bucket::policy as bucket_policy,
        error::AwsError,
        policies::{self, HISTORY},
        policy::Document,
        store::{Store, table::What},
    },
    state::layout,
};

/// What is to be purged, once it stands still.
pub struct Purge<'a> {
    pub aws: &'a Aws,
    pub store: Store<'a>,
    /// The state key; of all its workspaces.
    pub key: &'a str,
    pub until: Option<Timestamp>,
    pub cancel: &'a CancellationToken,
}

impl Purge<'_> {
    /// What keeps the history of the states is lifted for these states alone, and stands as it was in the end.
    ///
    /// # Errors
    /// If something is left, or the policy could not be put back.
    pub async fn run(&self) -> Result<Emptied, DemolitionError> {
        let bucket = &self.store.address().bucket;
        let policy = bucket_policy::get(self.aws, bucket).await?.filter(|policy| policy.has(HISTORY));
        if let Some(policy) = &policy {
            bucket_policy::put(self.aws, bucket, &self.lifted(policy), &[]).await?;
        }
        let purged = self.states().await;
        if let Some(policy) = &policy {
            bucket_policy::put(self.aws, bucket, policy, &[]).await?;
        }
        let emptied = purged?;
        self.digests().await?;
        Ok(emptied)
    }

    fn lifted(&self, policy: &Document) -> Document {
        let address = self.store.address();
        let workspaces = address.layout.path(self.key, "*");
        let objects = [self.key.to_owned(), layout::lock_file(self.key), workspaces.clone(), layout::lock_file(&workspaces)];
        policy.with(policies::history_but(&self.aws.caller.partition, &address.bucket, &objects))
    }

    async fn states(&self) -> Result<Emptied, DemolitionError> {
        let address = self.store.address();
        let scope = Scope::Key(self.key.to_owned());
        let emptying = Emptying {
            aws: self.aws,
            bucket: &address.bucket,
            owner: &address.owner,
            prefix: "",
            ours: &|object| scope.has_object(address, object),
            until: self.until,
            parallelism: empty::AT_ONCE,
            cancel: self.cancel,
        };
        Ok(emptying.run(&mut |_| {}).await?)
    }

    async fn digests(&self) -> Result<(), AwsError> {
        let address = self.store.address();
        let scope = Scope::Key(self.key.to_owned());
        let Some(mut pages) = self.store.items() else { return Ok(()) };
        while let Some(page) = pages.next().await? {
            for item in page {
                let Some(path) = item.path_in(&address.bucket).map(str::to_owned) else { continue };
                if let (true, What::Digest(digest)) = (scope.has_object(address, &path), &item.what) {
                    self.store.delete_digest(&path, digest).await?;
                }
            }
        }
        Ok(())
    }
}
