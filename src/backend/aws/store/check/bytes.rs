//! Reads the bytes of a state: whether Terraform can read them, and which version matches a digest.

use super::super::{S3Store, content::AtRestEncryption, objects::ObjectChange};
use crate::{
    backend::aws::error::AwsError,
    state::snapshot::LARGEST,
    state::{digest, recover, snapshot::SnapshotError},
};

/// The number of versions that are read, newest first, to find the one that matches a digest.
const VERSIONS_SEARCHED: usize = 50;

/// The meaning of the bytes of a state object for Terraform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StateBytes {
    /// An empty object: Terraform does not treat it as a state, and no digest matches it.
    Empty,
    Readable {
        md5: String,
        serial: Option<u64>,
    },
    /// Terraform cannot read them.
    Unreadable {
        md5: String,
        error: SnapshotError,
    },
}

/// A completely read version of a state object. The bytes are not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StateRead {
    /// With quotes, as S3 expects it in requests.
    pub etag: String,
    pub version: Option<String>,
    pub encryption: AtRestEncryption,
    pub bytes: StateBytes,
}

/// An older version that `state restore` can restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestorableVersion {
    pub id: String,
    pub serial: Option<u64>,
    /// True if the digest in the table matches this version.
    pub has_the_digest: bool,
}

/// The version that matches a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DigestOrigin {
    Version(RestorableVersion),
    /// None of the searched versions.
    NotFound,
    /// The versions could not be listed or read.
    Unknown(String),
}

/// The result of a search through the versions of a state.
#[derive(Default)]
struct DigestSearch {
    with_the_digest: Option<RestorableVersion>,
    /// The newest version that Terraform can read.
    newest: Option<RestorableVersion>,
    /// The error of a version that could not be read.
    unread: Option<String>,
}

impl StateBytes {
    pub(crate) fn of(bytes: &[u8]) -> Self {
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
    /// Reads one version of a state, or the current one; `None` if it does not exist.
    ///
    /// # Errors
    /// If it cannot be read, or is larger than the maximum size of a restored state.
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

    /// Returns the version with this digest, or else the newest version that Terraform can read.
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

    /// Returns the version with exactly this digest, which may be an unreadable one.
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
        // Sequentially, since each may have the maximum size.
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
