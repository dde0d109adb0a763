//! Backs up the states of a bucket, with their digests, to one archive.
//!
//! A few are read concurrently, and written in the order of the listing. Small states are read
//! ahead into memory; large ones are written through an unnamed file, in order.

use std::{
    collections::HashMap,
    fs::File,
    io::{Seek, Write},
    path::{Path, PathBuf},
};

use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::{
    S3Store,
    content::{PendingRead, VersionContent},
    objects::{CurrentObject, ObjectChange, ObjectVersion},
    table,
};
use crate::{
    backend::aws::{
        error::{AwsError, ServiceErrorKind as Wrong},
        probe::ProbeName,
    },
    kind::BackendKind,
    state::{
        layout::ObjectKind,
        snapshot::{self, SnapshotDetail, StateSnapshot},
    },
    store::{
        backup::{
            manifest::{
                BackupExtent, FORMAT_VERSION, ManifestFacts, ManifestHeader, ManifestState,
            },
            write::{ArchiveError, ArchiveWriter, FinishedBackup, finished},
        },
        location::BackendLocation,
    },
};

/// The number of states that are read concurrently.
const AT_ONCE: usize = 8;
/// The maximum size of a state that is read ahead into memory.
const SMALL: usize = 2 << 20;
/// The number of attempts to read a state whose stream breaks.
const TRIES: usize = 3;

/// The origin of the states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BackupSubject {
    pub env: String,
    /// Only the states at this key, in all workspaces, if others share the bucket.
    pub key: Option<String>,
}

/// A finished backup that was read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BackupReport {
    pub path: PathBuf,
    pub states: usize,
    /// One per state, or more with their history.
    pub versions: usize,
    /// The size of all versions, unpacked.
    pub bytes: u64,
    /// The hash of the file, in lower-case hex.
    pub sha256: String,
}

/// The progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BackupProgress {
    pub states: usize,
    pub versions: usize,
    pub bytes: u64,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    #[error(transparent)]
    Unreadable(#[from] AwsError),
    /// Deleted between the listing and the read.
    #[error("{url}{} was deleted during the backup", version.as_ref().map_or_else(String::new, |id| format!(" (version {id})")))]
    Vanished {
        url: String,
        version: Option<String>,
    },
    #[error(transparent)]
    NotWritten(#[from] ArchiveError),
}

/// Writes all states, or all their versions, to one archive in `dir`, with the digests of current
/// ones.
///
/// Flow: lists, reads a few concurrently, writes in order; then syncs, reads everything back, and
/// renames.
///
/// Guarantees: each file in the result was read back with the hash of what S3 sent. After an error,
/// or if dropped, there is no file. A state that could not be read, or was deleted in the meantime,
/// is an error: a backup is complete. Lock files and objects of probes are not states; other
/// objects with an unknown name are included.
///
/// Assumptions: no concurrent writes, or they do not matter: each state is as it was when it was
/// read.
///
/// # Errors
/// If anything cannot be listed, read or written, or differs when it is read back.
pub(crate) async fn write(
    store: &S3Store<'_>,
    what: BackupExtent,
    dir: &Path,
    about: BackupSubject,
    now: Timestamp,
    progress: &mut (dyn FnMut(BackupProgress) + Send),
) -> Result<BackupReport, BackupError> {
    let address = store.address;
    let key = about.key;
    let header = ManifestHeader {
        format_version: FORMAT_VERSION,
        made: now,
        env: about.env,
        backend: Some(location(store)),
        account: address.owner.clone(),
        region: store.aws.region.clone(),
        bucket: address.bucket.clone(),
        table: address.table.clone(),
        extent: what,
    };
    let digests = digests(store).await?;
    let mut run = BackupRun {
        store,
        archive: ArchiveWriter::begin(dir, header)?,
        digests,
        key,
        last: None,
        done: BackupProgress::default(),
        progress,
    };
    run.all(what).await?;
    let BackupRun { archive, done, .. } = run;
    let FinishedBackup {
        path,
        sha256,
        bytes: _,
    } = finished(archive).await?;
    let BackupProgress {
        states,
        versions,
        bytes,
    } = done;
    Ok(BackupReport {
        path,
        states,
        versions,
        bytes,
        sha256,
    })
}

/// Syncs, reads back and renames it, without blocking other tasks.
fn location(store: &S3Store<'_>) -> BackendLocation {
    let mut location = vec![
        ("bucket", store.address.bucket.clone()),
        ("region", store.aws.region.clone()),
    ];
    location.extend(
        store
            .address
            .table
            .clone()
            .map(|table| ("dynamodb_table", table)),
    );
    BackendLocation::new(BackendKind::S3, location)
}

/// Returns the digests of this bucket's states, by state.
async fn digests(store: &S3Store<'_>) -> Result<HashMap<String, String>, AwsError> {
    let mut digests = HashMap::new();
    let Some(mut pages) = store.items() else {
        return Ok(digests);
    };
    while let Some(page) = pages.next().await? {
        for item in page {
            let Some(path) = item.path_in(&store.address.bucket).map(str::to_owned) else {
                continue;
            };
            if let table::ItemKind::Digest(digest) = item.what {
                digests.insert(path, digest);
            }
        }
    }
    Ok(digests)
}

/// A version to read.
struct VersionToRead {
    path: String,
    workspace: String,
    /// `None` for the current version at the time of the read.
    version: Option<String>,
    current: bool,
    size: u64,
}

struct BackupRun<'r> {
    store: &'r S3Store<'r>,
    archive: ArchiveWriter,
    digests: HashMap<String, String>,
    /// All states, if `None`.
    key: Option<String>,
    /// The last written state: its versions are consecutive.
    last: Option<String>,
    done: BackupProgress,
    progress: &'r mut (dyn FnMut(BackupProgress) + Send),
}

