//! The differences between two versions of a state, by name.

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    AboutDocument,
    show::{ShownVersionDocument, unknown},
};
use crate::{
    report::safe::safe,
    state::{
        diff::{ChangedObject, ChangedOutputs, StateDiff},
        outline::{StateObject, StateOutline},
    },
    store::state_store::FetchedState,
    text::words,
};

/// `state diff --output json`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct DiffDocument {
    #[serde(flatten)]
    pub about: AboutDocument,
    /// The object key.
    pub path: String,
    pub from: ShownVersionDocument,
    pub to: ShownVersionDocument,
    /// True if both have the same lineage, that is, describe the same infrastructure.
    pub same_lineage: bool,
    /// Absent if the content of one of them is unknown.
    pub difference: Option<DifferenceDocument>,
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct DifferenceDocument {
    /// Addresses.
    pub added: Vec<String>,
    pub removed: Vec<String>,
    pub changed: Vec<ChangedDocument>,
    pub outputs: OutputsDocument,
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ChangedDocument {
    pub address: String,
    /// The names of attributes whose values differ.
    pub attributes: Vec<String>,
    /// True if its taint changed.
    pub taint: bool,
    /// True if anything other than attributes differs.
    pub beside: bool,
}

/// Names of outputs.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct OutputsDocument {
    pub added: Vec<String>,
    pub removed: Vec<String>,
    pub changed: Vec<String>,
}

impl DiffDocument {
    pub(crate) fn of(
        about: AboutDocument,
        path: &str,
        (from, before): (&FetchedState, &StateOutline),
        (to, after): (&FetchedState, &StateOutline),
        diff: Option<&StateDiff>,
    ) -> Self {
        Self {
            about,
            path: path.to_owned(),
            from: ShownVersionDocument::of(from, before),
            to: ShownVersionDocument::of(to, after),
            same_lineage: before.snapshot.lineage == after.snapshot.lineage,
            difference: diff.map(DifferenceDocument::of),
        }
    }
}

impl DifferenceDocument {
    pub(crate) fn of(diff: &StateDiff) -> Self {
        let StateDiff {
            added,
            removed,
            changed,
            outputs,
        } = diff;
        let names = |objects: &[StateObject]| objects.iter().map(ToString::to_string).collect();
        let ChangedOutputs {
            added: new,
            removed: gone,
            changed: other,
        } = outputs.clone();
        Self {
            added: names(added),
            removed: names(removed),
            changed: changed
                .iter()
                .map(
                    |ChangedObject {
                         object,
                         attributes,
                         taint,
                         beside,
                     }| ChangedDocument {
                        address: object.to_string(),
                        attributes: attributes.clone(),
                        taint: *taint,
                        beside: *beside,
                    },
                )
                .collect(),
            outputs: OutputsDocument {
                added: new,
                removed: gone,
                changed: other,
            },
        }
    }

    /// Returns a line for each difference.
    pub(crate) fn lines(&self) -> Vec<String> {
        let Self {
            added,
            removed,
            changed,
            outputs,
        } = self;
        let signed = |sign: &'static str, of: &'static str, names: &[String]| {
            names
                .iter()
                .map(|name| format!("{sign} {of}{}", safe(name)))
                .collect::<Vec<_>>()
        };
        let changed = changed.iter().map(|it| {
            let taint = it.taint.then(|| "whether it is tainted".to_owned());
            // Only shown if nothing else explains the difference.
            let beside = (it.beside && it.attributes.is_empty() && !it.taint)
                .then(|| "data other than attributes".to_owned());
            let what: Vec<String> = it
                .attributes
                .iter()
                .cloned()
                .chain(taint)
                .chain(beside)
                .collect();
            format!("~ {}: {}", safe(&it.address), safe(&what.join(", ")))
        });
        let mut lines = [
            signed("+", "", added),
            signed("-", "", removed),
            changed.collect(),
        ]
        .concat();
        for (sign, names) in [
            ("+", &outputs.added),
            ("-", &outputs.removed),
            ("~", &outputs.changed),
        ] {
            lines.extend(signed(sign, "output ", names));
        }
        lines
    }

    /// Returns a summary in one sentence.
    pub(crate) fn summary(&self) -> String {
        let Self {
            added,
            removed,
            changed,
            outputs,
        } = self;
        let outputs = outputs.added.len() + outputs.removed.len() + outputs.changed.len();
        format!(
            "{} added, {} removed, {} changed; {}.",
            words::count(added.len(), "object", "objects"),
            removed.len(),
            changed.len(),
            words::count(outputs, "output differs", "outputs differ")
        )
    }
}

/// For a terminal.
pub(crate) fn text(document: &DiffDocument) -> String {
    let mut lines = vec![
        format!("from: {}", document.from.text()),
        format!("to:   {}", document.to.text()),
    ];
    if !document.same_lineage {
        lines.push(
            "Their lineages differ: they do not describe the same infrastructure.".to_owned(),
        );
    }
    lines.push(String::new());
    match &document.difference {
        None => {
            let other = [&document.from, &document.to]
                .into_iter()
                .find(|one| one.contents.contents != "known");
            lines.push(other.map_or_else(String::new, |one| unknown(one.contents.contents)));
        }
        Some(difference) => {
            let names = difference.lines();
            if names.is_empty() {
                lines.push("No difference in resources and outputs.".to_owned());
            } else {
                lines.extend(names);
                lines.push(String::new());
                lines.push(difference.summary());
            }
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}
