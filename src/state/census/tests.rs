//! What is counted, what is named, and that no doubt is taken for emptiness.

use super::*;
use crate::state::snapshot::SnapshotDetail;

fn row(path: &str, holds: StateContentsKind) -> StateRow {
    StateRow {
        path: path.to_owned(),
        workspace: "default".to_owned(),
        size: 3,
        modified: None,
        holds,
    }
}

fn read(text: &str) -> StateContentsKind {
    StateContentsKind::of(StateSnapshot::parse(
        text.as_bytes(),
        SnapshotDetail::Counts,
    ))
}

const EMPTY: &str = r#"{"version":4,"terraform_version":"1.11.4","serial":7,"lineage":"abc","outputs":{"pw":{"value":"hunter2"}},"resources":[]}"#;

#[test]
fn only_a_state_that_says_so_is_empty() {
    assert!(read(EMPTY).is_empty());
    let instance = r#""resources":[{"mode":"managed","type":"t","name":"n","provider":"p","instances":[{"attributes":{"pw":"hunter2"}}]}]"#;
    for text in [
        &*EMPTY.replace(r#""resources":[]"#, instance),
        r#"{"serial":1,"lineage":"l","meta":{},"encrypted_data":"aGk=","encryption_version":"v0"}"#,
        r#"{"version":3,"serial":1}"#,
        "",
        "{",
        "hunter2",
        r#"{"a":1}"#,
    ] {
        assert!(!read(text).is_empty(), "{text}");
    }
}

#[test]
fn facts_and_no_value() {
    let facts = StateFacts {
        serial: Some(7),
        lineage: Some("abc".to_owned()),
        engine: Some("1.11.4".to_owned()),
        managed: Some(0),
    };
    assert_eq!(read(EMPTY), StateContentsKind::Known(facts));
    assert!(!format!("{:?} {:?}", read(EMPTY), read("hunter2")).contains("hunter2"));
}

#[test]
fn each_counts_once() {
    let mut census = StateCensus::default();
    census.state(row("a", read(EMPTY)));
    census.state(row(
        "b",
        StateContentsKind::Encrypted(StateFacts::default()),
    ));
    census.state(row(
        "c",
        StateContentsKind::OtherFormat(StateFacts::default()),
    ));
    census.state(row("d", StateContentsKind::Unreadable("denied".to_owned())));
    census.state(row(
        "e",
        StateContentsKind::Known(StateFacts {
            managed: Some(2),
            ..StateFacts::default()
        }),
    ));
    assert_eq!(
        (
            census.states.count,
            census.empty,
            census.in_use,
            census.unreadable,
            census.needed()
        ),
        (5, 1, 3, 1, 4)
    );
}

/// However many there are: the size is bounded, all are counted, and who is in the way is named.
#[test]
fn what_is_in_the_way_is_named_first() {
    let mut census = StateCensus::default();
    for n in 0..5 * MOST {
        census.state(row(&format!("empty{n}"), read(EMPTY)));
    }
    census.state(row(
        "in use",
        StateContentsKind::Known(StateFacts {
            managed: Some(1),
            ..StateFacts::default()
        }),
    ));
    assert_eq!(
        (census.states.count, census.states.rows.len(), census.empty),
        (5 * MOST + 1, MOST, 5 * MOST)
    );
    assert_eq!(
        census.states.rows.last().map(|row| &*row.path),
        Some("in use")
    );
    for n in 0..2 * MOST {
        census.state(row(
            &format!("bad{n}"),
            StateContentsKind::Unreadable("denied".to_owned()),
        ));
    }
    assert_eq!(
        (census.states.rows.len(), census.unreadable),
        (MOST, 2 * MOST)
    );
    assert!(census.states.rows.iter().all(|row| !row.holds.is_empty()));
}

#[test]
fn an_object_lock_lasts_from_the_youngest_version_on() {
    let at = |text: &str| Some(text.parse::<Timestamp>().expect("a time"));
    let mut census = StateCensus::default();
    census.version(5, at("2026-11-02T00:00:00Z"));
    census.version(7, at("2026-11-03T00:00:00Z"));
    census.version(u64::MAX, at("2026-11-01T00:00:00Z"));
    census.delete_marker();
    assert_eq!(
        (
            census.versions.count,
            census.versions.bytes,
            census.versions.delete_markers
        ),
        (3, u64::MAX, 1)
    );
    assert_eq!(census.kept_until(), None, "there is none");
    census.object_lock = Some(ObjectLock {
        mode: None,
        days: None,
    });
    assert_eq!(census.kept_until(), None, "it has no default");
    census.object_lock = Some(ObjectLock {
        mode: Some("GOVERNANCE".to_owned()),
        days: Some(7),
    });
    assert_eq!(census.kept_until(), at("2026-11-10T00:00:00Z"));
    census.object_lock = Some(ObjectLock {
        mode: Some("COMPLIANCE".to_owned()),
        days: Some(u32::MAX),
    });
    assert_eq!(
        census.kept_until(),
        Some(Timestamp::MAX),
        "longer than time goes"
    );
}
