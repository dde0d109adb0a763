//! States that move between stores of any kind: cut off at every call, refused where one could be
//! lost, and back again.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use jiff::Timestamp;
use tempfile::TempDir;
use tfbackend::{
    backend::local::store::LocalStore,
    state::lock::{LockInfo, new_id},
    store::{
        migrate::{
            MigrateError, MigrateFailure, Migration, MigrationPlan, MoveAction, MoveRefusal,
            OPERATION,
        },
        state_store::{Expected, StateLockError, StateStore},
    },
};
use tokio_util::sync::CancellationToken;

use crate::support::{
    cut_store::{CallCutter, CutStore},
    memory_store::MemoryStore,
    proxy::When,
};

mod commands;

/// The largest state of these tests.
const MAX: usize = 1 << 20;
/// The workspaces with a state, and the serial of each.
const STATES: [(&str, u64); 3] = [("blue", 7), ("default", 5), ("green", 1)];

fn state(lineage: &str, serial: u64) -> Vec<u8> {
    format!(
        r#"{{"version":4,"serial":{serial},"lineage":"{lineage}","outputs":{{}},"resources":[]}}"#
    )
    .into_bytes()
}

/// The state of a workspace, of its own lineage.
fn of(workspace: &str, serial: u64) -> Vec<u8> {
    state(&format!("lineage of {workspace}"), serial)
}

fn info(who: &str) -> LockInfo {
    LockInfo {
        id: new_id(),
        operation: "OperationTypeApply".to_owned(),
        who: who.to_owned(),
        ..LockInfo::default()
    }
}

async fn put(store: &dyn StateStore, workspace: &str, bytes: &[u8]) {
    let id = store.locate(workspace).expect("a place");
    let old = store.read(&id, None, MAX).await.expect("read");
    let expected = old
        .as_ref()
        .map_or(Expected::Absent, |old| Expected::Exactly(&old.revision));
    let lock = store.lock(&id, &info("me@here")).await.expect("locked");
    store
        .write(&id, bytes, expected, &*lock)
        .await
        .expect("written");
    lock.release().await.expect("released");
}

async fn states(store: &dyn StateStore) -> BTreeMap<String, Vec<u8>> {
    let listed: Vec<_> = store.list().try_collect().await.expect("listed");
    let mut states = BTreeMap::new();
    for listed in listed {
        let read = store.read(&listed.id, None, MAX).await.expect("read");
        states.insert(listed.id.workspace, read.expect("a state").bytes);
    }
    states
}

/// What the lock on each workspace says.
async fn locks(store: &dyn StateStore) -> BTreeMap<String, String> {
    let locks: Vec<_> = store.locks().try_collect().await.expect("listed");
    locks
        .into_iter()
        .filter(|lock| !lock.is_left_behind)
        .map(|lock| (lock.id.workspace, lock.info.expect("lock info").info))
        .collect()
}

fn migration<'a>(source: &'a dyn StateStore, destination: &'a dyn StateStore) -> Migration<'a> {
    Migration {
        source,
        destination,
        who: "me@here".to_owned(),
        now: Timestamp::UNIX_EPOCH,
    }
}

/// The whole command: plan, then carry out.
async fn migrate(
    source: &dyn StateStore,
    destination: &dyn StateStore,
) -> Result<MigrationPlan, MigrateFailure> {
    let migration = migration(source, destination);
    let plan = migration.plan(None).await.map_err(|error| MigrateFailure {
        error: error.into(),
        changed: 0,
        left: vec![],
    })?;
    migration
        .carry_out(&plan, &CancellationToken::new(), |_| {})
        .await?;
    Ok(plan)
}

/// Two empty stores.
struct Stores {
    _dir: TempDir,
    one: Box<dyn StateStore>,
    other: Box<dyn StateStore>,
}

const KINDS: [&str; 3] = ["memory to memory", "memory to local", "local to memory"];

impl Stores {
    fn new(kinds: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        // With a configuration, so that what takes the place of a state is a link.
        std::fs::write(dir.path().join("main.tf"), "").expect("written");
        let of = |kind: &str, name| -> Box<dyn StateStore> {
            match kind {
                "local" => Box::new(LocalStore::new(
                    dir.path().join("terraform.tfstate"),
                    dir.path().join("terraform.tfstate.d"),
                )),
                _ => Box::new(MemoryStore::named(name)),
            }
        };
        let (one, other) = kinds.split_once(" to ").expect("two kinds");
        Self {
            one: of(one, "one"),
            other: of(other, "other"),
            _dir: dir,
        }
    }

