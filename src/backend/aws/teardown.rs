//! The options of a teardown: what is kept by default, and what is deleted later than its
//! dependencies require.

use super::{
    blueprint::{KEY, LOCK_TABLE, LOG_BUCKET, RUNNER_POLICY, STATE_BUCKET, TOPIC, TRAIL},
    cost,
};
use crate::engine::plan::teardown::TeardownOptions;

pub(crate) mod scope;
pub(crate) mod census;
pub(crate) mod attachments;
pub(crate) mod guards;
pub(crate) mod change_guard;
pub(crate) mod freeze;
pub(crate) mod created;
pub(crate) mod destroy;
mod lifted;
pub(crate) mod purge;
pub mod empty;
pub(crate) mod audit_logs;
pub(crate) mod everything;
pub(crate) mod prune;

/// The choices of the user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TeardownChoices {
    /// Keeps the key, so that copies of states remain readable.
    pub keep_key: bool,
    /// Deletes the log bucket, too: by default, audit logs are kept.
    pub purge_logs: bool,
    /// Audit logs are encrypted with the key: the key is kept as long as they are.
    pub logs_under_key: bool,
    /// Other environments that use the state bucket, and those that use the lock table.
    pub bucket_of: Vec<String>,
    pub table_of: Vec<String>,
}

/// Returns the options of a teardown.
pub fn terms(choice: &TeardownChoices) -> TeardownOptions {
    let used = |by: &[String]| format!("also used by {}", by.join(", "));
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
            "it contains audit logs (--purge-logs deletes them)".to_owned(),
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
    // Locks must be held until all their states are deleted; in a shared bucket, the states are
    // deleted first.
    let table = (LOCK_TABLE, STATE_BUCKET);
    let (after, first) = if choice.bucket_of.is_empty() {
        (vec![table], None)
    } else {
        (vec![], Some(table))
    };
    let order = vec![
        // Delete the topic and the trail before emptying the bucket: otherwise each deleted
        // version sends a mail and a paid data event.
        (STATE_BUCKET, TOPIC),
        (STATE_BUCKET, TRAIL),
        // The runner policy is kept as long as there is a backend to use.
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
        "it encrypts the kept audit logs; it costs ${:.2} a month (--purge-logs deletes both)",
        cost::KEY
    )
}

#[cfg(test)]
mod tests;
