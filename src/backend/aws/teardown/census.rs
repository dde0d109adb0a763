//! Counts what a teardown would destroy. Nothing is written, and a page of versions is in memory at
//! a time.

use futures_util::{StreamExt, stream};

use super::{attachments, freeze::OPERATION, scope::TeardownScope};
use crate::{
    backend::aws::{
        AwsProvider,
        error::AwsError,
        store::{
            S3Store,
            objects::{CurrentObject, ObjectChange},
            scan::{LiveLock, ScanItem, ScanScope},
        },
    },
    state::snapshot::LARGEST_OF_MANY,
    state::{
        census::{LockRow, StateCensus, StateContentsKind, StateRow},
        layout::ObjectKind,
        snapshot::{SnapshotDetail, StateSnapshot},
    },
    store::migrate,
};

/// The number of states that are read concurrently.
const AT_ONCE: usize = 4;

/// Reads the whole store concurrently; errors of reads are part of the result.
pub(crate) async fn take(store: &S3Store<'_>, scope: &TeardownScope) -> StateCensus {
    let (states, locks, versions, uploads, lock, mfa) = tokio::join!(
        states(store, scope),
        locks(store, scope),
        versions(store, scope),
        uploads(store, scope),
        store.object_lock(),
        store.mfa_delete()
    );
    let mut census = states;
    census.locks = locks.locks;
    census.frozen = locks.frozen;
    census.moved = locks.moved;
    census.versions = versions.versions;
    census.uploads = uploads.uploads;
    for other in [locks.unseen, versions.unseen, uploads.unseen] {
        other
            .rows
            .into_iter()
            .for_each(|error| census.unseen.add(error));
    }
    census.object_lock = seen(lock, &mut census).flatten();
    census.mfa_delete = seen(mfa, &mut census).unwrap_or_default();
    census
}

/// Returns the principals of the policy and the subscribers of the topic, by their ARNs.
pub(crate) async fn people(
    aws: &AwsProvider,
    policy: Option<&str>,
    topic: Option<&str>,
    census: &mut StateCensus,
) {
    let attached = async {
        match policy {
            Some(policy) => attachments::attached(aws, policy).await,
            None => Ok(vec![]),
        }
    };
    let subscribers = async {
        match topic {
            Some(topic) => attachments::subscribers(aws, topic).await,
            None => Ok(vec![]),
        }
    };
    let (attached, subscribers) = tokio::join!(attached, subscribers);
    seen(attached, census)
        .into_iter()
        .flatten()
        .for_each(|who| census.attached.add(who));
    seen(subscribers, census)
        .into_iter()
        .flatten()
        .for_each(|who| census.subscribers.add(who));
}

fn seen<T>(answer: Result<T, AwsError>, census: &mut StateCensus) -> Option<T> {
    answer
        .map_err(|error| census.unseen.add(error.to_string()))
        .ok()
}

async fn states(store: &S3Store<'_>, scope: &TeardownScope) -> StateCensus {
    let mut census = StateCensus::default();
    let mut pages = store.objects("");
    while let Some(page) = seen(pages.next().await, &mut census).flatten() {
        let page = page
            .into_iter()
            .filter(|object| scope.has_object(store.address(), &object.key));
        let mut rows = stream::iter(page)
            .map(|object| state(store, object))
            .buffered(AT_ONCE);
        while let Some(row) = rows.next().await {
            row.into_iter().for_each(|row| census.state(row));
        }
    }
    census
}

/// Returns `None` for other objects: a lock file, a folder as created by consoles, or a deleted
/// one.
async fn state(store: &S3Store<'_>, object: CurrentObject) -> Option<StateRow> {
    let located = store.address().layout.locate(&object.key);
    if located.kind == ObjectKind::LockFile || (object.key.ends_with('/') && object.size == 0) {
        return None;
    }
    let holds = match store.get(&object.key, None, LARGEST_OF_MANY).await {
        Ok(None) => return None,
        Ok(Some(content)) => {
            StateContentsKind::of(StateSnapshot::parse(&content.bytes, SnapshotDetail::Counts))
        }
        Err(error) => StateContentsKind::Unreadable(error.to_string()),
    };
    Some(StateRow {
        path: located.path,
        workspace: located.workspace,
        size: object.size,
        modified: object.modified,
        holds,
    })
}

async fn locks(store: &S3Store<'_>, scope: &TeardownScope) -> StateCensus {
    let mut census = StateCensus::default();
    let see = |seen| match seen {
        ScanItem::Lock(lock) if !scope.has(&lock.located) => {}
        ScanItem::Lock(lock) if lock.info().is_some_and(|info| info.operation == OPERATION) => {
            census.frozen += 1
        }
        // The state moved to another backend, and no run holds it.
        ScanItem::Lock(lock) if lock.info().is_some_and(migrate::is_moved) => census.moved += 1,
        ScanItem::Lock(lock) => census.locks.add(row(&lock)),
        ScanItem::Elsewhere { .. } => {}
        ScanItem::NoTable(error) | ScanItem::NoListing(error) => {
            census.unseen.add(error.to_string())
        }
        ScanItem::State(_) | ScanItem::Orphan { .. } => {}
    };
    store.walk(ScanScope::Locks, AT_ONCE, see).await;
    census
}

fn row(lock: &LiveLock) -> LockRow {
    use crate::backend::aws::store::scan::LockPlace;
    let info = lock.info();
    LockRow {
        path: lock.located.path.clone(),
        item: matches!(lock.item, LockPlace::Held(_)),
        file: matches!(lock.file, LockPlace::Held(_)),
        who: info.map(|info| info.who.clone()),
        operation: info.map(|info| info.operation.clone()),
        since: info
            .and_then(|info| info.created)
            .or_else(|| lock.halves().find_map(|held| held.modified)),
    }
}

async fn versions(store: &S3Store<'_>, scope: &TeardownScope) -> StateCensus {
    let mut census = StateCensus::default();
    let mut pages = store.versions("");
    while let Some(page) = seen(pages.next().await, &mut census).flatten() {
        for version in page
            .into_iter()
            .filter(|version| scope.has_object(store.address(), &version.key))
        {
            match version.what {
                ObjectChange::Data { size, .. } => census.version(size, version.modified),
                ObjectChange::DeleteMarker => census.delete_marker(),
            }
        }
    }
    census
}

async fn uploads(store: &S3Store<'_>, scope: &TeardownScope) -> StateCensus {
    let mut census = StateCensus::default();
    let mut pages = store.uploads("");
    while let Some(page) = seen(pages.next().await, &mut census).flatten() {
        census.uploads += page
            .iter()
            .filter(|upload| scope.has_object(store.address(), &upload.key))
            .count();
    }
    census
}

#[cfg(test)]
mod tests;
