//! Problems of states and their repairs, as a table and as JSON, without values of states.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{TextStyle, table::TextTable};
use crate::text::words;

/// `state check --output json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct StateCheckDocument {
    /// The number of checked objects.
    pub states: usize,
    pub faults: Vec<FaultDocument>,
    /// Errors of reads.
    pub unseen: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct FaultDocument {
    /// The object key.
    pub path: String,
    pub workspace: String,
    /// `state-unreadable`, `digest-stale`, `digest-missing`, `digest-orphaned`, `state-deleted`,
    /// `wrong-key`, `lock-file-orphaned` or `unread`; in other kinds than s3 `lock-without-state`
    /// and `lock-left-behind`.
    pub fault: String,
    /// The digest in the table.
    pub stored: Option<String>,
    /// The digest of the state.
    pub is: Option<String>,
    /// The encryption of the state.
    pub encryption: Option<String>,
    /// The ID of a lock, for `lock release --id`.
    pub lock: Option<String>,
    /// The reason why it cannot be read or repaired.
    pub error: Option<String>,
    /// The version that `state restore` can restore, with its serial.
    pub restorable_version: Option<String>,
    pub restorable_serial: Option<u64>,
    /// True if the digest in the table matches that version.
    pub restorable_has_digest: bool,
    /// The command that fixes it.
    pub remediation: Option<String>,
    pub repaired: bool,
    /// The file with the previous digest.
    pub kept: Option<String>,
    /// The new version of a re-encrypted state.
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
                (Some(version), false) => {
                    format!("Terraform cannot read it; the newest readable version is {version}")
                }
                (None, _) => {
                    "Terraform cannot read it, and no readable older version was found".to_owned()
                }
            },
            "state-deleted" => {
                format!(
                    "it was deleted, but not by Terraform; version {} can be restored",
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
                    "the digest {} belongs to a deleted state: version {version}",
                    text(&self.stored)
                ),
                None => format!(
                    "the digest {} belongs to a state that does not exist",
                    text(&self.stored)
                ),
            },
            "wrong-key" => format!(
                "encrypted with {}, not with the encryption of the backend",
                text(&self.encryption)
            ),
            "lock-without-state" => format!(
                "a lock without a state: the first run of {}, or its remains",
                text(&self.lock)
            ),
            "lock-left-behind" => format!(
                "the lock file of {}, whose process has ended: it keeps no run out",
                text(&self.lock)
            ),
            "lock-file-orphaned" => format!(
                "a lock file without a state: the first run of {}, or its remains",
                text(&self.lock)
            ),
            _ => "cannot be read".to_owned(),
        }
    }
}

/// Returns the problems, before repairs.
pub(crate) fn faults(document: &StateCheckDocument, view: &TextStyle) -> String {
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

/// Returns the summary.
pub(crate) fn summary(document: &StateCheckDocument) -> String {
    let StateCheckDocument {
        states,
        faults,
        unseen,
    } = document;
    let states = words::count(*states, "state", "states");
    let repaired = faults.iter().filter(|fault| fault.repaired).count();
    let left = faults.len() - repaired + unseen.len();
    match (repaired, left) {
        (0, 0) => format!("{states}: no problems\n"),
        (0, left) => format!("{states}: {}\n", words::count(left, "fault", "faults")),
        (repaired, left) => format!(
            "{states}: {} repaired, {left} left\n",
            words::count(repaired, "fault", "faults")
        ),
    }
}
