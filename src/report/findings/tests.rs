//! One made-up verification, in every form: as it reads, and with hostile text in every place.

use proptest::prelude::*;

use super::document::{
    CheckResultDocument, CheckStatus, FindingDocument, ResourceDocument, VerdictCounts,
    VerifiedEnvironment, VerifyDocument,
};
use crate::{
    checks::{CheckGroup, Severity, accept::AcceptedFinding},
    report::{TextStyle, style::TextStyles},
};

mod html;
mod junit;
mod markdown;
mod sarif;
mod text;

fn view(width: usize) -> TextStyle {
    TextStyle {
        width,
        style: TextStyles {
            color: false,
            unicode: true,
        },
        verbose: false,
    }
}

fn owned(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

fn check(
    id: &str,
    status: CheckStatus,
    severity: Severity,
    group: CheckGroup,
    expected: &str,
    place: [&str; 2],
    references: &[&str],
) -> CheckResultDocument {
    let [address, resource] = place.map(owned);
    let references = references
        .iter()
        .map(|&control| control.to_owned())
        .collect();
    CheckResultDocument {
        id: id.into(),
        status,
        severity,
        group,
        expected: expected.into(),
        address,
        resource,
        references,
        docs: "https://docs.aws.amazon.com/x/y.html".into(),
    }
}

fn finding(
    check: &CheckResultDocument,
    found: &str,
    rationale: &str,
    remediation: &str,
) -> FindingDocument {
    FindingDocument {
        id: check.id.clone(),
        status: check.status,
        severity: check.severity,
        group: check.group,
        expected: check.expected.clone(),
        found: found.into(),
        rationale: rationale.into(),
        remediation: remediation.into(),
        address: check.address.clone(),
        resource: check.resource.clone(),
        references: check.references.clone(),
        docs: check.docs.clone(),
        accepted: None,
    }
}

fn resource(address: &str, title: &str, needs: &[&str], present: bool) -> ResourceDocument {
    let needs = needs.iter().map(|&need| need.to_owned()).collect();
    ResourceDocument {
        address: address.into(),
        title: title.into(),
        needs,
        present,
    }
}

const BUCKET: &str = "acme-tfstate-prod-123456789012-eu-west-1";
const BUCKET_ARN: &str = "arn:aws:s3:::acme-tfstate-prod-123456789012-eu-west-1";
const KEY_ARN: &str = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000";

/// Every status, severity and group; in one state key, what a hostile tenant would write.
fn made() -> VerifyDocument {
    use CheckGroup::{Access, Alarms, Audit, Encryption, Files, Keys, Locking, Storage, Usage};
    use CheckStatus::{Accepted, Holds, Open, Unreadable};
    use Severity::{Critical, High, Info, Low, Medium};
    let evil = format!("s3://{BUCKET}/<b>a|b</b>`@root`${{x}}\u{202e}\x1b[31m\n");
    let checks = vec![
        check(
            "key-rotation",
            Holds,
            Medium,
            Keys,
            "the key gets new material at least once a year",
            ["key/rotation", KEY_ARN],
            &["KMS.4", "CKV_AWS_7"],
        ),
        check(
            "bucket-versioning",
            Open,
            Critical,
            Storage,
            "every version of a state is kept",
            ["state_bucket/versioning", BUCKET_ARN],
            &["S3.14", "CKV_AWS_21"],
        ),
        check(
            "bucket-private",
            Holds,
            Critical,
            Access,
            "the bucket blocks public access",
            ["state_bucket/public_access", BUCKET_ARN],
            &["S3.8", "CIS 2.1.4"],
        ),
        check(
            "bucket-encryption",
            Unreadable,
            High,
            Encryption,
            "states are encrypted with a key of one's own",
            ["state_bucket/encryption", BUCKET_ARN],
            &["S3.17"],
        ),
        check(
            "bucket-logs",
            Accepted,
            Medium,
            Audit,
            "each access to a state is written down",
            ["state_bucket/logging", ""],
            &["S3.9"],
        ),
        check(
            "table-recovery",
            Open,
            Low,
            Locking,
            "the lock table can be set back to any second",
            ["lock_table/recovery", ""],
            &["DynamoDB.2"],
        ),
        check(
            "alarm-heard",
            Open,
            Info,
            Alarms,
            "a subscriber is notified of deleted states",
            ["alarm[deleted]", ""],
            &[],
        ),
        check(
            "conf-encrypt",
            Open,
            Medium,
            Files,
            "backend.conf asks for encryption",
            ["", "infra prod/backend.conf"],
            &[],
        ),
        check(
            "state-key-plain",
            Open,
            High,
            Usage,
            "a state is where it is looked for",
            ["", &evil],
            &[],
        ),
    ];
    let mut findings = vec![
        finding(
            &checks[1],
            "versioning is `Suspended`",
            "a state that is overwritten or deleted is lost for good",
            "tfbackend bootstrap --env prod",
        ),
        finding(
            &checks[3],
            "cannot be read: s3:GetEncryptionConfiguration on acme-tfstate-prod-123456789012-eu-west-1: AccessDenied",
            "who can read the bucket could read its states without a trace",
            "",
        ),
        finding(
            &checks[8],
            "its name holds characters that no tool expects: <script>alert(1)</script> [x](https://evil.example) @root #1",
            "it is read as something else than it is",
            "Move it: `terraform state push` under another key, then delete this one.",
        ),
        finding(
            &checks[4],
            "no access logs are written",
            "after an incident, it is unknown what was read",
            "tfbackend bootstrap --env prod",
        ),
        finding(
            &checks[7],
            "`encrypt = false`",
            "another backend would take the state as it is",
            "tfbackend render --env prod",
        ),
        finding(
            &checks[5],
            "point-in-time recovery is off",
            "a deleted lock item is gone",
            "tfbackend bootstrap --env prod",
        ),
        finding(
            &checks[6],
            "the topic has no subscription",
            "an alarm without a subscriber does not notify you",
            "tfbackend bootstrap --env prod --alarm-email ops@example.com",
        ),
    ];
    findings[3].accepted = Some(AcceptedFinding {
        id: "bucket-logs".into(),
        at: None,
        reason: "the organization's trail records it".into(),
        until: owned("2027-01-31"),
    });
    VerifyDocument {
        about: VerifiedEnvironment {
            project: owned("acme"),
            env: owned("prod"),
            backend: None,
            account: owned("123456789012"),
            region: owned("eu-west-1"),
            bucket: owned(BUCKET),
            table: owned("acme-tfstate-prod-locks"),
        },
        at: "2026-11-21T03:00:00Z".into(),
        passed: false,
        score: 40,
        score_capped: owned("at most 40 while a finding of severity critical is open"),
        counts: VerdictCounts {
            critical: 1,
            high: 2,
            medium: 1,
            low: 1,
            info: 1,
            unreadable: 1,
            accepted: 1,
            holds: 2,
            fails_with_resource: 0,
        },
        findings,
        checks,
        resources: vec![
            resource("key", "KMS key of the states", &[], true),
            resource(
                "log_bucket",
                "S3 bucket acme-tfstate-prod-123456789012-eu-west-1-logs",
                &[],
                true,
            ),
            resource(
                "state_bucket",
                &format!("S3 bucket {BUCKET}"),
                &["key", "log_bucket"],
                true,
            ),
            resource(
                "lock_table",
                "DynamoDB table acme-tfstate-prod-locks, paid per request",
                &["key"],
                true,
            ),
            resource(
                "topic",
                "SNS topic acme-tfstate-prod-alarms",
                &["key"],
                true,
            ),
            resource(
                "trail",
                "CloudTrail trail acme-tfstate-prod",
                &["state_bucket", "log_bucket"],
                false,
            ),
            resource("alarm[deleted]", "a state was deleted", &["topic"], true),
            resource(
                "runner_policy",
                "IAM policy acme-tfstate-prod-runner, for Terraform runs",
                &["state_bucket", "lock_table"],
                true,
            ),
        ],
        file: Some("infra/backend.tf".into()),
        notes: vec!["The alarms of `us-east-1` were not looked at.".into()],
    }
}

const LONG_FIX: &str = "tfbackend bootstrap --env NAME --project NAME --region eu-west-1 --bucket \
                        b --table t --kms-key k --adopt";

/// Two findings with the same long fix, two with the same short one.
fn with_shared_fixes() -> VerifyDocument {
    let mut document = made();
    let mut open = document
        .findings
        .iter_mut()
        .filter(|finding| finding.status == CheckStatus::Open);
    for fix in [
        LONG_FIX,
        "tfbackend render --env prod",
        LONG_FIX,
        "tfbackend render --env prod",
    ] {
        open.next().expect("five are open").remediation = fix.to_owned();
    }
    document
}

/// `text` wherever text can stand.
fn filled_with(text: &str) -> VerifyDocument {
    let mut document = made();
    let all = || text.to_owned();
    let about = VerifiedEnvironment {
        project: Some(all()),
        env: Some(all()),
        backend: None,
        account: Some(all()),
        region: Some(all()),
        bucket: Some(all()),
        table: Some(all()),
    };
    document.about = about;
    document.at = all();
    for finding in &mut document.findings {
        (
            finding.id,
            finding.expected,
            finding.found,
            finding.rationale,
            finding.remediation,
        ) = (all(), all(), all(), all(), all());
        (finding.address, finding.resource) = (
            finding.address.as_ref().map(|_| all()),
            finding.resource.as_ref().map(|_| all()),
        );
        (finding.references, finding.docs) = (vec![all()], all());
        if let Some(acceptance) = &mut finding.accepted {
            *acceptance = AcceptedFinding {
                id: all(),
                at: Some(all()),
                reason: all(),
                until: Some(all()),
            };
        }
    }
    for check in &mut document.checks {
        (check.id, check.expected, check.references, check.docs) =
            (all(), all(), vec![all()], all());
        (check.address, check.resource) = (
            check.address.as_ref().map(|_| all()),
            check.resource.as_ref().map(|_| all()),
        );
    }
    for (at, resource) in document.resources.iter_mut().enumerate() {
        // Each another kind: the picture puts those of a kind into one box.
        (resource.address, resource.title, resource.needs) =
            (format!("{at}{text}"), all(), vec![format!("0{text}")]);
    }
    document.notes = vec![all()];
    document
}

/// Texts that break out of quotes, tags, lines, tables and links, or control a terminal. Never
/// empty.
fn hostile() -> impl Strategy<Value = String> {
    let nasty = prop_oneof![
        any::<char>().prop_map(String::from),
        proptest::char::range('\0', '\u{9f}').prop_map(String::from),
        proptest::char::range('\u{2000}', '\u{2070}').prop_map(String::from),
        proptest::sample::select(vec![
            "<",
            ">",
            "&",
            "\"",
            "'",
            "`",
            "``",
            "|",
            "\n\n",
            "\r\n",
            "]]>",
            "-->",
            "<!--",
            "<b>",
            "</details>",
            "</td>",
            "</title>",
            "</style>",
            "](http://a.b)",
            "[x]",
            "@root",
            "#1",
            "http://a.b",
            "www.a.b",
            "a@b.c",
            "${x}",
            "{{ x }}",
            "{% x %}",
            "{0}",
            "\\",
            "\u{1b}[31m",
            "&lt;",
            "&#60;",
            "\u{fffe}",
            "\u{ffff}",
            "\u{feff}",
            "\u{202e}",
            "    ",
            "- ",
            "# ",
            "word",
            " ",
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(nasty, 1..12).prop_map(|parts| parts.concat() + "x")
}
