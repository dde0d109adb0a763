//! The content of one state, by name.

use schemars::JsonSchema;
use serde::Serialize;

use super::{AboutDocument, ContentsDocument, EncryptionDocument};
use crate::{
    report::{TextStyle, safe::safe},
    state::{
        census::StateContentsKind,
        outline::{OutlineAttributes, StateObject, StateOutline},
        snapshot::ResourceMode,
    },
    store::state_store::{FetchedState, VersionId},
    text::words,
};

/// `state show --output json`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ShowDocument {
    #[serde(flatten)]
    pub about: AboutDocument,
    /// The object key.
    pub path: String,
    #[serde(flatten)]
    pub version: ShownVersionDocument,
    /// Absent in kinds that do not report it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<EncryptionDocument>,
    /// Instances of resources and data sources; absent if unknown.
    pub objects: Option<Vec<ObjectDocument>>,
    /// The names of outputs; absent if unknown.
    pub outputs: Option<Vec<String>>,
}

/// The version of the state.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ShownVersionDocument {
    /// Absent if the bucket never had versioning enabled.
    pub version_id: Option<String>,
    pub modified: Option<String>,
    pub bytes: usize,
    #[serde(flatten)]
    pub contents: ContentsDocument,
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ObjectDocument {
    pub address: String,
    /// True for a data source.
    pub data: bool,
    /// True if the next apply replaces it.
    pub tainted: bool,
    /// The names of its attributes.
    pub attributes: Vec<String>,
}

impl ShownVersionDocument {
    pub(crate) fn of(content: &FetchedState, outline: &StateOutline) -> Self {
        Self {
            version_id: content.version.clone().map(|VersionId(version)| version),
            modified: content.modified.map(|at| at.to_string()),
            bytes: content.bytes.len(),
            contents: ContentsDocument::of(&StateContentsKind::of(Ok(outline.snapshot.clone()))),
        }
    }

    /// Returns the version on one line.
    pub(crate) fn text(&self) -> String {
        let Self {
            version_id,
            modified,
            bytes,
            contents,
        } = self;
        let said = |name: &str, value: Option<String>| value.map(|value| format!("{name}{value}"));
        let parts = [
            said("serial ", contents.serial.map(|serial| serial.to_string())),
            said("written ", modified.as_deref().map(words::moment)),
            said("by version ", contents.engine_version.clone()),
            Some(words::bytes(u64::try_from(*bytes).unwrap_or(u64::MAX))),
            said("lineage ", contents.lineage.clone()),
            said("version ", version_id.clone()),
        ];
        safe(&parts.into_iter().flatten().collect::<Vec<_>>().join(", ")).into_owned()
    }
}

impl ShowDocument {
    pub(crate) fn of(
        about: AboutDocument,
        path: &str,
        content: &FetchedState,
        outline: &StateOutline,
    ) -> Self {
        let object = |(object, it): (&StateObject, &OutlineAttributes)| ObjectDocument {
            address: object.to_string(),
            data: object.address.mode == ResourceMode::Data,
            tainted: it.tainted,
            attributes: it.by_name.keys().cloned().collect(),
        };
        Self {
            about,
            path: path.to_owned(),
            version: ShownVersionDocument::of(content, outline),
            encryption: content.encryption.as_ref().map(EncryptionDocument::of),
            objects: outline
                .is_known()
                .then(|| outline.objects.iter().map(object).collect()),
            outputs: outline
                .is_known()
                .then(|| outline.outputs.keys().cloned().collect()),
        }
    }
}

/// For a terminal.
pub(crate) fn text(document: &ShowDocument, view: &TextStyle) -> String {
    let ShowDocument {
        about: _,
        path,
        version,
        encryption,
        objects,
        outputs,
    } = document;
    let mut lines = vec![view.style.bold(&safe(path)), version.text()];
    lines.extend(encryption.as_ref().map(|encryption| {
        let key = encryption
            .key
            .as_ref()
            .map(|key| format!(" with {key}"))
            .unwrap_or_default();
        safe(&format!("encrypted: {}{key}", encryption.algorithm_text())).into_owned()
    }));
    let (Some(objects), Some(outputs)) = (objects, outputs) else {
        lines.push(unknown(version.contents.contents));
        return joined(&lines);
    };
    lines.push(String::new());
    lines.push(heading(objects.len(), "object", "objects"));
    for object in objects {
        let tainted = if object.tainted { " (tainted)" } else { "" };
        lines.push(format!("  {}{tainted}", safe(&object.address)));
        if view.verbose {
            lines.push(format!("    {}", safe(&object.attributes.join(", "))));
        }
    }
    lines.push(heading(outputs.len(), "output", "outputs"));
    lines.extend(outputs.iter().map(|name| format!("  {}", safe(name))));
    joined(&lines)
}

/// Of a list, which may be empty.
fn heading(count: usize, one: &str, many: &str) -> String {
    let colon = if count == 0 { "" } else { ":" };
    format!("{}{colon}", words::count(count, one, many))
}

/// Returns why its content is unknown.
pub(crate) fn unknown(contents: &str) -> String {
    match contents {
        "encrypted" => "OpenTofu encrypted it: its content is unknown without the key.".to_owned(),
        _ => "It has an older or newer format: its content is unknown.".to_owned(),
    }
}

fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}
