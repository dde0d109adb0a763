//! Each guard alone, all at once, and which word lifts which.

use super::*;
use crate::state::census::{Facts, Holds, LockRow, ObjectLock, StateRow};

fn now() -> Timestamp {
    "2026-11-21T07:00:00Z".parse().expect("a time")
}

fn state(holds: Holds) -> Census {
    let mut census = Census::default();
    census.state(StateRow {
        path: "a".to_owned(),
        workspace: "default".to_owned(),
        size: 1,
        modified: None,
        holds,
    });
    census
}

fn locked() -> Census {
    let mut census = Census::default();
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

fn retained(days: u32) -> Census {
    let mut census = Census {
        object_lock: Some(ObjectLock {
            mode: Some("GOVERNANCE".to_owned()),
            days: Some(days),
        }),
        ..Census::default()
    };
    census.version(1, "2026-11-20T07:00:00Z".parse().ok());
    census
}

fn unseen() -> Census {
    let mut census = Census::default();
    census.unseen.add("denied".to_owned());
    census
}

fn held(census: &Census, said: Said) -> Vec<Guard> {
    holding(
        &Guarded {
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

const ALL: Said = Said {
    unprotect: true,
    purge_states: true,
    detach: true,
};

#[test]
fn nothing_to_lose_is_not_guarded() {
    assert_eq!(held(&Census::default(), Said::default()), []);
    let empty = Holds::Known(Facts {
        managed: Some(0),
        ..Facts::default()
    });
    assert_eq!(held(&state(empty), Said::default()), []);
    assert_eq!(
        holding(
            &Guarded {
                protected: false,
                census: None,
                attached: &[],
                same_states: &[],
                untagged: None,
                blocked: &[],
                now: now()
            },
            Said::default()
        ),
        []
    );
}

#[test]
fn a_state_that_may_be_needed_holds() {
    for (holds, in_use) in [
        (
            Holds::Known(Facts {
                managed: Some(1),
                ..Facts::default()
            }),
            1,
        ),
        (Holds::Encrypted(Facts::default()), 1),
        (Holds::OtherFormat(Facts::default()), 1),
        (Holds::Unreadable("it is empty".to_owned()), 0),
    ] {
        let guard = Guard::States {
            in_use,
            unreadable: 1 - in_use,
        };
        assert_eq!(
            held(
                &state(holds.clone()),
                Said {
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
                Said {
                    purge_states: true,
                    ..Said::default()
                }
            ),
            []
        );
    }
}

/// Nobody can say these away.
#[test]
fn some_guards_are_lifted_by_no_word() {
    for (census, guard) in [
        (
            locked(),
            Guard::Locked {
                count: 1,
                paths: vec!["a".to_owned()],
            },
        ),
        (
            Census {
                mfa_delete: true,
                ..Census::default()
            },
            Guard::MfaDelete,
        ),
        (
            retained(7),
            Guard::ObjectLock {
                until: "2026-11-27T07:00:00Z".parse().expect("a time"),
            },
        ),
        (
            unseen(),
            Guard::Unseen {
                count: 1,
                what: vec!["denied".to_owned()],
            },
        ),
    ] {
        assert_eq!(held(&census, ALL), std::slice::from_ref(&guard));
    }
    assert_eq!(held(&retained(1), Said::default()), [], "it has run out");
    assert_ne!(held(&retained(u32::MAX), ALL), [], "longer than time goes");
}

#[test]
fn each_word_lifts_its_own_guard_only() {
    let attached = ["role/ci".to_owned()];
    let census = state(Holds::Encrypted(Facts::default()));
    let guarded = Guarded {
        protected: true,
        census: Some(&census),
        attached: &attached,
        same_states: &[],
        untagged: None,
        blocked: &[],
        now: now(),
    };
    let said = |said| holding(&guarded, said);
    let states = || Guard::States {
        in_use: 1,
        unreadable: 0,
    };
    let to = || Guard::Attached {
        to: attached.to_vec(),
    };
    assert_eq!(
        said(Said::default()),
        [Guard::Protected, states(), to()],
        "all of them at once"
    );
    assert_eq!(
        said(Said {
            unprotect: true,
            ..Said::default()
        }),
        [states(), to()]
    );
    assert_eq!(
        said(Said {
            purge_states: true,
            ..Said::default()
        }),
        [Guard::Protected, to()]
    );
    assert_eq!(
        said(Said {
            detach: true,
            ..Said::default()
        }),
        [Guard::Protected, states()]
    );
    assert_eq!(said(ALL), []);
    assert!(
        said(Said::default())
            .iter()
            .all(|guard| !guard.what_to_do().is_empty())
    );
}

#[test]
fn states_of_two_environments_go_with_neither() {
    let of = ["blue".to_owned()];
    let guarded = Guarded {
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
        [Guard::SameStates { of: of.to_vec() }]
    );
}

/// With no bucket to count in, too.
#[test]
fn what_cannot_be_looked_at_holds_whatever_it_is() {
    let blocked: Vec<String> = (0..7).map(|n| format!("thing {n}: denied")).collect();
    let unseen = unseen();
    for (census, count) in [(None, 7), (Some(&unseen), 8)] {
        let guarded = Guarded {
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
