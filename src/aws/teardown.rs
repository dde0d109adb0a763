//! Taking a backend down: what stays unless somebody says otherwise, and what goes later than it could.

use super::blueprint::{KEY, LOCK_TABLE, LOG_BUCKET, RUNNER_POLICY, STATE_BUCKET, TOPIC, TRAIL};
use crate::plan::teardown::Terms;

pub mod census;
pub mod people;
pub mod guards;
pub mod appeared;
pub mod freeze;
pub mod demolition;
pub mod empty;

/// What somebody decided for themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// The key stays, so that every copy of a state that is under it can be read for good.
    pub keep_key: bool,
    /// The log bucket goes too: by default audit logs outlive what they audit.
    pub purge_logs: bool,
}

/// The terms of a teardown.
pub fn terms(choice: Choice) -> Terms {
    let kept = [
        (choice.keep_key, KEY, "--keep-key was given"),
        (!choice.purge_logs, LOG_BUCKET, "audit logs outlive what they audit (--purge-logs deletes them)"),
    ];
    let keep = kept.into_iter().filter(|(stays, ..)| *stays).map(|(_, address, how)| (address, how.to_owned())).collect();
    Terms {
        keep,
        // Locks must be held until no state is left that they lock.
        after: vec![(LOCK_TABLE, STATE_BUCKET)],
        order: vec![
            // Whoever listens does not hear of thousands of versions, one mail each, and pays for no record of them.
            (STATE_BUCKET, TOPIC),
            (STATE_BUCKET, TRAIL),
            // As long as there is something to run on, those who run Terraform may.
            (RUNNER_POLICY, STATE_BUCKET),
            (RUNNER_POLICY, LOCK_TABLE),
        ],
    }
}

#[cfg(test)]
mod tests;
