//! Which rules of others take away what ours keep.

use super::*;
use crate::backend::aws::bucket::lifecycle::{Lifecycle, rule::Filter};

fn ours() -> Vec<Rule> {
    Lifecycle::of_states("acme".to_owned(), 90, 50, 7).rules
}

fn theirs(rule: Rule) -> Option<String> {
    harm(
        &Rule {
            id: "theirs".to_owned(),
            enabled: true,
            ..rule
        },
        &ours(),
    )
}

fn noncurrent(days: u32, newest: Option<u32>) -> Option<String> {
    theirs(Rule {
        noncurrent_days: Some(days),
        noncurrent_newest: newest,
        ..Rule::default()
    })
}

#[test]
fn what_ours_keep_is_deleted() {
    assert_eq!(
        noncurrent(90, None).unwrap(),
        "rule theirs deletes every replaced version after 90 days, also the newest"
    );
    assert_eq!(
        noncurrent(365, Some(5)).unwrap(),
        "rule theirs deletes replaced versions after 365 days, all but the 5 newest"
    );
    assert!(noncurrent(1, Some(100)).is_some(), "younger ones");
    let both = Rule {
        expiration_days: Some(30),
        noncurrent_days: Some(1),
        ..Rule::default()
    };
    assert_eq!(
        theirs(both).unwrap(),
        "rule theirs deletes states 30 days after they were written, and deletes every replaced \
         version after 1 day, also the newest"
    );
    assert!(
        theirs(Rule {
            expiration_date: Some("2030-01-01T00:00:00Z".to_owned()),
            ..Rule::default()
        })
        .is_some()
    );
    let glacier = Move {
        class: "GLACIER".to_owned(),
        days: Some(1),
        ..Move::default()
    };
    assert!(
        theirs(Rule {
            transitions: vec![glacier],
            ..Rule::default()
        })
        .unwrap()
        .contains("moves states to GLACIER")
    );
}

#[test]
fn what_takes_nothing_away() {
    assert_eq!(noncurrent(90, Some(50)), None);
    assert_eq!(noncurrent(400, Some(100)), None);
    assert_eq!(
        theirs(Rule {
            expired_delete_markers: Some(true),
            abort_uploads_days: Some(1),
            ..Rule::default()
        }),
        None
    );
    let tagged = Filter {
        tags: vec![("a".to_owned(), "b".to_owned())],
        ..Filter::default()
    };
    assert_eq!(
        theirs(Rule {
            expiration_days: Some(1),
            filter: tagged,
            ..Rule::default()
        }),
        None
    );
    assert_eq!(
        harm(
            &Rule {
                expiration_days: Some(1),
                ..Rule::default()
            },
            &ours()
        ),
        None,
        "it is switched off"
    );
    let cheaper = Move {
        class: "STANDARD_IA".to_owned(),
        days: Some(30),
        ..Move::default()
    };
    let archive = Move {
        class: "DEEP_ARCHIVE".to_owned(),
        days: Some(30),
        ..Move::default()
    };
    assert_eq!(
        theirs(Rule {
            transitions: vec![cheaper],
            noncurrent_transitions: vec![archive],
            ..Rule::default()
        }),
        None
    );
}
