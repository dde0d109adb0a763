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
        recover::UnfitState,
    },
    store::{
        restore::{self, RestoreCandidate, RestoreFailureKind, RestoreRun, RestoreSource},
        state_store::{
            Expected, LockGuard, Release, Revision, StateId, StateLockError, StateStore,
            StoreError, WriteError,
        },
    },
};
use tokio_util::sync::CancellationToken;

use crate::support::{aws, emulator::Emulator, memory_store::MemoryStore, program::Place};

mod backups;
mod local;
mod operations;

/// The largest state of these tests.
const MAX: usize = 1 << 20;
const FIRST: &[u8] = br#"{"version":4,"serial":1,"lineage":"l","outputs":{},"resources":[]}"#;
const SECOND: &[u8] = br#"{"version":4,"serial":2,"lineage":"l","outputs":{},"resources":[]}"#;
/// The same infrastructure with other contents.
const OTHER: &[u8] =
    br#"{"version":4,"serial":1,"lineage":"l","outputs":{"a":{"value":1}},"resources":[]}"#;
/// What came after the first one.
const LATER: &[u8] =
    br#"{"version":4,"serial":2,"lineage":"l","outputs":{"a":{"value":1}},"resources":[]}"#;
/// The first one, restored over what came later.
const RESTORED: &[u8] = br#"{"version":4,"serial":3,"lineage":"l","outputs":{},"resources":[]}"#;

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
    backups::a_backup_has_every_state(one).await;
    a_deletion_depends_on_what_is_there(one, other).await;
    the_lock_of_another_run_stays(one, other).await;
    a_restore_goes_on_from_what_is_there(one, other).await;
    a_kept_lock_stays(one, other).await;
}

/// The context of a restore whose copies are in `dir`.
fn run<'a>(dir: &std::path::Path, cancel: &'a CancellationToken) -> RestoreRun<'a> {
    RestoreRun {
        info: info("me@here"),
        dir: dir.to_owned(),
        now: jiff::Timestamp::now(),
        cancel,
    }
}

/// A write needs the lock on this very state, and a guard releases its own lock alone.
async fn the_lock_of_another_run_stays(one: &dyn StateStore, other: &dyn StateStore) {
    let id = one.locate("blue").expect("a place");
    let [second, third] = ["default", "a.b-c"].map(|name| one.locate(name).expect("a place"));
    let locks = [held(one, &second).await, held(one, &third).await];
    let now = revision(one, &id).await;
    let of_second = revision(one, &second).await;
    let of_third = revision(one, &third).await;
    for (id, now, lock) in [
        (&id, &now, &locks[0]),
        (&id, &now, &locks[1]),
        // Both are held, but not this one by that guard.
        (&second, &of_second, &locks[1]),
        (&third, &of_third, &locks[0]),
    ] {
        let refused = one.write(id, OTHER, Expected::Exactly(now), &**lock).await;
        assert!(matches!(refused, Err(WriteError::Store(_))), "{refused:?}");
        let refused = one.delete(id, now, &**lock).await;
        assert!(matches!(refused, Err(WriteError::Store(_))), "{refused:?}");
        assert_eq!(&revision(other, id).await, now, "nothing was changed");
    }
    let [first, last] = locks;
    first.release().await.expect("released");
    let left: Vec<_> = other.locks().try_collect().await.expect("listed");
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!((&left[0].id, left[0].is_left_behind), (&third, false));
    last.release().await.expect("released");
}

