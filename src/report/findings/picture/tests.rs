//! Where boxes and arrows stand, and what a box says.

use proptest::prelude::*;

use super::*;
use crate::checks::{CheckGroup, Severity};

fn resource(address: &str, needs: &[&str]) -> ResourceDocument {
    let needs = needs.iter().map(|&need| need.to_owned()).collect();
    ResourceDocument {
        address: address.into(),
        title: String::new(),
        needs,
        present: true,
    }
}

fn document(resources: Vec<ResourceDocument>, checks: Vec<CheckResultDocument>) -> VerifyDocument {
    let mut document = VerifyDocument::of(
        crate::report::findings::document::VerifiedEnvironment::default(),
        String::new(),
        &[],
        &[],
        "",
        Severity::Info,
    );
    (document.resources, document.checks) = (resources, checks);
    document
}

fn check(address: &str, status: CheckStatus, severity: Severity) -> CheckResultDocument {
    let address = Some(address.to_owned());
    let (id, expected, references) = (String::new(), String::new(), vec![]);
    CheckResultDocument {
        id,
        status,
        severity,
        group: CheckGroup::Storage,
        expected,
        address,
        resource: None,
        references,
        docs: String::new(),
    }
}

#[test]
fn each_stands_after_what_it_needs_and_what_leads_there_already_is_not_drawn_twice() {
    let resources = vec![
        resource("key", &[]),
        resource("logs", &["no target"]),
        resource("bucket", &["key", "logs"]),
        resource("trail", &["key", "logs", "bucket"]),
        resource("itself", &["itself", "later"]),
        resource("later", &["itself"]),
    ];
    assert_eq!(layers(&wholes(&resources)), [0, 0, 1, 2, 0, 1]);
    let picture = BackendPicture::of(&document(resources, vec![])).unwrap();
    assert_eq!(
        picture.edges.len(),
        4,
        "key and logs to bucket, bucket to trail, itself to later"
    );
    for (at, one) in picture.nodes.iter().enumerate() {
        assert!(one.x + one.width <= picture.width && one.y + one.height <= picture.height);
        for other in &picture.nodes[at + 1..] {
            let apart = one.x + one.width <= other.x || other.x + other.width <= one.x;
            assert!(
                apart || one.y + one.height <= other.y || other.y + other.height <= one.y,
                "boxes lie apart"
            );
        }
    }
}

#[test]
fn a_box_has_the_mark_of_the_worst_in_it() {
    use CheckStatus::{Accepted, Holds, Open, Unreadable};
    use Severity::{Critical, High, Low};
    let mark = |checks: &[CheckResultDocument]| BoxMark::of(checks.iter()).class;
    assert_eq!(mark(&[]), "ok");
    assert_eq!(
        mark(&[check("a", Holds, Critical), check("a", Accepted, Critical)]),
        "ok"
    );
    assert_eq!(mark(&[check("a", Accepted, Critical)]), "accepted");
    assert_eq!(
        mark(&[
            check("a", Open, Low),
            check("a", Open, High),
            check("a", Holds, Critical)
        ]),
        "high"
    );
    assert_eq!(
        mark(&[check("a", Unreadable, High), check("a", Open, Low)]),
        "unreadable"
    );
    assert_eq!(
        mark(&[check("a", Open, High), check("a", Unreadable, High)]),
        "high"
    );
}

/// `state_bucket_logs/policy` is no part of `state_bucket`.
#[test]
fn a_part_is_in_its_own_box() {
    let checks: Vec<_> = [
        "bucket/policy",
        "bucket/policy",
        "bucket_logs/policy",
        "bucket",
    ]
    .map(|at| check(at, CheckStatus::Open, Severity::Low))
    .into();
    let picture = BackendPicture::of(&document(vec![resource("bucket", &[])], checks)).unwrap();
    let lines: Vec<_> = picture.nodes[0]
        .lines
        .iter()
        .map(|line| line.text.as_str())
        .collect();
    assert_eq!(lines, ["", "0 of 3 checks passed", "policy"]);
}

#[test]
fn all_of_a_kind_share_a_box() {
    let mut resources = vec![resource("topic", &[])];
    resources.extend(
        ["alarm[a]", "alarm[b]", "alarm[c/d]"].map(|address| resource(address, &["topic"])),
    );
    resources[2].present = false;
    let checks = vec![
        check("alarm[a]", CheckStatus::Open, Severity::Low),
        check("alarm[c/d]", CheckStatus::Holds, Severity::Low),
    ];
    let picture = BackendPicture::of(&document(resources, checks)).unwrap();
    assert_eq!((picture.nodes.len(), picture.edges.len()), (2, 1));
    let lines: Vec<_> = picture.nodes[1]
        .lines
        .iter()
        .map(|line| (line.text.as_str(), line.mark.map(|mark| mark.word)))
        .collect();
    let marks = [
        ("a", Some("low")),
        ("b", Some("missing")),
        ("c/d", Some("no findings")),
    ];
    assert_eq!(
        lines[..2],
        [
            ("3 of these, 1 missing", None),
            ("1 of 2 checks passed", None)
        ]
    );
    assert_eq!(lines[2..], marks);
}

#[test]
fn many_parts_are_counted() {
    let checks = (0..12)
        .map(|at| check(&format!("bucket/{at}"), CheckStatus::Holds, Severity::Low))
        .collect();
    let picture = BackendPicture::of(&document(vec![resource("bucket", &[])], checks)).unwrap();
    assert_eq!(picture.nodes[0].lines.len(), 2 + PARTS);
    assert_eq!(picture.nodes[0].lines.last().unwrap().text, "and 4 more");
}

proptest! {
    #[test]
    fn every_line_fits_its_box(text in "[ a-z東/-]{0,200}") {
        let lines = fold(&text, TITLE);
        prop_assert!(lines.len() <= TITLE);
        prop_assert!(lines.iter().all(|line| width(line) <= LETTERS + 1), "{lines:?}");
        prop_assert!(width(&short(&text, LETTERS)) <= LETTERS);
    }
}
