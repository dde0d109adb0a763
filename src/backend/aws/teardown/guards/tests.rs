//! Each guard alone, all at once, and which word lifts which.

use super::*;
use crate::state::census::{LockRow, ObjectLock, StateContentsKind, StateFacts, StateRow};

fn now() -> Timestamp {
    "2026-11-21T07:00:00Z".parse().expect("a time")
}

fn state(holds: StateContentsKind) -> StateCensus {
    let mut census = StateCensus::default();
    census.state(StateRow {
        path: "a".to_owned(),
        workspace: "default".to_owned(),
        size: 1,
        modified: None,
        holds,
    });
    census
}

fn locked() -> StateCensus {
    let mut census = StateCensus::default();
    census.locks.add(LockRow {
        path: "a".to_owned(),
        item: true,
        file: false,
        who: None,
        operation: None,
        since: None,
    });
    census
}

fn retained(days: u32) -> StateCensus {
    let mut census = StateCensus {
        object_lock: Some(ObjectLock {
            mode: Some("GOVERNANCE".to_owned()),
            days: Some(days),
        }),
        ..StateCensus::default()
    };
    census.version(1, "2026-11-20T07:00:00Z".parse().ok());
    census
}

fn unseen() -> StateCensus {
    let mut census = StateCensus::default();
    census.unseen.add("denied".to_owned());
    census
}

fn held(census: &StateCensus, said: TeardownConsent) -> Vec<TeardownGuard> {
    holding(
        &GuardInputs {
            protected: false,
            census: Some(census),
            attached: &[],
            same_states: &[],
            untagged: None,
            blocked: &[],
            now: now(),
        },
        said,
    )
}

const ALL: TeardownConsent = TeardownConsent {
    unprotect: true,
    purge_states: true,
    detach: true,
};

#[test]
fn nothing_to_lose_is_not_guarded() {
    assert_eq!(
        held(&StateCensus::default(), TeardownConsent::default()),
        []
    );
    let empty = StateContentsKind::Known(StateFacts {
        managed: Some(0),
        ..StateFacts::default()
    });
    assert_eq!(held(&state(empty), TeardownConsent::default()), []);
    assert_eq!(
        holding(
            &GuardInputs {
                protected: false,
                census: None,
                attached: &[],
                same_states: &[],
                untagged: None,
                blocked: &[],
                now: now()
            },
            TeardownConsent::default()
        ),
        []
    );
}

#[test]
fn a_state_that_may_be_needed_holds() {
    for (holds, in_use) in [
        (
            StateContentsKind::Known(StateFacts {
                managed: Some(1),
                ..StateFacts::default()
            }),
            1,
        ),
        (StateContentsKind::Encrypted(StateFacts::default()), 1),
        (StateContentsKind::OtherFormat(StateFacts::default()), 1),
        (StateContentsKind::Unreadable("it is empty".to_owned()), 0),
    ] {
        let guard = TeardownGuard::States {
            in_use,
            unreadable: 1 - in_use,
            moved: 0,
        };
        assert_eq!(
            held(
                &state(holds.clone()),
                TeardownConsent {
                    purge_states: false,
                    ..ALL
                }
            ),
            [guard],
            "no other word lifts it"
        );
        assert_eq!(
            held(
                &state(holds),
                TeardownConsent {
                    purge_states: true,
                    ..TeardownConsent::default()
                }
            ),
            []
        );
    }
}

