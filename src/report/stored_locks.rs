//! Locks of a backend of any kind but s3, whose locks are in two places (`locks`), as text and as
//! JSON. All of their content is external and unchecked.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::lock_table::{self, LockTableRow};
use super::{TextStyle, safe::safe};
use crate::{store::state_store::StoredLock, text::words};

/// `lock list --output json`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct StoredLocksDocument {
    pub locks: Vec<StoredLockDocument>,
    /// Errors of reads: there may be more locks.
    pub unseen: Vec<String>,
}

/// `lock show --output json`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ShownLockDocument {
    pub path: String,
    pub workspace: String,
    /// Null if unknown.
    pub locked: Option<bool>,
    pub locks: Vec<StoredLockDocument>,
    /// Errors of reads.
    pub unseen: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct StoredLockDocument {
    pub path: String,
    pub workspace: String,
    /// The argument of `lock release`.
    pub id: String,
    /// Where it is held.
    pub places: Vec<String>,
    /// True if its holder has ended, and what it left keeps no run out.
    #[serde(rename = "left_behind")]
    pub is_left_behind: bool,
    pub operation: Option<String>,
    pub who: Option<String>,
    pub version: Option<String>,
    pub info: Option<String>,
    /// By the clock of the holder, else by that of the backend.
    pub since: Option<String>,
    pub age_seconds: Option<u64>,
    /// The reason why the holder is unknown.
    pub error: Option<String>,
}

/// `lock release --output json`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ReleasedLocksDocument {
    pub released: Vec<ReleasedLockDocument>,
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ReleasedLockDocument {
    pub path: String,
    pub workspace: String,
    pub id: String,
    /// `released`, `already-gone`, `later` (another lock is held now, and kept) or `failed`.
    pub outcome: &'static str,
    pub errors: Vec<String>,
}

impl StoredLockDocument {
    pub(crate) fn of(lock: &StoredLock, now: Timestamp) -> Self {
        let info = lock.info.as_ref();
        let since = info.ok().and_then(|info| info.created).or(lock.modified);
        let age = since.map(|since| now.duration_since(since).as_secs().max(0));
        let said = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let info_ok = info.ok();
        Self {
            path: lock.id.path.clone(),
            workspace: lock.id.workspace.clone(),
            // What names it where its own ID is unknown.
            id: info_ok
                .and_then(|info| said(&info.id))
                .unwrap_or_else(|| lock.id.path.clone()),
            places: lock.places.clone(),
            is_left_behind: lock.is_left_behind,
            operation: info_ok.and_then(|info| said(&info.operation)),
            who: info_ok.and_then(|info| said(&info.who)),
            version: info_ok.and_then(|info| said(&info.version)),
            info: info_ok.and_then(|info| said(&info.info)),
            since: since.map(|since| since.to_string()),
            age_seconds: age.and_then(|age| u64::try_from(age).ok()),
            error: info.err().map(ToString::to_string),
        }
    }

    /// Returns holder, operation and time in one line.
    pub(crate) fn holder(&self) -> String {
        lock_table::holder(
            self.operation.as_deref(),
            self.who.as_deref(),
            self.since.as_deref(),
            self.age_seconds,
        )
    }

    fn age(&self) -> String {
        lock_table::age(self.age_seconds)
    }

    /// Returns `held` or `left behind`.
    pub(crate) fn status(&self) -> &'static str {
        if self.is_left_behind {
            "left behind"
        } else {
            "held"
        }
    }
}

/// Returns all locks as a table, followed by errors of reads. `place` is that of the states.
pub(crate) fn list(document: &StoredLocksDocument, place: &str, view: &TextStyle) -> String {
    let mut text = table(&document.locks, view);
    let held = document
        .locks
        .iter()
        .filter(|lock| !lock.is_left_behind)
        .count();
    let left = document.locks.len() - held;
    let place = safe(place);
    match (held, document.unseen.is_empty()) {
        (0, true) => text.push_str(&format!("No lock is held in {place}.\n")),
        (0, false) => text.push_str(&format!("No lock was found in {place}.\n")),
        (held, _) => text.push_str(&format!(
            "{} held in {place}.\n",
            words::count(held, "lock is", "locks are")
        )),
    }
    if left > 0 {
        text.push_str(&format!(
            "{} left behind by a process that has ended: no run is kept out.\n",
            words::count(left, "lock file was", "lock files were")
        ));
    }
    for unseen in &document.unseen {
        text.push_str(&format!("Cannot be read: {}\n", safe(unseen)));
    }
    text
}

/// Returns a row for each lock.
pub(crate) fn table(locks: &[StoredLockDocument], view: &TextStyle) -> String {
    let rows = locks.iter().map(|lock| LockTableRow {
        state: &lock.path,
        workspace: &lock.workspace,
        lock: lock.status(),
        id: &lock.id,
        operation: lock.operation.as_deref(),
        who: lock.who.as_deref(),
        version: lock.version.as_deref(),
        age_seconds: lock.age_seconds,
        error: lock.error.as_deref(),
    });
    lock_table::table(rows, view)
}

/// Returns one state with all fields of its lock.
pub(crate) fn show(document: &ShownLockDocument, view: &TextStyle) -> String {
    let locked = match document.locked {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    };
    let mut lines = vec![
        ("State", document.path.clone()),
        ("Workspace", document.workspace.clone()),
        ("Locked", locked.to_owned()),
    ];
    for lock in &document.locks {
        lines.push(("ID", lock.id.clone()));
        let texts = [
            (
                "Holder",
                lock.error.as_ref().map(|error| format!("unknown: {error}")),
            ),
            ("Operation", lock.operation.clone()),
            ("Info", lock.info.clone()),
            ("Who", lock.who.clone()),
            ("Version", lock.version.clone()),
            (
                "Since",
                lock.since
                    .as_ref()
                    .map(|since| format!("{} ({})", words::moment(since), lock.age())),
            ),
        ];
        lines.extend(
            texts
                .into_iter()
                .filter_map(|(name, text)| Some((name, text?))),
        );
        let name = if lock.is_left_behind {
            "Left behind in"
        } else {
            "Held in"
        };
        lines.push((name, words::list(&lock.places)));
    }
    lines.extend(
        document
            .unseen
            .iter()
            .map(|error| ("Cannot be read", error.clone())),
    );
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 1;
    let line = |(name, text): &(&str, String)| {
        format!(
            "{} {}\n",
            view.style.bold(&format!("{:width$}", format!("{name}:"))),
            safe(text)
        )
    };
    lines.iter().map(line).collect()
}

/// Returns a line for each lock.
pub(crate) fn released(document: &ReleasedLocksDocument) -> String {
    let line = |lock: &ReleasedLockDocument| {
        let outcome = match lock.outcome {
            "released" => "released",
            "already-gone" => "already released",
            "later" => "already released; a later lock is kept",
            _ => "could not be released",
        };
        format!("{} on {}: {outcome}\n", safe(&lock.id), safe(&lock.path))
    };
    document.released.iter().map(line).collect()
}
