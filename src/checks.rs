//! Findings: what must hold of any safe backend, and where it does not.
//!
//! A [`Check`] is a rule of the catalogue; carrying it out at one [`Place`] gives a [`Checked`].
//! What does not hold, or could not be seen, is a finding. Accepting a finding needs a reason.

use serde::{Deserialize, Serialize};

use crate::engine::spec::Address;

pub mod accept;
pub mod files;

/// How bad it is if a check does not hold. In this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// To be known; nothing is unsafe for it.
    Info,
    Low,
    Medium,
    High,
    /// States can be lost, read or destroyed by those who should not.
    Critical,
}

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckGroup {
    Storage,
    Encryption,
    Locking,
    Access,
    Keys,
    Audit,
    Alarms,
    /// `backend.tf`, `backend.conf` and what Terraform keeps beside them.
    Files,
    /// What runs made of it: objects, locks, digests.
    Usage,
}

/// One rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Check {
    /// Stable between versions: what `--ignore` names.
    pub id: &'static str,
    /// The vendor's page on what it is about.
    pub docs: &'static str,
    pub severity: Severity,
    pub group: CheckGroup,
    /// What must hold, as in `every version of a state is kept`.
    pub title: &'static str,
    /// Why it matters: what happens otherwise.
    pub why: &'static str,
    /// Ids of the controls that ask for it, such as `S3.14` (Security Hub), `CIS 3.6`,
    /// `CKV_AWS_21` (Checkov).
    pub controls: &'static [&'static str],
}

/// What was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckedPlace {
    /// In the blueprint, if it is part of one.
    pub address: Option<Address>,
    /// ARN of a resource, `s3://bucket/key` of an object, path of a file.
    pub name: Option<String>,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Holds,
    Fails {
        /// What is the case instead.
        what: String,
        /// What sets it right: a command, or an instruction where there is none.
        mend: String,
    },
    /// Nobody knows: it could not be looked at. Neither good nor bad.
    Unreadable {
        error: String,
    },
    /// These credentials are of an account that cannot know, the endpoint is one that does not say,
    /// or what would tell was not asked for. Neither good nor bad, and no finding.
    Untold {
        why: String,
    },
    /// What it is about is not there, or could not be looked at: the finding of `check` at `place`
    /// says so. No finding of its own, and it does not hold either.
    FailsWith {
        check: &'static Check,
        place: CheckedPlace,
    },
}

/// A rule, carried out at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckResult {
    pub check: &'static Check,
    pub place: CheckedPlace,
    pub verdict: Verdict,
}

impl CheckResult {
    pub fn new(check: &'static Check, place: CheckedPlace, verdict: Verdict) -> Self {
        Self {
            check,
            place,
            verdict,
        }
    }

    /// Whether it is a finding.
    pub fn is_finding(&self) -> bool {
        matches!(
            self.verdict,
            Verdict::Fails { .. } | Verdict::Unreadable { .. }
        )
    }
}

impl CheckedPlace {
    pub fn at(address: &Address, name: Option<String>) -> Self {
        Self {
            address: Some(address.clone()),
            name,
        }
    }

    pub fn named(name: impl Into<String>) -> Self {
        Self {
            address: None,
            name: Some(name.into()),
        }
    }

    /// The address, or the name of what has none.
    pub fn shown(&self) -> &str {
        self.address
            .as_ref()
            .map(Address::as_str)
            .or(self.name.as_deref())
            .unwrap_or_default()
    }
}

impl Severity {
    /// The worst first.
    pub const ALL: [Self; 5] = [
        Self::Critical,
        Self::High,
        Self::Medium,
        Self::Low,
        Self::Info,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl CheckGroup {
    pub const ALL: [Self; 9] = [
        Self::Storage,
        Self::Encryption,
        Self::Locking,
        Self::Access,
        Self::Keys,
        Self::Audit,
        Self::Alarms,
        Self::Files,
        Self::Usage,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::Encryption => "encryption",
            Self::Locking => "locking",
            Self::Access => "access",
            Self::Keys => "keys",
            Self::Audit => "audit",
            Self::Alarms => "alarms",
            Self::Files => "files",
            Self::Usage => "usage",
        }
    }
}
