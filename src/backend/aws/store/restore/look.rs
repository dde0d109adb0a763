//! Reads the current state, the requested one, and the versions in between.

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::super::{
    S3Store,
    content::VersionContent,
    objects::{ObjectChange, ObjectVersion},
};
use crate::{
    backend::aws::error::AwsError,
    state::{
        digest, recover,
        snapshot::{SnapshotError, StateSnapshot},
    },
};

/// The maximum size of a restored state, which is in memory several times.
pub const LARGEST: usize = 256 << 20;
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
    Aws(#[from] AwsError),
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

/// The input of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreInputs {
    pub path: String,
    pub current: Option<VersionContent>,
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
        let history = self.versions_of(path).await?;
        let current = self.get(path, None, LARGEST).await?;
        let (wanted, id) = self.wanted(path, which, &history).await?;
        let is = recover::snapshot(&wanted)?;
        let newest = self.newest(path, current.as_ref(), &history).await?;
        let deleted = history
            .first()
            .filter(|first| first.latest && first.what == ObjectChange::DeleteMarker);
        let last = history
            .iter()
            .find(|version| version.what != ObjectChange::DeleteMarker);
        let undoes = deleted
            .filter(|_| {
                current.is_none() && id.is_some() && last.map(|last| &last.id) == id.as_ref()
            })
            .map(|marker| marker.id.clone());
        let digest = self.digest_item(path).await?;
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

    async fn wanted(
        &self,
        path: &str,
        which: RestoreSource,
        history: &[ObjectVersion],
    ) -> Result<(Vec<u8>, Option<String>), LookError> {
        let id = match which {
            RestoreSource::Bytes(bytes) => return Ok((bytes, None)),
            RestoreSource::Version(id) => match history.iter().find(|version| version.id == id) {
                None => return Err(LookError::NoVersion { id }),
                Some(version) if version.what == ObjectChange::DeleteMarker => {
                    return Err(LookError::Marker { id });
                }
                Some(_) => id,
            },
            RestoreSource::Serial(serial) => self.with_serial(path, serial, history).await?,
            RestoreSource::Before(time) => {
                let older = |version: &&ObjectVersion| {
                    version.what != ObjectChange::DeleteMarker
                        && version.modified.is_some_and(|modified| modified < time)
                };
                let newest = history
                    .iter()
                    .filter(older)
                    .max_by_key(|version| version.modified);
                newest.ok_or(LookError::NothingBefore { time })?.id.clone()
            }
        };
        let content = self
            .get(path, Some(&id), LARGEST)
            .await?
            .ok_or_else(|| LookError::NoVersion { id: id.clone() })?;
        Ok((content.bytes, Some(id)))
    }

    /// Returns the newest version with this serial, if all of them are identical.
    async fn with_serial(
        &self,
        path: &str,
        serial: u64,
        history: &[ObjectVersion],
    ) -> Result<String, LookError> {
        let data: Vec<&ObjectVersion> = history
            .iter()
            .filter(|version| version.what != ObjectChange::DeleteMarker)
            .collect();
        let reads = stream::iter(data.iter().map(|version| async {
            let content = self.get(path, Some(&version.id), LARGEST).await?;
            let found = content.filter(|content| {
                recover::snapshot(&content.bytes)
                    .is_ok_and(|snapshot| snapshot.serial == Some(serial))
            });
            Ok::<_, LookError>(
                found.map(|content| (version.id.clone(), digest::of(&content.bytes))),
            )
        }));
        let found: Vec<(String, String)> = reads
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
                    ids: found.into_iter().map(|(id, _)| id).collect(),
                })
            }
            Some((id, _)) => Ok(id.clone()),
        }
    }

    /// Returns the facts that determine serial and lineage of the next state.
    async fn newest(
        &self,
        path: &str,
        current: Option<&VersionContent>,
        history: &[ObjectVersion],
    ) -> Result<Option<StateSnapshot>, LookError> {
        if let Some(snapshot) = current.and_then(|current| recover::snapshot(&current.bytes).ok()) {
            return Ok(Some(snapshot));
        }
        let older = history
            .iter()
            .filter(|version| version.what != ObjectChange::DeleteMarker);
        for version in older.take(TRIES) {
            let content = self.get(path, Some(&version.id), LARGEST).await?;
            if let Some(snapshot) =
                content.and_then(|content| recover::snapshot(&content.bytes).ok())
            {
                return Ok(Some(snapshot));
            }
        }
        Ok(None)
    }
}
