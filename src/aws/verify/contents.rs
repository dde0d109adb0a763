//! What only the states themselves say, for whoever asks for it: whether a digest is that of the
//! bytes, and which version wrote them. Nothing inside a state is kept.

use futures_util::{StreamExt, stream};

use super::usage::{self, STATE_DIGEST};
use crate::{
    aws::{
        error::AwsError,
        store::{
            Store,
            live::{LiveState, Stored},
        },
    },
    settings::layer::LockMechanism,
    state::{
        digest,
        snapshot::{Snapshot, Want},
    },
    verify::{Check, Checked, Place, Verdict},
};

/// Larger states are not read whole: Terraform itself takes minutes for one of these.
pub const LARGEST: usize = 256 * 1024 * 1024;
/// How many are read at the same time: each is in memory while it is.
const AT_ONCE: usize = 4;

/// A state that is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToRead {
    path: String,
    /// The digest in the table, if there is one.
    digest: Option<String>,
}

impl ToRead {
    pub fn of(state: &LiveState) -> Self {
        let digest = match &state.digest {
            Stored::Digest(digest) => Some(digest.clone()),
            Stored::Absent | Stored::Unknown => None,
        };
        Self { path: state.located.path.clone(), digest }
    }
}

/// Reads each of them, a few at the same time.
pub async fn checks(store: &Store<'_>, states: Vec<ToRead>, lock: Option<LockMechanism>) -> Vec<Checked> {
    let mut read: Vec<(usize, Vec<Checked>)> = stream::iter(states.into_iter().enumerate())
        .map(|(at, state)| async move { (at, read(store, &state, lock).await) })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    read.sort_by_key(|(at, _)| *at);
    read.into_iter().flat_map(|(_, checked)| checked).collect()
}

async fn read(store: &Store<'_>, state: &ToRead, lock: Option<LockMechanism>) -> Vec<Checked> {
    let place = || Place::named(store.url(&state.path));
    let unreadable =
        |check: &'static Check, error: &dyn ToString| Checked::new(check, place(), Verdict::Unreadable { error: error.to_string() });
    let bytes = match store.get(&state.path, None, LARGEST).await {
        Ok(Some(content)) => content.bytes,
        // Deleted since it was listed.
        Ok(None) => return vec![],
        Err(error) => return vec![unreadable(&STATE_DIGEST, &error), unreadable(&usage::LOCK_MECHANISM_VERSION, &error)],
    };
    let mut checked = vec![];
    if let Some(stored) = &state.digest {
        checked.push(match settled(store, state, &bytes, stored).await {
            Ok((bytes, stored)) => usage::digest_of(place(), &bytes, stored.as_deref()),
            Err(error) => unreadable(&STATE_DIGEST, &error),
        });
    }
    checked.push(match Snapshot::parse(&bytes, Want::Counts) {
        Ok(snapshot) => usage::version_of(place(), &snapshot, lock),
        Err(error) => unreadable(&usage::LOCK_MECHANISM_VERSION, &error),
    });
    checked
}

/// Terraform writes the state first and its digest then: what does not fit is looked at once more.
async fn settled(store: &Store<'_>, state: &ToRead, bytes: &[u8], stored: &str) -> Result<(Vec<u8>, Option<String>), AwsError> {
    if digest::of(bytes) == stored {
        return Ok((bytes.to_owned(), Some(stored.to_owned())));
    }
    let (again, stored) = tokio::join!(store.get(&state.path, None, LARGEST), store.digest_item(&state.path));
    Ok((again?.map_or_else(|| bytes.to_owned(), |content| content.bytes), stored?))
}

#[cfg(test)]
mod tests;
