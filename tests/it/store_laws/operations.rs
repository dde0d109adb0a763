//! What is done with the states of any kind, over the store in memory: inventory, history, restore
//! and check, also where calls fail.

use tfbackend::{
    state::census::StateContentsKind,
    store::{
        check::StoreCheck,
        history::{StateHistory, VersionKind},
        inventory::StateInventory,
        restore::{self, LookError, RestoreFailureKind, RestoreSource},
    },
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::support::{
    cut_store::{CallCutter, CutStore},
    proxy::When,
};

pub(super) const BROKEN: &[u8] = b"{\"version\": 4, hunter2";

/// A process that dies at the call with this number, from 1.
fn dies_at(call: usize, when: When) -> CallCutter {
    CallCutter::new(Some((call, when)))
}

fn cut<'a>(inner: &'a MemoryStore, cutter: &'a CallCutter) -> CutStore<'a> {
    CutStore { inner, cutter }
}

/// Writes states one after the other.
pub(super) async fn written(store: &dyn StateStore, workspace: &str, states: &[&[u8]]) -> StateId {
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
    let cutter = dies_at(2, When::Before);
    let inventory = StateInventory::read(&cut(&store, &cutter))
        .await
        .expect("listed");
    assert!(!inventory.unseen.is_empty());
    assert!(inventory.entries.iter().all(|entry| !entry.is_read));
    let cutter = dies_at(1, When::Before);
    let nothing = StateInventory::read(&cut(&store, &cutter)).await;
    assert!(nothing.is_err());
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
        .map(tfbackend::store::history::StateVersion::serial)
        .collect();
    assert_eq!(serials, [None, Some(2), None, Some(1)]);
    let newest = StateHistory::read(&store, &id, 1).await.expect("listed");
    assert_eq!((newest.versions.len(), newest.count), (1, 4));
    let cutter = dies_at(1, When::Before);
    let nothing = StateHistory::read(&cut(&store, &cutter), &id, 1).await;
    assert!(nothing.is_err());
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
    for when in [When::Before, When::After] {
        let mut cuts = 0;
        for call in 1.. {
            let store = MemoryStore::default();
            let id = written(&store, "default", &[FIRST, LATER]).await;
            let dir = tempfile::tempdir().expect("a folder");
            let cancel = CancellationToken::new();
            let plan = candidate(&store, &id, RestoreSource::Version("1".to_owned()))
                .await
                .plan(false)
                .expect("fit");
            let cutter = dies_at(call, when);
            let run_of = run(dir.path(), &cancel);
            let result = restore::run(&cut(&store, &cutter), &plan, &run_of, &mut |_| {}).await;
            let now = bytes(&store, &id).await.expect("a state");
            let is_written = now == RESTORED;
            assert!(is_written || now == LATER, "old or new");
            let Err(failure) = result else {
                assert!(is_written);
                break;
            };
            cuts += 1;
            assert!(!is_written || failure.written, "{call}: {failure:?}");
            if let Some(kept) = &failure.kept {
                assert_eq!(std::fs::read(kept).expect("kept"), LATER);
            }
            assert!(!is_written || failure.kept.is_some(), "what was replaced");
            // Its lock is named, and can be released.
            let left: Vec<_> = store.locks().try_collect().await.expect("listed");
            let last = cutter.calls().pop().expect("a call");
            let is_answered = when == When::Before || !last.contains("lock");
            assert!(
                failure.left.is_some() != left.is_empty() || !is_answered,
                "{last}"
            );
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
    let mut cutter = CallCutter::new(None);
    cutter.lies = true;
    let garbled = cut(&store, &cutter);
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
