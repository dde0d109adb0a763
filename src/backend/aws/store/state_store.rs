//! The S3 backend as a [`StateStore`]: what a command over any backend kind needs of it.
//!
//! A revision is the ETag of the state. The digest in the lock table is written and deleted with the
//! state, as Terraform does.

use std::num::NonZeroUsize;

use async_trait::async_trait;
use futures_util::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};

use super::{
    S3Store,
    history::VersionLookup,
    inventory::AT_ONCE,
    lock_acquire::{AcquireError, LockMechanisms, S3LockGuard},
    lock_release::ReleaseReport,
    objects::{CurrentObject, ObjectChange},
    scan::{LiveLock, LockPlace},
    write::{ConditionalDelete, ExpectedDigest, NotWritten, WriteCondition, WriteEncryption},
};
use crate::{
    backend::aws::{error::AwsError, probe::ProbeName},
    kind::BackendKind,
    state::{
        digest,
        layout::{LocatedObject, ObjectKind},
        lock::LockInfo,
    },
    store::state_store::{
        Capabilities, Expected, FetchedState, LockGuard, Release, Revision, StateId,
        StateLockError, StateStore, StoreError, StoredLock, StoredState, StoredVersion,
        UnknownHolder, VersionId, WriteError,
    },
    terraform::read::saved::is_workspace,
};

/// What every store of this kind can do.
pub const CAPABILITIES: Capabilities = Capabilities {
    list: true,
    versions: true,
    conditional_write: true,
    lock_info: true,
    release: true,
};

/// The states of one `backend "s3"` block, or of its whole bucket.
#[derive(Clone, Debug)]
pub struct S3StateStore<'a> {
    store: S3Store<'a>,
    /// The key of the block: the state of the default workspace.
    key: Option<String>,
    /// True for all states of the bucket, whatever their key.
    is_whole: bool,
    mechanisms: LockMechanisms,
    encrypt: WriteEncryption,
}

impl<'a> S3StateStore<'a> {
    /// `key`, `mechanisms` and `encrypt` as in the block.
    pub fn new(
        store: S3Store<'a>,
        key: impl Into<String>,
        mechanisms: LockMechanisms,
        encrypt: WriteEncryption,
    ) -> Self {
        Self {
            store,
            key: Some(key.into()),
            is_whole: false,
            mechanisms,
            encrypt,
        }
    }

    /// All states of the bucket, those of other configurations as well. The key of the block, if
    /// it is known, is that of the layout.
    pub fn of_bucket(
        store: S3Store<'a>,
        mechanisms: LockMechanisms,
        encrypt: WriteEncryption,
    ) -> Self {
        Self {
            store,
            key: store.address().layout.key.clone(),
            is_whole: true,
            mechanisms,
            encrypt,
        }
    }

    /// All states of the bucket, for reads alone: it does not know how to lock and to encrypt.
    pub fn to_read(store: S3Store<'a>) -> Self {
        let mechanisms = LockMechanisms {
            table: store.address().table.is_some(),
            file: true,
        };
        Self::of_bucket(store, mechanisms, WriteEncryption::Unsaid)
    }

    /// The state of an object.
    pub fn state_at(&self, path: &str) -> StateId {
        StateId {
            workspace: self.store.address().layout.locate(path).workspace,
            path: path.to_owned(),
        }
    }

    fn is_ours(&self, key: &str) -> bool {
        self.is_whole || self.key.as_deref() == Some(key)
    }

    /// An object, if it is or may be a state of this store.
    fn state(&self, object: CurrentObject) -> Option<StoredState> {
        let LocatedObject {
            kind,
            path,
            key,
            workspace,
        } = self.store.address().layout.locate(&object.key);
        // Consoles create objects that look like folders.
        let is_state = kind != ObjectKind::LockFile && !object.key.ends_with('/');
        (is_state && self.is_ours(&key)).then_some(StoredState {
            id: StateId { workspace, path },
            key: Some(key),
            is_named_as_state: kind == ObjectKind::State,
            size: object.size,
            modified: object.modified,
        })
    }
}