    /// With states in one, an older state of one of them in the other, and one that only the other
    /// has.
    async fn filled(kinds: &str) -> Self {
        let stores = Self::new(kinds);
        for (workspace, serial) in STATES {
            put(&*stores.one, workspace, &of(workspace, serial)).await;
        }
        put(&*stores.other, "blue", &of("blue", 6)).await;
        put(&*stores.other, "theirs", &of("theirs", 1)).await;
        stores
    }

    /// As after a move to the other, and an apply there.
    async fn moved(kinds: &str) -> Self {
        let stores = Self::filled(kinds).await;
        migrate(&*stores.one, &*stores.other).await.expect("moved");
        put(&*stores.other, "default", &of("default", 6)).await;
        stores
    }
}

fn expected(default: u64) -> BTreeMap<String, Vec<u8>> {
    STATES
        .into_iter()
        .map(|(workspace, serial)| {
            let serial = if workspace == "default" {
                default
            } else {
                serial
            };
            (workspace.to_owned(), of(workspace, serial))
        })
        .collect()
}

/// Every state is at the destination, free; the source says so, and Terraform is kept out of it.
async fn has_moved(source: &dyn StateStore, destination: &dyn StateStore, default: u64) {
    let mut there = states(destination).await;
    there.retain(|workspace, _| workspace != "theirs");
    assert_eq!(there, expected(default));
    assert_eq!(locks(destination).await, BTreeMap::new());
    let locks = locks(source).await;
    for (workspace, _) in STATES {
        let to = destination.address(&destination.locate(workspace).expect("a place"));
        let note = &locks[workspace];
        assert_eq!(*note, format!("moved to {to} (tfbackend migrate)"));
        let id = source.locate(workspace).expect("a place");
        let refused = source.lock(&id, &info("you@there")).await;
        assert!(
            matches!(refused, Err(StateLockError::Held(_))),
            "{refused:?}"
        );
    }
    let plan = migration(source, destination)
        .plan(None)
        .await
        .expect("read");
    assert_eq!(plan.to_do().count(), 0, "{plan:?}");
    assert_eq!(plan.refused().count(), 0, "{plan:?}");
}

#[tokio::test]
async fn all_workspaces_move_byte_for_byte() {
    for kinds in KINDS {
        let stores = Stores::filled(kinds).await;
        let before = states(&*stores.one).await;
        let plan = migrate(&*stores.one, &*stores.other).await.expect("moved");
        let actions: Vec<_> = plan
            .moves
            .iter()
            .map(|planned| (&*planned.workspace, &planned.action))
            .collect();
        assert_eq!(
            actions,
            [
                ("blue", &MoveAction::Copy),
                ("default", &MoveAction::Copy),
                ("green", &MoveAction::Copy),
                ("theirs", &MoveAction::Stays),
            ]
        );
        has_moved(&*stores.one, &*stores.other, 5).await;
        assert_eq!(states(&*stores.one).await, before, "nothing is deleted");
        assert_eq!(states(&*stores.other).await["theirs"], of("theirs", 1));
    }
}

#[tokio::test]
async fn states_come_back() {
    for kinds in KINDS {
        let stores = Stores::moved(kinds).await;
        migrate(&*stores.other, &*stores.one).await.expect("moved");
        let mut there = states(&*stores.one).await;
        there.remove("theirs");
        assert_eq!(there, expected(6));
        has_moved(&*stores.other, &*stores.one, 6).await;
    }
}

#[tokio::test]
async fn migration_cut_off_at_any_call_is_completed_by_the_next() {
    cut_at_each_call("memory to memory").await;
}

#[tokio::test]
async fn migration_to_files_cut_off_at_any_call_is_completed_by_the_next() {
    cut_at_each_call("memory to local").await;
}

#[tokio::test]
async fn migration_of_files_cut_off_at_any_call_is_completed_by_the_next() {
    cut_at_each_call("local to memory").await;
}

/// Before each call of a store has an effect, and after it and before its answer.
async fn cut_at_each_call(kinds: &str) {
    for is_back in [false, true] {
        let calls = cut(kinds, is_back, None).await;
        assert!(calls > 30, "{kinds}: {calls} calls");
        for call in 1..=calls {
            cut(kinds, is_back, Some((call, When::Before))).await;
            cut(kinds, is_back, Some((call, When::After))).await;
        }
    }
}

