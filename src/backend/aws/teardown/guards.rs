//! What forbids a teardown: all of it at once, each with what to do. Nothing is touched while any
//! guard holds.

use jiff::Timestamp;

use crate::state::census::StateCensus;

/// How many of many are named.
const MOST: usize = 5;

/// What somebody has said yes to, each for itself: no yes stands for another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TeardownConsent {
    /// `--unprotect`
    pub unprotect: bool,
    /// `--purge-states`
    pub purge_states: bool,
    /// `--detach`
    pub detach: bool,
}

/// What there is to guard.
#[derive(Clone, Debug)]
pub struct GuardInputs<'a> {
    /// By the settings, or by the tags of anything that is there.
    pub protected: bool,
    /// `None` where there is no bucket, and so nothing to lose.
    pub census: Option<&'a StateCensus>,
    /// Who has the policy without tfbackend having given it to them, as in `role/ci`.
    pub attached: &'a [String],
    /// Other environments whose states are at the same key of the same bucket.
    pub same_states: &'a [String],
    /// The state bucket, if it is there without the tags that say whose it is.
    pub untagged: Option<&'a str>,
    /// What of the backend could not be looked at, each with why.
    pub blocked: &'a [String],
    pub now: Timestamp,
}

/// A reason not to begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TeardownGuard {
    #[error("the environment is protected")]
    Protected,
    #[error("states may be needed: {in_use} in use, {unreadable} that nobody can read")]
    States { in_use: usize, unreadable: usize },
    #[error("the states are those of {} too: the same bucket and the same key", .of.join(", "))]
    SameStates { of: Vec<String> },
    #[error("the bucket {bucket} has no tags of this environment, and its states may be")]
    Untagged { bucket: String },
    #[error("locked: {}", first(paths, *count))]
    Locked { count: usize, paths: Vec<String> },
    #[error("MFA delete is on")]
    MfaDelete,
    #[error("Object Lock keeps versions until {until}")]
    ObjectLock { until: Timestamp },
    #[error("the policy is attached to {}", .to.join(", "))]
    Attached { to: Vec<String> },
    /// What is not known is not taken for nothing.
    #[error("not everything could be looked at: {}", first(what, *count))]
    Unseen { count: usize, what: Vec<String> },
}

/// The first of `count`, and how many more there are.
fn first(items: &[String], count: usize) -> String {
    let named = items.join(", ");
    match count.saturating_sub(items.len()) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

impl TeardownGuard {
    pub fn what_to_do(&self) -> &'static str {
        match self {
            Self::Protected => "--unprotect takes it down all the same",
            Self::States { .. } => {
                "run terraform destroy first, or give up what they manage with --purge-states"
            }
            Self::SameStates { .. } => {
                "give each environment a state key of its own, or take the other out of \
                 tfbackend.toml"
            }
            Self::Untagged { .. } => {
                "tfbackend bootstrap --adopt gives the bucket its tags again; if it is no part of \
                 the environment, name another with --bucket"
            }
            Self::Locked { .. } => {
                "wait for the runs, or release the lock of a run that has ended: tfbackend lock \
                 release"
            }
            Self::MfaDelete => "switch it off as the root user of the account, with its MFA device",
            Self::ObjectLock { .. } => "wait until then",
            Self::Attached { .. } => "detach it, or pass --detach",
            Self::Unseen { .. } => "allow these credentials to look, then run again",
        }
    }
}

/// Every guard that holds.
pub fn holding(guarded: &GuardInputs<'_>, said: TeardownConsent) -> Vec<TeardownGuard> {
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
