//! Converts observed locks to the rows of a report.

use jiff::{SignedDuration, Timestamp};

use super::survey::LockSurvey;
use crate::{
    backend::aws::store::scan::{HeldLock, LiveLock, LockPlace},
    cli::target::S3Target,
    report::locks::{HeldIn, HeldLockDocument, LocksDocument},
};

pub(super) fn document(looked: &LockSurvey, target: &S3Target, now: Timestamp) -> LocksDocument {
    let mut locks: Vec<HeldLockDocument> = looked
        .locks
        .iter()
        .flat_map(|lock| of(lock, target, now))
        .collect();
    locks.extend(
        looked
            .elsewhere
            .iter()
            .map(|(lock_id, held)| elsewhere(lock_id, held, now)),
    );
    LocksDocument {
        bucket: target.address.bucket.clone(),
        table: target.address.table.clone(),
        locks,
        unseen: looked.unseen.iter().map(ToString::to_string).collect(),
    }
}

/// Returns one row for each lock on a state: two if table and file hold different locks.
pub(super) fn of(lock: &LiveLock, target: &S3Target, now: Timestamp) -> Vec<HeldLockDocument> {
    let both = target.locks.table && target.locks.file == Some(true);
    let ids = lock.ids();
    let alone = ids.len() == 1;
    ids.iter()
        .filter_map(|id| {
            let only = lock.only(id)?;
            let located = &lock.located;
            let missing = match (&only.file, &only.item) {
                (LockPlace::Held(_), LockPlace::Free) if both && alone => Some(HeldIn::Table),
                (LockPlace::Free, LockPlace::Held(_)) if both && alone => Some(HeldIn::File),
                _ => None,
            };
            Some(HeldLockDocument {
                bucket: target.address.bucket.clone(),
                path: located.path.clone(),
                key: located.key.clone(),
                workspace: located.workspace.clone(),
                missing,
                ..row(&only, now)?
            })
        })
        .collect()
}

/// It is unknown which of its names are workspaces.
fn elsewhere(lock_id: &str, held: &HeldLock, now: Timestamp) -> HeldLockDocument {
    let (bucket, path) = lock_id.split_once('/').unwrap_or(("", lock_id));
    let half = [(HeldIn::Table, held)];
    HeldLockDocument {
        bucket: bucket.to_owned(),
        path: path.to_owned(),
        key: path.to_owned(),
        ..said(&half, lock_id, now).unwrap_or_else(nothing)
    }
}

fn row(lock: &LiveLock, now: Timestamp) -> Option<HeldLockDocument> {
    let halves = [
        (HeldIn::File, lock.file.as_held()),
        (HeldIn::Table, lock.item.as_held()),
    ];
    let halves: Vec<(HeldIn, &HeldLock)> = halves
        .into_iter()
        .filter_map(|(place, held)| Some((place, held?)))
        .collect();
    said(&halves, &lock.located.path, now)
}

/// The holder of a lock according to its two entries.
fn said(halves: &[(HeldIn, &HeldLock)], path: &str, now: Timestamp) -> Option<HeldLockDocument> {
    let (_, first) = halves.first()?;
    let info = halves.iter().find_map(|(_, held)| held.info.as_ref().ok());
    let error = if info.is_some() {
        None
    } else {
        first.info.as_ref().err().map(ToString::to_string)
    };
    let since = info
        .and_then(|info| info.created)
        .or_else(|| halves.iter().find_map(|(_, held)| held.modified));
    let age = halves.iter().filter_map(|(_, held)| held.age(now)).max();
    Some(HeldLockDocument {
        held_in: halves.iter().map(|(place, _)| *place).collect(),
        id: first.id(path),
        operation: info.map(|info| info.operation.clone()),
        who: info.map(|info| info.who.clone()),
        version: info.map(|info| info.version.clone()),
        info: info.map(|info| info.info.clone()),
        since: since.map(|since| since.to_string()),
        age_seconds: age.and_then(|age| u64::try_from(age.as_secs()).ok()),
        error,
        ..nothing()
    })
}

fn nothing() -> HeldLockDocument {
    HeldLockDocument {
        bucket: String::new(),
        path: String::new(),
        key: String::new(),
        workspace: String::new(),
        held_in: vec![],
        missing: None,
        id: String::new(),
        operation: None,
        who: None,
        version: None,
        info: None,
        since: None,
        age_seconds: None,
        error: None,
    }
}

/// Returns the shortest age of the lock by any clock: that of its holder, or that of S3.
pub(super) fn youngest(lock: &LiveLock, now: Timestamp) -> Option<SignedDuration> {
    let ages = |held: &HeldLock| {
        let said = held.info.as_ref().ok().and_then(|info| info.age(now));
        let seen = held
            .modified
            .map(|modified| now.duration_since(modified).max(SignedDuration::ZERO));
        [said, seen]
    };
    lock.halves().flat_map(ages).flatten().min()
}
