//! What is wrong with states, and what was put right: a table, and JSON. No value of any state is
//! in it.

use serde::{Deserialize, Serialize};

use super::{TextStyle, table::TextTable};
use crate::text::words;

/// `state check --output json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StateCheckDocument {
    /// How many objects were looked at.
    pub states: usize,
    pub faults: Vec<FaultDocument>,
    /// What could not be looked at at all.
    pub unseen: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FaultDocument {
    /// The name of the object.
    pub path: String,
    pub workspace: String,
    /// `state-unreadable`, `digest-stale`, `digest-missing`, `digest-orphaned`, `state-deleted`,
    /// `wrong-key`, `lock-file-orphaned` or `unread`.
    pub fault: String,
    /// The digest that is in the table.
    pub stored: Option<String>,
    /// The digest of the state.
    pub is: Option<String>,
    /// How the state is encrypted.
    pub encryption: Option<String>,
    /// Of a lock, as `lock release --id` wants it.
    pub lock: Option<String>,
    /// Why it cannot be read, or could not be repaired.
    pub error: Option<String>,
    /// The version that `state restore` can bring back, with its serial.
    pub restorable_version: Option<String>,
    pub restorable_serial: Option<u64>,
    /// Whether the digest in the table is the digest of that version.
    pub restorable_has_digest: bool,
    /// The command that fixes it.
    pub remediation: Option<String>,
    pub repaired: bool,
    /// The file that has the old digest.
    pub kept: Option<String>,
    /// Of a state that was encrypted again.
    pub version: Option<String>,
}

impl FaultDocument {
    fn words(&self) -> String {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
        match self.fault.as_str() {
            "digest-stale" => format!(
                "the digest in the table is {}, that of the state {}",
                text(&self.stored),
                text(&self.is)
            ),
            "state-unreadable" => match (&self.restorable_version, self.restorable_has_digest) {
                (Some(version), true) => format!(
                    "Terraform cannot read it; the digest in the table is that of version \
                     {version}"
                ),
                (Some(version), false) => format!(
                    "Terraform cannot read it; the newest version that it can read is {version}"
                ),
                (None, _) => "Terraform cannot read it, and no older version that it can read was \
                              found"
                    .to_owned(),
            },
            "state-deleted" => {
                format!(
                    "it was deleted, which Terraform does not do; version {} can be restored",
                    text(&self.restorable_version)
                )
            }
            "digest-missing" if self.stored.is_some() => {
                format!(
                    "the table has {:?}, which is not a digest; that of the state is {}",
                    text(&self.stored),
                    text(&self.is)
                )
            }
            "digest-missing" => format!(
                "no digest in the table; that of the state is {}",
                text(&self.is)
            ),
            "digest-orphaned" => match &self.restorable_version {
                Some(version) => format!(
                    "the digest {} is of a state that was deleted: version {version}",
                    text(&self.stored)
                ),
                None => format!(
                    "the digest {} is of a state that is not there",
                    text(&self.stored)
                ),
            },
            "wrong-key" => format!(
                "encrypted with {}, and not as the backend says",
                text(&self.encryption)
            ),
            "lock-file-orphaned" => format!(
                "a lock file and no state: the first run of {}, or what is left of it",
                text(&self.lock)
            ),
            _ => "could not be looked at".to_owned(),
        }
    }
}

/// What was found, before anything is repaired.
pub fn faults(document: &StateCheckDocument, view: &TextStyle) -> String {
    let mut table = TextTable::new(["State", "Workspace", "Fault", "What"]);
    for fault in &document.faults {
        let what = match &fault.error {
            Some(error) => format!("{}: {error}", fault.words()),
            None => fault.words(),
        };
        table.row([&fault.path, &fault.workspace, &fault.fault, &what]);
    }
    table.text(view)
}

/// The sum of it.
pub fn summary(document: &StateCheckDocument) -> String {
    let StateCheckDocument {
        states,
        faults,
        unseen,
    } = document;
    let states = words::count(*states, "state", "states");
    let repaired = faults.iter().filter(|fault| fault.repaired).count();
    let left = faults.len() - repaired + unseen.len();
    match (repaired, left) {
        (0, 0) => format!("{states}: nothing is wrong\n"),
        (0, left) => format!("{states}: {}\n", words::count(left, "fault", "faults")),
        (repaired, left) => format!(
            "{states}: {} repaired, {left} left\n",
            words::count(repaired, "fault", "faults")
        ),
    }
}
