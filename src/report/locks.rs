//! Locks as text and as JSON. All of their content is external and unchecked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lock_table::{self, LockTableRow};
use super::{TextStyle, safe::safe};
use crate::text::words;

/// `lock list --output json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LocksDocument {
    pub bucket: String,
    /// Null if there is none.
    pub table: Option<String>,
    pub locks: Vec<HeldLockDocument>,
    /// Errors of reads: there may be more locks.
    pub unseen: Vec<String>,
}

/// One lock, in one place or in both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeldLockDocument {
    /// The bucket of the state: may be another one if several share a table.
    pub bucket: String,
    /// The object that holds the state.
    pub path: String,
    /// The state key in the backend configuration.
    pub key: String,
    pub workspace: String,
    /// `file` and `table`.
    pub held_in: Vec<HeldIn>,
    /// The place of the missing half.
    pub missing: Option<HeldIn>,
    /// The argument of `lock release`.
    pub id: String,
    pub operation: Option<String>,
    pub who: Option<String>,
    pub version: Option<String>,
    pub info: Option<String>,
    /// By the clock of the holder; for a lock file without a time, by the clock of S3.
    pub since: Option<String>,
    pub age_seconds: Option<u64>,
    /// The reason why the holder is unknown.
    pub error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HeldIn {
    File,
    Table,
}

/// `lock show --output json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShownDocument {
    pub bucket: String,
    pub path: String,
    pub key: String,
    pub workspace: String,
    /// Null if unknown.
    pub locked: Option<bool>,
    pub locks: Vec<HeldLockDocument>,
    pub file: HalfDocument,
    pub table: HalfDocument,
}

/// One of the two places of a lock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HalfDocument {
    pub state: LockPlaceDocument,
    /// The error of the read.
    pub error: Option<String>,
    /// The unmodified content.
    pub raw: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LockPlaceDocument {
    Held,
    Free,
    /// This backend does not use this place.
    NotInUse,
    Unreadable,
}

impl HeldIn {
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Table => "table",
        }
    }
}

impl HeldLockDocument {
    /// Returns `file and table`, `table (no file)`.
    fn places(&self) -> String {
        let names: Vec<&str> = self.held_in.iter().map(|place| place.name()).collect();
        let missing = self
            .missing
            .map_or_else(String::new, |missing| format!(" (no {})", missing.name()));
        words::list(&names) + &missing
    }

    fn age(&self) -> String {
        lock_table::age(self.age_seconds)
    }

    pub fn url(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.path)
    }

    /// Returns holder, operation and time in one line.
    pub fn holder(&self) -> String {
        lock_table::holder(
            self.operation.as_deref(),
            self.who.as_deref(),
            self.since.as_deref(),
            self.age_seconds,
        )
    }
}

/// Returns all locks as a table, followed by errors of reads.
pub fn list(document: &LocksDocument, view: &TextStyle) -> String {
    let mut text = table(&document.locks, &document.bucket, view);
    let of_table = document
        .table
        .as_ref()
        .map_or_else(String::new, |table| format!(" and table {table}"));
    let place = safe(&format!("s3://{}{of_table}", document.bucket)).into_owned();
    let count = words::count(document.locks.len(), "lock is", "locks are");
    match (document.locks.is_empty(), document.unseen.is_empty()) {
        (true, true) => text.push_str(&format!("No lock is held in {place}.\n")),
        (true, false) => text.push_str(&format!("No lock was found in {place}.\n")),
        (false, _) => text.push_str(&format!("{count} held in {place}.\n")),
    }
    for unseen in &document.unseen {
        text.push_str(&format!("Cannot be read: {}\n", safe(unseen)));
    }
    text
}

/// Returns a row for each lock. States of this bucket are shown by their key.
pub fn table(locks: &[HeldLockDocument], bucket: &str, view: &TextStyle) -> String {
    let named: Vec<(String, String)> = locks
        .iter()
        .map(|lock| {
            let state = if lock.bucket == bucket {
                lock.key.clone()
            } else {
                lock.url()
            };
            (state, lock.places())
        })
        .collect();
    let rows = locks
        .iter()
        .zip(&named)
        .map(|(lock, (state, places))| LockTableRow {
            state,
            workspace: &lock.workspace,
            lock: places,
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
pub fn show(document: &ShownDocument, view: &TextStyle) -> String {
    let mut lines = vec![
        (
            "State",
            format!("s3://{}/{}", document.bucket, document.path),
        ),
        ("Workspace", document.workspace.clone()),
    ];
    let locked = match document.locked {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    };
    lines.push(("Locked", locked.to_owned()));
    for lock in &document.locks {
        let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        lines.push(("ID", lock.id.clone()));
        lines.extend(said(&lock.error).map(|error| ("Holder", format!("unknown: {error}"))));
        lines.extend(said(&lock.operation).map(|operation| ("Operation", operation)));
        lines.extend(said(&lock.info).map(|info| ("Info", info)));
        lines.extend(said(&lock.who).map(|who| ("Who", who)));
        lines.extend(said(&lock.version).map(|version| ("Version", version)));
        lines.extend(said(&lock.since).map(|since| {
            (
                "Since",
                format!("{} ({})", words::moment(&since), lock.age()),
            )
        }));
        let places: Vec<&str> = lock.held_in.iter().map(|place| place.name()).collect();
        lines.push(("Held in", words::list(&places)));
        lines.extend(lock.missing.map(|missing| {
            (
                "Missing",
                format!("the other half: not held in the {}", missing.name()),
            )
        }));
    }
    lines.push(("Lock file", half(&document.file)));
    lines.push(("Lock table", half(&document.table)));
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

fn half(half: &HalfDocument) -> String {
    match half.state {
        LockPlaceDocument::Held => "held".to_owned(),
        LockPlaceDocument::Free => "free".to_owned(),
        LockPlaceDocument::NotInUse => "not used".to_owned(),
        LockPlaceDocument::Unreadable => {
            format!("cannot be read: {}", half.error.as_deref().unwrap_or("?"))
        }
    }
}

#[cfg(test)]
mod tests;
