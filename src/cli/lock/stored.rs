//! Locks of a backend of any kind but s3: listed, shown and released.

use futures_util::StreamExt;
use jiff::SignedDuration;

use super::{
    list::exit_code,
    release::{self, LockSelection},
};
use crate::{
    cli::{context::Context, explain, failure::CliError, target::BackendTarget},
    exit,
    report::stored_locks::{
        self, ReleasedLockDocument, ReleasedLocksDocument, ShownLockDocument, StoredLockDocument,
        StoredLocksDocument,
    },
    store::{
        migrate,
        state_store::{Release, StateId, StateStore, StoreError, StoredLock},
    },
    text::words,
};

/// All locks, and the errors because of which there may be more.
struct StoredLocks {
    locks: Vec<StoredLock>,
    unseen: Vec<StoreError>,
}

impl StoredLocks {
    async fn read(store: &dyn StateStore, cx: &mut Context<'_>) -> Result<Self, CliError> {
        let (mut locks, mut unseen) = (vec![], vec![]);
        let mut listed = store.locks();
        while let Some(lock) = cx.until_cancelled(listed.next()).await? {
            match lock {
                Ok(lock) => locks.push(lock),
                Err(error) => unseen.push(error),
            }
        }
        Ok(Self { locks, unseen })
    }

    fn failure(&self, message: &str) -> Option<CliError> {
        let (first, others) = self.unseen.split_first()?;
        let failure = explain::store(CliError::failed(message), first);
        Some(
            others
                .iter()
                .fold(failure, |failure, error| failure.because(error)),
        )
    }

    fn document(&self, cx: &Context<'_>) -> StoredLocksDocument {
        StoredLocksDocument {
            locks: documents(&self.locks, cx),
            unseen: self.unseen.iter().map(ToString::to_string).collect(),
        }
    }
}

fn documents(locks: &[StoredLock], cx: &Context<'_>) -> Vec<StoredLockDocument> {
    locks
        .iter()
        .map(|lock| StoredLockDocument::of(lock, cx.now()))
        .collect()
}

pub(super) async fn list(
    wants_exit_code: bool,
    target: &BackendTarget,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    let found = StoredLocks::read(&*target.states(), cx).await?;
    let document = found.document(cx);
    let is_held = document.locks.iter().any(|lock| !lock.is_left_behind);
    let code = exit_code(wants_exit_code, is_held, !found.unseen.is_empty());
    if cx.global.json() {
        target.answer(&document, cx)?;
        return Ok(code);
    }
    let view = cx.global.out_view(cx.host);
    cx.output(&stored_locks::list(&document, &target.place(), &view))?;
    match found.failure("not everything can be read: there may be more locks") {
        Some(failure) => Err(failure),
        None => Ok(code),
    }
}

pub(super) async fn show(
    id: &StateId,
    target: &BackendTarget,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    let mut found = StoredLocks::read(&*target.states(), cx).await?;
    found.locks.retain(|lock| lock.id == *id);
    let StoredLocksDocument { locks, unseen } = found.document(cx);
    let locked = match locks.iter().any(|lock| !lock.is_left_behind) {
        true => Some(true),
        false => unseen.is_empty().then_some(false),
    };
    let document = ShownLockDocument {
        path: id.path.clone(),
        workspace: id.workspace.clone(),
        locked,
        locks,
        unseen,
    };
    if cx.global.json() {
        target.answer(&document, cx)?;
        return Ok(if locked.is_some() {
            exit::DONE
        } else {
            exit::FAILED
        });
    }
    let view = cx.global.out_view(cx.host);
    cx.output(&stored_locks::show(&document, &view))?;
    if let (None, Some(failure)) = (
        locked,
        found.failure("not everything can be read: whether the state is locked is unknown"),
    ) {
        return Err(failure);
    }
    for lock in &document.locks {
        let id = release::id_words(&lock.id);
        if lock.operation.as_deref() == Some(migrate::OPERATION) {
            cx.status(
                "The state moved to another backend: the lock stays, and `tfbackend migrate` \
                 brings the state back.",
            );
        } else if lock.is_left_behind {
            cx.status(&format!(
                "Its process has ended: tfbackend lock release {id}{} removes it",
                target.words()
            ));
        } else if target.states().capabilities().release {
            cx.status(&format!(
                "If its run is over, release it: tfbackend lock release {id}{}",
                target.words()
            ));
        } else {
            cx.status("It ends with its process.");
        }
    }
    Ok(exit::DONE)
}

/// Which locks are to be released.
pub(super) struct ReleaseRequest {
    pub selection: LockSelection,
    pub auto_approve: bool,
}

