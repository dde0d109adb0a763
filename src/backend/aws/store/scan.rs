//! Walks over the current store, and combines both kinds of lock on each state.
//!
//! The walk holds a page of the listing, the digests of the table and the held locks; each state is
//! passed on immediately. A contradiction that may be due to a concurrent change is read again
//! before it is reported. Objects of `verify --probe` are skipped.

use crate::store::state_store::UnknownHolder;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use super::{
    S3Store,
    content::{ObjectHeaders, StoredLockFile},
    objects::CurrentObject,
    table::ItemKind,
};
use crate::{
    backend::aws::{error::AwsError, probe::ProbeName},
    state::{
        layout::{LocatedObject, ObjectKind},
        lock::LockInfo,
    },
};

/// The scope of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanScope {
    All,
    /// Only locks: a call for each page and each lock file, and none for states.
    Locks,
}

/// An object that is or may be a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveState {
    pub located: LocatedObject,
    pub size: u64,
    pub modified: Option<Timestamp>,
    /// The error, if it cannot be read.
    pub head: Result<ObjectHeaders, String>,
    pub digest: StoredDigest,
}

/// The digest in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredDigest {
    /// There is no table, or it cannot be read.
    Unknown,
    Absent,
    Digest(String),
}

/// The lock on one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveLock {
    /// The state that is locked.
    pub located: LocatedObject,
    pub item: LockPlace,
    pub file: LockPlace,
}

