//! Reads the current state, the requested one, and the versions in between.

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::{
    state::snapshot::LARGEST,
    state::{
        digest, recover,
        snapshot::{SnapshotError, StateSnapshot},
    },
    store::state_store::{FetchedState, StateId, StateStore, StoreError, StoredVersion, VersionId},
};

/// The number of versions that are read concurrently to find a serial.
const AT_ONCE: usize = 4;
/// The number of versions that are tried to find a readable one, if the current one is not.
const TRIES: usize = 20;

/// The requested state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreSource {
    Version(String),
    Serial(u64),
    /// The newest version written before this time.
    Before(Timestamp),
    /// The bytes from a backup or a file.
    Bytes(Vec<u8>),
}

#[derive(Debug, thiserror::Error)]
pub enum LookError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("this state has no version {id:?}")]
    NoVersion { id: String },
    #[error("version {id:?} is not a state but a delete marker")]
    Marker { id: String },
    #[error("none of its {versions} versions has serial {serial}")]
    NoSerial { serial: u64, versions: usize },
    #[error("several different versions have serial {serial}: {}", ids.join(", "))]
    Ambiguous { serial: u64, ids: Vec<String> },
    #[error("no version of it was written before {time}")]
    NothingBefore { time: Timestamp },
    #[error("the requested state cannot be used: {0}")]
    NotAState(#[from] SnapshotError),
}

/// The current state, and the one to restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreCandidate {
    pub id: StateId,
    pub current: Option<FetchedState>,
    /// The newest readable version.
    pub newest: Option<StateSnapshot>,
    pub wanted: Vec<u8>,
    /// Facts about the requested state.
    pub is: StateSnapshot,
    /// The version that was requested, if it is one.
    pub version: Option<VersionId>,
    /// Empty in a kind that keeps no versions.
    pub history: Vec<StoredVersion>,
}

impl RestoreCandidate {
    /// Reads the state, its history and the requested version.
    ///
    /// # Errors
    /// If any of it cannot be read, or the version does not exist.
    pub async fn read(
        store: &dyn StateStore,
        id: &StateId,
        source: RestoreSource,
    ) -> Result<Self, LookError> {
        let history = if store.capabilities().versions || !matches!(source, RestoreSource::Bytes(_))
        {
            store.versions(id).try_collect().await?
        } else {
            vec![]
        };
        let current = store.read(id, None, LARGEST).await?;
        let (wanted, version) = wanted(store, id, source, &history).await?;
        let is = recover::snapshot(&wanted)?;
        let newest = newest(store, id, current.as_ref(), &history).await?;
        Ok(Self {
            id: id.clone(),
            current,
            newest,
            wanted,
            is,
            version,
            history,
        })
    }
}

async fn wanted(
    store: &dyn StateStore,
    id: &StateId,
    source: RestoreSource,
    history: &[StoredVersion],
) -> Result<(Vec<u8>, Option<VersionId>), LookError> {
    let version = match source {
        RestoreSource::Bytes(bytes) => return Ok((bytes, None)),
        RestoreSource::Version(id) => match history.iter().find(|version| version.id.0 == id) {
            None => return Err(LookError::NoVersion { id }),
            Some(version) if version.size.is_none() => return Err(LookError::Marker { id }),
            Some(version) => version.id.clone(),
        },
        RestoreSource::Serial(serial) => with_serial(store, id, serial, history).await?,
        RestoreSource::Before(time) => {
            let older = |version: &&StoredVersion| {
                version.size.is_some() && version.modified.is_some_and(|modified| modified < time)
            };
            let newest = history
                .iter()
                .filter(older)
                .max_by_key(|version| version.modified);
            newest.ok_or(LookError::NothingBefore { time })?.id.clone()
        }
    };
    let state = read(store, id, &version)
        .await?
        .ok_or_else(|| LookError::NoVersion {
            id: version.0.clone(),
        })?;
    Ok((state.bytes, Some(version)))
}

/// Returns the newest version with this serial, if all of them are identical.
async fn with_serial(
    store: &dyn StateStore,
    id: &StateId,
    serial: u64,
    history: &[StoredVersion],
) -> Result<VersionId, LookError> {
    let data: Vec<&StoredVersion> = history
        .iter()
        .filter(|version| version.size.is_some())
        .collect();
    let reads = stream::iter(data.iter().map(|version| async {
        let state = read(store, id, &version.id).await?;
        let found = state.filter(|state| {
            recover::snapshot(&state.bytes).is_ok_and(|snapshot| snapshot.serial == Some(serial))
        });
        Ok::<_, LookError>(found.map(|state| (version.id.clone(), digest::of(&state.bytes))))
    }));
    let found: Vec<(VersionId, String)> = reads
        .buffered(AT_ONCE)
        .try_filter_map(async |found| Ok(found))
        .try_collect()
        .await?;
    match found.first() {
        None => Err(LookError::NoSerial {
            serial,
            versions: data.len(),
        }),
        Some((_, first)) if found.iter().any(|(_, other)| other != first) => {
            Err(LookError::Ambiguous {
                serial,
                ids: found.into_iter().map(|(id, _)| id.0).collect(),
            })
        }
        Some((id, _)) => Ok(id.clone()),
    }
}

/// Returns the facts that determine serial and lineage of the next state.
async fn newest(
    store: &dyn StateStore,
    id: &StateId,
    current: Option<&FetchedState>,
    history: &[StoredVersion],
) -> Result<Option<StateSnapshot>, LookError> {
    if let Some(snapshot) = current.and_then(|current| recover::snapshot(&current.bytes).ok()) {
        return Ok(Some(snapshot));
    }
    let older = history.iter().filter(|version| version.size.is_some());
    for version in older.take(TRIES) {
        let state = read(store, id, &version.id).await?;
        if let Some(snapshot) = state.and_then(|state| recover::snapshot(&state.bytes).ok()) {
            return Ok(Some(snapshot));
        }
    }
    Ok(None)
}

/// Returns `None` if the version was deleted after it was listed.
async fn read(
    store: &dyn StateStore,
    id: &StateId,
    version: &VersionId,
) -> Result<Option<FetchedState>, StoreError> {
    match store.read(id, Some(version), LARGEST).await {
        Err(StoreError::NoVersion(_)) => Ok(None),
        read => read,
    }
}
