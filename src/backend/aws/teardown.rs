//! Taking a backend down: what stays unless somebody says otherwise, and what goes later than it
//! could.

use super::{
    blueprint::{KEY, LOCK_TABLE, LOG_BUCKET, RUNNER_POLICY, STATE_BUCKET, TOPIC, TRAIL},
    cost,
};
use crate::engine::plan::teardown::TeardownOptions;

pub mod scope;
pub mod census;
pub mod people;
pub mod guards;
pub mod appeared;
pub mod freeze;
pub mod created;
pub mod demolition;
mod lifted;
pub mod purge;
pub mod empty;
pub mod audit_logs;
pub mod everything;
pub mod prune;

/// What somebody decided for themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TeardownChoices {
    /// The key stays, so that every copy of a state that is under it can be read for good.
    pub keep_key: bool,
    /// The log bucket goes too: by default audit logs outlive what they audit.
    pub purge_logs: bool,
    /// There are audit logs that are encrypted with the key: while they stay, it stays.
    pub logs_under_key: bool,
    /// The other environments that use the state bucket, and those that use the lock table.
    pub bucket_of: Vec<String>,
    pub table_of: Vec<String>,
}

/// The terms of a teardown.
pub fn terms(choice: &TeardownChoices) -> TeardownOptions {
    let used = |by: &[String]| format!("used by {} too", by.join(", "));
    let kept = [
        (
            choice.logs_under_key && !choice.purge_logs,
            KEY,
            key_of_logs(),
        ),
        (choice.keep_key, KEY, "--keep-key was given".to_owned()),
        (
            !choice.purge_logs,
            LOG_BUCKET,
            "audit logs outlive what they audit (--purge-logs deletes them)".to_owned(),
        ),
        (
            !choice.bucket_of.is_empty(),
            STATE_BUCKET,
            used(&choice.bucket_of),
        ),
        (
            !choice.table_of.is_empty(),
            LOCK_TABLE,
            used(&choice.table_of),
        ),
    ];
    // Locks must be held until no state is left that they lock; in a bucket that others use, these
    // go before anything else.
    let table = (LOCK_TABLE, STATE_BUCKET);
    let (after, first) = if choice.bucket_of.is_empty() {
        (vec![table], None)
    } else {
        (vec![], Some(table))
    };
    let order = vec![
        // Whoever listens does not hear of thousands of versions, one mail each, and pays for no
        // record of them.
        (STATE_BUCKET, TOPIC),
        (STATE_BUCKET, TRAIL),
        // As long as there is something to run on, those who run Terraform may.
        (RUNNER_POLICY, STATE_BUCKET),
        (RUNNER_POLICY, LOCK_TABLE),
    ];
    let keep = kept
        .into_iter()
        .filter(|(stays, ..)| *stays)
        .map(|(_, address, how)| (address, how))
        .collect();
    TeardownOptions {
        keep,
        after,
        order: order.into_iter().chain(first).collect(),
    }
}

fn key_of_logs() -> String {
    format!(
        "the audit logs that are kept are encrypted with it; it costs ${:.2} a month \
         (--purge-logs deletes both)",
        cost::KEY
    )
}

#[cfg(test)]
mod tests;
