//! Optional checks of state contents: whether Terraform can read them, whether the digests match,
//! and which version wrote them. No content of a state is kept.

use futures_util::{StreamExt, stream};

use super::usage::{self, STATE_DIGEST};
use crate::{
    backend::aws::{
        error::AwsError,
        store::{
            S3Store,
            scan::{LiveState, StoredDigest},
        },
    },
    checks::{Check, CheckResult, CheckedPlace, Verdict},
    settings::layer::LockMechanism,
    state::snapshot::LARGEST_OF_MANY,
    state::{
        digest,
        layout::ObjectKind,
        snapshot::{SnapshotDetail, StateSnapshot},
    },
};

/// The number of states that are read concurrently: each is held in memory.
const AT_ONCE: usize = 4;

/// A state that is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ToRead {
    path: String,
    /// True if the object must be a state: by its name, or because it has a digest.
    is_state: bool,
    /// The digest in the table, if there is one.
    digest: Option<String>,
}

impl ToRead {
    pub(crate) fn of(state: &LiveState) -> Self {
        let digest = match &state.digest {
            StoredDigest::Digest(digest) => Some(digest.clone()),
            StoredDigest::Absent | StoredDigest::Unknown => None,
        };
        Self {
            path: state.located.path.clone(),
            is_state: state.located.kind == ObjectKind::State || digest.is_some(),
            digest,
        }
    }
}

/// Reads the states, a few at a time.
pub(crate) async fn checks(
    store: &S3Store<'_>,
    states: Vec<ToRead>,
    lock: Option<LockMechanism>,
) -> Vec<CheckResult> {
    let mut read: Vec<(usize, Vec<CheckResult>)> = stream::iter(states.into_iter().enumerate())
        .map(|(at, state)| async move { (at, read(store, &state, lock).await) })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    read.sort_by_key(|(at, _)| *at);
    let mut checked: Vec<CheckResult> = read.into_iter().flat_map(|(_, checked)| checked).collect();
    if !checked
        .iter()
        .any(|one| one.check.id == usage::STATE_UNREADABLE.id)
    {
        // Without any state, none is unreadable; a state that was not listed may be.
        let unread = checked
            .iter()
            .find(|one| matches!(one.verdict, Verdict::Unreadable { .. }));
        let verdict = unread.map_or(Verdict::Holds, |one| Verdict::FailsWith {
            check: one.check,
            place: one.place.clone(),
        });
        checked.push(CheckResult::new(
            &usage::STATE_UNREADABLE,
            CheckedPlace::named(format!("s3://{}", store.address().bucket)),
            verdict,
        ));
    }
    checked
}

async fn read(
    store: &S3Store<'_>,
    state: &ToRead,
    lock: Option<LockMechanism>,
) -> Vec<CheckResult> {
    let place = || CheckedPlace::named(store.url(&state.path));
    let unreadable = |check: &'static Check, error: &dyn ToString| {
        CheckResult::new(
            check,
            place(),
            Verdict::Unreadable {
                error: error.to_string(),
            },
        )
    };
    let bytes = match store.get(&state.path, None, LARGEST_OF_MANY).await {
        Ok(Some(content)) => content.bytes,
        // Deleted since it was listed.
        Ok(None) => return vec![],
        Err(error) => {
            return vec![
                unreadable(&STATE_DIGEST, &error),
                unreadable(&usage::LOCK_MECHANISM_VERSION, &error),
            ];
        }
    };
    let (bytes, digest) = match &state.digest {
        None => (bytes, Ok(None)),
        Some(stored) => match settled(store, state, &bytes, stored).await {
            Ok((bytes, stored)) => (bytes, Ok(Some(stored))),
            Err(error) => (bytes, Err(error)),
        },
    };
    let snapshot = StateSnapshot::parse(&bytes, SnapshotDetail::Counts);
    // An object without a digest is not necessarily a state.
    if let (true, Err(error)) = (state.is_state && !bytes.is_empty(), &snapshot) {
        return vec![usage::unreadable_state(place(), error)];
    }
    let readable = (state.is_state && snapshot.is_ok())
        .then(|| CheckResult::new(&usage::STATE_UNREADABLE, place(), Verdict::Holds));
    let mut checked: Vec<CheckResult> = readable.into_iter().collect();
    match digest {
        Ok(None) => {}
        Ok(Some(stored)) => checked.push(usage::digest_of(place(), &bytes, stored.as_deref())),
        Err(error) => checked.push(unreadable(&STATE_DIGEST, &error)),
    }
    match snapshot {
        Ok(snapshot) => checked.push(usage::version_of(place(), &snapshot, lock)),
        // Terraform does not treat it as a state.
        Err(_) if bytes.is_empty() => {}
        Err(error) => checked.push(unreadable(&usage::LOCK_MECHANISM_VERSION, &error)),
    }
    checked
}

/// Terraform writes the state before its digest: a mismatch is checked once more.
async fn settled(
    store: &S3Store<'_>,
    state: &ToRead,
    bytes: &[u8],
    stored: &str,
) -> Result<(Vec<u8>, Option<String>), AwsError> {
    if digest::fits(stored, &digest::of(bytes)) {
        return Ok((bytes.to_owned(), Some(stored.to_owned())));
    }
    let (again, stored) = tokio::join!(
        store.get(&state.path, None, LARGEST_OF_MANY),
        store.digest_item(&state.path)
    );
    Ok((
        again?.map_or_else(|| bytes.to_owned(), |content| content.bytes),
        stored?,
    ))
}

#[cfg(test)]
mod tests;
