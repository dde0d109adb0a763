//! Findings for people and programs: one document, and the forms that it is printed in.

use self::document::{
    CheckResultDocument, CheckStatus, FindingDocument, VerdictCounts, VerifyDocument,
};
use crate::checks::Severity;

pub mod document;
pub mod html;
pub mod junit;
pub mod markdown;
mod markup;
mod picture;
pub mod sarif;
pub mod text;

impl VerifyDocument {
    /// What is to be mended, or nobody knows; the worst first.
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

    /// What there is to say of a check that does not hold: of one without an address as much as
    /// there are places.
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

    /// `acme prod`; for a backend that tfbackend knows nothing of, its bucket.
    fn name(&self) -> String {
        let known: Vec<&str> = [&self.about.project, &self.about.env]
            .into_iter()
            .filter_map(Option::as_deref)
            .collect();
        if known.is_empty() {
            self.about.bucket.clone()
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

    /// The address, or the name of what has none.
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

    /// Open findings of any severity.
    fn open(&self) -> usize {
        Severity::ALL
            .into_iter()
            .map(|severity| self.at(severity))
            .sum()
    }

    /// `1 critical, 2 high`; without what there is none of.
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
            Self::Holds => "holds",
            Self::Open => "open",
            Self::Unreadable => "unreadable",
            Self::Accepted => "accepted",
            Self::FailsWithResource => "fails with the resource",
            Self::Untold => "cannot be told",
        }
    }

    /// Word and sign say the same: either alone can be read.
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

/// Fixes that are long and the same for several findings: each is written once, after them.
struct SharedFixes<'a>(Vec<&'a str>);

impl<'a> SharedFixes<'a> {
    /// In characters; a shorter fix is read faster than a reference to it.
    const LONG: usize = 80;

    fn of(findings: &[&'a FindingDocument]) -> Self {
        let mut shared: Vec<&str> = vec![];
        for (at, finding) in findings.iter().enumerate() {
            let fix = finding.mend.as_str();
            let again = findings[at + 1..].iter().any(|other| other.mend == fix);
            if fix.chars().count() > Self::LONG && again && !shared.contains(&fix) {
                shared.push(fix);
            }
        }
        Self(shared)
    }

    /// From 1 on, if the finding's fix is one of them.
    fn number(&self, finding: &FindingDocument) -> Option<usize> {
        self.0
            .iter()
            .position(|fix| *fix == finding.mend)
            .map(|at| at + 1)
    }

    /// Each with its number.
    fn all(&self) -> impl Iterator<Item = (usize, &'a str)> {
        self.0.iter().enumerate().map(|(at, fix)| (at + 1, *fix))
    }
}

/// A page that a link may lead to: of those that the checks name, and nothing else.
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

/// Whether what sets a finding right can be typed as it stands; otherwise it is a sentence.
fn is_command(mend: &str) -> bool {
    let program = mend.split(' ').next().unwrap_or_default();
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
        && mend.contains(' ')
        && ![", ", ". ", ": ", "; ", "`", "\n"]
            .iter()
            .any(|sentence| mend.contains(sentence))
        && !mend.ends_with('.')
}

#[cfg(test)]
mod tests;