pub(super) async fn release(
    request: &ReleaseRequest,
    target: &BackendTarget,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    let store = target.states();
    let found = StoredLocks::read(&*store, cx).await?;
    let chosen = match &request.selection {
        LockSelection::Ids(ids) => by_id(&found, ids, cx)?,
        LockSelection::OlderThan(least) => older_than(&found, *least, cx)?,
        // They end with their process.
        LockSelection::ThisRun => vec![],
    };
    if chosen.is_empty() {
        if cx.global.json() {
            target.answer(&ReleasedLocksDocument { released: vec![] }, cx)?;
        } else {
            let what = request.selection.nothing();
            cx.output(&format!("{what} in {}\n", target.place()))?;
        }
        return Ok(exit::DONE);
    }
    let rows = documents(&chosen, cx);
    let view = cx.global.view(cx.host);
    cx.status_text(&stored_locks::table(&rows, &view));
    must_be_releasable(&*store, &chosen, &rows)?;
    let question = match &rows[..] {
        [one] => format!("Release {} on {}, {}", one.id, one.path, one.holder()),
        several => {
            let ids: Vec<&str> = several.iter().map(|one| &*one.id).collect();
            format!("Release {}", words::list(&ids))
        }
    };
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let approved = request.auto_approve && request.selection.is_exact();
    release::approve(&ids, &question, approved, target.words(), cx)?;
    let (mut released, mut errors) = (vec![], vec![]);
    for (lock, row) in chosen.iter().zip(rows) {
        let result = store.release(lock).await;
        let outcome = match &result {
            Ok(Release::Released) => "released",
            Ok(Release::AlreadyReleased) => "already-gone",
            Ok(Release::Changed) => "later",
            Err(_) => "failed",
        };
        let error = result.err();
        released.push(ReleasedLockDocument {
            path: row.path,
            workspace: row.workspace,
            id: row.id,
            outcome,
            errors: error.iter().map(ToString::to_string).collect(),
        });
        errors.extend(error);
    }
    let code = match (errors.len(), released.len()) {
        (0, _) => exit::DONE,
        (failed, all) if failed == all => exit::FAILED,
        (_, _) => exit::PARTLY,
    };
    let document = ReleasedLocksDocument { released };
    if cx.global.json() {
        target.answer(&document, cx)?;
        return Ok(code);
    }
    cx.output(&stored_locks::released(&document))?;
    if errors.is_empty() {
        return Ok(code);
    }
    let failure = CliError::new(code, "not every lock is released");
    Err(errors.iter().fold(failure, explain::store))
}

/// A lock of a running process ends with it, and in no other way.
fn must_be_releasable(
    store: &dyn StateStore,
    chosen: &[StoredLock],
    rows: &[StoredLockDocument],
) -> Result<(), CliError> {
    let mut held = chosen
        .iter()
        .zip(rows)
        .filter(|(lock, _)| !lock.is_left_behind);
    match held.next() {
        Some((lock, row)) if !store.capabilities().release => Err(CliError::refused(format!(
            "the lock {} is held by a running process, and ends with it: {}; no lock was released",
            row.id,
            lock.places.first().map_or("unknown", String::as_str)
        ))
        .hint("wait until its run ends, or end that process")),
        _ => Ok(()),
    }
}

fn by_id(
    found: &StoredLocks,
    ids: &[String],
    cx: &Context<'_>,
) -> Result<Vec<StoredLock>, CliError> {
    let rows = documents(&found.locks, cx);
    let mut chosen = vec![];
    for id in ids {
        let here = found
            .locks
            .iter()
            .zip(&rows)
            .filter(|(_, row)| row.id == *id)
            .map(|(lock, _)| lock.clone());
        let before = chosen.len();
        chosen.extend(here);
        if chosen.len() > before {
            continue;
        }
        if let Some(failure) = found.failure(&format!(
            "a lock of the ID {id} was not found, and not everything can be read"
        )) {
            return Err(failure);
        }
        if rows.is_empty() {
            return Ok(vec![]);
        }
        let failure = CliError::refused(format!("no lock has the ID {id}; no lock was released"));
        return Err(rows.iter().fold(failure, |failure, row| {
            failure.hint(format!(
                "{} is {}: {}, {}",
                row.path,
                row.status(),
                row.id,
                row.holder()
            ))
        }));
    }
    Ok(chosen)
}

fn older_than(
    found: &StoredLocks,
    least: SignedDuration,
    cx: &Context<'_>,
) -> Result<Vec<StoredLock>, CliError> {
    if let Some(failure) =
        found.failure("not everything can be read: which locks are old is unknown")
    {
        return Err(failure.hint("release the locks that you know by ID: --id ID"));
    }
    let is_old = |lock: &&StoredLock| {
        // By every clock: that of its holder, and that of the backend.
        let since = [
            lock.info.as_ref().ok().and_then(|info| info.created),
            lock.modified,
        ];
        since
            .into_iter()
            .flatten()
            .max()
            .is_some_and(|since| cx.now().duration_since(since) > least)
    };
    Ok(found.locks.iter().filter(is_old).cloned().collect())
}
