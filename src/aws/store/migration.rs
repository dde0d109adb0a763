//! What a change of locks has to know of each state: when and by which version it was written, whether under a lock file.
//!
//! Nothing inside a state is kept but the version that wrote it.

use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::{
    Store,
    live::{Extent, LiveLock, LiveState, Seen, Stored},
    table::What,
};
use crate::{
    aws::{
        error::AwsError,
        lock_table::{self, LockTable},
        resource::Resource,
        verify::contents::LARGEST,
    },
    state::{
        digest,
        layout::{self, Kind},
        snapshot::{Snapshot, Want},
    },
};

/// How many states are read at the same time: each is in memory while it is.
const AT_ONCE: usize = 4;

/// A state as it was last written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub path: String,
    /// By the clock of S3.
    pub modified: Option<Timestamp>,
    /// Of Terraform or OpenTofu; `None` in what OpenTofu encrypted.
    pub version: Option<String>,
    /// Why nobody can say.
    pub unreadable: Option<String>,
    pub md5: Option<String>,
    /// The digest in the table.
    pub digest: Option<String>,
    /// Whether there was a lock file of it since; `None` where the bucket keeps no versions, or they may not be listed.
    pub lock_file_since: Option<bool>,
    /// Whether the bucket keeps versions of it.
    pub has_versions: bool,
}

/// All that a change of locks is about.
#[derive(Debug, Default)]
pub struct Used {
    pub states: Vec<Written>,
    /// Digests of states that are not there, as path and digest.
    pub orphans: Vec<(String, String)>,
    pub locks: Vec<LiveLock>,
    /// Locks and digests of states of other buckets, or other keys, in the same table.
    pub others: usize,
    pub unseen: Vec<AwsError>,
}

impl Store<'_> {
    /// Looks at every state of the bucket, or those of one state key and its workspaces.
    pub async fn used(&self, only: Option<&str>, since: Option<Timestamp>, at_once: usize) -> Used {
        let (mut used, mut states) = (Used::default(), vec![]);
        let of_scope = |key: &str| only.is_none_or(|only| only == key);
        self.walk(Extent::All, at_once, |seen| match seen {
            Seen::State(state) if of_scope(&state.located.key) => states.push(state),
            Seen::Lock(lock) if of_scope(&lock.located.key) => used.locks.push(*lock),
            Seen::State(_) | Seen::Lock(_) | Seen::Elsewhere { .. } | Seen::Orphan { unsure: None, .. } => {}
            Seen::Orphan { unsure: Some(error), .. } | Seen::NoTable(error) | Seen::NoListing(error) => used.unseen.push(error),
        })
        .await;
        let mut written = stream::iter(states).map(|state| self.written(state, since)).buffered(AT_ONCE);
        while let Some(state) = written.next().await {
            used.states.extend(state);
        }
        if let Err(error) = self.table_of(&mut used, &of_scope).await {
            used.unseen.push(error);
        }
        used
    }

    /// What else is in the table: digests without their states, and what is not about these states.
    async fn table_of(&self, used: &mut Used, of_scope: &impl Fn(&str) -> bool) -> Result<(), AwsError> {
        let Some(mut pages) = self.items() else { return Ok(()) };
        while let Some(page) = pages.next().await? {
            for item in page {
                let path = item.path_in(&self.address.bucket).map(str::to_owned);
                let Some(path) = path.filter(|path| of_scope(&self.address.layout.locate(path).key)) else {
                    used.others += 1;
                    continue;
                };
                match item.what {
                    What::Digest(digest) if !used.states.iter().any(|state| state.path == path) => used.orphans.push((path, digest)),
                    What::Digest(_) | What::Lock(_) => {}
                    What::Other => used.others += 1,
                }
            }
        }
        Ok(())
    }

    /// Deletes the table with its protection, if nothing is in it: what appeared meanwhile is somebody's.
    pub async fn drop_empty_table(&self, table: &str) -> Result<(), AwsError> {
        if let Some(mut pages) = self.items() {
            while let Some(page) = pages.next().await? {
                if let Some(item) = page.first() {
                    return Err(AwsError::nonsense(lock_table::DELETE, table, &format!("has the item {}", item.lock_id)));
                }
            }
        }
        LockTable::named(table).delete(self.aws).await
    }

    /// `None` of what is no state, or gone by now.
    async fn written(&self, state: LiveState, since: Option<Timestamp>) -> Option<Written> {
        let path = state.located.path;
        let digest = match state.digest {
            Stored::Digest(digest) => Some(digest),
            Stored::Absent | Stored::Unknown => None,
        };
        let is_state = state.located.kind == Kind::State || digest.is_some();
        let has_versions = state.head.as_ref().is_ok_and(|head| head.version.is_some());
        let mut written = Written {
            modified: state.modified,
            version: None,
            unreadable: None,
            md5: None,
            digest,
            lock_file_since: None,
            has_versions,
            path,
        };
        match self.get(&written.path, None, LARGEST).await {
            Ok(None) => return None,
            Ok(Some(content)) => {
                written.md5 = Some(digest::of(&content.bytes));
                written.modified = content.modified.or(written.modified);
                match Snapshot::parse(&content.bytes, Want::Counts) {
                    Ok(snapshot) => written.version = snapshot.terraform_version,
                    Err(_) if !is_state => return None,
                    Err(error) => written.unreadable = Some(error.to_string()),
                }
            }
            Err(error) => written.unreadable = Some(error.to_string()),
        }
        if let (true, Some(since)) = (has_versions, since) {
            written.lock_file_since = self.had_lock_file(&written.path, since).await.ok();
        }
        Some(written)
    }

    /// Each lock file leaves a version and a delete marker.
    async fn had_lock_file(&self, path: &str, since: Timestamp) -> Result<bool, AwsError> {
        let name = layout::lock_file(path);
        let mut pages = self.versions(&name);
        while let Some(page) = pages.next().await? {
            if page.iter().any(|version| version.key == name && version.modified.is_some_and(|modified| modified >= since)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Written {
    /// Whether the table has another digest of it than that of its bytes: Terraform would not read it.
    pub fn is_stale(&self) -> bool {
        matches!((&self.md5, &self.digest), (Some(md5), Some(digest)) if !digest::fits(digest, md5))
    }
}