impl BackupRun<'_> {
    async fn all(&mut self, what: BackupExtent) -> Result<(), BackupError> {
        match what {
            BackupExtent::Current => {
                let mut pages = self.store.objects("");
                while let Some(page) = pages.next().await? {
                    self.page(
                        page.into_iter()
                            .map(|object: CurrentObject| (object.key, None, true, object.size))
                            .collect(),
                    )
                    .await?;
                }
            }
            BackupExtent::AllVersions => {
                let mut pages = self.store.versions("");
                while let Some(page) = pages.next().await? {
                    let version = |ObjectVersion {
                                       key,
                                       id,
                                       latest,
                                       modified: _,
                                       what,
                                   }: ObjectVersion| match what {
                        ObjectChange::Data { size, etag: _ } => Some((key, Some(id), latest, size)),
                        ObjectChange::DeleteMarker => None,
                    };
                    self.page(page.into_iter().filter_map(version).collect())
                        .await?;
                }
            }
        }
        Ok(())
    }

    async fn page(
        &mut self,
        page: Vec<(String, Option<String>, bool, u64)>,
    ) -> Result<(), BackupError> {
        let store = self.store;
        let (probes, of) = (store.address.layout.probes(), self.key.clone());
        let wanted = page
            .into_iter()
            .filter_map(|(key, version, current, size)| {
                let located = store.address.layout.locate(&key);
                // A folder, as created by consoles, is an empty object.
                let is_none = located.kind == ObjectKind::LockFile
                    || ProbeName::of(&key, &probes).is_some()
                    || (size == 0 && key.ends_with('/'));
                let is_other = of.as_ref().is_some_and(|of| located.key != *of);
                (!is_none && !is_other).then_some(VersionToRead {
                    path: located.path,
                    workspace: located.workspace,
                    version,
                    current,
                    size,
                })
            });
        let ahead = stream::iter(wanted).map(|wanted| async move {
            let small = usize::try_from(wanted.size).is_ok_and(|size| size <= SMALL);
            let content = if small {
                whole(store, &wanted).await?
            } else {
                None
            };
            Ok::<_, BackupError>((wanted, content))
        });
        let mut ahead = ahead.buffered(AT_ONCE);
        while let Some(read) = ahead.next().await {
            match read? {
                (wanted, Some(content)) => self.add_small(wanted, content)?,
                (wanted, None) => self.add_large(wanted).await?,
            }
        }
        Ok(())
    }

    fn add_small(
        &mut self,
        wanted: VersionToRead,
        content: VersionContent,
    ) -> Result<(), BackupError> {
        let facts = ManifestFacts::of(StateSnapshot::parse(&content.bytes, SnapshotDetail::Counts));
        let size = u64::try_from(content.bytes.len()).unwrap_or(u64::MAX);
        let state = self.state(wanted, content.version, content.modified, facts);
        self.archive.add(state, size, &*content.bytes)?;
        self.added(size);
        Ok(())
    }

    async fn add_large(&mut self, wanted: VersionToRead) -> Result<(), BackupError> {
        let mut tries = 1;
        let (reading, mut file, size) = loop {
            let mut reading = opened(self.store, &wanted).await?;
            if let Some(size) = reading.size.filter(|size| *size > snapshot::MAX_BYTES) {
                return Err(ArchiveError::TooLarge {
                    path: wanted.path,
                    size,
                }
                .into());
            }
            let mut file = self.archive.spool()?;
            match spooled(&mut reading, &mut file, self.archive.dir()).await {
                Ok(size) => break (reading, file, size),
                Err(BackupError::Unreadable(error))
                    if error.kind == Wrong::Network && tries < TRIES =>
                {
                    tries += 1
                }
                Err(error) => return Err(error),
            }
        };
        file.rewind()
            .map_err(ArchiveError::io("read again in", self.archive.dir()))?;
        let facts = ManifestFacts::of(StateSnapshot::read(
            &file,
            snapshot::MAX_BYTES,
            SnapshotDetail::Counts,
        ));
        file.rewind()
            .map_err(ArchiveError::io("read again in", self.archive.dir()))?;
        let state = self.state(wanted, reading.version, reading.modified, facts);
        self.archive.add(state, size, &file)?;
        self.added(size);
        Ok(())
    }

    fn state(
        &mut self,
        wanted: VersionToRead,
        version: Option<String>,
        modified: Option<Timestamp>,
        facts: ManifestFacts,
    ) -> ManifestState {
        let VersionToRead {
            path,
            workspace,
            version: asked,
            current,
            size: _,
        } = wanted;
        if self.last.as_ref() != Some(&path) {
            self.done.states += 1;
            self.last = Some(path.clone());
        }
        let digest = if current {
            self.digests.remove(&path)
        } else {
            None
        };
        ManifestState {
            path,
            workspace,
            version: version.or(asked),
            current,
            modified,
            facts,
            digest,
        }
    }

    fn added(&mut self, size: u64) {
        self.done.versions += 1;
        self.done.bytes = self.done.bytes.saturating_add(size);
        (self.progress)(self.done);
    }
}

