//! Chooses the locks to release: named ones, or old ones.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{rows, survey::LockSurvey};
use crate::{
    backend::aws::{error::AwsError, store::scan::LiveLock},
    cli::{context::Context, failure::CliError, target::S3Target},
    report::{locks::HeldLockDocument, safe::safe},
    text::words,
};

/// One lock, as it was right before the user is asked.
pub(crate) struct ChosenLock {
    /// Without another lock that may be held beside it.
    pub lock: LiveLock,
    pub document: HeldLockDocument,
    /// The error because of which one of its entries is unknown.
    pub unread: Vec<AwsError>,
}

/// Returns the locks with these IDs, or none if one is missing. Without any lock, they are already
/// released.
pub(super) async fn by_id(
    looked: &LockSurvey,
    ids: &[String],
    target: &S3Target,
    cx: &mut Context<'_>,
) -> Result<Vec<ChosenLock>, CliError> {
    let mut chosen = vec![];
    for id in ids {
        let here: Vec<&LiveLock> = looked
            .locks
            .iter()
            .filter(|lock| lock.only(id).is_some())
            .collect();
        if here.is_empty() {
            return missing(id, looked, target, cx).map(|()| vec![]);
        }
        for lock in here {
            chosen.extend(again(lock, id, target, cx).await?);
        }
    }
    Ok(chosen)
}

/// Returns the locks that are older than the limit by every clock.
pub(super) async fn older_than(
    looked: &LockSurvey,
    least: SignedDuration,
    target: &S3Target,
    cx: &mut Context<'_>,
) -> Result<Vec<ChosenLock>, CliError> {
    if let Some(failure) =
        looked.failure("not everything can be read: which locks are old is unknown")
    {
        return Err(failure.hint("release the locks that you know by ID: --id ID"));
    }
    let (now, mut chosen, mut unknown) = (cx.now(), vec![], vec![]);
    for lock in &looked.locks {
        for id in lock.ids() {
            match lock.only(&id).map(|only| rows::youngest(&only, now)) {
                Some(Some(age)) if age > least => {
                    chosen.extend(again(lock, &id, target, cx).await?)
                }
                Some(None) => unknown.push(id),
                Some(Some(_)) | None => {}
            }
        }
    }
    if !unknown.is_empty() {
        let (count, ids) = (
            words::count(unknown.len(), "lock", "locks"),
            unknown.iter().map(|id| safe(id)).collect::<Vec<_>>(),
        );
        cx.status(&format!(
            "note: the age of {count} is unknown: {}; to release one, name it with --id",
            ids.join(", ")
        ));
    }
    Ok(chosen)
}

/// Returns those locks of a run of a pipeline that are held. Its role may be unable to list all
/// locks; it sees its own.
pub(super) async fn of_run(
    looked: &LockSurvey,
    ids: &BTreeSet<String>,
    target: &S3Target,
    cx: &mut Context<'_>,
) -> Result<Vec<ChosenLock>, CliError> {
    let mut chosen = vec![];
    for lock in &looked.locks {
        for id in lock.ids().iter().filter(|id| ids.contains(*id)) {
            chosen.extend(again(lock, id, target, cx).await?);
        }
    }
    for error in &looked.unseen {
        cx.status(&format!(
            "note: not everything can be read, so there may be more locks of this run: {error}"
        ));
    }
    Ok(chosen)
}

/// Reads both places again: the listing may have seen only one of them.
async fn again(
    lock: &LiveLock,
    id: &str,
    target: &S3Target,
    cx: &mut Context<'_>,
) -> Result<Option<ChosenLock>, CliError> {
    let (now, unread) = cx
        .until_cancelled(target.store().lock_on(&lock.located.path))
        .await?;
    // A lock that was released since is released as observed, which then reports it as released.
    let seen = if now.only(id).is_some() { &now } else { lock };
    let Some(only) = seen.only(id) else {
        return Ok(None);
    };
    let document = rows::of(seen, target, cx.now())
        .into_iter()
        .find(|document| document.id == id);
    Ok(document.map(|document| ChosenLock {
        lock: only,
        document,
        unread,
    }))
}

/// Returns the reason why no lock has this ID; without any lock, it counts as released.
fn missing(
    id: &str,
    looked: &LockSurvey,
    target: &S3Target,
    cx: &Context<'_>,
) -> Result<(), CliError> {
    if let Some((lock_id, _)) = looked
        .elsewhere
        .iter()
        .find(|(lock_id, held)| held.id(lock_id) == id)
    {
        let bucket = lock_id.split('/').next().unwrap_or_default();
        return Err(CliError::refused(format!(
            "the lock {id} is on a state of another bucket, {lock_id}; no lock was released"
        ))
        .hint(format!(
            "name the backend that it belongs to, as with --bucket {bucket}"
        )));
    }
    if let Some(failure) = looked.failure(&format!(
        "a lock of the ID {id} was not found, and not everything can be read"
    )) {
        return Err(failure.hint(
            "name the state's own backend, with its key: --backend-config, or --bucket and --key",
        ));
    }
    if looked.locks.is_empty() {
        return Ok(());
    }
    let documents = rows::document(looked, target, cx.now()).locks;
    let failure = CliError::refused(format!("no lock has the ID {id}; no lock was released"));
    Err(documents.iter().fold(failure, |failure, lock| {
        failure.hint(format!(
            "{} is held: {}, {}",
            lock.url(),
            lock.id,
            lock.holder()
        ))
    }))
}
