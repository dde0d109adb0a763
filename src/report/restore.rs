//! The changes and the result of a restore, as text and as JSON.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{TextStyle, safe::safe, table::TextTable};
use crate::{
    state::{
        recover::StateChanges,
        snapshot::{StateFile, StateSnapshot},
    },
    text::words,
};

/// The number of addresses that are listed.
const MOST: usize = 20;

/// `state restore --output json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RestoreDocument {
    /// The object key.
    pub path: String,
    /// `restored`, `undeleted`, `digest` (the state was correct, its digest was not), or
    /// `nothing`.
    pub outcome: String,
    /// The previous state; absent if there was none, or if it could not be read.
    pub from: Option<SideDocument>,
    /// The reason why the previous state could not be read; absent if it was read, or if there was
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
    pub to: SideDocument,
    /// Addresses in the restored state that were not in the previous one; absent if one of them is
    /// unreadable.
    pub added: Option<Vec<String>>,
    pub removed: Option<Vec<String>>,
    /// The version ID of the object that is now current.
    pub version: Option<String>,
    /// The digest in the table, if any: the MD5 of the state.
    pub digest: Option<String>,
    /// The file with the previous state.
    pub kept: Option<String>,
}

/// Facts about a state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct SideDocument {
    pub serial: Option<u64>,
    pub lineage: Option<String>,
    pub engine_version: Option<String>,
    pub managed: Option<u64>,
    pub bytes: usize,
}

impl SideDocument {
    pub(crate) fn of(snapshot: &StateSnapshot, bytes: usize) -> Self {
        let StateSnapshot {
            format: _,
            terraform_version,
            serial,
            lineage,
            contents,
            writer: _,
        } = snapshot.clone();
        let managed = match contents {
            StateFile::Known(counts) => Some(counts.managed),
            StateFile::Encrypted | StateFile::OtherFormat => None,
        };
        Self {
            serial,
            lineage,
            engine_version: terraform_version,
            managed,
            bytes,
        }
    }
}

/// The added and removed addresses; `None` if unknown.
pub(crate) fn addresses(
    difference: Option<&StateChanges>,
) -> (Option<Vec<String>>, Option<Vec<String>>) {
    let names = |all: &[crate::state::snapshot::ResourceAddress]| {
        all.iter().map(ToString::to_string).collect()
    };
    (
        difference.map(|it| names(&it.added)),
        difference.map(|it| names(&it.removed)),
    )
}

/// Returns the changes, to be confirmed.
pub(crate) fn preview(document: &RestoreDocument, view: &TextStyle) -> String {
    let RestoreDocument {
        path,
        from,
        unreadable,
        to,
        added,
        removed,
        ..
    } = document;
    let mut table = TextTable::new(
        [path, "Serial", "Resources", "Bytes", "Version", "Lineage"]
            .map(|name| if name == path { "State" } else { name }),
    );
    let mut row = |name: &str, side: &SideDocument| {
        let text = |number: Option<u64>| {
            number.map_or_else(|| "unknown".to_owned(), |number| number.to_string())
        };
        let [version, lineage] =
            [&side.engine_version, &side.lineage].map(|text| text.clone().unwrap_or_default());
        table.row([
            name,
            &text(side.serial),
            &text(side.managed),
            &side.bytes.to_string(),
            &version,
            &lineage,
        ]);
    };
    if let Some(from) = from {
        row("now", from);
    }
    row("restored", to);
    let mut text = table.text(view);
    if from.is_none() && unreadable.is_none() {
        text.push_str("There is no current state.\n");
    }
    if let Some(why) = unreadable {
        return text
            + &format!(
                "The current state cannot be read: {}. The changes are unknown.\n",
                safe(why)
            );
    }
    let (Some(added), Some(removed)) = (added, removed) else {
        return text + "The contents cannot be compared: one is encrypted, or in another format.\n";
    };
    for (sign, names) in [("+", added), ("-", removed)] {
        names
            .iter()
            .take(MOST)
            .for_each(|name| text.push_str(&format!("{sign} {}\n", safe(name))));
        if names.len() > MOST {
            text.push_str(&format!("{sign} {} more\n", names.len() - MOST));
        }
    }
    let [added, removed] =
        [added, removed].map(|names| words::count(names.len(), "address", "addresses"));
    text + &format!(
        "{added} would be added to the state, {removed} would be removed; no infrastructure is \
         created or destroyed.\n"
    )
}

/// Returns the result.
pub(crate) fn text(document: &RestoreDocument) -> String {
    let RestoreDocument {
        path,
        outcome,
        to,
        version,
        kept,
        ..
    } = document;
    let path = safe(path);
    let serial = to
        .serial
        .map_or_else(String::new, |serial| format!(" with serial {serial}"));
    let version = version.as_ref().map_or_else(String::new, |version| {
        format!(" (version {})", safe(version))
    });
    let what = match outcome.as_str() {
        "nothing" => return format!("{path} is already that state{serial}; nothing to do\n"),
        "digest" => format!(
            "{path} was already that state{serial}; its digest in the lock table was corrected\n"
        ),
        "undeleted" => format!("{path} was undeleted{serial}{version}\n"),
        _ => format!("{path} was restored{serial}{version}\n"),
    };
    what + &kept.as_ref().map_or_else(String::new, |kept| {
        format!("the previous state is saved in {}\n", safe(kept))
    })
}