#[async_trait]
impl StateStore for S3StateStore<'_> {
    fn kind(&self) -> BackendKind {
        BackendKind::S3
    }

    fn location(&self) -> Vec<(&'static str, String)> {
        let address = self.store.address();
        let mut location = vec![("bucket", address.bucket.clone())];
        location.extend(self.key.clone().map(|key| ("key", key)));
        location.push(("region", self.store.aws.region.clone()));
        location.extend(address.table.clone().map(|table| ("dynamodb_table", table)));
        location
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn concurrency(&self) -> NonZeroUsize {
        NonZeroUsize::new(AT_ONCE).unwrap_or(NonZeroUsize::MIN)
    }

    fn locate(&self, workspace: &str) -> Result<StateId, StoreError> {
        if !is_workspace(workspace) {
            return Err(StoreError::Workspace(workspace.to_owned()));
        }
        let key = self.key.as_deref().ok_or_else(|| StoreError::Failed {
            message: "the state key is unknown".to_owned(),
            source: None,
        })?;
        Ok(StateId {
            workspace: workspace.to_owned(),
            path: self.store.address().layout.path(key, workspace),
        })
    }

    fn address(&self, id: &StateId) -> String {
        self.store.url(&id.path)
    }

    fn list(&self) -> BoxStream<'_, Result<StoredState, StoreError>> {
        let probes = self.store.address().layout.probes();
        let pages = stream::try_unfold(self.store.objects(""), |mut pages| async move {
            Ok::<_, AwsError>(pages.next().await?.map(|page| (page, pages)))
        });
        pages
            .map_err(StoreError::from)
            .map_ok(move |page| {
                let states: Vec<_> = page
                    .into_iter()
                    .filter(|object| self.is_whole || ProbeName::of(&object.key, &probes).is_none())
                    .filter_map(|object| self.state(object).map(Ok))
                    .collect();
                stream::iter(states)
            })
            .try_flatten()
            .boxed()
    }

    async fn read(
        &self,
        id: &StateId,
        version: Option<&VersionId>,
        max: usize,
    ) -> Result<Option<FetchedState>, StoreError> {
        let wanted = version.map(|version| version.0.as_str());
        let content = match self.store.version(&id.path, wanted, max).await? {
            VersionLookup::There(content) => content,
            VersionLookup::NoSuch => {
                return match version {
                    Some(version) => Err(StoreError::NoVersion(version.clone())),
                    None => Ok(None),
                };
            }
            VersionLookup::DeleteMarker => {
                return Err(StoreError::DeleteMarker(
                    version.cloned().unwrap_or(VersionId(String::new())),
                ));
            }
        };
        Ok(Some(content.into()))
    }

    fn versions(&self, id: &StateId) -> BoxStream<'_, Result<StoredVersion, StoreError>> {
        let path = id.path.clone();
        let listed = async move { self.store.versions_of(&path).await };
        stream::once(listed)
            .map_err(StoreError::from)
            .map_ok(|versions| {
                stream::iter(versions.into_iter().map(|version| {
                    Ok(StoredVersion {
                        id: VersionId(version.id),
                        modified: version.modified,
                        current: version.latest,
                        size: match version.what {
                            ObjectChange::Data { size, .. } => Some(size),
                            ObjectChange::DeleteMarker => None,
                        },
                    })
                }))
            })
            .try_flatten()
            .boxed()
    }

    async fn write(
        &self,
        id: &StateId,
        bytes: &[u8],
        expected: Expected<'_>,
        lock: &dyn LockGuard,
    ) -> Result<Revision, WriteError> {
        must_hold(id, lock)?;
        let condition = match expected {
            Expected::Absent => WriteCondition::IfNoneMatch,
            Expected::Exactly(revision) => WriteCondition::IfMatch(revision.as_str().to_owned()),
        };
        let has_table = self.store.address().table.is_some();
        let old = if has_table {
            self.store.digest_item(&id.path).await?
        } else {
            None
        };
        let put = self
            .store
            .put_state(&id.path, bytes.to_vec(), &self.encrypt, &condition)
            .await?;
        let md5 = digest::of(bytes);
        if has_table && old.as_deref() != Some(&md5) {
            let expected = old
                .as_deref()
                .map_or(ExpectedDigest::Absent, ExpectedDigest::Exact);
            self.store.put_digest(&id.path, &md5, expected).await?;
        }
        Ok(Revision::new(put.etag))
    }

    async fn delete(
        &self,
        id: &StateId,
        expected: &Revision,
        lock: &dyn LockGuard,
    ) -> Result<(), WriteError> {
        must_hold(id, lock)?;
        let has_table = self.store.address().table.is_some();
        let old = if has_table {
            self.store.digest_item(&id.path).await?
        } else {
            None
        };
        match self
            .store
            .delete_object_if(&id.path, expected.as_str())
            .await?
        {
            ConditionalDelete::Changed => return Err(WriteError::Changed),
            ConditionalDelete::Done | ConditionalDelete::AlreadyGone => {}
        }
        if let Some(old) = old {
            self.store.delete_digest(&id.path, &old).await?;
        }
        Ok(())
    }

    fn locks(&self) -> BoxStream<'_, Result<StoredLock, StoreError>> {
        let held = async move {
            let (locks, unread) = self.store.held().await;
            let locks = locks
                .into_values()
                .filter(|lock| self.is_ours(&lock.located.key))
                .map(|lock| Ok(stored(&lock)));
            let unread = unread.into_iter().map(|error| Err(error.into()));
            stream::iter(locks.chain(unread).collect::<Vec<_>>())
        };
        stream::once(held).flatten().boxed()
    }

    async fn lock<'a>(
        &'a self,
        id: &StateId,
        info: &LockInfo,
    ) -> Result<Box<dyn LockGuard + 'a>, StateLockError> {
        let info = LockInfo {
            path: digest::lock_id(&self.store.address().bucket, &id.path),
            ..info.clone()
        };
        let acquired = self
            .store
            .acquire(&id.path, self.mechanisms, &info, &self.encrypt)
            .await;
        match acquired {
            Ok(held) => Ok(Box::new(HeldS3Lock {
                store: self.store,
                id: id.clone(),
                held,
            })),
            Err(AcquireError::Held { by, left }) if left.is_empty() => {
                let is_held = by.halves().next().is_some();
                Err(StateLockError::Held(is_held.then(|| Box::new(stored(&by)))))
            }
            Err(AcquireError::Held { left, .. }) => Err(StateLockError::Store(left_behind(
                &info.id,
                "the state is locked",
                &left,
            ))),
            Err(AcquireError::Failed { error, left }) if left.is_empty() => {
                Err(StateLockError::Store(error.into()))
            }
            Err(AcquireError::Failed { error, left }) => Err(StateLockError::Store(left_behind(
                &info.id,
                &error.to_string(),
                &left,
            ))),
        }
    }

    async fn release(&self, lock: &StoredLock) -> Result<Release, StoreError> {
        let (now, unread) = self.store.lock_on(&lock.id.path).await;
        if let Some(error) = unread.into_iter().next() {
            return Err(error.into());
        }
        if now.halves().next().is_none() {
            return Ok(Release::AlreadyReleased);
        }
        if revision(&now) != lock.revision {
            return Ok(Release::Changed);
        }
        outcome(self.store.release(&now).await)
    }
}

