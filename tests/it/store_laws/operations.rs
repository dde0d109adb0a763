//! What is done with the states of any kind, over the store in memory: inventory, history, restore
//! and check, also where calls fail.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream};
use tfbackend::{
    kind::BackendKind,
    state::census::StateContentsKind,
    store::{
        check::StoreCheck,
        history::{StateHistory, VersionKind},
        inventory::StateInventory,
        restore::{self, LookError, RestoreFailureKind, RestoreSource},
        state_store::{
            Capabilities, FetchedState, StoredLock, StoredState, StoredVersion, VersionId,
        },
    },
};
use tokio_util::sync::CancellationToken;

use super::*;

const BROKEN: &[u8] = b"{\"version\": 4, hunter2";

/// A store of which the call with this number fails, and all after it, as when a machine dies.
#[derive(Clone, Debug)]
struct CutStore {
    inner: MemoryStore,
    left: Arc<AtomicUsize>,
    /// The write that is cut was carried out all the same.
    writes_anyway: bool,
    /// What is written is not what is stored.
    garbles: bool,
}

impl CutStore {
    fn after(inner: &MemoryStore, calls: usize, writes_anyway: bool) -> Self {
        Self {
            inner: inner.clone(),
            left: Arc::new(AtomicUsize::new(calls)),
            writes_anyway,
            garbles: false,
        }
    }

    fn call(&self) -> Result<(), StoreError> {
        let left = self.left.load(Ordering::SeqCst);
        if left == 0 {
            return Err(StoreError::Failed {
                message: "the connection was lost".to_owned(),
                source: None,
            });
        }
        self.left.store(left - 1, Ordering::SeqCst);
        Ok(())
    }
}

#[async_trait]
impl StateStore for CutStore {
    fn kind(&self) -> BackendKind {
        self.inner.kind()
    }

    fn location(&self) -> Vec<(&'static str, String)> {
        self.inner.location()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn concurrency(&self) -> NonZeroUsize {
        self.inner.concurrency()
    }

    fn locate(&self, workspace: &str) -> Result<StateId, StoreError> {
        self.inner.locate(workspace)
    }

    fn list(&self) -> BoxStream<'_, Result<StoredState, StoreError>> {
        match self.call() {
            Ok(()) => self.inner.list(),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    async fn read(
        &self,
        id: &StateId,
        version: Option<&VersionId>,
        max: usize,
    ) -> Result<Option<FetchedState>, StoreError> {
        self.call()?;
        self.inner.read(id, version, max).await
    }

    fn versions(&self, id: &StateId) -> BoxStream<'_, Result<StoredVersion, StoreError>> {
        match self.call() {
            Ok(()) => self.inner.versions(id),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    async fn write(
        &self,
        id: &StateId,
        bytes: &[u8],
        expected: Expected<'_>,
        lock: &dyn LockGuard,
    ) -> Result<Revision, WriteError> {
        if let Err(error) = self.call() {
            if self.writes_anyway {
                self.inner.write(id, bytes, expected, lock).await?;
            }
            return Err(error.into());
        }
        if self.garbles {
            return self.inner.write(id, BROKEN, expected, lock).await;
        }
        self.inner.write(id, bytes, expected, lock).await
    }

    async fn delete(
        &self,
        id: &StateId,
        expected: &Revision,
        lock: &dyn LockGuard,
    ) -> Result<(), WriteError> {
        self.call()?;
        self.inner.delete(id, expected, lock).await
    }

    fn locks(&self) -> BoxStream<'_, Result<StoredLock, StoreError>> {
        match self.call() {
            Ok(()) => self.inner.locks(),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    async fn lock<'a>(
        &'a self,
        id: &StateId,
        info: &LockInfo,
    ) -> Result<Box<dyn LockGuard + 'a>, StateLockError> {
        self.call()?;
        let lock = self.inner.lock(id, info).await?;
        Ok(Box::new(CutLock { store: self, lock }))
    }

    async fn release(&self, lock: &StoredLock) -> Result<Release, StoreError> {
        self.call()?;
        self.inner.release(lock).await
    }
}

#[derive(Debug)]
struct CutLock<'a> {
    store: &'a CutStore,
    lock: Box<dyn LockGuard + 'a>,
}

#[async_trait]
impl LockGuard for CutLock<'_> {
    fn info(&self) -> &LockInfo {
        self.lock.info()
    }

    fn id(&self) -> &StateId {
        self.lock.id()
    }

    async fn release(self: Box<Self>) -> Result<Release, StoreError> {
        self.store.call()?;
        self.lock.release().await
    }

    async fn keep(self: Box<Self>, at: &Revision) -> Result<(), WriteError> {
        self.store.call().map_err(WriteError::Store)?;
        self.lock.keep(at).await
    }
}

