//! The history of a state: its versions, newest first, with their facts.

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::{
    S3Store,
    content::{ObjectEncryption, VersionContent},
    inventory::{AT_ONCE, LARGEST, MEMORY, room},
    objects::{ObjectChange, ObjectVersion},
};
use crate::{
    backend::aws::error::AwsError,
    state::{
        census::StateContentsKind,
        snapshot::{SnapshotDetail, StateSnapshot},
    },
};

/// One version of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateVersion {
    /// `null` for objects from before versioning was enabled.
    pub id: String,
    pub modified: Option<Timestamp>,
    /// True for the current version.
    pub latest: bool,
    pub what: VersionKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionKind {
    Deleted,
    Written {
        size: u64,
        holds: StateContentsKind,
        /// Unknown if the version could not be read.
        encryption: Option<ObjectEncryption>,
    },
}

/// The result of a request for one version.
#[derive(Debug)]
pub enum VersionLookup {
    There(VersionContent),
    /// No object, or no such version.
    NoSuch,
    /// A delete marker.
    DeleteMarker,
}

impl StateVersion {
    pub fn holds(&self) -> Option<&StateContentsKind> {
        match &self.what {
            VersionKind::Deleted => None,
            VersionKind::Written { holds, .. } => Some(holds),
        }
    }

    pub fn serial(&self) -> Option<u64> {
        self.holds()?.facts()?.serial
    }
}

impl S3Store<'_> {
    /// Returns all versions, or the newest `limit`, and their total number.
    ///
    /// # Errors
    /// If they cannot be listed. An unreadable version is part of the result.
    pub async fn history(
        &self,
        path: &str,
        limit: usize,
    ) -> Result<(Vec<StateVersion>, usize), AwsError> {
        let versions = self.versions_of(path).await?;
        let count = versions.len();
        let memory = Semaphore::new(usize::try_from(MEMORY).unwrap_or(usize::MAX));
        let newest = versions.into_iter().take(limit);
        let looks = stream::iter(newest)
            .map(|version| self.past(version, &memory))
            .buffered(AT_ONCE);
        Ok((
            looks.filter_map(|past| async { past }).collect().await,
            count,
        ))
    }

    /// Lists the versions of exactly this object, newest first.
    pub(super) async fn versions_of(&self, path: &str) -> Result<Vec<ObjectVersion>, AwsError> {
        let (mut all, mut pages) = (vec![], self.versions(path));
        while let Some(page) = pages.next().await? {
            let listed = page.len();
            let of_it: Vec<ObjectVersion> = page
                .into_iter()
                .filter(|version| version.key == path)
                .collect();
            // Its own name is the first with this prefix.
            let was_last = of_it.len() < listed;
            all.extend(of_it);
            if was_last {
                break;
            }
        }
        Ok(all)
    }

    /// Returns `None` if it was deleted after it was listed.
    async fn past(&self, version: ObjectVersion, memory: &Semaphore) -> Option<StateVersion> {
        let ObjectVersion {
            key,
            id,
            latest,
            modified,
            what,
        } = version;
        let ObjectChange::Data { size, etag: _ } = what else {
            return Some(StateVersion {
                id,
                modified,
                latest,
                what: VersionKind::Deleted,
            });
        };
        // This semaphore is never closed.
        let _room = memory.acquire_many(room(size)).await.ok()?;
        let (holds, encryption) = match self.get(&key, Some(&id), LARGEST).await {
            Ok(None) => return None,
            Ok(Some(content)) => (
                StateContentsKind::of(StateSnapshot::parse(&content.bytes, SnapshotDetail::Counts)),
                Some(content.encryption),
            ),
            Err(error) => (StateContentsKind::Unreadable(error.to_string()), None),
        };
        Some(StateVersion {
            id,
            modified,
            latest,
            what: VersionKind::Written {
                size,
                holds,
                encryption,
            },
        })
    }

    /// Returns the bytes of a version, or of the current one.
    ///
    /// # Errors
    /// If it exists and cannot be read, or its existence is unknown.
    pub async fn version(
        &self,
        path: &str,
        version: Option<&str>,
        max: usize,
    ) -> Result<VersionLookup, AwsError> {
        match self.get(path, version, max).await {
            Ok(Some(content)) => Ok(VersionLookup::There(content)),
            Ok(None) => Ok(VersionLookup::NoSuch),
            // An ID of another object, or an invalid ID.
            Err(error) if version.is_some() && error.status == Some(400) => {
                Ok(VersionLookup::NoSuch)
            }
            Err(error) if version.is_some() && error.status == Some(405) => {
                Ok(VersionLookup::DeleteMarker)
            }
            Err(error) => Err(error),
        }
    }
}
