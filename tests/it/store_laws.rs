//! What holds of the states and locks of every backend kind: one suite over all of them.

use futures_util::{StreamExt, TryStreamExt};
use tfbackend::{
    backend::{
        aws::store::{
            S3Store, StoreAddress, lock_acquire::LockMechanisms, state_store::S3StateStore,
            write::WriteEncryption,
        },
        local::store::LocalStore,
    },
    sandbox::emulator::ACCOUNT,
    state::{
        layout::StateLayout,
        lock::{LockInfo, new_id},
    },
    store::state_store::{
        Expected, LockGuard, Release, Revision, StateId, StateLockError, StateStore, StoreError,
        WriteError,
    },
};

use crate::support::{aws, emulator::Emulator, memory_store::MemoryStore, program::Place};

mod local;

/// The largest state of these tests.
const MAX: usize = 1 << 20;
const FIRST: &[u8] = br#"{"version":4,"serial":1,"lineage":"l","outputs":{},"resources":[]}"#;
const SECOND: &[u8] = br#"{"version":4,"serial":2,"lineage":"l","outputs":{},"resources":[]}"#;

fn size(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("small")
}

fn info(who: &str) -> LockInfo {
    LockInfo {
        id: new_id(),
        operation: "OperationTypeApply".to_owned(),
        who: who.to_owned(),
        version: "1.11.4".to_owned(),
        ..LockInfo::default()
    }
}

async fn bytes(store: &dyn StateStore, id: &StateId) -> Option<Vec<u8>> {
    let read = store.read(id, None, MAX).await.expect("read");
    read.map(|state| state.bytes)
}

async fn revision(store: &dyn StateStore, id: &StateId) -> Revision {
    let read = store.read(id, None, MAX).await.expect("read");
    read.expect("a state").revision
}

async fn paths(store: &dyn StateStore) -> Vec<String> {
    let states: Vec<_> = store.list().try_collect().await.expect("listed");
    states.into_iter().map(|state| state.id.path).collect()
}

async fn held<'a>(store: &'a dyn StateStore, id: &StateId) -> Box<dyn LockGuard + 'a> {
    store.lock(id, &info("me@here")).await.expect("locked")
}

/// Two ends of the same backend, empty at first, as two runs have them.
async fn laws(one: &dyn StateStore, other: &dyn StateStore) {
    nothing_is_there_at_first(one).await;
    writes_depend_on_what_is_there(one, other).await;
    a_lock_excludes(one, other).await;
    the_lock_that_was_read_is_released(one, other).await;
    workspaces_are_listed(one).await;
    versions_are_kept_or_unsupported(one).await;
    a_deletion_depends_on_what_is_there(one, other).await;
}

async fn nothing_is_there_at_first(store: &dyn StateStore) {
    let id = store.locate("default").expect("a place");
    assert_eq!(bytes(store, &id).await, None);
    assert_eq!(paths(store).await, [""; 0]);
    assert!(store.locks().next().await.is_none());
    assert!(!store.location().is_empty());
}

async fn writes_depend_on_what_is_there(one: &dyn StateStore, other: &dyn StateStore) {
    let id = one.locate("default").expect("a place");
    let elsewhere = one.locate("elsewhere").expect("a place");
    let lock = held(one, &elsewhere).await;
    let refused = one.write(&id, FIRST, Expected::Absent, &*lock).await;
    assert!(
        matches!(refused, Err(WriteError::Store(_))),
        "a lock on another state is none on this one: {refused:?}"
    );
    assert_eq!(lock.release().await.expect("released"), Release::Released);
    assert_eq!(bytes(other, &id).await, None);

    let lock = held(one, &id).await;
    let first = one
        .write(&id, FIRST, Expected::Absent, &*lock)
        .await
        .expect("written");
    assert_eq!(
        revision(one, &id).await,
        first,
        "a write says what a read says"
    );
    assert_eq!(bytes(one, &id).await.as_deref(), Some(FIRST));
    let again = one.write(&id, SECOND, Expected::Absent, &*lock).await;
    assert!(matches!(again, Err(WriteError::Changed)), "{again:?}");
    assert_eq!(
        bytes(one, &id).await.as_deref(),
        Some(FIRST),
        "nothing was written"
    );
    let second = one
        .write(&id, SECOND, Expected::Exactly(&first), &*lock)
        .await
        .expect("written");
    let stale = one
        .write(&id, FIRST, Expected::Exactly(&first), &*lock)
        .await;
    assert!(matches!(stale, Err(WriteError::Changed)), "{stale:?}");
    assert_eq!(revision(one, &id).await, second);
    lock.release().await.expect("released");
    assert_eq!(bytes(other, &id).await.as_deref(), Some(SECOND));
    assert!(
        other.read(&id, None, 10).await.is_err(),
        "more than 10 bytes"
    );
    let read = other
        .read(&id, None, MAX)
        .await
        .expect("read")
        .expect("a state");
    assert!(
        !format!("{read:?}").contains("lineage"),
        "no value is shown"
    );
}

