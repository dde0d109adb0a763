//! Which locks are to be released: those that were named, or those that are old.

use jiff::SignedDuration;

use super::{looked::LockSurvey, rows};
use crate::{
    backend::aws::{error::AwsError, store::live::LiveLock},
    cli::{context::Context, failure::CliError, target::BackendTarget},
    report::{locks::HeldLockDocument, safe::safe},
    text::words,
};

/// One lock, as it was right before anybody is asked.
pub struct ChosenLock {
    /// Without another that may be held beside it.
    pub lock: LiveLock,
    pub document: HeldLockDocument,
    /// Why one of its halves is unknown.
    pub unread: Vec<AwsError>,
}

/// The locks of these IDs. None of them is chosen unless all are there; with no lock at all, they
/// are gone already.
pub async fn by_id(
    looked: &LockSurvey,
    ids: &[String],
    target: &BackendTarget,
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

/// The locks that every clock says have been held for longer.
pub async fn older_than(
    looked: &LockSurvey,
    least: SignedDuration,
    target: &BackendTarget,
    cx: &mut Context<'_>,
) -> Result<Vec<ChosenLock>, CliError> {
    if let Some(failure) =
        looked.failure("not everything could be looked at: which locks are old, nobody can say")
    {
        return Err(failure.hint("release those that you know by their ID: --id"));
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
        cx.say(&format!(
            "note: the age of {count} is unknown: {}; to release one, name it with --id",
            ids.join(", ")
        ));
    }
    Ok(chosen)
}

/// Both places are looked at again: the walk may have seen only one of them.
async fn again(
    lock: &LiveLock,
    id: &str,
    target: &BackendTarget,
    cx: &mut Context<'_>,
) -> Result<Option<ChosenLock>, CliError> {
    let (now, unread) = cx.look(target.store().lock_on(&lock.located.path)).await?;
    // What is gone since is released as it was seen: that it is gone is then found out.
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

/// Why there is no lock of this ID; none at all is as good as released.
fn missing(
    id: &str,
    looked: &LockSurvey,
    target: &BackendTarget,
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
        "a lock of the ID {id} was not seen, and not everything could be looked at"
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
