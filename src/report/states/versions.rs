//! The versions of one state, the newest first.

use serde::Serialize;

use super::{AboutDocument, ContentsDocument, EncryptionDocument};
use crate::{
    backend::aws::store::history::{StateVersion, VersionKind},
    report::{TextStyle, safe::safe, table::TextTable},
    text::words,
};

/// `state versions --output json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VersionsDocument {
    #[serde(flatten)]
    pub about: AboutDocument,
    /// The name of the object.
    pub path: String,
    /// Whether there is no state now: it can be brought back.
    pub deleted: bool,
    /// How many versions there are, delete markers among them.
    pub count: usize,
    pub versions: Vec<StateVersionDocument>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StateVersionDocument {
    pub version_id: String,
    pub modified: Option<String>,
    /// What readers get now, be it a state or that there is none.
    pub current: bool,
    /// Whether this says that the state was deleted then; of such a version nothing else is known.
    pub deleted: bool,
    pub bytes: Option<u64>,
    #[serde(flatten)]
    pub contents: Option<ContentsDocument>,
    pub encryption: Option<EncryptionDocument>,
}

impl VersionsDocument {
    pub fn of(about: AboutDocument, path: &str, past: &[StateVersion], count: usize) -> Self {
        let versions: Vec<StateVersionDocument> =
            past.iter().map(StateVersionDocument::of).collect();
        let deleted = versions
            .iter()
            .any(|version| version.current && version.deleted);
        Self {
            about,
            path: path.to_owned(),
            deleted,
            count,
            versions,
        }
    }
}

impl StateVersionDocument {
    fn of(past: &StateVersion) -> Self {
        let StateVersion {
            id,
            modified,
            latest,
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
            version_id: id.clone(),
            modified: modified.map(|at| at.to_string()),
            current: *latest,
            deleted: matches!(what, VersionKind::Deleted),
            bytes,
            contents,
            encryption,
        }
    }
}

/// For a terminal: a table, and one line that says what it means.
pub fn text(document: &VersionsDocument, view: &TextStyle) -> String {
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
            version.modified.as_deref().unwrap_or_default(),
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
