//! Reads what exists at a state key: a state, states of other workspaces, or a lock.

use jiff::Timestamp;

use super::S3Store;
use crate::{
    backend::aws::error::{AwsError, found},
    state::snapshot::LARGEST_OF_MANY,
    state::{
        layout::{self, DEFAULT_WORKSPACE},
        lock::LockInfo,
        snapshot::{SnapshotDetail, StateSnapshot},
    },
};

/// Everything that a folder with this key would share with a folder that already uses it.
#[derive(Debug, Default)]
pub struct OccupiedKey {
    /// The state of the default workspace.
    pub state: Option<StateAtKey>,
    /// Other workspaces with a state under this key; only searched if the default one has none.
    pub workspaces: Vec<String>,
    /// A lock on the state of the default workspace, in the table or as a file.
    pub lock: Option<LockAtKey>,
    /// Errors of reads; what could not be read may exist.
    pub unseen: Vec<AwsError>,
}

#[derive(Debug)]
pub struct StateAtKey {
    pub size: u64,
    pub modified: Option<Timestamp>,
    /// `Err` is the reason why its content is unknown.
    pub snapshot: Result<StateSnapshot, String>,
}

/// `None` if the lock info is unreadable.
#[derive(Debug)]
pub struct LockAtKey {
    pub info: Option<LockInfo>,
}

impl OccupiedKey {
    /// Returns whether nothing exists.
    pub fn is_free(&self) -> bool {
        self.state.is_none() && self.workspaces.is_empty() && self.lock.is_none()
    }
}

impl S3Store<'_> {
    /// Reads what exists at the state key of this backend. Empty if there is no bucket, which takes
    /// one call.
    ///
    /// # Errors
    /// If the bucket cannot be listed.
    pub async fn occupied(&self, key: &str) -> Result<OccupiedKey, AwsError> {
        let lock_name = layout::lock_file(key);
        let (mut state, mut has_lock_file) = (None, false);
        let mut pages = self.objects(key);
        loop {
            let page = match pages.next().await {
                Ok(Some(page)) => page,
                Ok(None) => break,
                Err(error) if error.is(&["NoSuchBucket"]) => return Ok(OccupiedKey::default()),
                Err(error) => return Err(error),
            };
            // In the order of their names; other names begin with the key, too.
            let is_last = page.last().is_none_or(|last| *last.key > *lock_name);
            for object in page {
                has_lock_file |= object.key == lock_name;
                if object.key == key {
                    state = Some(object);
                }
            }
            if is_last {
                break;
            }
        }
        let has_state = state.is_some();
        let read = async {
            let object = state?;
            let snapshot = match self.get(key, None, LARGEST_OF_MANY).await {
                // Deleted after it was listed.
                Ok(None) => return None,
                Ok(Some(content)) => StateSnapshot::parse(&content.bytes, SnapshotDetail::Counts)
                    .map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            Some(StateAtKey {
                size: object.size,
                modified: object.modified,
                snapshot,
            })
        };
        let others = async {
            if has_state {
                Ok(vec![])
            } else {
                self.workspaces_of(key).await
            }
        };
        let file = async {
            if has_lock_file {
                self.lock_file(key).await
            } else {
                Ok(None)
            }
        };
        let (state, others, file, item) = tokio::join!(read, others, file, self.lock_item(key));
        let mut unseen = vec![];
        let workspaces = others.unwrap_or_else(|error| {
            unseen.push(error);
            vec![]
        });
        // The table may not exist yet.
        let item = found(item, &["ResourceNotFoundException"]).map_or_else(
            |error| {
                unseen.push(error);
                None
            },
            Option::flatten,
        );
        let lock = match (file, item) {
            (_, Some(item)) => Some(LockAtKey {
                info: LockInfo::parse(item.as_bytes()).ok(),
            }),
            (Ok(Some(file)), None) => Some(LockAtKey {
                info: file.info.ok(),
            }),
            (Ok(None), None) => None,
            // It was listed: it is held, although the holder is unknown.
            (Err(_), None) => Some(LockAtKey { info: None }),
        };
        Ok(OccupiedKey {
            state,
            workspaces,
            lock,
            unseen,
        })
    }

    async fn workspaces_of(&self, key: &str) -> Result<Vec<String>, AwsError> {
        let layout = &self.address().layout;
        let prefix = if layout.workspace_prefix.is_empty() {
            String::new()
        } else {
            format!("{}/", layout.workspace_prefix)
        };
        let (mut workspaces, mut pages) = (vec![], self.objects(&prefix));
        while let Some(page) = pages.next().await? {
            let located = page.iter().map(|object| layout.locate(&object.key));
            let of_key = located.filter(|one| {
                one.kind == layout::ObjectKind::State
                    && one.key == key
                    && one.workspace != DEFAULT_WORKSPACE
            });
            workspaces.extend(of_key.map(|one| one.workspace));
        }
        Ok(workspaces)
    }
}
