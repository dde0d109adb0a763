//! Findings in SARIF 2.1.0, for code scanning: a rule for each check, a result for each finding.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::document::{CheckResultDocument, CheckStatus, FindingDocument, VerifyDocument};
use crate::{
    checks::{CheckGroup, Severity},
    report::{json::escaped, safe::safe},
};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Returns the findings as one run of one tool, with a trailing line break.
pub(crate) fn sarif(document: &VerifyDocument) -> String {
    let rules = rules(document);
    let index = |id: &str| {
        rules
            .iter()
            .position(|check| check.id == id)
            .unwrap_or_default()
    };
    let results: Vec<Value> = document
        .findings
        .iter()
        .map(|finding| result(finding, index(&finding.id), document))
        .collect();
    let notes: Vec<Value> = document
        .notes
        .iter()
        .map(|note| json!({ "level": "note", "message": { "text": message(note) } }))
        .collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": env!("CARGO_PKG_NAME"),
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|check| rule(check, document)).collect::<Vec<_>>(),
            } },
            // One category per backend, so that results of one backend do not close those of
            // another.
            "automationDetails": { "id": format!("tfbackend-verify/{}/", safe(document.about.holder().1)) },
            "invocations": [{
                "executionSuccessful": true,
                "endTimeUtc": document.at,
                "toolExecutionNotifications": notes,
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    escaped(&format!("{log:#}")) + "\n"
}

/// Returns each check once, in the order of its first run.
fn rules(document: &VerifyDocument) -> Vec<&CheckResultDocument> {
    let mut rules: Vec<&CheckResultDocument> = vec![];
    for check in &document.checks {
        if !rules.iter().any(|rule| rule.id == check.id) {
            rules.push(check);
        }
    }
    rules
}

fn rule(check: &CheckResultDocument, document: &VerifyDocument) -> Value {
    let why = document
        .findings
        .iter()
        .find(|finding| finding.id == check.id)
        .map_or(check.expected.as_str(), |finding| {
            finding.rationale.as_str()
        });
    let group = [check.group.word(), "security"].map(str::to_owned);
    let mut tags: Vec<String> = vec![];
    for tag in group.into_iter().chain(
        check
            .references
            .iter()
            .map(|control| safe(control).into_owned()),
    ) {
        // Tags must be unique.
        tags.extend((!tags.contains(&tag)).then_some(tag));
    }
    let page = super::vendor_page(&check.docs);
    let help = page.map_or_else(
        || safe(why).into_owned(),
        |page| format!("{}\n{page}", safe(why)),
    );
    let mut rule = json!({
        "id": safe(&check.id),
        "shortDescription": { "text": safe(&check.expected) },
        "fullDescription": { "text": safe(why) },
        "help": { "text": help },
        "defaultConfiguration": { "level": level(check.severity) },
        "properties": { "security-severity": security_severity(check.severity), "tags": tags },
    });
    if let Some(page) = page {
        rule["helpUri"] = json!(page);
    }
    rule
}

fn result(finding: &FindingDocument, rule: usize, document: &VerifyDocument) -> Value {
    // `open` in SARIF means that the result is undetermined; only failures have a level.
    let (kind, level) = match finding.status {
        CheckStatus::Unreadable | CheckStatus::Untold => ("open", "none"),
        CheckStatus::Open | CheckStatus::Accepted | CheckStatus::FailsWithResource => {
            ("fail", level(finding.severity))
        }
        CheckStatus::Holds => ("pass", "none"),
    };
    let mut result = json!({
        "ruleId": safe(&finding.id),
        "ruleIndex": rule,
        "kind": kind,
        "level": level,
        "message": { "text": message(&said(finding)) },
        "locations": [location(finding, document.file.as_deref())],
        "partialFingerprints": { "tfbackendFinding/v1": fingerprint(finding, document) },
        "properties": { "severity": finding.severity.word(), "group": finding.group.word() },
    });
    if finding.status == CheckStatus::Accepted {
        let reason = finding.accepted.as_ref().map(|acceptance| {
            let until = acceptance
                .until
                .as_deref()
                .map(|until| format!(" (until {until})"))
                .unwrap_or_default();
            safe(&acceptance.reason).into_owned() + &safe(&until)
        });
        result["suppressions"] = json!([{ "kind": "external", "status": "accepted", "justification": reason.unwrap_or_default() }]);
    }
    result
}

/// Returns expectation, finding and fix in one text, because a viewer may show nothing else.
fn said(finding: &FindingDocument) -> String {
    let mut said = format!("{}: {}", finding.expected, finding.found);
    if !finding.remediation.is_empty() {
        said.push_str(&format!(". Fix: {}", finding.remediation));
    }
    said
}

/// Escapes a message so that it contains no placeholders (SARIF doubles braces) and no links.
fn message(text: &str) -> String {
    safe(text)
        .replace('{', "{{")
        .replace('}', "}}")
        .replace("](", "] (")
}

/// Returns the location in the backend, and for a file also in the working copy.
fn location(finding: &FindingDocument, file: Option<&str>) -> Value {
    let mut logical = json!({ "fullyQualifiedName": safe(finding.shown()), "kind": "resource" });
    if let (Some(_), Some(name)) = (&finding.address, &finding.resource) {
        logical["name"] = json!(safe(name));
    }
    let mut location = json!({ "logicalLocations": [logical] });
    // Code scanning only shows results in files: cloud resources are shown at the file that
    // configures the backend.
    let path = if finding.group == CheckGroup::Files {
        finding.resource.as_deref().or(file)
    } else {
        file
    };
    if let Some(path) = path {
        location["physicalLocation"] =
            json!({ "artifactLocation": artifact(path), "region": { "startLine": 1 } });
    }
    location
}

/// Characters that need no escaping in the path of a URI.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

fn artifact(path: &str) -> Value {
    let path = path.replace('\\', "/");
    let encoded = |path: &str| utf8_percent_encode(path, IN_PATH).to_string();
    match path.strip_prefix('/') {
        Some(absolute) => {
            json!({ "uri": format!("file:///{}", encoded(absolute.trim_start_matches('/'))) })
        }
        None => {
            let mut path = path.as_str();
            while let Some(rest) = path.strip_prefix("./") {
                path = rest.trim_start_matches('/');
            }
            json!({ "uri": encoded(path), "uriBaseId": "%SRCROOT%" })
        }
    }
}

/// Returns a fingerprint that is stable for a check at a place, regardless of text and time.
fn fingerprint(finding: &FindingDocument, document: &VerifyDocument) -> String {
    let about = &document.about;
    let place = [
        finding.address.as_deref().unwrap_or_default(),
        finding.resource.as_deref().unwrap_or_default(),
    ];
    let text = |value: &'_ Option<String>| value.clone().unwrap_or_default();
    let of = [
        finding.id.clone(),
        text(&about.account),
        text(&about.region),
        about.holder().1.to_owned(),
    ];
    // Encoded as JSON, so that the parts are delimited unambiguously.
    let text = json!([of, place]).to_string();
    Sha256::digest(text.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// Mid-range values of the levels that code scanning shows by the same word.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.0",
    }
}
