//! A bucket in use that is taken over, for a program.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::spec::Address;

/// What is in the bucket, and what waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AdoptionDocument {
    /// How many states are in the bucket.
    pub states: usize,
    /// How many of them are encrypted how: a key's ARN, `s3`, `customer`, or `unknown`.
    pub encryption: BTreeMap<String, usize>,
    /// How many of them which version of Terraform or OpenTofu wrote last.
    pub versions: BTreeMap<String, usize>,
    /// How many locks are held.
    pub locks: usize,
    /// What could not be looked at, and so may be anything.
    pub unseen: Vec<String>,
    /// What refuses runs as they are configured today.
    pub waiting: Vec<WaitingDocument>,
    /// Whether this plan does that all the same.
    pub enforced: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingDocument {
    pub address: Address,
    pub what: String,
    /// Which runs.
    pub refuses: String,
}
