//! The facts about each state for a lock migration: when, by which version and under which lock it
//! was written.
//!
//! Only the version that wrote a state is kept of its content.

use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::{
    S3Store,
    objects::{self, ObjectVersion},
    scan::{LiveLock, LiveState, ScanItem, ScanScope, StoredDigest},
    table::ItemKind,
};
use crate::{
    backend::aws::{
        error::AwsError,
        lock_table::{self, LockTable},
        resource::AwsResource,
    },
    state::snapshot::LARGEST_OF_MANY,
    state::{
        digest,
        layout::{self, ObjectKind},
        snapshot::{SnapshotDetail, StateSnapshot},
    },
};

/// The minimum number of versions of a lock file that the lifecycle rule keeps.
const KEPT: usize = 50;
/// The number of states that are read concurrently: each is held in memory.
const AT_ONCE: usize = 4;

/// The last write of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewrittenState {
    pub path: String,
    /// By the clock of S3.
    pub modified: Option<Timestamp>,
    /// The version of Terraform or OpenTofu; `None` for an encrypted state of OpenTofu.
    pub version: Option<String>,
    /// The reason why it is unknown.
    pub unreadable: Option<String>,
    pub md5: Option<String>,
    /// The digest in the table.
    pub digest: Option<String>,
    /// True if its lock file existed at the write; `None` without versioning, without enough
    /// versions, or if they cannot be listed.
    pub under_lock_file: Option<bool>,
    /// True if versioning is enabled.
    pub has_versions: bool,
}

/// The input of a lock migration.
#[derive(Debug, Default)]
pub struct MigrationUsage {
    pub states: Vec<RewrittenState>,
    /// Digests of missing states, as path and digest.
    pub orphans: Vec<(String, String)>,
    pub locks: Vec<LiveLock>,
    /// Locks and digests in the table of states of other buckets or other keys.
    pub others: usize,
    pub unseen: Vec<AwsError>,
}

impl S3Store<'_> {
    /// Reads every state of the bucket, or those of one state key and its workspaces.
    pub async fn used(
        &self,
        only: Option<&str>,
        since: Option<Timestamp>,
        at_once: usize,
    ) -> MigrationUsage {
        let (mut used, mut states) = (MigrationUsage::default(), vec![]);
        let of_scope = |key: &str| only.is_none_or(|only| only == key);
        self.walk(ScanScope::All, at_once, |seen| match seen {
            ScanItem::State(state) if of_scope(&state.located.key) => states.push(state),
            ScanItem::Lock(lock) if of_scope(&lock.located.key) => used.locks.push(*lock),
            ScanItem::State(_)
            | ScanItem::Lock(_)
            | ScanItem::Elsewhere { .. }
            | ScanItem::Orphan { unsure: None, .. } => {}
            ScanItem::Orphan {
                unsure: Some(error),
                ..
            }
            | ScanItem::NoTable(error)
            | ScanItem::NoListing(error) => used.unseen.push(error),
        })
        .await;
        let mut written = stream::iter(states)
            .map(|state| self.written(state, since))
            .buffered(AT_ONCE);
        while let Some(state) = written.next().await {
            used.states.extend(state);
        }
        if let Err(error) = self.table_of(&mut used, &of_scope).await {
            used.unseen.push(error);
        }
        used
    }

    /// Returns other items of the table: digests without states, and items of other states.
    async fn table_of(
        &self,
        used: &mut MigrationUsage,
        of_scope: &impl Fn(&str) -> bool,
    ) -> Result<(), AwsError> {
        let Some(mut pages) = self.items() else {
            return Ok(());
        };
        while let Some(page) = pages.next().await? {
            for item in page {
                let path = item.path_in(&self.address.bucket).map(str::to_owned);
                let Some(path) =
                    path.filter(|path| of_scope(&self.address.layout.locate(path).key))
                else {
                    used.others += 1;
                    continue;
                };
                match item.what {
                    ItemKind::Digest(digest)
                        if !used.states.iter().any(|state| state.path == path) =>
                    {
                        used.orphans.push((path, digest))
                    }
                    ItemKind::Digest(_) | ItemKind::Lock(_) => {}
                    ItemKind::Other => used.others += 1,
                }
            }
        }
        Ok(())
    }

    /// Deletes the table with its protection, if it is empty: new items belong to other clients.
    pub async fn drop_empty_table(&self, table: &str) -> Result<(), AwsError> {
        if let Some(mut pages) = self.items() {
            while let Some(page) = pages.next().await? {
                if let Some(item) = page.first() {
                    return Err(AwsError::nonsense(
                        lock_table::DELETE,
                        table,
                        &format!("has the item {}", item.lock_id),
                    ));
                }
            }
        }
        LockTable::named(table).delete(self.aws).await
    }

    /// Returns `None` for an object that is not a state, or was deleted.
    async fn written(&self, state: LiveState, since: Option<Timestamp>) -> Option<RewrittenState> {
        let path = state.located.path;
        let digest = match state.digest {
            StoredDigest::Digest(digest) => Some(digest),
            StoredDigest::Absent | StoredDigest::Unknown => None,
        };
        let is_state = state.located.kind == ObjectKind::State || digest.is_some();
        let has_versions = state.head.as_ref().is_ok_and(|head| head.version.is_some());
        let mut written = RewrittenState {
            modified: state.modified,
            version: None,
            unreadable: None,
            md5: None,
            digest,
            under_lock_file: None,
            has_versions,
            path,
        };
        match self.get(&written.path, None, LARGEST_OF_MANY).await {
            Ok(None) => return None,
            Ok(Some(content)) => {
                written.md5 = Some(digest::of(&content.bytes));
                written.modified = content.modified.or(written.modified);
                match StateSnapshot::parse(&content.bytes, SnapshotDetail::Counts) {
                    Ok(snapshot) => written.version = snapshot.terraform_version,
                    Err(_) if !is_state => return None,
                    Err(error) => written.unreadable = Some(error.to_string()),
                }
            }
            Err(error) => written.unreadable = Some(error.to_string()),
        }
        if let (true, Some(since), Some(modified)) = (has_versions, since, written.modified)
            && modified >= since
        {
            written.under_lock_file = self
                .had_lock_file(&written.path, modified)
                .await
                .ok()
                .flatten();
        }
        Some(written)
    }

    /// Each lock leaves a version and a delete marker.
    async fn had_lock_file(&self, path: &str, at: Timestamp) -> Result<Option<bool>, AwsError> {
        let name = layout::lock_file(path);
        let (mut pages, mut all) = (self.versions(&name), vec![]);
        while let Some(page) = pages.next().await? {
            all.extend(page.into_iter().filter(|version| version.key == name));
        }
        Ok(was_held(&all, at))
    }
}