async fn a_lock_excludes(one: &dyn StateStore, other: &dyn StateStore) {
    let id = one.locate("default").expect("a place");
    let mine = info("me@here");
    let lock = one.lock(&id, &mine).await.expect("locked");
    let refused = other.lock(&id, &info("you@there")).await;
    let Err(StateLockError::Held(Some(holder))) = refused else {
        panic!("it is held: {refused:?}")
    };
    assert_eq!(holder.id, id);
    if other.capabilities().lock_info {
        assert_eq!(holder.info.as_ref().expect("who").id, mine.id);
        assert_eq!(holder.info.expect("who").who, "me@here");
    }
    let locks: Vec<_> = other.locks().try_collect().await.expect("listed");
    assert_eq!(locks.len(), 1, "{locks:?}");
    assert_eq!(locks[0].id, id);
    assert!(!locks[0].places.is_empty());
    // A lock on one state is none on another.
    let elsewhere = one.locate("elsewhere").expect("a place");
    let second = held(other, &elsewhere).await;
    second.release().await.expect("released");
    assert_eq!(lock.release().await.expect("released"), Release::Released);
    assert!(other.locks().next().await.is_none());
    let lock = held(other, &id).await;
    lock.release().await.expect("released");
}

async fn the_lock_that_was_read_is_released(one: &dyn StateStore, other: &dyn StateStore) {
    let id = one.locate("default").expect("a place");
    let lock = held(one, &id).await;
    let locks: Vec<_> = other.locks().try_collect().await.expect("listed");
    let [seen] = &locks[..] else {
        panic!("{locks:?}")
    };
    if !one.capabilities().release {
        let refused = other.release(seen).await;
        assert!(
            matches!(refused, Err(StoreError::Unsupported { .. })),
            "{refused:?}"
        );
        lock.release().await.expect("released");
        let gone = other.release(seen).await.expect("an answer");
        assert_eq!(gone, Release::AlreadyReleased);
        return;
    }
    lock.release().await.expect("released");
    assert_eq!(
        other.release(seen).await.expect("an answer"),
        Release::AlreadyReleased
    );
    let next = held(one, &id).await;
    assert_eq!(
        other.release(seen).await.expect("an answer"),
        Release::Changed
    );
    let locks: Vec<_> = other.locks().try_collect().await.expect("listed");
    assert_eq!(locks.len(), 1, "the other lock stays");
    assert_eq!(
        other.release(&locks[0]).await.expect("an answer"),
        Release::Released
    );
    assert!(one.locks().next().await.is_none());
    let late = next.release().await.expect("an answer");
    assert_eq!(late, Release::AlreadyReleased);
}

async fn workspaces_are_listed(store: &dyn StateStore) {
    let default = store.locate("default").expect("a place");
    for workspace in ["blue", "a.b-c"] {
        let id = store.locate(workspace).expect("a place");
        assert_ne!(id.path, default.path);
        let lock = held(store, &id).await;
        store
            .write(&id, FIRST, Expected::Absent, &*lock)
            .await
            .expect("written");
        lock.release().await.expect("released");
    }
    let states: Vec<_> = store.list().try_collect().await.expect("listed");
    let mut workspaces: Vec<&str> = states.iter().map(|state| &*state.id.workspace).collect();
    workspaces.sort_unstable();
    assert_eq!(workspaces, ["a.b-c", "blue", "default"]);
    assert!(
        states.iter().all(|state| state.size == size(FIRST)),
        "{states:?}"
    );
    let paths: Vec<&String> = states.iter().map(|state| &state.id.path).collect();
    assert!(paths.is_sorted(), "{paths:?}");
    for workspace in ["", "a/b", "..", "a b", "é"] {
        let refused = store.locate(workspace);
        assert!(
            matches!(refused, Err(StoreError::Workspace(_))),
            "{workspace:?}: {refused:?}"
        );
    }
}