/// These guards cannot be confirmed away.
#[test]
fn some_guards_are_lifted_by_no_word() {
    for (census, guard) in [
        (
            locked(),
            TeardownGuard::Locked {
                count: 1,
                paths: vec!["a".to_owned()],
            },
        ),
        (
            StateCensus {
                mfa_delete: true,
                ..StateCensus::default()
            },
            TeardownGuard::MfaDelete,
        ),
        (
            retained(7),
            TeardownGuard::ObjectLock {
                until: "2026-11-27T07:00:00Z".parse().expect("a time"),
            },
        ),
        (
            unseen(),
            TeardownGuard::Unseen {
                count: 1,
                what: vec!["denied".to_owned()],
            },
        ),
    ] {
        assert_eq!(held(&census, ALL), std::slice::from_ref(&guard));
    }
    assert_eq!(
        held(&retained(1), TeardownConsent::default()),
        [],
        "it has run out"
    );
    assert_ne!(held(&retained(u32::MAX), ALL), [], "longer than time goes");
}

#[test]
fn each_word_lifts_its_own_guard_only() {
    let attached = ["role/ci".to_owned()];
    let census = state(StateContentsKind::Encrypted(StateFacts::default()));
    let guarded = GuardInputs {
        protected: true,
        census: Some(&census),
        attached: &attached,
        same_states: &[],
        untagged: None,
        blocked: &[],
        now: now(),
    };
    let said = |said| holding(&guarded, said);
    let states = || TeardownGuard::States {
        in_use: 1,
        unreadable: 0,
        moved: 0,
    };
    let to = || TeardownGuard::Attached {
        to: attached.to_vec(),
    };
    assert_eq!(
        said(TeardownConsent::default()),
        [TeardownGuard::Protected, states(), to()],
        "all of them at once"
    );
    assert_eq!(
        said(TeardownConsent {
            unprotect: true,
            ..TeardownConsent::default()
        }),
        [states(), to()]
    );
    assert_eq!(
        said(TeardownConsent {
            purge_states: true,
            ..TeardownConsent::default()
        }),
        [TeardownGuard::Protected, to()]
    );
    assert_eq!(
        said(TeardownConsent {
            detach: true,
            ..TeardownConsent::default()
        }),
        [TeardownGuard::Protected, states()]
    );
    assert_eq!(said(ALL), []);
    assert!(
        said(TeardownConsent::default())
            .iter()
            .all(|guard| !guard.what_to_do().is_empty())
    );
}

#[test]
fn states_of_two_environments_go_with_neither() {
    let of = ["blue".to_owned()];
    let guarded = GuardInputs {
        protected: false,
        census: None,
        attached: &[],
        same_states: &of,
        untagged: None,
        blocked: &[],
        now: now(),
    };
    assert_eq!(
        holding(&guarded, ALL),
        [TeardownGuard::SameStates { of: of.to_vec() }]
    );
}

/// With no bucket to count in, too.
#[test]
fn what_cannot_be_looked_at_holds_whatever_it_is() {
    let blocked: Vec<String> = (0..7).map(|n| format!("thing {n}: denied")).collect();
    let unseen = unseen();
    for (census, count) in [(None, 7), (Some(&unseen), 8)] {
        let guarded = GuardInputs {
            protected: false,
            census,
            attached: &[],
            same_states: &[],
            untagged: None,
            blocked: &blocked,
            now: now(),
        };
        let [guard] = &holding(&guarded, ALL)[..] else {
            panic!("one guard")
        };
        let said = guard.to_string();
        assert!(
            said.contains("thing 0: denied, thing 1")
                && said.ends_with(&format!("and {} more", count - 5)),
            "{said}"
        );
    }
}

/// `terraform destroy` in a folder whose states moved would destroy what is managed from elsewhere.
#[test]
fn no_destroy_is_recommended_for_states_that_moved() {
    let of = |in_use, moved| TeardownGuard::States {
        in_use,
        unreadable: 0,
        moved,
    };
    assert!(
        of(2, 0)
            .what_to_do()
            .contains("run terraform destroy first")
    );
    assert!(!of(2, 2).what_to_do().contains("terraform destroy"));
    assert!(of(2, 1).what_to_do().contains("did not move"));
    assert_eq!(
        of(2, 2).to_string(),
        "states may be needed: 2 in use, 0 unreadable, of which 2 moved to another backend"
    );
}
