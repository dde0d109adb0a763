//! Which rules of others take away what ours keep.

use super::*;
use crate::backend::aws::bucket::lifecycle::{LifecycleSpec, rule::LifecycleFilter};

fn ours() -> Vec<ObjectLifecycleRule> {
    LifecycleSpec::of_states("acme".to_owned(), 90, 50, 7).rules
}

fn theirs(rule: ObjectLifecycleRule) -> Option<String> {
    harm(
        &ObjectLifecycleRule {
            id: "theirs".to_owned(),
            enabled: true,
            ..rule
        },
        &ours(),
    )
}

fn noncurrent(days: u32, newest: Option<u32>) -> Option<String> {
    theirs(ObjectLifecycleRule {
        noncurrent_days: Some(days),
        noncurrent_newest: newest,
        ..ObjectLifecycleRule::default()
    })
}

#[test]
fn what_ours_keep_is_deleted() {
    assert_eq!(
        noncurrent(90, None).unwrap(),
        "rule theirs deletes all noncurrent versions after 90 days, including the newest"
    );
    assert_eq!(
        noncurrent(365, Some(5)).unwrap(),
        "rule theirs deletes noncurrent versions after 365 days, all but the 5 newest"
    );
    assert!(noncurrent(1, Some(100)).is_some(), "younger ones");
    let both = ObjectLifecycleRule {
        expiration_days: Some(30),
        noncurrent_days: Some(1),
        ..ObjectLifecycleRule::default()
    };
    assert_eq!(
        theirs(both).unwrap(),
        "rule theirs deletes states 30 days after they were written, and deletes all noncurrent \
         versions after 1 day, including the newest"
    );
    assert!(
        theirs(ObjectLifecycleRule {
            expiration_date: Some("2030-01-01T00:00:00Z".to_owned()),
            ..ObjectLifecycleRule::default()
        })
        .is_some()
    );
    let glacier = StorageTransition {
        class: "GLACIER".to_owned(),
        days: Some(1),
        ..StorageTransition::default()
    };
    assert!(
        theirs(ObjectLifecycleRule {
            transitions: vec![glacier],
            ..ObjectLifecycleRule::default()
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
        theirs(ObjectLifecycleRule {
            expired_delete_markers: Some(true),
            abort_uploads_days: Some(1),
            ..ObjectLifecycleRule::default()
        }),
        None
    );
    let tagged = LifecycleFilter {
        tags: vec![("a".to_owned(), "b".to_owned())],
        ..LifecycleFilter::default()
    };
    assert_eq!(
        theirs(ObjectLifecycleRule {
            expiration_days: Some(1),
            filter: tagged,
            ..ObjectLifecycleRule::default()
        }),
        None
    );
    assert_eq!(
        harm(
            &ObjectLifecycleRule {
                expiration_days: Some(1),
                ..ObjectLifecycleRule::default()
            },
            &ours()
        ),
        None,
        "it is switched off"
    );
    let cheaper = StorageTransition {
        class: "STANDARD_IA".to_owned(),
        days: Some(30),
        ..StorageTransition::default()
    };
    let archive = StorageTransition {
        class: "DEEP_ARCHIVE".to_owned(),
        days: Some(30),
        ..StorageTransition::default()
    };
    assert_eq!(
        theirs(ObjectLifecycleRule {
            transitions: vec![cheaper],
            noncurrent_transitions: vec![archive],
            ..ObjectLifecycleRule::default()
        }),
        None
    );
}
