//! Guards that block a teardown: all are reported, each with its fix. Nothing is changed while any
//! guard is active.

use jiff::Timestamp;

use crate::state::census::StateCensus;

/// The maximum number of items that are listed.
const MOST: usize = 5;

/// The explicit confirmations, each for one guard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TeardownConsent {
    /// `--unprotect`
    pub unprotect: bool,
    /// `--purge-states`
    pub purge_states: bool,
    /// `--detach`
    pub detach: bool,
}

/// The input of the guards.
#[derive(Clone, Debug)]
pub(crate) struct GuardInputs<'a> {
    /// True by the settings, or by the tags of an existing resource.
    pub protected: bool,
    /// `None` if there is no bucket.
    pub census: Option<&'a StateCensus>,
    /// Principals to which others attached the policy, as in `role/ci`.
    pub attached: &'a [String],
    /// Other environments with the same state key in the same bucket.
    pub same_states: &'a [String],
    /// The state bucket, if it has no ownership tags.
    pub untagged: Option<&'a str>,
    /// Errors of reads.
    pub blocked: &'a [String],
    pub now: Timestamp,
}

/// A reason not to start the teardown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TeardownGuard {
    #[error("the environment is protected")]
    Protected,
    #[error(
        "states may be needed: {in_use} in use, {unreadable} unreadable{}",
        moved_text(*moved)
    )]
    States {
        in_use: usize,
        unreadable: usize,
        /// Those of them that moved to another backend.
        moved: usize,
    },
    #[error("{} uses the same states: the same bucket and key", .of.join(", "))]
    SameStates { of: Vec<String> },
    #[error("the bucket {bucket} has no tags of this environment, but may contain its states")]
    Untagged { bucket: String },
    #[error("locked: {}", first(paths, *count))]
    Locked { count: usize, paths: Vec<String> },
    #[error("MFA delete is enabled")]
    MfaDelete,
    #[error("Object Lock retains versions until {until}")]
    ObjectLock { until: Timestamp },
    #[error("the policy is attached to {}", .to.join(", "))]
    Attached { to: Vec<String> },
    /// Unknown is not treated as absent.
    #[error("not everything could be read: {}", first(what, *count))]
    Unseen { count: usize, what: Vec<String> },
}

fn moved_text(moved: usize) -> String {
    match moved {
        0 => String::new(),
        count => format!(", of which {count} moved to another backend"),
    }
}

/// Returns the first of `count`, and the number of the others.
fn first(items: &[String], count: usize) -> String {
    let named = items.join(", ");
    match count.saturating_sub(items.len()) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

impl TeardownGuard {
    pub(crate) fn what_to_do(&self) -> &'static str {
        match self {
            Self::Protected => "pass --unprotect to delete it anyway",
            Self::States {
                in_use,
                unreadable,
                moved,
            } if *moved >= in_use + unreadable => {
                "their resources are managed from there: run nothing here, and pass --purge-states \
                 to delete the copies that are left; tfbackend lock list shows where the states are"
            }
            Self::States { moved: 1.., .. } => {
                "look at the states that did not move: run terraform destroy for those alone, then \
                 pass --purge-states; tfbackend lock list shows where the others are"
            }
            Self::States { .. } => {
                "run terraform destroy first, or pass --purge-states to abandon the resources that \
                 they manage"
            }
            Self::SameStates { .. } => {
                "set a different state key for each environment, or remove the other one from \
                 tfbackend.toml"
            }
            Self::Untagged { .. } => {
                "run tfbackend bootstrap --adopt to restore the tags; if the bucket does not \
                 belong to the environment, pass another one with --bucket"
            }
            Self::Locked { .. } => {
                "wait for the runs, or release the lock of a run that has ended: tfbackend lock \
                 release"
            }
            Self::MfaDelete => "disable it as the root user of the account, with its MFA device",
            Self::ObjectLock { .. } => "wait until then",
            Self::Attached { .. } => "detach it, or pass --detach",
            Self::Unseen { .. } => "grant these credentials read access, then run again",
        }
    }
}

/// Returns all active guards.
pub(crate) fn holding(guarded: &GuardInputs<'_>, said: TeardownConsent) -> Vec<TeardownGuard> {
    let GuardInputs {
        protected,
        census,
        attached,
        same_states,
        untagged,
        blocked,
        now,
    } = guarded;
    let TeardownConsent {
        unprotect,
        purge_states,
        detach,
    } = said;
    let mut holding = vec![];
    holding.extend((*protected && !unprotect).then_some(TeardownGuard::Protected));
    holding.extend(
        (!same_states.is_empty()).then(|| TeardownGuard::SameStates {
            of: same_states.to_vec(),
        }),
    );
    holding.extend(untagged.map(|bucket| TeardownGuard::Untagged {
        bucket: bucket.to_owned(),
    }));
    if let Some(census) = census {
        let states = TeardownGuard::States {
            in_use: census.in_use,
            unreadable: census.unreadable,
            moved: census.moved,
        };
        holding.extend((census.needed() > 0 && !purge_states).then_some(states));
        let paths = census
            .locks
            .rows
            .iter()
            .take(MOST)
            .map(|lock| lock.path.clone());
        holding.extend((census.locks.count > 0).then(|| TeardownGuard::Locked {
            count: census.locks.count,
            paths: paths.collect(),
        }));
        holding.extend(census.mfa_delete.then_some(TeardownGuard::MfaDelete));
        holding.extend(
            census
                .kept_until()
                .filter(|until| until > now)
                .map(|until| TeardownGuard::ObjectLock { until }),
        );
    }
    let unseen = census.map(|census| &census.unseen);
    let count = blocked.len() + unseen.map_or(0, |unseen| unseen.count);
    let what = blocked
        .iter()
        .chain(unseen.into_iter().flat_map(|unseen| &unseen.rows))
        .take(MOST)
        .cloned();
    holding.extend((count > 0).then(|| TeardownGuard::Unseen {
        count,
        what: what.collect(),
    }));
    holding.extend(
        (!attached.is_empty() && !detach).then(|| TeardownGuard::Attached {
            to: attached.to_vec(),
        }),
    );
    holding
}

#[cfg(test)]
mod tests;