/// A lock of this run.
#[derive(Debug)]
struct HeldS3Lock<'a> {
    store: S3Store<'a>,
    id: StateId,
    held: S3LockGuard,
}

#[async_trait]
impl LockGuard for HeldS3Lock<'_> {
    fn info(&self) -> &LockInfo {
        &self.held.info
    }

    fn id(&self) -> &StateId {
        &self.id
    }

    async fn release(self: Box<Self>) -> Result<Release, StoreError> {
        outcome(self.store.release(&self.held.lock).await)
    }

    /// The lock is an object, an item or both: it stays until it is released.
    async fn keep(self: Box<Self>, _: &Revision) -> Result<(), WriteError> {
        Ok(())
    }
}

fn must_hold(id: &StateId, lock: &dyn LockGuard) -> Result<(), StoreError> {
    if lock.id() == id {
        return Ok(());
    }
    Err(StoreError::Failed {
        message: format!("cannot write {}: the lock on it is not held", id.path),
        source: None,
    })
}

/// A lock that was not acquired, and that is still held in one place with our ID.
fn left_behind(id: &str, why: &str, left: &[AwsError]) -> StoreError {
    let left: Vec<String> = left.iter().map(ToString::to_string).collect();
    StoreError::Failed {
        message: format!(
            "{why}, and lock {id} of this run is not released: {}",
            left.join(", ")
        ),
        source: None,
    }
}

fn stored(lock: &LiveLock) -> StoredLock {
    let LiveLock {
        located,
        item,
        file,
    } = lock;
    let info = match lock.info() {
        Some(info) => Ok(info.clone()),
        None => Err(lock
            .halves()
            .find_map(|held| held.info.as_ref().err())
            .map_or_else(
                || UnknownHolder::Unreadable("nothing holds it".to_owned()),
                Clone::clone,
            )),
    };
    let places = [(item, "lock table"), (file, "lock file")];
    StoredLock {
        id: StateId {
            workspace: located.workspace.clone(),
            path: located.path.clone(),
        },
        info,
        places: places
            .into_iter()
            .filter(|(place, _)| place.as_held().is_some())
            .map(|(_, name)| name.to_owned())
            .collect(),
        modified: lock.halves().find_map(|held| held.modified),
        is_left_behind: false,
        revision: revision(lock),
    }
}

/// Both places, so that a lock in one of them is never taken for the same lock in both.
fn revision(lock: &LiveLock) -> Revision {
    let place = |place: &LockPlace| match place {
        LockPlace::Unknown | LockPlace::Free => "-".to_owned(),
        LockPlace::Held(held) => digest::of(
            [&held.raw, held.etag.as_deref().unwrap_or_default()]
                .join("\n")
                .as_bytes(),
        ),
    };
    Revision::new(format!("{} {}", place(&lock.item), place(&lock.file)))
}

fn outcome(report: ReleaseReport) -> Result<Release, StoreError> {
    if report.is_changed() {
        return Ok(Release::Changed);
    }
    let is_done = report
        .outcomes()
        .any(|outcome| matches!(outcome, Ok(ConditionalDelete::Done)));
    match report.into_errors().into_iter().next() {
        Some(error) => Err(error.into()),
        None if is_done => Ok(Release::Released),
        None => Ok(Release::AlreadyReleased),
    }
}

impl From<AwsError> for StoreError {
    fn from(error: AwsError) -> Self {
        Self::Failed {
            message: error.to_string(),
            source: Some(Box::new(error)),
        }
    }
}

impl From<AwsError> for WriteError {
    fn from(error: AwsError) -> Self {
        Self::Store(error.into())
    }
}

impl From<NotWritten> for WriteError {
    fn from(error: NotWritten) -> Self {
        match error {
            NotWritten::Changed => Self::Changed,
            NotWritten::Failed(error) => error.into(),
        }
    }
}