async fn a_restore_goes_on_from_what_is_there(one: &dyn StateStore, other: &dyn StateStore) {
    let id = one.locate("a.b-c").expect("a place");
    let (dir, cancel) = (
        tempfile::tempdir().expect("a folder"),
        CancellationToken::new(),
    );
    let read = async |store: &dyn StateStore, source| {
        RestoreCandidate::read(store, &id, source)
            .await
            .expect("read")
    };
    let of = |bytes: &[u8]| RestoreSource::Bytes(bytes.to_vec());
    let plan = read(one, of(OTHER)).await.plan(false).expect("fit");
    let stale = plan.clone();
    assert_eq!((plan.is_needed, plan.next.serial), (true, Some(2)));

    let lock = held(other, &id).await;
    let failure = restore::run(one, &plan, &run(dir.path(), &cancel), &mut |_| {})
        .await
        .expect_err("locked");
    let held = RestoreFailureKind::NotLocked(StateLockError::Held(None));
    assert_eq!(
        std::mem::discriminant(&failure.why),
        std::mem::discriminant(&held)
    );
    lock.release().await.expect("released");

    let report = restore::run(one, &plan, &run(dir.path(), &cancel), &mut |_| {})
        .await
        .expect("restored");
    let kept = report.kept.expect("what was there");
    assert_eq!(std::fs::read(kept).expect("read"), FIRST);
    assert_eq!(report.serial, Some(2));
    assert_eq!(bytes(other, &id).await, Some(plan.next.bytes));
    assert!(other.locks().next().await.is_none());

    // Once more, there is nothing to do.
    let again = read(other, of(OTHER)).await.plan(false).expect("fit");
    assert!(!again.is_needed);
    // A plan from before is refused.
    let failure = restore::run(other, &stale, &run(dir.path(), &cancel), &mut |_| {})
        .await
        .expect_err("changed");
    assert!(
        matches!(failure.why, RestoreFailureKind::Changed),
        "{failure:?}"
    );
    assert!(!failure.written && failure.left.is_none());
    assert!(other.locks().next().await.is_none());
    // Another state is none of this one.
    let foreign = br#"{"version":4,"serial":9,"lineage":"m","outputs":{},"resources":[]}"#;
    let unfit = read(one, of(foreign)).await.plan(false);
    assert!(
        matches!(unfit, Err(UnfitState::Lineage { .. })),
        "{unfit:?}"
    );

    let versions: Vec<_> = one.versions(&id).collect().await;
    if !one.capabilities().versions {
        let refused = RestoreCandidate::read(one, &id, RestoreSource::Serial(1)).await;
        assert!(refused.is_err(), "{versions:?}");
        return;
    }
    let oldest = versions.last().expect("one").as_ref().expect("listed");
    let source = RestoreSource::Version(oldest.id.0.clone());
    let plan = read(one, source).await.plan(false).expect("fit");
    restore::run(one, &plan, &run(dir.path(), &cancel), &mut |_| {})
        .await
        .expect("restored");
    assert_eq!(bytes(other, &id).await.as_deref(), Some(RESTORED));
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

async fn a_kept_lock_stays(one: &dyn StateStore, other: &dyn StateStore) {
    let id = one.locate("default").expect("a place");
    let (before, listed) = (bytes(one, &id).await, paths(one).await);
    assert!(before.is_some());
    let moved = LockInfo {
        info: "moved to elsewhere".to_owned(),
        ..info("me@here")
    };
    let lock = one.lock(&id, &moved).await.expect("locked");
    let now = revision(one, &id).await;
    lock.keep(&now).await.expect("kept");
    let refused = other.lock(&id, &info("you@there")).await;
    let Err(StateLockError::Held(Some(holder))) = refused else {
        panic!("it is held: {refused:?}")
    };
    assert_eq!(holder.info.expect("who").info, "moved to elsewhere");
    assert_eq!(bytes(other, &id).await, before, "it can still be read");
    assert_eq!(paths(other).await, listed);
    assert_eq!(revision(other, &id).await, now);
    let locks: Vec<_> = other.locks().try_collect().await.expect("listed");
    let [seen] = &locks[..] else {
        panic!("{locks:?}")
    };
    assert!(!seen.is_left_behind);
    assert_eq!(
        other.release(seen).await.expect("released"),
        Release::Released
    );
    let again = other.release(seen).await.expect("an answer");
    assert_eq!(again, Release::AlreadyReleased);
    assert_eq!(bytes(one, &id).await, before);
    let lock = held(one, &id).await;
    lock.release().await.expect("released");
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
        only_its_own_states_are_those_of_a_block(&open(), S3Store::new(&aws, &address)).await;
        let digest = S3Store::new(&aws, &address)
            .digest_item("terraform.tfstate")
            .await;
        if lock != "s3" {
            assert_eq!(
                digest.expect("read").as_deref(),
                Some(&*tfbackend::state::digest::of(SECOND)),
                "the digest follows the state"
            );
            let store = open();
            let id = store.locate("blue").expect("a place");
            let guard = held(&store, &id).await;
            let now = revision(&store, &id).await;
            store.delete(&id, &now, &*guard).await.expect("deleted");
            guard.release().await.expect("released");
            let digest = S3Store::new(&aws, &address).digest_item(&id.path).await;
            assert_eq!(digest.expect("read"), None, "it goes with the state");
        }
    }
}

/// A bucket that several configurations share: each sees its own, and the whole bucket all.
async fn only_its_own_states_are_those_of_a_block(own: &dyn StateStore, store: S3Store<'_>) {
    let mechanisms = LockMechanisms {
        table: store.address().table.is_some(),
        file: store.address().table.is_none(),
    };
    let neighbour = S3StateStore::new(
        store,
        "neighbour.tfstate",
        mechanisms,
        WriteEncryption::OfS3,
    );
    let id = neighbour.locate("default").expect("a place");
    let lock = held(&neighbour, &id).await;
    neighbour
        .write(&id, FIRST, Expected::Absent, &*lock)
        .await
        .expect("written");
    assert_eq!(paths(own).await.len(), 3);
    assert!(own.locks().next().await.is_none());
    let whole = S3StateStore::to_read(store);
    assert_eq!(paths(&whole).await.len(), 4);
    assert_eq!(
        whole.locks().next().await.expect("one").expect("read").id,
        id
    );
    lock.release().await.expect("released");
}
