//! The addresses of the two buckets and their parts.

use super::{LOG_BUCKET, STATE_BUCKET, STATE_LIFECYCLE};
use crate::engine::spec::Address;

/// The parts of a bucket, for each of the two buckets.
pub(super) struct BucketAddresses {
    pub bucket: Address,
    pub public_access: Address,
    pub versioning: Address,
    pub encryption: Address,
    pub lifecycle: Address,
    pub logging: Address,
    pub notifications: Address,
    pub policy: Address,
}

pub(super) const STATE: BucketAddresses = BucketAddresses {
    bucket: STATE_BUCKET,
    public_access: Address::new("state_bucket/public_access"),
    versioning: Address::new("state_bucket/versioning"),
    encryption: Address::new("state_bucket/encryption"),
    lifecycle: STATE_LIFECYCLE,
    logging: Address::new("state_bucket/logging"),
    notifications: Address::new("state_bucket/notifications"),
    policy: Address::new("state_bucket/policy"),
};

pub(super) const LOG: BucketAddresses = BucketAddresses {
    bucket: LOG_BUCKET,
    public_access: Address::new("log_bucket/public_access"),
    versioning: Address::new("log_bucket/versioning"),
    encryption: Address::new("log_bucket/encryption"),
    lifecycle: Address::new("log_bucket/lifecycle"),
    logging: Address::new("log_bucket/logging"),
    notifications: Address::new("log_bucket/notifications"),
    policy: Address::new("log_bucket/policy"),
};