fn vanished(store: &S3Store<'_>, wanted: &VersionToRead) -> BackupError {
    BackupError::Vanished {
        url: store.url(&wanted.path),
        version: wanted.version.clone(),
    }
}

async fn opened(store: &S3Store<'_>, wanted: &VersionToRead) -> Result<PendingRead, BackupError> {
    store
        .open(&wanted.path, wanted.version.as_deref())
        .await?
        .ok_or_else(|| vanished(store, wanted))
}

/// Returns `None` if it has grown after it was listed. The SDK does not retry a connection that
/// breaks during a response.
async fn whole(
    store: &S3Store<'_>,
    wanted: &VersionToRead,
) -> Result<Option<VersionContent>, BackupError> {
    let mut tries = 1;
    loop {
        match opened(store, wanted).await?.whole(SMALL).await {
            Err(error) if error.kind == Wrong::Network && tries < TRIES => tries += 1,
            read => return Ok(read?),
        }
    }
}

async fn spooled(
    reading: &mut PendingRead,
    file: &mut File,
    dir: &Path,
) -> Result<u64, BackupError> {
    let mut size = 0_u64;
    while let Some(chunk) = reading.next().await? {
        let chunk = chunk.as_ref();
        file.write_all(chunk)
            .map_err(ArchiveError::io("write to the folder", dir))?;
        size = size.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
    }
    Ok(size)
}

#[cfg(test)]
mod tests;
