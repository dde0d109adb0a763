//! States as text and as JSON, never with their values.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    state::census::{StateContentsKind, StateFacts},
    store::{
        location::BackendLocation,
        state_store::{AtRestEncryption, StoredLock},
    },
};

pub(crate) mod list;
pub(crate) mod versions;
pub(crate) mod show;
pub(crate) mod diff;

/// The backend.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AboutDocument {
    pub backend: BackendLocation,
    #[serde(flatten)]
    pub bucket: Option<BucketDocument>,
    pub notes: Vec<String>,
}

/// Where a backend of kind s3 is.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct BucketDocument {
    pub bucket: String,
    pub region: String,
    /// The account of the bucket.
    pub account: String,
    /// The lock table, if any.
    pub table: Option<String>,
}

/// Facts about the content of a state.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ContentsDocument {
    /// `known`, `encrypted`, `other-format` or `unreadable`.
    pub contents: &'static str,
    pub serial: Option<u64>,
    pub lineage: Option<String>,
    /// The version of Terraform or OpenTofu.
    pub engine_version: Option<String>,
    /// Instances of managed resources; absent if unknown.
    pub resources: Option<u64>,
    /// The reason why it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub(crate) struct EncryptionDocument {
    /// `AES256` (S3 managed keys), `aws:kms` or `aws:kms:dsse`.
    pub algorithm: Option<String>,
    /// The ARN of the key.
    pub key: Option<String>,
    pub bucket_key: bool,
}

/// The holder of a lock.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct StateLockDocument {
    pub id: Option<String>,
    pub who: Option<String>,
    pub operation: Option<String>,
    pub since: Option<String>,
    /// True if its holder has ended, and what it left keeps no run out.
    #[serde(skip_serializing_if = "std::ops::Not::not", rename = "left_behind")]
    pub is_left_behind: bool,
}

impl ContentsDocument {
    pub(crate) fn of(holds: &StateContentsKind) -> Self {
        let (contents, facts, error) = match holds {
            StateContentsKind::Known(facts) => ("known", facts.clone(), None),
            StateContentsKind::Encrypted(facts) => ("encrypted", facts.clone(), None),
            StateContentsKind::OtherFormat(facts) => ("other-format", facts.clone(), None),
            StateContentsKind::Unreadable(error) => {
                ("unreadable", StateFacts::default(), Some(error.clone()))
            }
        };
        let StateFacts {
            serial,
            lineage,
            engine,
            managed,
        } = facts;
        Self {
            contents,
            serial,
            lineage,
            engine_version: engine,
            resources: managed,
            error,
        }
    }

    /// Returns the cell of a table.
    pub(crate) fn resources_text(&self) -> String {
        match (self.resources, &self.error) {
            (Some(resources), _) => resources.to_string(),
            (None, Some(error)) => format!("unknown: {error}"),
            (None, None) => format!("unknown ({})", self.contents),
        }
    }

    pub(crate) fn serial_text(&self) -> String {
        self.serial
            .map(|serial| serial.to_string())
            .unwrap_or_default()
    }
}

impl EncryptionDocument {
    pub(crate) fn of(encryption: &AtRestEncryption) -> Self {
        let AtRestEncryption {
            algorithm,
            key,
            bucket_key,
        } = encryption.clone();
        Self {
            algorithm,
            key,
            bucket_key,
        }
    }

    /// Returns the encryption without the key.
    pub(crate) fn algorithm_text(&self) -> &str {
        self.algorithm.as_deref().unwrap_or("none")
    }
}

impl StateLockDocument {
    pub(crate) fn of(lock: &StoredLock) -> Self {
        let info = lock.info.as_ref().ok();
        let since = info.and_then(|info| info.created).or(lock.modified);
        Self {
            id: info.map(|info| info.id.clone()),
            who: info.map(|info| info.who.clone()),
            operation: info.map(|info| info.operation.clone()),
            since: since.map(|since| since.to_string()),
            is_left_behind: lock.is_left_behind,
        }
    }

    /// Returns the cell of a table.
    pub(crate) fn text(&self) -> String {
        let since = self
            .since
            .as_ref()
            .map(|since| format!(" since {since}"))
            .unwrap_or_default();
        let who = self
            .who
            .as_deref()
            .filter(|who| !who.is_empty())
            .unwrap_or("unknown");
        if self.is_left_behind {
            format!("left behind by {who}{since}")
        } else {
            format!("by {who}{since}")
        }
    }
}
