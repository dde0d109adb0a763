//! The bytes of a state: whether Terraform can read them, and which version of the state a digest
//! belongs to.

use super::super::{S3Store, content::ObjectEncryption, objects::ObjectChange, restore::LARGEST};
use crate::{
    backend::aws::error::AwsError,
    state::{digest, recover, snapshot::SnapshotError},
};

/// How many versions are read, the newest first, to find the one that a digest belongs to.
const VERSIONS_SEARCHED: usize = 50;

/// What the bytes of a state object are to Terraform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateBytes {
    /// No bytes at all: Terraform takes the object for no state, and no digest fits it.
    Empty,
    Readable {
        md5: String,
        serial: Option<u64>,
    },
    /// Terraform fails to read them.
    Unreadable {
        md5: String,
        error: SnapshotError,
    },
}

/// One version of a state object, read whole. The bytes are not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRead {
    /// With its quotes, as S3 wants it back.
    pub etag: String,
    pub version: Option<String>,
    pub encryption: ObjectEncryption,
    pub bytes: StateBytes,
}

/// An older version that `state restore` can bring back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestorableVersion {
    pub id: String,
    pub serial: Option<u64>,
    /// Whether the digest in the table is the digest of this version.
    pub has_the_digest: bool,
}

/// The version that a digest belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DigestOrigin {
    Version(RestorableVersion),
    /// None of the versions that were searched.
    NotFound,
    /// The versions could not be listed or read, for this reason.
    Unknown(String),
}

/// The outcome of a search through the versions of a state.
#[derive(Default)]
struct DigestSearch {
    with_the_digest: Option<RestorableVersion>,
    /// The newest that Terraform can read.
    newest: Option<RestorableVersion>,
    /// Why one of them could not be read.
    unread: Option<String>,
}

impl StateBytes {
    pub fn of(bytes: &[u8]) -> Self {
        match recover::snapshot(bytes) {
            Ok(snapshot) => Self::Readable {
                md5: digest::of(bytes),
                serial: snapshot.serial,
            },
            Err(SnapshotError::Empty) => Self::Empty,
            Err(error) => Self::Unreadable {
                md5: digest::of(bytes),
                error,
            },
        }
    }
}

impl S3Store<'_> {
    /// Reads one version of a state, or the current one; `None` if it is not there.
    ///
    /// # Errors
    /// If it cannot be read, or is longer than any state that is restored.
    pub(super) async fn read_state(
        &self,
        path: &str,
        version: Option<&str>,
    ) -> Result<Option<StateRead>, AwsError> {
        let Some(content) = self.get(path, version, LARGEST).await? else {
            return Ok(None);
        };
        let bytes = StateBytes::of(&content.bytes);
        Ok(Some(StateRead {
            etag: content.etag,
            version: content.version,
            encryption: content.encryption,
            bytes,
        }))
    }

    /// The version with this digest, or else the newest version that Terraform can read.
    pub(super) async fn restorable(&self, path: &str, stored: Option<&str>) -> DigestOrigin {
        match self.search(path, stored).await {
            Err(error) => DigestOrigin::Unknown(error.to_string()),
            Ok(
                DigestSearch {
                    with_the_digest: Some(version),
                    ..
                }
                | DigestSearch {
                    newest: Some(version),
                    ..
                },
            ) => DigestOrigin::Version(version),
            Ok(DigestSearch {
                unread: Some(error),
                ..
            }) => DigestOrigin::Unknown(error),
            Ok(_) => DigestOrigin::NotFound,
        }
    }

    /// The version with exactly this digest. A version that could not be read may be the one.
    pub(super) async fn origin_of_digest(&self, path: &str, stored: &str) -> DigestOrigin {
        match self.search(path, Some(stored)).await {
            Err(error) => DigestOrigin::Unknown(error.to_string()),
            Ok(DigestSearch {
                with_the_digest: Some(version),
                ..
            }) => DigestOrigin::Version(version),
            Ok(DigestSearch {
                unread: Some(error),
                ..
            }) => DigestOrigin::Unknown(error),
            Ok(_) => DigestOrigin::NotFound,
        }
    }

    async fn search(&self, path: &str, stored: Option<&str>) -> Result<DigestSearch, AwsError> {
        let mut search = DigestSearch::default();
        let versions = self.versions_of(path).await?;
        let written = versions
            .into_iter()
            .filter(|version| matches!(version.what, ObjectChange::Data { .. }));
        // One after the other: each may be as large as a state can be.
        for version in written.take(VERSIONS_SEARCHED) {
            let (md5, serial) = match self.read_state(path, Some(&version.id)).await {
                Ok(Some(StateRead {
                    bytes: StateBytes::Readable { md5, serial },
                    ..
                })) => (md5, serial),
                Ok(_) => continue,
                Err(error) => {
                    search.unread = Some(error.to_string());
                    continue;
                }
            };
            let has_the_digest = stored.is_some_and(|stored| digest::fits(stored, &md5));
            let found = RestorableVersion {
                id: version.id,
                serial,
                has_the_digest,
            };
            if has_the_digest {
                return Ok(DigestSearch {
                    with_the_digest: Some(found),
                    ..search
                });
            }
            search.newest = search.newest.or(Some(found));
            if stored.is_none() {
                break;
            }
        }
        Ok(search)
    }
}
