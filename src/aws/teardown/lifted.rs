//! Waiting for a denial to pass: a policy that was just written or deleted does not hold everywhere at once.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::empty::{Left, NotEmptied, Reason, Why};
use crate::aws::{
    error::{AwsError, Kind},
    settle::Waiting,
};

/// How a denial says that it is by another policy than the one that was lifted.
const OF_OTHERS: [&str; 5] =
    ["identity-based policy", "service control policy", "resource control policy", "permissions boundary", "session policy"];

/// The time that a teardown waits for one bucket. Ctrl-C ends it.
pub struct LiftedWait<'a> {
    waiting: Waiting,
    cancel: &'a CancellationToken,
}

impl<'a> LiftedWait<'a> {
    pub fn new(patience: Duration, cancel: &'a CancellationToken) -> Self {
        Self { waiting: Waiting::at_most(patience), cancel }
    }

    /// Waits a moment; false once the time is over.
    pub async fn again(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => false,
            goes_on = self.waiting.again() => goes_on,
        }
    }
}

/// Whether all that is left was denied, and by nothing that says it is another policy.
pub fn is_denied(left: &NotEmptied) -> bool {
    let denied = |one: &Left| match &one.reason {
        Reason::Refused { code, message } => code == "AccessDenied" && !is_of_others(message),
        Reason::Newer | Reason::Again => false,
    };
    matches!(left.why, Why::Kept) && left.left.rows.iter().all(denied)
}

/// Whether a call was denied, and by nothing that says it is another policy.
pub fn may_pass(error: &AwsError) -> bool {
    error.kind == Kind::Denied && !error.message.as_deref().is_some_and(is_of_others)
}

fn is_of_others(message: &str) -> bool {
    OF_OTHERS.iter().any(|policy| message.contains(policy))
}
