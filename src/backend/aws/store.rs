//! The state store: the states in the bucket, the lock files beside them, the items of the lock
//! table.
//!
//! It is told where it is, so that it serves backends that nobody but their users knows of. Every
//! call to S3 carries the account that the bucket must belong to. What it writes, it writes on the
//! condition that what is there is what was looked at: locks (`hold`, `release`), states and their
//! digests (`write`).

use jiff::Timestamp;

use super::{AwsProvider, bucket, error::AwsError};
use crate::state::layout::StateLayout;

pub mod objects;
pub mod content;
pub mod beginning;
pub mod table;
pub mod live;
pub mod uploads;
pub mod retention;
pub mod inventory;
pub mod occupied;
pub mod history;
pub mod write;
pub mod identity;
pub mod migration;
pub mod hold;
pub mod release;
pub mod backup;
pub mod restore;
pub mod check;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreAddress {
    pub bucket: String,
    /// The account that the bucket must belong to.
    pub owner: String,
    /// In the region of the caller, if there is one.
    pub table: Option<String>,
    pub layout: StateLayout,
}

#[derive(Clone, Copy, Debug)]
pub struct S3Store<'a> {
    aws: &'a AwsProvider,
    address: &'a StoreAddress,
}

impl<'a> S3Store<'a> {
    pub fn new(aws: &'a AwsProvider, address: &'a StoreAddress) -> Self {
        Self { aws, address }
    }

    pub fn address(&self) -> &'a StoreAddress {
        self.address
    }

    /// Where the bucket is, if there is one and it is the owner's.
    ///
    /// # Errors
    /// With status 403 if it is another account's, or may not be seen.
    pub async fn region(&self) -> Result<Option<String>, AwsError> {
        bucket::region(self.aws, &self.address.bucket, &self.address.owner).await
    }

    /// An object as people name it.
    pub fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.address.bucket)
    }
}

fn timestamp(time: &aws_smithy_types::DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}

#[cfg(test)]
mod tests;
