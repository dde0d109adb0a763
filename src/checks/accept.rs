//! Findings that somebody accepts, with a reason, for ever or until a day.

use serde::{Deserialize, Serialize};

use super::CheckResult;

/// `[[env.NAME.ignore]]` in `tfbackend.toml`, or `--ignore ID --reason TEXT`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedFinding {
    /// Id of the check.
    pub id: String,
    /// Where: an address, or the name of what has none; everywhere if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    pub reason: String,
    /// The last day on which it holds, as in `2027-01-31`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

impl AcceptedFinding {
    /// Whether it is about this finding and still holds. `today` is a day as in `2027-01-31`: days
    /// of that form are in the order of their text.
    pub fn covers(&self, checked: &CheckResult, today: &str) -> bool {
        self.id == checked.check.id
            && self.at.as_deref().is_none_or(|at| {
                at == checked.place.shown() || Some(at) == checked.place.name.as_deref()
            })
            && self.until.as_deref().is_none_or(|until| today <= until)
    }

    /// Whether its day has passed.
    pub fn expired(&self, today: &str) -> bool {
        self.until.as_deref().is_some_and(|until| today > until)
    }
}
