//! Which backend a document is about, for every kind.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::state_store::StateStore;
use crate::kind::BackendKind;

/// The backend of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackendLocation {
    pub kind: BackendKind,
    /// The kind in words, such as `Amazon S3`.
    pub title: String,
    /// Where it is, by name: the bucket and its region, or the path of the state.
    pub location: BTreeMap<String, String>,
}

impl BackendLocation {
    pub fn of(store: &dyn StateStore) -> Self {
        Self::new(store.kind(), store.location())
    }

    /// `location` as [`StateStore::location`] says.
    pub fn new(kind: BackendKind, location: Vec<(&'static str, String)>) -> Self {
        let location = location
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        Self {
            kind,
            title: kind.title().to_owned(),
            location: location.collect(),
        }
    }
}
