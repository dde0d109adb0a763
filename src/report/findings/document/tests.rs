//! What a check comes to where it was carried out at several places, or could not be.

use super::*;
use crate::{
    backend::aws::verify::{
        catalogue::{ACCOUNT_TRAIL, TRAIL, TRAIL_LOGGING, VERSIONING},
        usage::STALE_LOCK,
    },
    engine::spec::Address,
};

fn fails() -> Verdict {
    Verdict::Fails {
        found: "not so".to_owned(),
        remediation: String::new(),
    }
}

fn at(address: &'static str) -> CheckedPlace {
    CheckedPlace::at(&Address::new(address), None)
}

fn document(checked: &[CheckResult], accepted: &[AcceptedFinding]) -> VerifyDocument {
    VerifyDocument::of(
        VerifiedEnvironment::default(),
        String::new(),
        checked,
        accepted,
        "2026-11-29",
        Severity::Info,
    )
}

#[test]
fn what_has_no_address_is_one_check() {
    let lock =
        |name: &str, verdict| CheckResult::new(&STALE_LOCK, CheckedPlace::named(name), verdict);
    let two = document(&[lock("s3://b/a", fails()), lock("s3://b/c", fails())], &[]);
    assert_eq!(
        (two.findings.len(), two.checks.len(), two.counts.medium),
        (2, 1, 2)
    );
    assert_eq!(
        (two.checks[0].status, two.checks[0].resource.as_deref()),
        (CheckStatus::Open, None)
    );
    let one = document(&[lock("s3://b", Verdict::Holds)], &[]);
    assert_eq!(
        (one.checks.len(), one.checks[0].resource.as_deref()),
        (1, Some("s3://b"))
    );
    let accepted = AcceptedFinding {
        id: STALE_LOCK.id.to_owned(),
        at: Some("s3://b/a".to_owned()),
        reason: "known".to_owned(),
        until: None,
    };
    let half = document(
        &[lock("s3://b/a", fails()), lock("s3://b/c", fails())],
        std::slice::from_ref(&accepted),
    );
    assert_eq!(
        half.checks[0].status,
        CheckStatus::Open,
        "the other one is open"
    );
    let all = document(
        &[lock("s3://b/a", fails()), lock("s3://b/c", Verdict::Holds)],
        &[accepted],
    );
    assert_eq!(
        (all.checks[0].status, all.passed),
        (CheckStatus::Accepted, true)
    );
}

#[test]
fn what_fails_with_its_resource_is_no_finding_and_does_not_hold() {
    let checked = [
        CheckResult::new(&TRAIL, at("trail"), fails()),
        CheckResult::new(
            &TRAIL_LOGGING,
            at("trail/logging"),
            Verdict::FailsWith {
                check: &TRAIL,
                place: at("trail"),
            },
        ),
        CheckResult::new(&VERSIONING, at("state_bucket/versioning"), Verdict::Holds),
    ];
    let open = document(&checked, &[]);
    assert_eq!(
        (
            open.findings.len(),
            open.counts.fails_with_resource,
            open.counts.holds
        ),
        (1, 1, 1)
    );
    assert!(
        open.score < 90,
        "more than the one finding is missing: {}",
        open.score
    );
    // To accept that the trail is missing is to accept it of what is checked of it.
    let accepted = AcceptedFinding {
        id: TRAIL.id.to_owned(),
        at: None,
        reason: "recorded elsewhere".to_owned(),
        until: None,
    };
    let without = document(&checked, &[accepted]);
    assert_eq!(
        (
            without.passed,
            without.score,
            without.counts.fails_with_resource
        ),
        (true, 100, 0)
    );
}

#[test]
fn what_cannot_be_told_neither_passes_nor_fails() {
    let untold = Verdict::Untold {
        why: "its owner knows".to_owned(),
    };
    let checked = [
        CheckResult::new(&ACCOUNT_TRAIL, CheckedPlace::named("account 1"), untold),
        CheckResult::new(&VERSIONING, at("b"), Verdict::Holds),
    ];
    let document = document(&checked, &[]);
    assert_eq!(
        (
            document.passed,
            document.score,
            document.findings.len(),
            document.counts.holds
        ),
        (true, 100, 0, 1)
    );
    assert_eq!(
        document.notes,
        ["account-trail at account 1: its owner knows"]
    );
}

/// The names of fields before they had one word in the code, the documents and the pages.
#[test]
fn a_document_with_the_former_names_is_read() {
    let finding = serde_json::json!({
        "id": "bucket-versioning",
        "status": "open",
        "severity": "critical",
        "group": "storage",
        "title": "versioning is enabled",
        "what": "versioning is `Suspended`",
        "why": "an overwritten state cannot be restored",
        "mend": "tfbackend bootstrap",
        "controls": ["S3.14"],
    });
    let read: FindingDocument = serde_json::from_value(finding.clone()).unwrap();
    let [expected, found, rationale, remediation] = [
        &read.expected,
        &read.found,
        &read.rationale,
        &read.remediation,
    ];
    assert_eq!(
        [expected, found, rationale, remediation],
        ["title", "what", "why", "mend"].map(|name| finding[name].as_str().unwrap())
    );
    assert_eq!(read.references, ["S3.14"]);
    let written = serde_json::to_value(&read).unwrap();
    for former in ["title", "what", "why", "mend", "controls"] {
        assert_eq!(written.get(former), None, "{former}");
    }

    let check: CheckResultDocument = serde_json::from_value(finding).unwrap();
    assert_eq!(
        (check.expected, check.references),
        (read.expected, read.references)
    );
}
