//! The states of a backend, as a table or as a document.

use serde::Serialize;

use super::{AboutDocument, ContentsDocument, EncryptionDocument, StateLockDocument};
use crate::{
    backend::aws::store::inventory::{StateEntry, StateInventory},
    report::{TextStyle, safe::safe, table::TextTable},
    text::words,
};

/// `state list --output json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ListDocument {
    #[serde(flatten)]
    pub about: AboutDocument,
    pub states: Vec<StateListDocument>,
    /// States with unknown content: encrypted, in another format, or unreadable.
    pub unknown: usize,
    /// Locks on states that do not exist yet.
    pub locks_without_state: Vec<OrphanDocument>,
    /// Objects that are not states.
    pub others: usize,
    /// Errors that may hide lock holders.
    pub locks_unseen: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StateListDocument {
    /// The object key.
    pub path: String,
    /// The state key in the backend configuration.
    pub key: String,
    pub workspace: String,
    pub bytes: u64,
    pub modified: Option<String>,
    #[serde(flatten)]
    pub contents: ContentsDocument,
    pub encryption: Option<EncryptionDocument>,
    /// `null` if unknown.
    pub locked: Option<bool>,
    pub lock: Option<StateLockDocument>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OrphanDocument {
    pub path: String,
    pub lock: StateLockDocument,
}

impl ListDocument {
    pub fn of(about: AboutDocument, inventory: &StateInventory) -> Self {
        let StateInventory {
            entries,
            others,
            locks,
            unseen,
        } = inventory;
        let state = |entry: &StateEntry| {
            let lock = locks.get(&entry.located.path).map(StateLockDocument::of);
            StateListDocument {
                path: entry.located.path.clone(),
                key: entry.located.key.clone(),
                workspace: entry.located.workspace.clone(),
                bytes: entry.size,
                modified: entry.modified.map(|at| at.to_string()),
                contents: ContentsDocument::of(&entry.holds),
                encryption: entry.encryption.as_ref().map(EncryptionDocument::of),
                locked: if lock.is_some() {
                    Some(true)
                } else {
                    unseen.is_empty().then_some(false)
                },
                lock,
            }
        };
        let states: Vec<StateListDocument> = entries.iter().map(state).collect();
        let there = |path: &String| {
            entries
                .binary_search_by(|entry| entry.located.path.cmp(path))
                .is_ok()
        };
        let without = locks.iter().filter(|(path, _)| !there(path));
        Self {
            about,
            unknown: states
                .iter()
                .filter(|state| state.contents.resources.is_none())
                .count(),
            locks_without_state: without
                .map(|(path, lock)| OrphanDocument {
                    path: path.clone(),
                    lock: StateLockDocument::of(lock),
                })
                .collect(),
            others: *others,
            locks_unseen: unseen.iter().map(ToString::to_string).collect(),
            states,
        }
    }
}

/// Returns a table for a terminal, followed by long state keys.
pub fn text(document: &ListDocument, view: &TextStyle) -> String {
    let mut kinds: Vec<&EncryptionDocument> = document
        .states
        .iter()
        .filter_map(|state| state.encryption.as_ref())
        .collect();
    kinds.sort();
    kinds.dedup();
    let keyed: Vec<&EncryptionDocument> = kinds
        .into_iter()
        .filter(|kind| kind.key.is_some())
        .collect();
    let table = TextTable::new([
        "State",
        "Workspace",
        "Serial",
        "Resources",
        "Size",
        "Written",
        "Encryption",
        "Locked",
    ]);
    let mut table = table.optional(&["Written", "Size", "Encryption"]);
    for state in &document.states {
        let encryption = state
            .encryption
            .as_ref()
            .map_or("unknown".to_owned(), |kind| {
                let number = keyed
                    .iter()
                    .position(|keyed| *keyed == kind)
                    .map(|at| format!(" [{}]", at + 1))
                    .unwrap_or_default();
                format!("{}{number}", kind.algorithm_text())
            });
        let locked = match (&state.lock, state.locked) {
            (Some(lock), _) => lock.text(),
            (None, Some(_)) => "no".to_owned(),
            (None, None) => "unknown".to_owned(),
        };
        table.row([
            &state.path,
            &state.workspace,
            &state.contents.serial_text(),
            &state.contents.resources_text(),
            &words::bytes(state.bytes),
            state.modified.as_deref().unwrap_or_default(),
            &encryption,
            &locked,
        ]);
    }
    let mut text = table.text(view);
    if !text.is_empty() {
        text.push('\n');
    }
    for line in below(document, &keyed) {
        text.push_str(&safe(&line));
        text.push('\n');
    }
    text
}

fn below(document: &ListDocument, keyed: &[&EncryptionDocument]) -> Vec<String> {
    let mut lines = vec![];
    for (at, kind) in keyed.iter().enumerate() {
        let bucket_key = if kind.bucket_key {
            ", with a bucket key"
        } else {
            ""
        };
        lines.push(format!(
            "[{}] {}{bucket_key}",
            at + 1,
            kind.key.as_deref().unwrap_or_default()
        ));
    }
    let locked = document
        .states
        .iter()
        .filter(|state| state.lock.is_some())
        .count();
    lines.push(format!(
        "{}: {locked} locked, {} with unknown content.",
        words::count(document.states.len(), "state", "states"),
        document.unknown
    ));
    if document.others > 0 {
        lines.push(format!(
            "{} in the bucket: not a state.",
            words::count(document.others, "other object", "other objects")
        ));
    }
    for OrphanDocument { path, lock } in &document.locks_without_state {
        lines.push(format!(
            "Locked, but not written yet: {path} ({})",
            lock.text()
        ));
    }
    lines.extend(
        document
            .locks_unseen
            .iter()
            .map(|error| format!("Locks cannot be read: {error}")),
    );
    lines
}
