//! States and locks of one backend, whatever its kind.

use std::{fmt, num::NonZeroUsize};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use jiff::Timestamp;

use crate::{
    kind::BackendKind,
    state::lock::{LockError, LockInfo},
};

/// The states and locks of one backend.
///
/// Everything that is written or deleted names what was read before: there is no "last writer
/// wins". What a kind cannot do is [`StoreError::Unsupported`].
#[async_trait]
pub trait StateStore: fmt::Debug + Send + Sync {
    fn kind(&self) -> BackendKind;

    /// Where the backend is, as pairs of a name and a value, for people and for JSON documents:
    /// bucket and region, or a path.
    fn location(&self) -> Vec<(&'static str, String)>;

    fn capabilities(&self) -> Capabilities;

    /// How many calls are useful at the same time.
    fn concurrency(&self) -> NonZeroUsize;

    /// Where the state of a workspace is, or would be.
    ///
    /// # Errors
    /// If the backend cannot have a workspace of this name.
    fn locate(&self, workspace: &str) -> Result<StateId, StoreError>;

    /// Names a state for people, and apart from the states of all other backends: a URL, or an
    /// absolute path.
    fn address(&self, id: &StateId) -> String {
        id.path.clone()
    }

    /// All states of this backend, in the order of their paths.
    fn list(&self) -> BoxStream<'_, Result<StoredState, StoreError>>;

    /// The current bytes of a state, or those of a version; `None` if there is no such state.
    ///
    /// # Errors
    /// If there is no such version, it says that the state was deleted, or it has more than `max`
    /// bytes.
    async fn read(
        &self,
        id: &StateId,
        version: Option<&VersionId>,
        max: usize,
    ) -> Result<Option<FetchedState>, StoreError>;

    /// All versions of a state, the newest first.
    fn versions(&self, id: &StateId) -> BoxStream<'_, Result<StoredVersion, StoreError>>;

    /// Writes a state if what is there is what is expected, and everything that Terraform writes
    /// with it, such as its digest.
    ///
    /// # Errors
    /// [`WriteError::Changed`] if something else is there: nothing is written then.
    async fn write(
        &self,
        id: &StateId,
        bytes: &[u8],
        expected: Expected<'_>,
        lock: &dyn LockGuard,
    ) -> Result<Revision, WriteError>;

    /// Deletes a state if it is what was read. Where the backend has versions, they stay.
    ///
    /// # Errors
    /// [`WriteError::Changed`] if something else is there: nothing is deleted then.
    async fn delete(
        &self,
        id: &StateId,
        expected: &Revision,
        lock: &dyn LockGuard,
    ) -> Result<(), WriteError>;

    /// The locks that are held now.
    fn locks(&self) -> BoxStream<'_, Result<StoredLock, StoreError>>;

    /// Takes the lock on a state exactly as Terraform takes it.
    ///
    /// # Errors
    /// [`StateLockError::Held`] if it is held. Nothing of `info` is left then.
    async fn lock<'a>(
        &'a self,
        id: &StateId,
        info: &LockInfo,
    ) -> Result<Box<dyn LockGuard + 'a>, StateLockError>;

    /// Releases the lock that was read, and no other that was taken since.
    async fn release(&self, lock: &StoredLock) -> Result<Release, StoreError>;
}

/// A lock of ours, until it is released.
#[async_trait]
pub trait LockGuard: fmt::Debug + Send + Sync {
    fn info(&self) -> &LockInfo;

    /// The state that it locks.
    fn id(&self) -> &StateId;

    async fn release(self: Box<Self>) -> Result<Release, StoreError>;

    /// Leaves the state locked when this process ends: Terraform refuses to work on it, and shows
    /// the lock info. [`StateStore::locks`] lists the lock, [`StateStore::read`] still returns the
    /// state, and [`StateStore::release`] makes it usable again.
    ///
    /// # Errors
    /// [`WriteError::Changed`] if the state is another one, where that can be told at no cost.
    async fn keep(self: Box<Self>, expected: &Revision) -> Result<(), WriteError>;
}

/// What a kind, or one backend of it, can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// States can be listed.
    pub list: bool,
    /// Earlier states are kept, and can be read.
    pub versions: bool,
    /// A write can depend on what is there, atomically.
    pub conditional_write: bool,
    /// A lock says who holds it.
    pub lock_info: bool,
    /// A lock of another can be released.
    pub release: bool,
}