async fn versions_are_kept_or_unsupported(store: &dyn StateStore) {
    let id = store.locate("default").expect("a place");
    let versions: Result<Vec<_>, _> = store.versions(&id).try_collect().await;
    if !store.capabilities().versions {
        assert!(
            matches!(versions, Err(StoreError::Unsupported { .. })),
            "{versions:?}"
        );
        return;
    }
    let versions = versions.expect("listed");
    let current: Vec<bool> = versions.iter().map(|version| version.current).collect();
    assert_eq!(current, [true, false], "the newest first");
    for (version, bytes) in versions.iter().zip([SECOND, FIRST]) {
        let read = store.read(&id, Some(&version.id), MAX).await.expect("read");
        assert_eq!(read.expect("a version").bytes, bytes);
        assert_eq!(version.size, Some(size(bytes)));
    }
    let none = tfbackend::store::state_store::VersionId("0000".to_owned());
    let refused = store.read(&id, Some(&none), MAX).await;
    assert!(
        matches!(refused, Err(StoreError::NoVersion(_))),
        "{refused:?}"
    );
}

async fn a_deletion_depends_on_what_is_there(one: &dyn StateStore, other: &dyn StateStore) {
    let id = one.locate("blue").expect("a place");
    let lock = held(one, &id).await;
    let old = revision(one, &id).await;
    let new = one
        .write(&id, SECOND, Expected::Exactly(&old), &*lock)
        .await
        .expect("written");
    let stale = one.delete(&id, &old, &*lock).await;
    assert!(matches!(stale, Err(WriteError::Changed)), "{stale:?}");
    assert_eq!(bytes(one, &id).await.as_deref(), Some(SECOND));
    one.delete(&id, &new, &*lock).await.expect("deleted");
    assert_eq!(bytes(one, &id).await, None);
    lock.release().await.expect("released");
    assert_eq!(bytes(other, &id).await, None);
    assert_eq!(paths(other).await.len(), 2);
    // It can be written again.
    let lock = held(other, &id).await;
    other
        .write(&id, FIRST, Expected::Absent, &*lock)
        .await
        .expect("written");
    lock.release().await.expect("released");
    assert_eq!(bytes(one, &id).await.as_deref(), Some(FIRST));
}

#[tokio::test]
async fn store_in_memory() {
    let store = MemoryStore::default();
    laws(&store, &store.clone()).await;
}

#[tokio::test]
async fn store_of_local_files() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = LocalStore::new(
        dir.path().join("states/terraform.tfstate"),
        dir.path().join("states/terraform.tfstate.d"),
    );
    laws(&store, &store.clone()).await;
}

#[tokio::test]
async fn store_on_s3() {
    for lock in ["both", "s3", "dynamodb"] {
        let emulator = Emulator::start().await;
        let place = Place::with(&emulator);
        let line = format!(
            "bootstrap --env prod --project acme --region eu-west-1 --lock {lock} --encryption \
             sse-s3 --trail off --alarms=false --policy=false --access-logs=false -y"
        );
        let said = place.run(&line.split_whitespace().collect::<Vec<_>>());
        assert_eq!(said.code, Some(0), "{}", said.all());
        let aws = aws::aws(&emulator).await;
        let address = StoreAddress {
            bucket: "acme-tfstate-prod-000000000000-eu-west-1".to_owned(),
            owner: ACCOUNT.to_owned(),
            table: (lock != "s3").then(|| "acme-tfstate-prod-locks".to_owned()),
            layout: StateLayout {
                key: Some("terraform.tfstate".to_owned()),
                workspace_prefix: "env:".to_owned(),
            },
        };
        let mechanisms = LockMechanisms {
            table: lock != "s3",
            file: lock != "dynamodb",
        };
        let open = || {
            S3StateStore::new(
                S3Store::new(&aws, &address),
                "terraform.tfstate",
                mechanisms,
                WriteEncryption::OfS3,
            )
        };
        laws(&open(), &open()).await;
        let digest = S3Store::new(&aws, &address)
            .digest_item("terraform.tfstate")
            .await;
        if lock != "s3" {
            assert_eq!(
                digest.expect("read").as_deref(),
                Some(&*tfbackend::state::digest::of(SECOND)),
                "the digest follows the state"
            );
        }
    }
}
