//! A store of states in memory: what the laws of stores are held to first.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use tfbackend::{
    kind::BackendKind,
    state::lock::LockInfo,
    store::state_store::{
        Capabilities, Expected, FetchedState, LockGuard, Release, Revision, StateId,
        StateLockError, StateStore, StoreError, StoredLock, StoredState, StoredVersion, VersionId,
        WriteError,
    },
    terraform::read::saved::is_workspace,
};

#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryStore {
    /// Part of the addresses of its states.
    name: &'static str,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// The versions of each state, the oldest first; `None` where it was deleted.
    states: BTreeMap<StateId, Vec<Option<Vec<u8>>>>,
    locks: BTreeMap<StateId, LockInfo>,
}

impl MemoryStore {
    /// Another one than every store of another name.
    pub(crate) fn named(name: &'static str) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().expect("no panic")
    }
}

impl Shared {
    fn revision(&self, id: &StateId) -> Option<Revision> {
        let versions = self.states.get(id)?;
        versions.last()?.as_ref()?;
        Some(Revision::new(versions.len().to_string()))
    }

    fn check(
        &self,
        id: &StateId,
        expected: Expected<'_>,
        lock: &dyn LockGuard,
    ) -> Result<(), WriteError> {
        if lock.id() != id || self.locks.get(id) != Some(lock.info()) {
            return Err(WriteError::Store(StoreError::Failed {
                message: "the lock is not held".to_owned(),
                source: None,
            }));
        }
        let is_expected = match expected {
            Expected::Absent => self.revision(id).is_none(),
            Expected::Exactly(revision) => self.revision(id).as_ref() == Some(revision),
        };
        if is_expected {
            Ok(())
        } else {
            Err(WriteError::Changed)
        }
    }
}

fn stored(id: &StateId, info: &LockInfo) -> StoredLock {
    StoredLock {
        id: id.clone(),
        info: Ok(info.clone()),
        places: vec!["memory".to_owned()],
        modified: None,
        is_left_behind: false,
        revision: Revision::new(info.id.clone()),
    }
}

#[async_trait]
impl StateStore for MemoryStore {
    fn kind(&self) -> BackendKind {
        BackendKind::Local
    }

