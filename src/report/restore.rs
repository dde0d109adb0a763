//! What a restore changes, and what it did: for a person before they say yes, and as JSON.

use serde::{Deserialize, Serialize};

use super::{TextStyle, safe::safe, table::TextTable};
use crate::{
    state::{
        recover::StateChanges,
        snapshot::{StateFile, StateSnapshot},
    },
    text::words,
};

/// How many addresses are named.
const MOST: usize = 20;

/// `state restore --output json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RestoreDocument {
    /// The name of the object.
    pub path: String,
    /// `restored`, `undeleted`, `digest` (the state was there, its digest was not), or `nothing`.
    pub outcome: String,
    /// The state that was there; absent if there was none, or if it could not be read.
    pub from: Option<SideDocument>,
    /// Why the state that was there could not be read; absent if it could, or if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
    pub to: SideDocument,
    /// Addresses that the restored state has and the other had not; absent where one cannot be
    /// looked into.
    pub added: Option<Vec<String>>,
    pub removed: Option<Vec<String>>,
    /// Of the object, now current.
    pub version: Option<String>,
    /// As it is in the table, if there is one: MD5 of the state.
    pub digest: Option<String>,
    /// The file that has the state that was there.
    pub kept: Option<String>,
}

/// What may be said of a state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SideDocument {
    pub serial: Option<u64>,
    pub lineage: Option<String>,
    pub engine_version: Option<String>,
    pub managed: Option<u64>,
    pub bytes: usize,
}

impl SideDocument {
    pub fn of(snapshot: &StateSnapshot, bytes: usize) -> Self {
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

/// The addresses that come and go; none where nobody can say.
pub fn addresses(difference: Option<&StateChanges>) -> (Option<Vec<String>>, Option<Vec<String>>) {
    let names = |all: &[crate::state::snapshot::ResourceAddress]| {
        all.iter().map(ToString::to_string).collect()
    };
    (
        difference.map(|it| names(&it.added)),
        difference.map(|it| names(&it.removed)),
    )
}

/// What would change, before anybody says yes.
pub fn preview(document: &RestoreDocument, view: &TextStyle) -> String {
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
        text.push_str("There is no state now.\n");
    }
    if let Some(why) = unreadable {
        return text
            + &format!(
                "The state that is there cannot be read: {}. What would change in it is unknown.\n",
                safe(why)
            );
    }
    let (Some(added), Some(removed)) = (added, removed) else {
        return text
            + "What is in them cannot be compared: one is encrypted, or of another format.\n";
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
        "{added} would be known again, {removed} would be forgotten; nothing is made or \
         destroyed.\n"
    )
}

/// What was done.
pub fn text(document: &RestoreDocument) -> String {
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
        "nothing" => return format!("{path} is that state already{serial}; nothing to do\n"),
        "digest" => format!(
            "{path} was that state already{serial}; its digest in the lock table is right now\n"
        ),
        "undeleted" => format!("{path} is back{serial}{version}\n"),
        _ => format!("{path} is restored{serial}{version}\n"),
    };
    what + &kept.as_ref().map_or_else(String::new, |kept| {
        format!("what was there is kept in {}\n", safe(kept))
    })
}
