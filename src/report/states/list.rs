//! The states of a backend, as a table or as a document.

use schemars::JsonSchema;
use serde::Serialize;

use super::{AboutDocument, ContentsDocument, EncryptionDocument, StateLockDocument};
use crate::{
    report::{TextStyle, safe::safe, table::TextTable},
    store::{
        inventory::{StateEntry, StateInventory},
        migrate,
    },
    text::words,
};

/// `state list --output json`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ListDocument {
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

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct StateListDocument {
    /// The object key.
    pub path: String,
    /// The state key in the backend configuration, in kinds that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    pub workspace: String,
    pub bytes: u64,
    pub modified: Option<String>,
    #[serde(flatten)]
    pub contents: ContentsDocument,
    /// `null` if unknown; absent in kinds that do not report it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Option<EncryptionDocument>>,
    /// `null` if unknown.
    pub locked: Option<bool>,
    pub lock: Option<StateLockDocument>,
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct OrphanDocument {
    pub path: String,
    pub lock: StateLockDocument,
}

impl ListDocument {
    pub(crate) fn of(about: AboutDocument, inventory: &StateInventory) -> Self {
        let StateInventory {
            entries,
            others,
            locks,
            unseen,
        } = inventory;
        let says_encryption = about.bucket.is_some();
        let state = |entry: &StateEntry| {
            let lock = locks.get(&entry.id.path).map(StateLockDocument::of);
            StateListDocument {
                path: entry.id.path.clone(),
                key: entry.key.clone(),
                workspace: entry.id.workspace.clone(),
                bytes: entry.size,
                modified: entry.modified.map(|at| at.to_string()),
                contents: ContentsDocument::of(&entry.holds),
                encryption: says_encryption
                    .then(|| entry.encryption.as_ref().map(EncryptionDocument::of)),
                locked: match &lock {
                    Some(lock) if !lock.is_left_behind => Some(true),
                    _ => unseen.is_empty().then_some(false),
                },
                lock,
            }
        };
        let states: Vec<StateListDocument> = entries.iter().map(state).collect();
        Self {
            about,
            unknown: states
                .iter()
                .filter(|state| state.contents.resources.is_none())
                .count(),
            locks_without_state: inventory
                .locks_without_state()
                .map(|lock| OrphanDocument {
                    path: lock.id.path.clone(),
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
pub(crate) fn text(document: &ListDocument, view: &TextStyle) -> String {
    let mut kinds: Vec<&EncryptionDocument> = document
        .states
        .iter()
        .filter_map(|state| state.encryption.as_ref()?.as_ref())
        .collect();
    kinds.sort();
    kinds.dedup();
    let keyed: Vec<&EncryptionDocument> = kinds
        .into_iter()
        .filter(|kind| kind.key.is_some())
        .collect();
    let mut text = if document.about.bucket.is_some() {
        let mut table = TextTable::new([
            "State",
            "Workspace",
            "Serial",
            "Resources",
            "Size",
            "Written",
            "Encryption",
            "Locked",
        ])
        .optional(&["Written", "Size", "Encryption"]);
        for state in &document.states {
            let encryption = encryption(state, &keyed);
            let [path, workspace, serial, resources, size, written, locked] = cells(state);
            table.row([
                &path,
                &workspace,
                &serial,
                &resources,
                &size,
                &written,
                &encryption,
                &locked,
            ]);
        }
        table.text(view)
    } else {
        let mut table = TextTable::new([
            "State",
            "Workspace",
            "Serial",
            "Resources",
            "Size",
            "Written",
            "Locked",
        ])
        .optional(&["Written", "Size"]);
        for state in &document.states {
            table.row(cells(state).each_ref().map(String::as_str));
        }
        table.text(view)
    };
    if !text.is_empty() {
        text.push('\n');
    }
    for line in below(document, &keyed) {
        text.push_str(&safe(&line));
        text.push('\n');
    }
    text
}

fn encryption(state: &StateListDocument, keyed: &[&EncryptionDocument]) -> String {
    let Some(Some(kind)) = &state.encryption else {
        return "unknown".to_owned();
    };
    let number = keyed
        .iter()
        .position(|keyed| *keyed == kind)
        .map(|at| format!(" [{}]", at + 1))
        .unwrap_or_default();
    format!("{}{number}", kind.algorithm_text())
}

/// Everything but the encryption.
fn cells(state: &StateListDocument) -> [String; 7] {
    let locked = match (&state.lock, state.locked) {
        (Some(lock), _) if lock.is_left_behind => format!("no ({})", lock.text()),
        (Some(lock), _) => lock.text(),
        (None, Some(_)) => "no".to_owned(),
        (None, None) => "unknown".to_owned(),
    };
    [
        state.path.clone(),
        state.workspace.clone(),
        state.contents.serial_text(),
        state.contents.resources_text(),
        words::bytes(state.bytes),
        state
            .modified
            .as_deref()
            .map(words::moment)
            .unwrap_or_default(),
        locked,
    ]
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
        .filter(|state| state.locked == Some(true))
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
            "{}: {path} ({})",
            if lock.is_left_behind {
                "Lock without a state"
            } else if lock.operation.as_deref() == Some(migrate::OPERATION) {
                "Moved to another backend"
            } else {
                "Locked, but not written yet"
            },
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
