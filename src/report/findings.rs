//! Findings as one document, and its output formats.

use self::document::{
    CheckResultDocument, CheckStatus, FindingDocument, VerdictCounts, VerifyDocument,
};
use crate::checks::Severity;

pub mod document;
pub(crate) mod html;
pub(crate) mod junit;
pub(crate) mod markdown;
mod markup;
mod picture;
pub(crate) mod sarif;
pub(crate) mod text;

impl VerifyDocument {
    /// The findings that need a fix or cannot be determined, by severity.
    fn open(&self) -> impl Iterator<Item = &FindingDocument> {
        self.findings.iter().filter(|finding| finding.is_open())
    }

    fn accepted(&self) -> impl Iterator<Item = &FindingDocument> {
        self.findings
            .iter()
            .filter(|finding| finding.status == CheckStatus::Accepted)
    }

    fn holding(&self) -> impl Iterator<Item = &CheckResultDocument> {
        self.checks
            .iter()
            .filter(|check| check.status == CheckStatus::Holds)
    }

    /// Returns the findings of a failed check: for a check without an address, one per place.
    fn findings_of<'a>(
        &'a self,
        check: &'a CheckResultDocument,
    ) -> impl Iterator<Item = &'a FindingDocument> {
        self.findings.iter().filter(|finding| {
            finding.id == check.id
                && finding.status == check.status
                && finding.address == check.address
        })
    }

    /// Returns `acme prod`; for an unmanaged backend, its bucket.
    fn name(&self) -> String {
        let known: Vec<&str> = [&self.about.project, &self.about.env]
            .into_iter()
            .filter_map(Option::as_deref)
            .collect();
        if known.is_empty() {
            self.about.holder().1.to_owned()
        } else {
            known.join(" ")
        }
    }
}

impl FindingDocument {
    fn is_open(&self) -> bool {
        match self.status {
            CheckStatus::Open | CheckStatus::Unreadable => true,
            CheckStatus::Holds
            | CheckStatus::Accepted
            | CheckStatus::FailsWithResource
            | CheckStatus::Untold => false,
        }
    }

    /// Returns the address, or the name if there is no address.
    fn shown(&self) -> &str {
        self.address
            .as_deref()
            .or(self.resource.as_deref())
            .unwrap_or_default()
    }
}

impl CheckResultDocument {
    fn shown(&self) -> &str {
        self.address
            .as_deref()
            .or(self.resource.as_deref())
            .unwrap_or_default()
    }
}

impl VerdictCounts {
    fn at(&self, severity: Severity) -> usize {
        match severity {
            Severity::Info => self.info,
            Severity::Low => self.low,
            Severity::Medium => self.medium,
            Severity::High => self.high,
            Severity::Critical => self.critical,
        }
    }

    /// Returns the number of open findings of any severity.
    fn open(&self) -> usize {
        Severity::ALL
            .into_iter()
            .map(|severity| self.at(severity))
            .sum()
    }

    /// Returns `1 critical, 2 high`, without severities that have no findings.
    fn by_severity(&self) -> String {
        let counts = Severity::ALL
            .into_iter()
            .map(|severity| (self.at(severity), severity.word()));
        let counts: Vec<_> = counts
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        counts.join(", ")
    }
}

impl CheckStatus {
    fn word(self) -> &'static str {
        match self {
            Self::Holds => "passed",
            Self::Open => "open",
            Self::Unreadable => "unreadable",
            Self::Accepted => "accepted",
            Self::FailsWithResource => "fails with the resource",
            Self::Untold => "unknown",
        }
    }

    /// The word and the sign have the same meaning: each is sufficient.
    fn sign(self, unicode: bool) -> &'static str {
        match (self, unicode) {
            (Self::Holds, true) => "✓",
            (Self::Holds, false) => "=",
            (Self::Open | Self::FailsWithResource, true) => "✗",
            (Self::Open | Self::FailsWithResource, false) => "!",
            (Self::Unreadable | Self::Untold, _) => "?",
            (Self::Accepted, _) => "-",
        }
    }
}

/// Long fixes that several findings share: each is written once, after the findings.
struct SharedFixes<'a>(Vec<&'a str>);

impl<'a> SharedFixes<'a> {
    /// In characters; a shorter fix is read faster than a reference to it.
    const LONG: usize = 80;

    fn of(findings: &[&'a FindingDocument]) -> Self {
        let mut shared: Vec<&str> = vec![];
        for (at, finding) in findings.iter().enumerate() {
            let fix = finding.remediation.as_str();
            let again = findings[at + 1..]
                .iter()
                .any(|other| other.remediation == fix);
            if fix.chars().count() > Self::LONG && again && !shared.contains(&fix) {
                shared.push(fix);
            }
        }
        Self(shared)
    }

    /// Returns its number, from 1, if the finding's fix is shared.
    fn number(&self, finding: &FindingDocument) -> Option<usize> {
        self.0
            .iter()
            .position(|fix| *fix == finding.remediation)
            .map(|at| at + 1)
    }

    /// Returns each fix with its number.
    fn all(&self) -> impl Iterator<Item = (usize, &'a str)> {
        self.0.iter().enumerate().map(|(at, fix)| (at + 1, *fix))
    }
}

/// Returns a page that may be linked: only those of the checks.
fn vendor_page(docs: &str) -> Option<&str> {
    let of_vendor = [
        "https://docs.aws.amazon.com/",
        "https://developer.hashicorp.com/",
    ]
    .iter()
    .any(|site| docs.starts_with(site));
    let plain = docs
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "/:.-_#".contains(c));
    (of_vendor && plain).then_some(docs)
}

/// Returns whether a fix is a command; otherwise it is a sentence.
fn is_command(remediation: &str) -> bool {
    let program = remediation.split(' ').next().unwrap_or_default();
    [
        "tfbackend",
        "terraform",
        "tofu",
        "aws",
        "git",
        "chmod",
        "rm",
        "mv",
    ]
    .contains(&program)
        && remediation.contains(' ')
        && ![", ", ". ", ": ", "; ", "`", "\n"]
            .iter()
            .any(|sentence| remediation.contains(sentence))
        && !remediation.ends_with('.')
}

#[cfg(test)]
mod tests;
