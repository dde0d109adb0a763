//! The longest way through a plan, on small graphs.

use serde::{Deserialize, Serialize};

use super::*;
use crate::engine::plan::BlockReason;

/// The number of round trips to read and to write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Slow {
    look: u32,
    write: u32,
}

impl Spec for Slow {
    fn title(&self) -> String {
        "slow".to_owned()
    }

    fn read_round_trips(&self) -> u32 {
        self.look
    }

    fn write_round_trips(&self, from: Option<&Self>) -> u32 {
        self.write + from.map_or(0, |from| from.write)
    }
}

fn slow(look: u32, write: u32) -> Slow {
    Slow { look, write }
}

/// Each with what it needs.
fn plan(steps: Vec<(&'static str, &[&'static str], PlannedChange<Slow>)>) -> Plan<Slow> {
    let step = |(address, needs, change): (&'static str, &[&'static str], _)| PlanStep {
        address: Address::new(address),
        needs: needs.iter().map(|need| Address::new(need)).collect(),
        consequence: None,
        change,
    };
    Plan {
        steps: steps.into_iter().map(step).collect(),
    }
}

fn numbers(plan: &Plan<Slow>) -> ([u32; 5], Vec<String>) {
    let path = plan
        .critical_path()
        .expect("a plan that can be carried out");
    let CriticalPath {
        round_trips,
        caller,
        look,
        make,
        look_again,
        through,
    } = path;
    (
        [round_trips, caller, look, make, look_again],
        through.iter().map(ToString::to_string).collect(),
    )
}

#[test]
fn the_longest_way_counts_and_not_the_most_steps() {
    let create = |write| PlannedChange::Create { to: slow(1, write) };
    let plan = plan(vec![
        ("key", &[], create(1)),
        ("table", &["key"], create(4)),
        ("bucket", &[], create(1)),
        ("block", &["bucket"], create(1)),
        ("policy", &["block", "key"], create(1)),
    ]);
    assert_eq!(
        numbers(&plan),
        ([8, 1, 1, 5, 1], vec!["key".to_owned(), "table".to_owned()])
    );
}

#[test]
fn the_slowest_look_counts_once_before_and_once_after() {
    let plan = plan(vec![
        ("a", &[], PlannedChange::NoOp { spec: slow(3, 9) }),
        ("b", &["a"], PlannedChange::Create { to: slow(1, 1) }),
    ]);
    assert_eq!(numbers(&plan), ([8, 1, 3, 1, 3], vec!["b".to_owned()]));
}

/// Steps that are done take no time.
#[test]
fn a_chain_goes_on_through_what_is_done_already() {
    let plan = plan(vec![
        ("a", &[], PlannedChange::Create { to: slow(1, 2) }),
        ("b", &["a"], PlannedChange::NoOp { spec: slow(1, 7) }),
        (
            "c",
            &["b"],
            PlannedChange::Update {
                from: slow(1, 1),
                to: slow(1, 3),
            },
        ),
        (
            "d",
            &["b"],
            PlannedChange::Adopt {
                from: slow(1, 1),
                to: slow(1, 1),
            },
        ),
    ]);
    assert_eq!(
        numbers(&plan),
        ([9, 1, 1, 6, 1], vec!["a".to_owned(), "c".to_owned()])
    );
}

#[test]
fn where_there_is_nothing_to_do_nobody_looks_again() {
    let plan = plan(vec![("a", &[], PlannedChange::NoOp { spec: slow(2, 5) })]);
    assert_eq!(numbers(&plan), ([3, 1, 2, 0, 0], vec![]));
}

#[test]
fn what_cannot_be_carried_out_has_no_path() {
    let of = |change| plan(vec![("a", &[], change)]).critical_path();
    assert_eq!(
        of(PlannedChange::Blocked {
            reason: BlockReason::NotLookedAt
        }),
        None
    );
    assert_eq!(of(PlannedChange::Delete { from: slow(1, 1) }), None);
}
