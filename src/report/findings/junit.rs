//! Checks as JUnit XML: a suite for each group, a case for each check.

use super::{
    document::{CheckResultDocument, CheckStatus, FindingDocument, VerifyDocument},
    markup::escape,
};
use crate::checks::CheckGroup;

/// Returns all checks, with a trailing line break.
pub fn junit(document: &VerifyDocument) -> String {
    let all: Vec<&CheckResultDocument> = document.checks.iter().collect();
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    xml.push_str(&format!(
        "<testsuites name=\"{}\" {}>\n",
        escape(&format!("tfbackend verify {}", document.name())),
        totals(&all)
    ));
    for group in CheckGroup::ALL {
        let checks: Vec<_> = all
            .iter()
            .copied()
            .filter(|check| check.group == group)
            .collect();
        if !checks.is_empty() {
            xml.push_str(&suite(group, &checks, document));
        }
    }
    xml + "</testsuites>\n"
}

fn totals(checks: &[&CheckResultDocument]) -> String {
    let number = |status: CheckStatus| checks.iter().filter(|check| check.status == status).count();
    let [failures, errors, skipped] = [
        number(CheckStatus::Open) + number(CheckStatus::FailsWithResource),
        number(CheckStatus::Unreadable),
        number(CheckStatus::Accepted) + number(CheckStatus::Untold),
    ];
    format!(
        r#"tests="{}" failures="{failures}" errors="{errors}" skipped="{skipped}" time="0""#,
        checks.len()
    )
}

fn suite(group: CheckGroup, checks: &[&CheckResultDocument], document: &VerifyDocument) -> String {
    let timestamp = escape(document.at.trim_end_matches('Z'));
    let mut xml = format!(
        "  <testsuite name=\"{}\" {} timestamp=\"{timestamp}\">\n",
        group.word(),
        totals(checks)
    );
    let about = &document.about;
    xml.push_str("    <properties>\n");
    let facts = about.facts().filter(|(name, _)| *name != "table");
    for (name, value) in facts.chain([about.holder()]) {
        xml.push_str(&format!(
            "      <property name=\"{name}\" value=\"{}\"/>\n",
            escape(value)
        ));
    }
    xml.push_str("    </properties>\n");
    for check in checks {
        xml.push_str(&case(check, document));
    }
    xml + "  </testsuite>\n"
}

fn case(check: &CheckResultDocument, document: &VerifyDocument) -> String {
    let name = format!("{} {} ({})", check.id, check.expected, check.shown());
    let start = format!(
        "    <testcase name=\"{}\" classname=\"tfbackend.{}\" time=\"0\"",
        escape(&name),
        check.group.word()
    );
    match outcome(check, document) {
        None => start + "/>\n",
        Some(outcome) => format!("{start}>\n      {outcome}\n    </testcase>\n"),
    }
}

fn outcome(check: &CheckResultDocument, document: &VerifyDocument) -> Option<String> {
    let finding = document.findings_of(check).next();
    let what = escape(finding.map_or(check.expected.as_str(), |finding| finding.found.as_str()));
    let severity = check.severity.word();
    match check.status {
        CheckStatus::Holds => None,
        CheckStatus::Untold => {
            Some("<skipped message=\"the result is unknown: see the notes\"/>".to_owned())
        }
        CheckStatus::Open => Some(format!(
            "<failure message=\"{what}\" type=\"{severity}\">{}</failure>",
            details(check, document)
        )),
        CheckStatus::FailsWithResource => {
            let why = "the resource is missing or cannot be read: see the failure of the resource";
            Some(format!("<failure message=\"{why}\" type=\"{severity}\"/>"))
        }
        CheckStatus::Unreadable => Some(format!(
            "<error message=\"{what}\" type=\"{severity}\">{}</error>",
            details(check, document)
        )),
        CheckStatus::Accepted => {
            let acceptance = finding.and_then(|finding| finding.accepted.as_ref());
            let reason = acceptance
                .map(|acceptance| acceptance.reason.as_str())
                .unwrap_or_default();
            let until = acceptance.and_then(|acceptance| acceptance.until.as_deref());
            let until = until
                .map(|until| format!(" until {until}"))
                .unwrap_or_default();
            Some(format!(
                "<skipped message=\"{}\"/>",
                escape(&format!("accepted{until}: {reason}"))
            ))
        }
    }
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
    let said = said.iter().filter(|(_, text)| !text.is_empty());
    said.map(|(name, text)| format!("{name}: {}", escape(text)))
        .collect::<Vec<_>>()
        .join("\n")
}