/// Returns whether the lock file with these versions, newest first, existed at that time; `None` if
/// lifecycle rules may have deleted older versions.
fn was_held(lock_file: &[ObjectVersion], at: Timestamp) -> Option<bool> {
    // S3 returns the time of a write in seconds.
    let second = |version: &ObjectVersion| version.modified.map(|modified| modified.as_second());
    let at = at.as_second();
    let mut gone = i64::MAX;
    for version in lock_file {
        let written = second(version)?;
        if matches!(version.what, objects::ObjectChange::Data { .. }) && written <= at && at <= gone
        {
            return Some(true);
        }
        gone = written;
    }
    let is_cut = lock_file.len() > KEPT && gone > at;
    (!is_cut).then_some(false)
}

impl RewrittenState {
    /// Returns whether its digest in the table does not match its bytes, so that Terraform would
    /// not read it.
    pub fn is_stale(&self) -> bool {
        matches!((&self.md5, &self.digest), (Some(md5), Some(digest)) if !digest::fits(digest, md5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_lies_within_the_life_of_a_lock_file() {
        let entry = |second: i64, is_there: bool| ObjectVersion {
            key: "a.tflock".to_owned(),
            id: second.to_string(),
            latest: false,
            modified: Timestamp::from_second(second).ok(),
            what: if is_there {
                objects::ObjectChange::Data {
                    size: 1,
                    etag: String::new(),
                }
            } else {
                objects::ObjectChange::DeleteMarker
            },
        };
        let held = |entries: &[ObjectVersion], at: i64| {
            was_held(entries, Timestamp::from_second(at).expect("a time"))
        };
        // Two runs, from 10 to 20 and from 40 to 50.
        let two = [
            entry(50, false),
            entry(40, true),
            entry(20, false),
            entry(10, true),
        ];
        for (at, expected) in [
            (9, false),
            (10, true),
            (15, true),
            (20, true),
            (21, false),
            (39, false),
            (45, true),
            (51, false),
        ] {
            assert_eq!(held(&two, at), Some(expected), "{at}");
        }
        assert_eq!(held(&two[1..], 60), Some(true), "it is held still");
        assert_eq!(
            held(&[entry(30, true), entry(10, true)], 15),
            Some(true),
            "replaced by another"
        );
        assert_eq!(held(&[], 15), Some(false));
        // Times before the oldest kept version are unknown.
        let many: Vec<ObjectVersion> = (0..30)
            .rev()
            .flat_map(|run| {
                [
                    entry(100 + run * 10 + 5, false),
                    entry(100 + run * 10, true),
                ]
            })
            .collect();
        assert_eq!(
            (held(&many, 50), held(&many, 107), held(&many, 103)),
            (None, Some(false), Some(true))
        );
    }
}
