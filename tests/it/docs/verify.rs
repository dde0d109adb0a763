//! `docs/reference/checks.md`: every check there is, from the catalogue.

use std::collections::BTreeSet;

use tfbackend::{
    backend,
    checks::{CheckGroup, Severity},
};

use crate::support::page;

#[test]
fn every_check_is_documented() {
    let mut parts = vec![];
    for group in CheckGroup::ALL {
        let mut rows = "| id | severity | expected | rationale | references |\n| --- | --- | --- \
                        | --- | --- |\n"
            .to_owned();
        for check in backend::checks().filter(|check| check.group == group) {
            let references = check.references.join(", ");
            rows.push_str(&format!(
                "| [`{}`]({}) | {} | {} | {} | {references} |\n",
                check.id,
                check.docs,
                check.severity.word(),
                check.expected,
                check.rationale
            ));
        }
        parts.push((group.word(), rows));
    }
    page::parts_must_be("docs/reference/checks.md", &parts);
}

/// An id is what people write down to accept a finding: it is one of a kind, and says where it
/// belongs in lower case.
#[test]
fn ids_are_one_of_a_kind() {
    let mut seen = BTreeSet::new();
    for check in backend::checks() {
        assert!(seen.insert(check.id), "{} comes twice", check.id);
        assert!(
            check
                .id
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
            "{}",
            check.id
        );
        for text in [check.expected, check.rationale] {
            assert!(
                !text.is_empty() && !text.ends_with('.') && !text.contains('|'),
                "{}: {text}",
                check.id
            );
        }
        let vendors = [
            "https://docs.aws.amazon.com/",
            "https://developer.hashicorp.com/terraform/",
        ];
        assert!(
            vendors.iter().any(|vendor| check.docs.starts_with(vendor)),
            "{}: {}",
            check.id,
            check.docs
        );
        for control in check.references {
            let known = [
                "CKV_AWS_",
                "CKV2_AWS_",
                "CKV_SECRET_",
                "CIS ",
                "S3.",
                "KMS.",
                "DynamoDB.",
                "SNS.",
                "IAM.",
                "CloudTrail.",
                "CloudWatch.",
            ];
            assert!(
                known.iter().any(|start| control.starts_with(start)),
                "{}: {control}",
                check.id
            );
        }
    }
    assert!(
        Severity::ALL
            .iter()
            .all(|severity| backend::checks().any(|check| check.severity == *severity))
    );
}