/// How many calls were made.
async fn cut(kinds: &str, is_back: bool, at: Option<(usize, When)>) -> usize {
    let stores = if is_back {
        Stores::moved(kinds).await
    } else {
        Stores::filled(kinds).await
    };
    let (source, destination) = if is_back {
        (&*stores.other, &*stores.one)
    } else {
        (&*stores.one, &*stores.other)
    };
    let cutter = CallCutter::new(at);
    let cut = |inner| CutStore {
        inner,
        cutter: &cutter,
    };
    let before = states(source).await;
    let outcome = migrate(&cut(source), &cut(destination)).await;
    let calls = cutter.calls();
    let what = format!("{kinds}, back: {is_back}, cut at {at:?}: {calls:?}");
    assert_eq!(outcome.is_ok(), at.is_none(), "{what}: {outcome:?}");
    assert_eq!(states(source).await, before, "{what}: none is lost");
    let next = migrate(source, destination).await;
    assert!(next.is_ok(), "{what}: {next:?}");
    has_moved(source, destination, if is_back { 6 } else { 5 }).await;
    calls.len()
}

async fn refusal(source: &dyn StateStore, destination: &dyn StateStore) -> MoveRefusal {
    let before = (states(source).await, states(destination).await);
    let held = (locks(source).await, locks(destination).await);
    let Err(failure) = migrate(source, destination).await else {
        panic!("it is refused")
    };
    assert_eq!(failure.changed, 0);
    assert_eq!((states(source).await, states(destination).await), before);
    assert_eq!((locks(source).await, locks(destination).await), held);
    match failure.error {
        MigrateError::Refused { refusal, .. } => refusal,
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn migration_is_refused_where_a_state_could_be_lost() {
    for kinds in KINDS {
        let stores = Stores::filled(kinds).await;
        let (one, other) = (&*stores.one, &*stores.other);
        // Of one workspace, all are refused.
        let id = one.locate("green").expect("a place");
        let lock = one.lock(&id, &info("you@there")).await.expect("locked");
        assert_eq!(refusal(one, other).await, MoveRefusal::SourceLocked);
        lock.release().await.expect("released");
        let id = other.locate("green").expect("a place");
        let lock = other.lock(&id, &info("you@there")).await.expect("locked");
        assert_eq!(refusal(one, other).await, MoveRefusal::DestinationLocked);
        lock.release().await.expect("released");
        put(other, "green", &state("another", 1)).await;
        assert_eq!(refusal(one, other).await, MoveRefusal::OtherLineage);
        put(other, "green", &of("green", 2)).await;
        assert_eq!(
            refusal(one, other).await,
            MoveRefusal::NotOlder {
                source_serial: 1,
                destination: 2
            }
        );
        put(other, "green", b"{\"version\":4").await;
        assert_eq!(
            refusal(one, other).await,
            MoveRefusal::DestinationUnreadable("truncated JSON".to_owned())
        );
        assert!(migration(one, one).is_same_place().expect("places"));
        assert!(!migration(one, other).is_same_place().expect("places"));
    }
}

/// What changes between the plan and the locks stops the migration before it changes anything.
#[tokio::test]
async fn migration_stops_if_a_state_changed_since_the_plan() {
    for kinds in KINDS {
        for side in ["source", "destination", "lock"] {
            let stores = Stores::filled(kinds).await;
            let (one, other) = (&*stores.one, &*stores.other);
            let migration = migration(one, other);
            let plan = migration.plan(None).await.expect("read");
            let id = other.locate("default").expect("a place");
            let lock = match side {
                "source" => {
                    put(one, "default", &of("default", 6)).await;
                    None
                }
                "destination" => {
                    put(other, "default", &of("default", 4)).await;
                    None
                }
                _ => Some(other.lock(&id, &info("you@there")).await.expect("locked")),
            };
            let before = (states(one).await, states(other).await);
            let done = migration
                .carry_out(&plan, &CancellationToken::new(), |_| {})
                .await;
            let failure = done.expect_err("it changed");
            assert_eq!(failure.changed, 0, "{failure:?}");
            match (side, &failure.error) {
                ("lock", MigrateError::Locked { .. }) | (_, MigrateError::Changed { .. }) => {}
                (_, error) => panic!("{side}: {error}"),
            }
            assert_eq!((states(one).await, states(other).await), before);
            assert_eq!(locks(one).await, BTreeMap::new());
            assert_eq!(locks(other).await.len(), usize::from(lock.is_some()));
        }
    }
}

/// A lock of a migration elsewhere is the lock of another.
#[tokio::test]
async fn only_locks_of_this_very_migration_are_taken_over() {
    let stores = Stores::filled("memory to memory").await;
    let elsewhere = MemoryStore::named("elsewhere");
    migrate(&*stores.one, &elsewhere).await.expect("moved");
    assert_eq!(
        refusal(&*stores.one, &*stores.other).await,
        MoveRefusal::SourceLocked
    );
    let stores = Stores::filled("memory to memory").await;
    let to = stores.other.locate("default").expect("a place");
    let note = format!("moved to {} (tfbackend migrate)", stores.other.address(&to));
    let of_terraform = LockInfo {
        info: note,
        ..info("you@there")
    };
    assert_ne!(of_terraform.operation, OPERATION);
    let id = stores.one.locate("default").expect("a place");
    let lock = stores.one.lock(&id, &of_terraform).await.expect("locked");
    assert_eq!(
        refusal(&*stores.one, &*stores.other).await,
        MoveRefusal::SourceLocked
    );
    lock.release().await.expect("released");
}

#[tokio::test]
async fn interrupted_before_a_write_nothing_is_changed() {
    let stores = Stores::filled("memory to local").await;
    let (one, other) = (&*stores.one, &*stores.other);
    let migration = migration(one, other);
    let plan = migration.plan(None).await.expect("read");
    let cancel = CancellationToken::new();
    cancel.cancel();
    let failure = migration
        .carry_out(&plan, &cancel, |_| {})
        .await
        .expect_err("interrupted");
    assert!(matches!(failure.error, MigrateError::Interrupted));
    assert_eq!(
        (
            failure.changed,
            locks(one).await.len(),
            locks(other).await.len()
        ),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn all_sources_then_all_destinations_are_locked_before_a_write() {
    let stores = Stores::filled("memory to memory").await;
    let cutter = CallCutter::new(None);
    let cut = |inner| CutStore {
        inner,
        cutter: &cutter,
    };
    let (one, other) = (cut(&*stores.one), cut(&*stores.other));
    migrate(&one, &other).await.expect("moved");
    let calls = cutter.calls();
    let of = |name: &str| -> Vec<usize> {
        let is = |(at, call): (usize, &String)| call.starts_with(name).then_some(at);
        calls.iter().enumerate().filter_map(is).collect()
    };
    let locks: Vec<&String> = of("lock ").into_iter().map(|at| &calls[at]).collect();
    assert_eq!(
        locks,
        [
            "lock memory:one/blue",
            "lock memory:one/default",
            "lock memory:one/green",
            "lock memory:other/blue",
            "lock memory:other/default",
            "lock memory:other/green",
        ]
    );
    let (last_lock, first_write) = (of("lock ")[5], of("write ")[0]);
    assert!(last_lock < first_write, "{calls:?}");
    let read_again = of("read ")
        .into_iter()
        .filter(|at| (last_lock..first_write).contains(at));
    assert!(
        read_again.count() >= 6,
        "both sides, under the locks: {calls:?}"
    );
    assert!(of("write ")[2] < of("keep ")[0], "{calls:?}");
}

#[tokio::test]
async fn copy_that_is_not_what_was_written_stops_the_migration() {
    let stores = Stores::filled("memory to memory").await;
    let (one, other) = (&*stores.one, &*stores.other);
    let before = states(one).await;
    let mut cutter = CallCutter::new(None);
    cutter.lies = true;
    let lying = CutStore {
        inner: other,
        cutter: &cutter,
    };
    let failure = migrate(one, &lying).await.expect_err("it lies");
    assert!(
        matches!(failure.error, MigrateError::ReadBack { .. }),
        "{failure:?}"
    );
    assert_eq!(failure.changed, 1);
    assert_eq!(states(one).await, before);
    assert_eq!(locks(one).await, BTreeMap::new(), "the source is in use");
}

/// The second begins at each point of the first.
#[tokio::test]
async fn of_two_migrations_at_once_none_loses_a_state() {
    for delay in 0..60 {
        let stores = Stores::filled("memory to memory").await;
        let (one, other) = (&*stores.one, &*stores.other);
        let before = states(one).await;
        let cutters = [CallCutter::new(None), CallCutter::new(None)];
        let run = async |number: usize, delay: usize| {
            for _ in 0..delay {
                tokio::task::yield_now().await;
            }
            let cut = |inner| CutStore {
                inner,
                cutter: &cutters[number],
            };
            migrate(&cut(one), &cut(other)).await
        };
        let outcomes = tokio::join!(run(0, 0), run(1, delay));
        assert_eq!(states(one).await, before, "{delay}: {outcomes:?}");
        for (workspace, bytes) in states(other).await {
            let serial = if workspace == "theirs" { 1 } else { 6 };
            assert!(
                before.get(&workspace) == Some(&bytes) || bytes == of(&workspace, serial),
                "{delay}: {outcomes:?}"
            );
        }
        let next = migrate(one, other).await;
        assert!(next.is_ok(), "{delay}: {outcomes:?} {next:?}");
        has_moved(one, other, 5).await;
    }
}
