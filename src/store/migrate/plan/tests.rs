//! Each combination of states and locks at both sides.

use super::*;
use crate::state::lock::LockInfo;

fn lock() -> StoredLock {
    StoredLock {
        id: id(),
        info: Ok(LockInfo::default()),
        places: vec![],
        revision: Revision::new("1"),
        modified: None,
        is_left_behind: false,
    }
}

fn id() -> StateId {
    StateId {
        workspace: "default".to_owned(),
        path: "a".to_owned(),
    }
}

fn state(lineage: &str, serial: u64, digest: &str) -> StateContent {
    StateContent::Known(KnownState {
        revision: Revision::new(digest),
        digest: digest.to_owned(),
        size: 1,
        lineage: (!lineage.is_empty()).then(|| lineage.to_owned()),
        serial: Some(serial),
        resources: Some(1),
    })
}

fn at(content: StateContent, lock: LockSighting) -> StateSighting {
    StateSighting {
        id: id(),
        address: "a".to_owned(),
        content,
        lock,
    }
}

#[test]
fn newer_and_foreign_states_are_never_written_over() {
    let free = || LockSighting::Free;
    let ours = || LockSighting::Ours(lock());
    let back = || LockSighting::WayBack(lock());
    let other = || LockSighting::Other(lock());
    let source = || state("l", 5, "five");
    let absent = || StateContent::Absent;
    let unreadable = || StateContent::Unreadable("truncated JSON".to_owned());
    let refused = |refusal| Some(MoveAction::Refused(refusal));
    let not_older = |destination| {
        refused(MoveRefusal::NotOlder {
            source_serial: 5,
            destination,
        })
    };
    let unread = || "truncated JSON".to_owned();
    for (source, destination, expected) in [
        (
            at(source(), free()),
            at(absent(), free()),
            Some(MoveAction::Copy),
        ),
        (
            at(source(), free()),
            at(state("l", 4, "four"), free()),
            Some(MoveAction::Copy),
        ),
        (
            at(source(), free()),
            at(source(), free()),
            Some(MoveAction::Finish),
        ),
        (
            at(source(), free()),
            at(state("l", 5, "other"), free()),
            not_older(5),
        ),
        (
            at(source(), free()),
            at(state("l", 6, "six"), free()),
            not_older(6),
        ),
        (
            at(source(), free()),
            at(state("m", 1, "m"), free()),
            refused(MoveRefusal::OtherLineage),
        ),
        (
            at(source(), free()),
            at(state("", 1, "m"), free()),
            refused(MoveRefusal::UnknownLineage),
        ),
        (
            at(state("", 5, "five"), free()),
            at(state("", 1, "m"), free()),
            refused(MoveRefusal::UnknownLineage),
        ),
        (
            at(state("", 5, "x"), free()),
            at(state("", 5, "x"), free()),
            Some(MoveAction::Finish),
        ),
        (
            at(source(), other()),
            at(absent(), free()),
            refused(MoveRefusal::SourceLocked),
        ),
        (
            at(source(), back()),
            at(absent(), free()),
            refused(MoveRefusal::SourceLocked),
        ),
        (
            at(source(), free()),
            at(absent(), other()),
            refused(MoveRefusal::DestinationLocked),
        ),
        (
            at(unreadable(), free()),
            at(absent(), free()),
            refused(MoveRefusal::SourceUnreadable(unread())),
        ),
        (
            at(source(), free()),
            at(unreadable(), free()),
            refused(MoveRefusal::DestinationUnreadable(unread())),
        ),
        // Only the destination has it.
        (
            at(absent(), free()),
            at(source(), other()),
            Some(MoveAction::Stays),
        ),
        (at(absent(), free()), at(absent(), free()), None),
        (
            at(absent(), other()),
            at(absent(), free()),
            refused(MoveRefusal::SourceLocked),
        ),
        // After a run that was cut off, or one that came to its end.
        (
            at(source(), ours()),
            at(absent(), ours()),
            Some(MoveAction::Copy),
        ),
        (
            at(source(), ours()),
            at(source(), ours()),
            Some(MoveAction::Finish),
        ),
        (
            at(source(), ours()),
            at(source(), free()),
            Some(MoveAction::Done),
        ),
        (
            at(source(), ours()),
            at(state("l", 6, "six"), free()),
            Some(MoveAction::Done),
        ),
        (
            at(source(), ours()),
            at(state("l", 5, "other"), free()),
            not_older(5),
        ),
        (
            at(absent(), ours()),
            at(state("l", 6, "six"), free()),
            Some(MoveAction::Done),
        ),
        (
            at(absent(), ours()),
            at(absent(), free()),
            refused(MoveRefusal::Lost),
        ),
        // And back.
        (
            at(source(), free()),
            at(state("l", 4, "four"), back()),
            Some(MoveAction::Copy),
        ),
        (
            at(source(), free()),
            at(source(), back()),
            Some(MoveAction::Finish),
        ),
        (
            at(source(), free()),
            at(state("l", 6, "six"), back()),
            not_older(6),
        ),
    ] {
        assert_eq!(
            decide(&source, &destination),
            expected,
            "{source:?} {destination:?}"
        );
    }
}
