//! Checks as JUnit XML: a suite for each group, a case for each check.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::document::{CheckResultDocument, CheckStatus, FindingDocument, VerifyDocument};
use crate::{checks::CheckGroup, report::safe::safe};

/// No check takes time of its own, but readers expect one.
const TIME: Duration = Duration::ZERO;

/// Returns all checks, with a trailing line break.
pub(crate) fn junit(document: &VerifyDocument) -> String {
    let mut report = Report::new(text(&format!("tfbackend verify {}", document.name())));
    report.set_time(TIME);
    for group in CheckGroup::ALL {
        let checks = document.checks.iter().filter(|check| check.group == group);
        let cases: Vec<TestCase> = checks.map(|check| case(check, document)).collect();
        if !cases.is_empty() {
            let mut suite = suite(group, document);
            suite.add_test_cases(cases);
            report.add_test_suite(suite);
        }
    }
    report.to_string().expect("writing to a string never fails")
}

/// On one line, with characters visible that XML cannot represent or a terminal would act on.
fn text(text: &str) -> String {
    safe(text)
        .replace('\u{fffe}', "\\u{fffe}")
        .replace('\u{ffff}', "\\u{ffff}")
}

fn suite(group: CheckGroup, document: &VerifyDocument) -> TestSuite {
    let about = &document.about;
    let mut suite = TestSuite::new(group.word());
    suite.set_time(TIME);
    suite.timestamp = document.at.parse().ok();
    let facts = about.facts().filter(|(name, _)| *name != "table");
    for (name, value) in facts.chain([about.holder()]) {
        suite.add_property(Property::new(name, text(value)));
    }
    suite
}

fn case(check: &CheckResultDocument, document: &VerifyDocument) -> TestCase {
    let name = format!("{} {} ({})", check.id, check.expected, check.shown());
    let mut case = TestCase::new(text(&name), status(check, document));
    case.set_time(TIME);
    case.set_classname(format!("tfbackend.{}", check.group.word()));
    case
}

fn status(check: &CheckResultDocument, document: &VerifyDocument) -> TestCaseStatus {
    let finding = document.findings_of(check).next();
    let what = text(finding.map_or(check.expected.as_str(), |finding| finding.found.as_str()));
    let (mut status, message) = match check.status {
        CheckStatus::Holds => return TestCaseStatus::success(),
        CheckStatus::Untold => (
            TestCaseStatus::skipped(),
            "the result is unknown: see the notes".to_owned(),
        ),
        CheckStatus::Accepted => {
            let acceptance = finding.and_then(|finding| finding.accepted.as_ref());
            let reason = acceptance
                .map(|acceptance| acceptance.reason.as_str())
                .unwrap_or_default();
            let until = acceptance.and_then(|acceptance| acceptance.until.as_deref());
            let until = until
                .map(|until| format!(" until {until}"))
                .unwrap_or_default();
            (
                TestCaseStatus::skipped(),
                text(&format!("accepted{until}: {reason}")),
            )
        }
        CheckStatus::Open | CheckStatus::FailsWithResource => {
            (TestCaseStatus::non_success(NonSuccessKind::Failure), what)
        }
        CheckStatus::Unreadable => (TestCaseStatus::non_success(NonSuccessKind::Error), what),
    };
    match check.status {
        CheckStatus::FailsWithResource => {
            status.set_message(
                "the resource is missing or cannot be read: see the failure of the resource",
            );
            status.set_type(check.severity.word());
        }
        CheckStatus::Open | CheckStatus::Unreadable => {
            status.set_message(message);
            status.set_type(check.severity.word());
            status.set_description(details(check, document));
        }
        CheckStatus::Holds | CheckStatus::Untold | CheckStatus::Accepted => {
            status.set_message(message);
        }
    }
    status
}

/// Returns the details of each place, one per line.
fn details(check: &CheckResultDocument, document: &VerifyDocument) -> String {
    document
        .findings_of(check)
        .map(one)
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn one(finding: &FindingDocument) -> String {
    let references = finding.references.join(", ");
    let said = [
        ("address", finding.address.as_deref().unwrap_or_default()),
        ("resource", finding.resource.as_deref().unwrap_or_default()),
        ("found", &finding.found),
        ("rationale", &finding.rationale),
        ("fix", &finding.remediation),
        ("references", &references),
    ];
    let said = said.iter().filter(|(_, said)| !said.is_empty());
    said.map(|(name, said)| format!("{name}: {}", text(said)))
        .collect::<Vec<_>>()
        .join("\n")
}
