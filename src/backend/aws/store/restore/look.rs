//! Reads what a restore needs: as for any kind, and the digest and a deletion that can be undone.

use super::super::{S3Store, state_store::S3StateStore};
use crate::{
    state::snapshot::StateSnapshot,
    store::{
        restore::{LookError, RestoreCandidate, RestoreSource},
        state_store::{FetchedState, StoreError},
    },
};

/// The input of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreInputs {
    pub path: String,
    pub current: Option<FetchedState>,
    /// The newest readable version.
    pub newest: Option<StateSnapshot>,
    pub wanted: Vec<u8>,
    /// The bytes of the requested state.
    pub is: StateSnapshot,
    /// The requested version is the last deleted one, with this delete marker.
    pub undoes: Option<String>,
    pub digest: Option<String>,
    pub has_table: bool,
}

impl S3Store<'_> {
    /// Reads the state, its history and the requested version.
    ///
    /// # Errors
    /// If any of it cannot be read, or the version does not exist.
    pub async fn look_to_restore(
        &self,
        path: &str,
        which: RestoreSource,
    ) -> Result<RestoreInputs, LookError> {
        let store = S3StateStore::to_read(*self);
        let RestoreCandidate {
            id: _,
            current,
            newest,
            wanted,
            is,
            version,
            history,
        } = RestoreCandidate::read(&store, &store.state_at(path), which).await?;
        let deleted = history
            .first()
            .filter(|first| first.current && first.size.is_none());
        let last = history.iter().find(|version| version.size.is_some());
        let undoes = deleted
            .filter(|_| {
                current.is_none()
                    && version.is_some()
                    && last.map(|last| &last.id) == version.as_ref()
            })
            .map(|marker| marker.id.0.clone());
        let digest = self.digest_item(path).await.map_err(StoreError::from)?;
        let has_table = self.address.table.is_some();
        Ok(RestoreInputs {
            path: path.to_owned(),
            current,
            newest,
            wanted,
            is,
            undoes,
            digest,
            has_table,
        })
    }
}
