//! Accepted findings, with a reason, permanently or until a date.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CheckResult;

/// `[[env.NAME.ignore]]` in `tfbackend.toml`, or `--ignore ID --reason TEXT`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AcceptedFinding {
    /// The ID of the check.
    pub id: String,
    /// An address, or a name if there is no address; everywhere if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    pub reason: String,
    /// The last day on which it is valid, as in `2027-01-31`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

impl AcceptedFinding {
    /// Returns whether it matches this finding and has not expired. `today` is a date as in
    /// `2027-01-31`: such dates sort as text.
    pub fn covers(&self, checked: &CheckResult, today: &str) -> bool {
        self.id == checked.check.id
            && self.at.as_deref().is_none_or(|at| {
                at == checked.place.shown() || Some(at) == checked.place.name.as_deref()
            })
            && self.until.as_deref().is_none_or(|until| today <= until)
    }

    /// Returns whether it has expired.
    pub fn expired(&self, today: &str) -> bool {
        self.until.as_deref().is_some_and(|until| today > until)
    }
}