    fn location(&self) -> Vec<(&'static str, String)> {
        vec![("memory", "here".to_owned())]
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            list: true,
            versions: true,
            conditional_write: true,
            lock_info: true,
            release: true,
        }
    }

    fn concurrency(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }

    fn locate(&self, workspace: &str) -> Result<StateId, StoreError> {
        if !is_workspace(workspace) {
            return Err(StoreError::Workspace(workspace.to_owned()));
        }
        Ok(StateId {
            workspace: workspace.to_owned(),
            path: workspace.to_owned(),
        })
    }

    fn address(&self, id: &StateId) -> String {
        format!("memory:{}/{}", self.name, id.path)
    }

    fn list(&self) -> BoxStream<'_, Result<StoredState, StoreError>> {
        let states: Vec<_> = self
            .shared()
            .states
            .iter()
            .filter_map(|(id, versions)| {
                Some(Ok(StoredState {
                    id: id.clone(),
                    key: None,
                    is_named_as_state: true,
                    size: u64::try_from(versions.last()?.as_ref()?.len()).expect("small"),
                    modified: None,
                }))
            })
            .collect();
        stream::iter(states).boxed()
    }

    async fn read(
        &self,
        id: &StateId,
        version: Option<&VersionId>,
        max: usize,
    ) -> Result<Option<FetchedState>, StoreError> {
        let shared = self.shared();
        let versions = shared.states.get(id).map_or(&[][..], Vec::as_slice);
        let number = match version {
            None => versions.len(),
            Some(version) => version
                .0
                .parse()
                .ok()
                .filter(|number| (1..=versions.len()).contains(number))
                .ok_or_else(|| StoreError::NoVersion(version.clone()))?,
        };
        let bytes = match (number.checked_sub(1).map(|at| &versions[at]), version) {
            (None | Some(None), None) => return Ok(None),
            (None | Some(None), Some(version)) => {
                return Err(StoreError::DeleteMarker(version.clone()));
            }
            (Some(Some(bytes)), _) if bytes.len() > max => {
                return Err(StoreError::TooLarge {
                    path: id.path.clone(),
                    max,
                });
            }
            (Some(Some(bytes)), _) => bytes.clone(),
        };
        Ok(Some(FetchedState {
            bytes,
            revision: Revision::new(number.to_string()),
            version: Some(VersionId(number.to_string())),
            modified: None,
            encryption: None,
        }))
    }

    fn versions(&self, id: &StateId) -> BoxStream<'_, Result<StoredVersion, StoreError>> {
        let shared = self.shared();
        let versions = shared.states.get(id).cloned().unwrap_or_default();
        let newest = versions.len();
        let versions: Vec<_> = versions
            .into_iter()
            .enumerate()
            .rev()
            .map(|(at, bytes)| {
                Ok(StoredVersion {
                    id: VersionId((at + 1).to_string()),
                    modified: None,
                    current: at + 1 == newest,
                    size: bytes.map(|bytes| u64::try_from(bytes.len()).expect("small")),
                })
            })
            .collect();
        stream::iter(versions).boxed()
    }

    async fn write(
        &self,
        id: &StateId,
        bytes: &[u8],
        expected: Expected<'_>,
        lock: &dyn LockGuard,
    ) -> Result<Revision, WriteError> {
        let mut shared = self.shared();
        shared.check(id, expected, lock)?;
        let versions = shared.states.entry(id.clone()).or_default();
        versions.push(Some(bytes.to_vec()));
        Ok(Revision::new(versions.len().to_string()))
    }

    async fn delete(
        &self,
        id: &StateId,
        expected: &Revision,
        lock: &dyn LockGuard,
    ) -> Result<(), WriteError> {
        let mut shared = self.shared();
        shared.check(id, Expected::Exactly(expected), lock)?;
        shared.states.entry(id.clone()).or_default().push(None);
        Ok(())
    }

    fn locks(&self) -> BoxStream<'_, Result<StoredLock, StoreError>> {
        let shared = self.shared();
        let locks: Vec<_> = shared
            .locks
            .iter()
            .map(|(id, info)| Ok(stored(id, info)))
            .collect();
        stream::iter(locks).boxed()
    }

    async fn lock<'a>(
        &'a self,
        id: &StateId,
        info: &LockInfo,
    ) -> Result<Box<dyn LockGuard + 'a>, StateLockError> {
        let mut shared = self.shared();
        if let Some(held) = shared.locks.get(id) {
            return Err(StateLockError::Held(Some(Box::new(stored(id, held)))));
        }
        shared.locks.insert(id.clone(), info.clone());
        Ok(Box::new(MemoryLock {
            store: self.clone(),
            id: id.clone(),
            info: info.clone(),
        }))
    }

    async fn release(&self, lock: &StoredLock) -> Result<Release, StoreError> {
        let mut shared = self.shared();
        let outcome = match shared.locks.get(&lock.id) {
            None => return Ok(Release::AlreadyReleased),
            Some(held) if held.id != lock.revision.as_str() => return Ok(Release::Changed),
            Some(_) => Release::Released,
        };
        shared.locks.remove(&lock.id);
        Ok(outcome)
    }
}

#[derive(Debug)]
struct MemoryLock {
    store: MemoryStore,
    id: StateId,
    info: LockInfo,
}

#[async_trait]
impl LockGuard for MemoryLock {
    fn info(&self) -> &LockInfo {
        &self.info
    }

    fn id(&self) -> &StateId {
        &self.id
    }

    async fn release(self: Box<Self>) -> Result<Release, StoreError> {
        self.store.release(&stored(&self.id, &self.info)).await
    }

    async fn keep(self: Box<Self>, expected: &Revision) -> Result<(), WriteError> {
        self.store
            .shared()
            .check(&self.id, Expected::Exactly(expected), &*self)
    }
}
