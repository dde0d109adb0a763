//! The versions of one state, newest first.

use schemars::JsonSchema;
use serde::Serialize;

use super::{AboutDocument, ContentsDocument, EncryptionDocument};
use crate::{
    report::{TextStyle, safe::safe, table::TextTable},
    store::history::{StateHistory, StateVersion, VersionKind},
    text::words,
};

/// `state versions --output json`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct VersionsDocument {
    #[serde(flatten)]
    pub about: AboutDocument,
    /// The object key.
    pub path: String,
    /// True if the state is deleted now: it can be restored.
    pub deleted: bool,
    /// The number of versions, including delete markers.
    pub count: usize,
    pub versions: Vec<StateVersionDocument>,
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct StateVersionDocument {
    pub version_id: String,
    pub modified: Option<String>,
    /// True for the current version, which may be a delete marker.
    pub current: bool,
    /// True for a delete marker, of which nothing else is known.
    pub deleted: bool,
    pub bytes: Option<u64>,
    #[serde(flatten)]
    pub contents: Option<ContentsDocument>,
    pub encryption: Option<EncryptionDocument>,
}

impl VersionsDocument {
    pub(crate) fn of(about: AboutDocument, path: &str, history: &StateHistory) -> Self {
        let versions: Vec<StateVersionDocument> = history
            .versions
            .iter()
            .map(StateVersionDocument::of)
            .collect();
        let deleted = versions
            .iter()
            .any(|version| version.current && version.deleted);
        Self {
            about,
            path: path.to_owned(),
            deleted,
            count: history.count,
            versions,
        }
    }
}

impl StateVersionDocument {
    fn of(past: &StateVersion) -> Self {
        let StateVersion {
            id,
            modified,
            current,
            what,
        } = past;
        let (bytes, contents, encryption) = match what {
            VersionKind::Deleted => (None, None, None),
            VersionKind::Written {
                size,
                holds,
                encryption,
            } => (
                Some(*size),
                Some(ContentsDocument::of(holds)),
                encryption.as_ref().map(EncryptionDocument::of),
            ),
        };
        Self {
            version_id: id.0.clone(),
            modified: modified.map(|at| at.to_string()),
            current: *current,
            deleted: matches!(what, VersionKind::Deleted),
            bytes,
            contents,
            encryption,
        }
    }
}

/// Returns a table and a summary for a terminal.
pub(crate) fn text(document: &VersionsDocument, view: &TextStyle) -> String {
    let table = TextTable::new([
        "Version",
        "Written",
        "Serial",
        "Resources",
        "Size",
        "Lineage",
        "State",
    ]);
    let mut table = table.optional(&["Lineage", "Size", "Resources"]);
    for version in &document.versions {
        let of = |text: fn(&ContentsDocument) -> String| {
            version.contents.as_ref().map(text).unwrap_or_default()
        };
        let state = match (version.current, version.deleted) {
            (true, false) => "current",
            (true, true) => "deleted, now",
            (false, true) => "deleted",
            (false, false) => "",
        };
        table.row([
            &version.version_id,
            &version
                .modified
                .as_deref()
                .map(words::moment)
                .unwrap_or_default(),
            &of(ContentsDocument::serial_text),
            &of(ContentsDocument::resources_text),
            &version.bytes.map(words::bytes).unwrap_or_default(),
            &of(|contents| contents.lineage.clone().unwrap_or_default()),
            state,
        ]);
    }
    let (path, count) = (
        safe(&document.path),
        words::count(document.count, "version", "versions"),
    );
    let shown = document.versions.len();
    let more = if shown < document.count {
        format!(", the newest {shown} of which are shown")
    } else {
        String::new()
    };
    let now = if document.deleted {
        "; it is deleted now"
    } else {
        ""
    };
    format!("{}\n{path}: {count}{more}{now}.\n", table.text(view))
}