/// Writes states one after the other.
async fn written(store: &dyn StateStore, workspace: &str, states: &[&[u8]]) -> StateId {
    let id = store.locate(workspace).expect("a place");
    let lock = held(store, &id).await;
    for bytes in states {
        let old = store.read(&id, None, MAX).await.expect("read");
        let expected = old
            .as_ref()
            .map_or(Expected::Absent, |old| Expected::Exactly(&old.revision));
        store
            .write(&id, bytes, expected, &*lock)
            .await
            .expect("written");
    }
    lock.release().await.expect("released");
    id
}

#[tokio::test]
async fn inventory_has_facts_locks_and_what_is_unknown() {
    let store = MemoryStore::default();
    written(&store, "default", &[FIRST, SECOND]).await;
    written(&store, "broken", &[BROKEN]).await;
    let locked = written(&store, "locked", &[FIRST]).await;
    let new = store.locate("new").expect("a place");
    let _held = [held(&store, &locked).await, held(&store, &new).await];
    let inventory = StateInventory::read(&store).await.expect("listed");
    let row = |entry: &tfbackend::store::inventory::StateEntry| {
        let serial = entry.holds.facts().and_then(|facts| facts.serial);
        (entry.id.workspace.clone(), serial, entry.is_read)
    };
    let rows: Vec<_> = inventory.entries.iter().map(row).collect();
    assert_eq!(
        rows,
        [
            ("broken".to_owned(), None, true),
            ("default".to_owned(), Some(2), true),
            ("locked".to_owned(), Some(1), true)
        ]
    );
    assert!(matches!(
        inventory.entries[0].holds,
        StateContentsKind::Unreadable(_)
    ));
    assert_eq!(
        inventory.locks.keys().collect::<Vec<_>>(),
        ["locked", "new"]
    );
    let without: Vec<_> = inventory.locks_without_state().collect();
    assert_eq!((without.len(), &without[0].id), (1, &new));
    assert!(!format!("{inventory:?}").contains("hunter2"), "no value");

    // Without locks nothing is said to be free; without a list nothing is said at all.
    let no_locks = CutStore::after(&store, 1, false);
    let inventory = StateInventory::read(&no_locks).await.expect("listed");
    assert!(!inventory.unseen.is_empty());
    assert!(inventory.entries.iter().all(|entry| !entry.is_read));
    let nothing = CutStore::after(&store, 0, false);
    assert!(StateInventory::read(&nothing).await.is_err());
}

#[tokio::test]
async fn history_is_the_newest_first_with_facts() {
    let store = MemoryStore::default();
    let id = written(&store, "default", &[FIRST, BROKEN, SECOND]).await;
    let lock = held(&store, &id).await;
    let now = revision(&store, &id).await;
    store.delete(&id, &now, &*lock).await.expect("deleted");
    lock.release().await.expect("released");
    let history = StateHistory::read(&store, &id, usize::MAX)
        .await
        .expect("listed");
    assert_eq!(history.count, 4);
    assert_eq!(history.versions[0].what, VersionKind::Deleted);
    assert!(history.versions[0].current);
    let serials: Vec<_> = history
        .versions
        .iter()
        .map(|version| version.serial())
        .collect();
    assert_eq!(serials, [None, Some(2), None, Some(1)]);
    let newest = StateHistory::read(&store, &id, 1).await.expect("listed");
    assert_eq!((newest.versions.len(), newest.count), (1, 4));
    let cut = CutStore::after(&store, 0, false);
    assert!(StateHistory::read(&cut, &id, 1).await.is_err());
}

#[tokio::test]
async fn check_finds_broken_states_and_locks_without_one() {
    let store = MemoryStore::default();
    let default = written(&store, "default", &[FIRST]).await;
    written(&store, "broken", &[BROKEN]).await;
    let new = store.locate("new").expect("a place");
    let _lock = held(&store, &new).await;
    let _other = held(&store, &default).await;
    let check = StoreCheck::run(&store, None).await.expect("checked");
    let faults: Vec<_> = check
        .faults
        .iter()
        .map(|fault| (fault.id.workspace.as_str(), fault.what.name()))
        .collect();
    assert_eq!(
        (check.states, faults),
        (
            2,
            vec![
                ("broken", "state-unreadable"),
                ("new", "lock-without-state")
            ]
        )
    );
    let one = StoreCheck::run(&store, Some(&default))
        .await
        .expect("checked");
    assert_eq!((one.states, one.faults.len()), (1, 0));
}

async fn candidate(
    store: &dyn StateStore,
    id: &StateId,
    source: RestoreSource,
) -> RestoreCandidate {
    RestoreCandidate::read(store, id, source)
        .await
        .expect("read")
}

