//! The adoption of a bucket in use, for a program.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::spec::Address;

/// The content of the bucket, and the postponed changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AdoptionDocument {
    /// The number of states in the bucket.
    pub states: usize,
    /// The number of states by encryption: a key's ARN, `s3`, `customer`, or `unknown`.
    pub encryption: BTreeMap<String, usize>,
    /// The number of states by the version of Terraform or OpenTofu that wrote them last.
    pub versions: BTreeMap<String, usize>,
    /// The number of held locks.
    pub locks: usize,
    /// Errors of reads; what could not be read is unknown.
    pub unseen: Vec<String>,
    /// The changes that would deny runs with their current configuration.
    pub waiting: Vec<WaitingDocument>,
    /// True if this plan makes the change anyway.
    pub enforced: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingDocument {
    pub address: Address,
    pub what: String,
    /// The affected runs.
    pub refuses: String,
}