/// One of the two places where a lock can be held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockPlace {
    /// There is no such place, or it cannot be read.
    Unknown,
    Free,
    Held(Box<HeldLock>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldLock {
    /// The unmodified text; empty if it cannot be read, or is not a text.
    pub raw: String,
    pub info: Result<LockInfo, UnknownHolder>,
    /// The ETag of a lock file.
    pub etag: Option<String>,
    pub modified: Option<Timestamp>,
}

/// An item of the walk.
#[derive(Debug)]
pub enum ScanItem {
    State(LiveState),
    /// Held in at least one place; follows all states.
    Lock(Box<LiveLock>),
    /// A digest of a missing state; follows all states.
    Orphan {
        located: LocatedObject,
        /// The reason why it may exist.
        unsure: Option<AwsError>,
    },
    /// A lock in the table on a state of another bucket; follows all states.
    Elsewhere {
        /// `<bucket>/<path>`
        lock_id: String,
        held: Box<HeldLock>,
    },
    /// All items are unknown.
    NoTable(AwsError),
    /// All further objects are unknown.
    NoListing(AwsError),
}

impl LiveLock {
    /// Returns the info of the holder, from either place.
    pub fn info(&self) -> Option<&LockInfo> {
        self.halves().find_map(|held| held.info.as_ref().ok())
    }

    pub fn halves(&self) -> impl Iterator<Item = &HeldLock> {
        [&self.item, &self.file]
            .into_iter()
            .filter_map(LockPlace::as_held)
    }

    /// Returns whether only one place is held and the other is free: half a lock, if both are used.
    pub fn is_in_one_place(&self) -> bool {
        matches!(
            (&self.item, &self.file),
            (LockPlace::Held(_), LockPlace::Free) | (LockPlace::Free, LockPlace::Held(_))
        )
    }

    /// Returns whether two clients hold one place each.
    pub fn is_of_two(&self) -> bool {
        let mut ids = self
            .halves()
            .filter_map(|held| Some(&held.info.as_ref().ok()?.id));
        matches!((ids.next(), ids.next()), (Some(one), Some(other)) if one != other)
    }

    /// Returns the age: the longer one of the two. A file without a time has its age in S3.
    pub fn age(&self, now: Timestamp) -> Option<SignedDuration> {
        self.halves().filter_map(|held| held.age(now)).max()
    }
}

impl LockPlace {
    pub fn held(held: HeldLock) -> Self {
        Self::Held(Box::new(held))
    }
}

impl HeldLock {
    pub fn age(&self, now: Timestamp) -> Option<SignedDuration> {
        let said = self.info.as_ref().ok().and_then(|info| info.age(now));
        said.or_else(|| {
            self.modified
                .map(|modified| now.duration_since(modified).max(SignedDuration::ZERO))
        })
    }

    pub(super) fn item(raw: String) -> Self {
        Self {
            info: LockInfo::parse(raw.as_bytes()).map_err(UnknownHolder::from),
            raw,
            etag: None,
            modified: None,
        }
    }

    pub(super) fn file(file: StoredLockFile) -> Self {
        Self {
            raw: file.raw,
            info: file.info.map_err(UnknownHolder::from),
            etag: Some(file.etag),
            modified: file.modified,
        }
    }
}

/// The items of this bucket in the table.
#[derive(Default)]
struct LockTableItems {
    locks: BTreeMap<String, LockPlace>,
    digests: HashMap<String, String>,
    elsewhere: Vec<(String, HeldLock)>,
}

/// The result of reading one object.
enum ScannedObject {
    State(Box<LiveState>),
    File(String, LockPlace),
    /// Deleted after it was listed, or a folder as created by consoles.
    Nothing,
}

impl S3Store<'_> {
    /// Walks over the store, with at most `at_once` concurrent calls, and passes on each item.
    pub async fn walk(&self, extent: ScanScope, at_once: usize, mut see: impl FnMut(ScanItem)) {
        let mut files = BTreeMap::new();
        let mut listed = true;
        let mut pages = self.objects("");
        let probes = self.address.layout.probes();
        let (table, mut next) = tokio::join!(self.table(), pages.next());
        let mut table = match table {
            Ok(table) => table,
            Err(error) => {
                see(ScanItem::NoTable(error));
                None
            }
        };
        loop {
            let page = match next {
                Ok(Some(page)) => page,
                Ok(None) => break,
                Err(error) => {
                    see(ScanItem::NoListing(error));
                    listed = false;
                    break;
                }
            };
            let page = page
                .into_iter()
                .filter(|object| ProbeName::of(&object.key, &probes).is_none());
            let page = page.map(|object| (self.address.layout.locate(&object.key), object));
            let page = page.filter(|(located, _)| {
                extent == ScanScope::All || located.kind == ObjectKind::LockFile
            });
            let looks = stream::iter(page).map(|(located, object)| {
                let digest = match &mut table {
                    None => StoredDigest::Unknown,
                    Some(_) if located.kind == ObjectKind::LockFile => StoredDigest::Unknown,
                    Some(table) => table
                        .digests
                        .remove(&located.path)
                        .map_or(StoredDigest::Absent, StoredDigest::Digest),
                };
                self.look(object, located, digest)
            });
            let mut looks = looks.buffered(at_once);
            while let Some(looked) = looks.next().await {
                match looked {
                    ScannedObject::State(state) => see(ScanItem::State(*state)),
                    ScannedObject::File(path, half) => drop(files.insert(path, half)),
                    ScannedObject::Nothing => {}
                }
            }
            drop(looks);
            next = pages.next().await;
        }
        let has_table = table.is_some();
        let LockTableItems {
            locks,
            digests,
            elsewhere,
        } = table.unwrap_or_default();
        if listed && extent == ScanScope::All {
            self.orphans(digests, at_once, &mut see).await;
        }
        self.locks(
            LockSides {
                items: (locks, has_table),
                files: (files, listed),
            },
            at_once,
            &mut see,
        )
        .await;
        for (lock_id, held) in elsewhere {
            see(ScanItem::Elsewhere {
                lock_id,
                held: Box::new(held),
            });
        }
    }

    async fn table(&self) -> Result<Option<LockTableItems>, AwsError> {
        let Some(mut pages) = self.items() else {
            return Ok(None);
        };
        let mut table = LockTableItems::default();
        let probes = self.address.layout.probes();
        while let Some(page) = pages.next().await? {
            for item in page {
                let Some(path) = item.path_in(&self.address.bucket).map(str::to_owned) else {
                    // An item without lock info may belong to any client.
                    if let ItemKind::Lock(raw) = item.what
                        && !raw.is_empty()
                    {
                        table.elsewhere.push((item.lock_id, HeldLock::item(raw)));
                    }
                    continue;
                };
                if ProbeName::of(&path, &probes).is_some() {
                    continue;
                }
                match item.what {
                    ItemKind::Lock(raw) => drop(
                        table
                            .locks
                            .insert(path, LockPlace::held(HeldLock::item(raw))),
                    ),
                    ItemKind::Digest(digest) => drop(table.digests.insert(path, digest)),
                    ItemKind::Other => {}
                }
            }
        }
        Ok(Some(table))
    }

    async fn look(
        &self,
        object: CurrentObject,
        located: LocatedObject,
        digest: StoredDigest,
    ) -> ScannedObject {
        if located.kind == ObjectKind::LockFile {
            return match self.file_half(&located.path).await {
                // It exists, regardless of its holder.
                Err(error) => {
                    let info = Err(UnknownHolder::Unreadable(error.to_string()));
                    ScannedObject::File(
                        located.path,
                        LockPlace::held(HeldLock {
                            raw: String::new(),
                            info,
                            etag: Some(object.etag),
                            modified: object.modified,
                        }),
                    )
                }
                Ok(half) => ScannedObject::File(located.path, half),
            };
        }
        if object.key.ends_with('/') {
            return ScannedObject::Nothing;
        }
        let head = match self.head(&object.key, None).await {
            Ok(None) => return ScannedObject::Nothing,
            Ok(Some(head)) => Ok(head),
            Err(error) => Err(error.to_string()),
        };
        let (head, digest) = self.settled(&located, head, digest).await;
        ScannedObject::State(Box::new(LiveState {
            located,
            size: object.size,
            modified: object.modified,
            head,
            digest,
        }))
    }

    /// Terraform may have written a state and its digest after the table was read.
    async fn settled(
        &self,
        located: &LocatedObject,
        head: Result<ObjectHeaders, String>,
        digest: StoredDigest,
    ) -> (Result<ObjectHeaders, String>, StoredDigest) {
        let md5 = head.as_ref().ok().and_then(ObjectHeaders::md5);
        let doubtful = match &digest {
            StoredDigest::Unknown => false,
            StoredDigest::Absent => located.kind == ObjectKind::State,
            StoredDigest::Digest(digest) => md5.is_some_and(|md5| md5 != digest),
        };
        if !doubtful {
            return (head, digest);
        }
        let digest = match self.digest_item(&located.path).await {
            Ok(Some(digest)) => StoredDigest::Digest(digest),
            Ok(None) => return (head, StoredDigest::Absent),
            Err(_) => return (head, StoredDigest::Unknown),
        };
        match self.head(&located.path, None).await {
            Ok(Some(head)) => (Ok(head), digest),
            Ok(None) | Err(_) => (head, digest),
        }
    }

    async fn orphans(
        &self,
        digests: HashMap<String, String>,
        at_once: usize,
        see: &mut impl FnMut(ScanItem),
    ) {
        let paths: BTreeSet<String> = digests.into_keys().collect();
        let looks = stream::iter(paths).map(|path| async move {
            let unsure = match (self.head(&path, None).await, self.digest_item(&path).await) {
                (Ok(Some(_)), _) | (_, Ok(None)) => return None,
                (Ok(None), Ok(Some(_))) => None,
                (Err(error), Ok(Some(_)) | Err(_)) | (Ok(None), Err(error)) => Some(error),
            };
            Some(ScanItem::Orphan {
                located: self.address.layout.locate(&path),
                unsure,
            })
        });
        let mut looks = looks.buffered(at_once);
        while let Some(seen) = looks.next().await {
            seen.into_iter().for_each(&mut *see);
        }
    }

    async fn locks(&self, mut sides: LockSides, at_once: usize, see: &mut impl FnMut(ScanItem)) {
        let paths: BTreeSet<String> = sides
            .items
            .0
            .keys()
            .chain(sides.files.0.keys())
            .cloned()
            .collect();
        let locks = stream::iter(paths).map(|path| {
            let item = side(&mut sides.items, &path);
            let file = side(&mut sides.files, &path);
            let located = LocatedObject {
                kind: ObjectKind::State,
                ..self.address.layout.locate(&path)
            };
            self.sure(LiveLock {
                located,
                item,
                file,
            })
        });
        let mut locks = locks.buffered(at_once);
        while let Some(lock) = locks.next().await {
            if lock.halves().next().is_some() {
                see(ScanItem::Lock(Box::new(lock)));
            }
        }
    }

    /// A lock that was acquired or released between the two reads only appears to be half of one.
    async fn sure(&self, lock: LiveLock) -> LiveLock {
        if !(lock.is_in_one_place() || lock.is_of_two()) {
            return lock;
        }
        let path = &lock.located.path;
        // In the order in which Terraform releases them, so that a continuously held lock is found.
        let file = self
            .file_half(path)
            .await
            .unwrap_or_else(|_| lock.file.clone());
        let item = match self.lock_item(path).await {
            Ok(item) => item.map_or(LockPlace::Free, |raw| LockPlace::held(HeldLock::item(raw))),
            Err(_) => lock.item.clone(),
        };
        LiveLock { file, item, ..lock }
    }

    pub(super) async fn file_half(&self, path: &str) -> Result<LockPlace, AwsError> {
        Ok(self.lock_file(path).await?.map_or(LockPlace::Free, |file| {
            LockPlace::held(HeldLock::file(file))
        }))
    }
}

/// The held locks of each place, and whether it was read completely.
struct LockSides {
    items: (BTreeMap<String, LockPlace>, bool),
    files: (BTreeMap<String, LockPlace>, bool),
}

fn side((held, whole): &mut (BTreeMap<String, LockPlace>, bool), path: &str) -> LockPlace {
    held.remove(path).unwrap_or(if *whole {
        LockPlace::Free
    } else {
        LockPlace::Unknown
    })
}