#[tokio::test]
async fn each_way_to_name_what_is_restored() {
    let store = MemoryStore::default();
    let id = written(&store, "default", &[FIRST, OTHER, BROKEN, SECOND]).await;
    for (source, wanted) in [
        (RestoreSource::Version("1".to_owned()), FIRST),
        (RestoreSource::Serial(2), SECOND),
        (RestoreSource::Bytes(OTHER.to_vec()), OTHER),
    ] {
        assert_eq!(candidate(&store, &id, source).await.wanted, wanted);
    }
    let error = async |source| {
        RestoreCandidate::read(&store, &id, source)
            .await
            .expect_err("no state")
    };
    let none = error(RestoreSource::Version("9".to_owned())).await;
    assert!(matches!(none, LookError::NoVersion { .. }), "{none:?}");
    let two = error(RestoreSource::Serial(1)).await;
    assert!(matches!(two, LookError::Ambiguous { .. }), "{two:?}");
    let three = error(RestoreSource::Serial(3)).await;
    assert!(
        matches!(three, LookError::NoSerial { versions: 4, .. }),
        "{three:?}"
    );
    let broken = error(RestoreSource::Version("3".to_owned())).await;
    assert!(matches!(broken, LookError::NotAState(_)), "{broken:?}");
    // What is there now is broken: the serial goes on from the newest that can be read.
    written(&store, "default", &[BROKEN]).await;
    let plan = candidate(&store, &id, RestoreSource::Bytes(FIRST.to_vec()))
        .await
        .plan(false)
        .expect("fit");
    assert_eq!(plan.next.serial, Some(3));
}

/// After a cut at any call there is the old state or the new one, and the same restore goes on.
#[tokio::test]
async fn cut_off_at_any_call_the_same_restore_goes_on() {
    for writes_anyway in [false, true] {
        let mut cuts = 0;
        for calls in 0.. {
            let store = MemoryStore::default();
            let id = written(&store, "default", &[FIRST, LATER]).await;
            let dir = tempfile::tempdir().expect("a folder");
            let cancel = CancellationToken::new();
            let plan = candidate(&store, &id, RestoreSource::Version("1".to_owned()))
                .await
                .plan(false)
                .expect("fit");
            let cut = CutStore::after(&store, calls, writes_anyway);
            let result = restore::run(&cut, &plan, &run(dir.path(), &cancel), &mut |_| {}).await;
            let now = bytes(&store, &id).await.expect("a state");
            let is_written = now == RESTORED;
            assert!(is_written || now == LATER, "old or new");
            let Err(failure) = result else {
                assert!(is_written);
                break;
            };
            cuts += 1;
            assert!(!is_written || failure.written, "{calls}: {failure:?}");
            if let Some(kept) = &failure.kept {
                assert_eq!(std::fs::read(kept).expect("kept"), LATER);
            }
            assert!(!is_written || failure.kept.is_some(), "what was replaced");
            // Its lock is named, and can be released.
            let left: Vec<_> = store.locks().try_collect().await.expect("listed");
            assert_eq!(failure.left.is_some(), !left.is_empty());
            for lock in &left {
                store.release(lock).await.expect("released");
            }
            let plan = candidate(&store, &id, RestoreSource::Version("1".to_owned()))
                .await
                .plan(false)
                .expect("fit");
            assert_eq!(plan.is_needed, !is_written);
            restore::run(&store, &plan, &run(dir.path(), &cancel), &mut |_| {})
                .await
                .expect("restored");
            assert_eq!(bytes(&store, &id).await.as_deref(), Some(RESTORED));
        }
        assert!(cuts >= 4, "{cuts}");
    }
}

#[tokio::test]
async fn interrupted_before_the_first_change_nothing_is_changed() {
    let store = MemoryStore::default();
    let id = written(&store, "default", &[FIRST, LATER]).await;
    let dir = tempfile::tempdir().expect("a folder");
    let cancel = CancellationToken::new();
    cancel.cancel();
    let plan = candidate(&store, &id, RestoreSource::Version("1".to_owned()))
        .await
        .plan(false)
        .expect("fit");
    let failure = restore::run(&store, &plan, &run(dir.path(), &cancel), &mut |_| {})
        .await
        .expect_err("interrupted");
    assert!(matches!(failure.why, RestoreFailureKind::Interrupted));
    assert_eq!(bytes(&store, &id).await.as_deref(), Some(LATER));
    assert!(store.locks().next().await.is_none());
    assert_eq!(std::fs::read_dir(dir.path()).expect("read").count(), 0);
}

#[tokio::test]
async fn what_is_not_stored_as_it_was_written_is_an_error() {
    let store = MemoryStore::default();
    let id = written(&store, "default", &[FIRST, LATER]).await;
    let (dir, cancel) = (
        tempfile::tempdir().expect("a folder"),
        CancellationToken::new(),
    );
    let plan = candidate(&store, &id, RestoreSource::Version("1".to_owned()))
        .await
        .plan(false)
        .expect("fit");
    let garbled = CutStore {
        garbles: true,
        ..CutStore::after(&store, 99, false)
    };
    let failure = restore::run(&garbled, &plan, &run(dir.path(), &cancel), &mut |_| {})
        .await
        .expect_err("not what was written");
    assert!(
        matches!(failure.why, RestoreFailureKind::NotWhatWasWritten),
        "{failure:?}"
    );
    assert!(failure.written && failure.left.is_none());
    let kept = failure.kept.expect("what was there");
    assert_eq!(std::fs::read(kept).expect("read"), LATER);
}