/// The state of one workspace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateId {
    pub workspace: String,
    /// Where the state is within the backend: a key, a path, a name.
    pub path: String,
}

/// A state in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredState {
    pub id: StateId,
    /// The state key in the `backend` block, in kinds that have one.
    pub key: Option<String>,
    /// False if only its content tells whether it is a state.
    pub is_named_as_state: bool,
    /// In bytes.
    pub size: u64,
    pub modified: Option<Timestamp>,
}

/// Names one version of a state, as the backend names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionId(pub String);

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A version in a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredVersion {
    pub id: VersionId,
    pub modified: Option<Timestamp>,
    /// This is what a reader gets now.
    pub current: bool,
    /// In bytes; `None` where the version says that the state was deleted.
    pub size: Option<u64>,
}

/// What was read, opaque: an ETag, a digest, a serial. Equal only if nothing was written since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision(String);

impl Revision {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The bytes of a state. `Debug` says how many, never which.
#[derive(Clone, PartialEq, Eq)]
pub struct FetchedState {
    pub bytes: Vec<u8>,
    pub revision: Revision,
    /// Where the backend keeps versions.
    pub version: Option<VersionId>,
    pub modified: Option<Timestamp>,
    /// In kinds that say how they encrypt at rest.
    pub encryption: Option<AtRestEncryption>,
}

/// The encryption at rest of a state, as its backend reports it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AtRestEncryption {
    /// `AES256` (an S3 managed key), `aws:kms`, `aws:kms:dsse`; `None` if it is not reported.
    pub algorithm: Option<String>,
    /// The ARN of the key.
    pub key: Option<String>,
    /// True if an S3 Bucket Key is used, which reduces KMS requests.
    pub bucket_key: bool,
}

impl fmt::Debug for FetchedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchedState")
            .field("bytes", &self.bytes.len())
            .field("revision", &self.revision)
            .field("version", &self.version)
            .field("modified", &self.modified)
            .field("encryption", &self.encryption)
            .finish()
    }
}

/// What must be there for a write to be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected<'a> {
    Absent,
    Exactly(&'a Revision),
}

/// A lock that is held, in one place or in several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLock {
    /// The state that is locked.
    pub id: StateId,
    /// Who holds it, where that is known and readable.
    pub info: Result<LockInfo, UnknownHolder>,
    /// Where it is held, for people: a table, a file.
    pub places: Vec<String>,
    /// When it was written, by the clock of the backend.
    pub modified: Option<Timestamp>,
    /// True if its holder has ended, and what it left keeps no run out.
    pub is_left_behind: bool,
    /// What was read, opaque: a release depends on it.
    pub revision: Revision,
}

/// The reason why the holder of a lock is unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownHolder {
    #[error(transparent)]
    NotALock(#[from] LockError),
    /// With the reason of the backend.
    #[error("{0}")]
    Unreadable(String),
}

/// What became of a lock that was to be released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    Released,
    /// It was released already.
    AlreadyReleased,
    /// Another lock is held now, and stays.
    Changed,
}

/// A call that failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// This kind of backend cannot do it, ever.
    #[error("a backend of kind {kind} cannot {what}")]
    Unsupported {
        kind: BackendKind,
        /// An infinitive: "list versions".
        what: &'static str,
    },
    #[error("there is no version {0} of this state")]
    NoVersion(VersionId),
    /// A version that says that the state was deleted then.
    #[error("version {0} is a delete marker")]
    DeleteMarker(VersionId),
    #[error("{path} has more than {max} bytes")]
    TooLarge { path: String, max: usize },
    #[error("{0:?} is not a valid workspace name")]
    Workspace(String),
    /// With what failed, on what, and why.
    #[error("{message}")]
    Failed {
        message: String,
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

/// A write that was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// What is there is not what was expected. Nothing was written.
    #[error("the state changed in the meantime")]
    Changed,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A lock that was not acquired.
#[derive(Debug, thiserror::Error)]
pub enum StateLockError {
    /// `None` if it was released while its holder was looked up.
    #[error("the state is locked")]
    Held(Option<Box<StoredLock>>),
    #[error(transparent)]
    Store(#[from] StoreError),
}
