//! The state store: the states in the bucket, the lock files next to them, and the items of the
//! lock table.
//!
//! Its location is a parameter, so that it supports backends that tfbackend did not create. Every
//! call to S3 sends the expected bucket owner. Every write is conditional on the content that was
//! read: locks (`hold`, `release`), states and their digests (`write`).

use jiff::Timestamp;

use super::{AwsProvider, bucket, error::AwsError};
use crate::state::layout::StateLayout;

pub mod objects;
pub(crate) mod content;
pub(crate) mod beginning;
pub(crate) mod table;
pub mod scan;
pub(crate) mod uploads;
pub(crate) mod retention;
pub(crate) mod inventory;
pub(crate) mod occupied;
pub(crate) mod history;
pub mod write;
pub(crate) mod identity;
pub(crate) mod migration;
pub mod lock_acquire;
pub(crate) mod lock_release;
pub(crate) mod backup;
pub(crate) mod restore;
pub(crate) mod check;
pub mod state_store;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreAddress {
    pub bucket: String,
    /// The account that the bucket must belong to.
    pub owner: String,
    /// The lock table in the region of the caller, if any.
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

    /// Returns the region of the bucket, if it exists and belongs to the owner.
    ///
    /// # Errors
    /// With status 403 if it belongs to another account, or access is denied.
    pub async fn region(&self) -> Result<Option<String>, AwsError> {
        bucket::region(self.aws, &self.address.bucket, &self.address.owner).await
    }

    /// Returns the display name of an object.
    pub fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.address.bucket)
    }
}

fn timestamp(time: &aws_smithy_types::DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}

#[cfg(test)]
mod tests;
