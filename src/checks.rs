//! Checks of a safe backend, and their findings.
//!
//! A [`Check`] is a rule of the catalogue; running it at one [`Place`] returns a [`Checked`]. A
//! check that fails, or whose subject cannot be read, is a finding. Accepting a finding requires a
//! reason.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::spec::Address;

pub mod accept;
pub mod files;

/// The severity of a failed check, in ascending order.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Informational, without a risk.
    Info,
    Low,
    Medium,
    High,
    /// States can be lost, or read or destroyed by unauthorized principals.
    Critical,
}

/// The subject of a check.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum CheckGroup {
    Storage,
    Encryption,
    Locking,
    Access,
    Keys,
    Audit,
    Alarms,
    /// `backend.tf`, `backend.conf` and the files that Terraform stores next to them.
    Files,
    /// Data of runs: objects, locks, digests.
    Usage,
}

/// One rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Check {
    /// Stable between versions; the argument of `--ignore`.
    pub id: &'static str,
    /// The vendor's documentation.
    pub docs: &'static str,
    pub severity: Severity,
    pub group: CheckGroup,
    /// The expected condition, as in `versioning is enabled`.
    pub expected: &'static str,
    /// The consequence of a failure.
    pub rationale: &'static str,
    /// IDs of the controls that require it, such as `S3.14` (Security Hub), `CIS 3.6`,
    /// `CKV_AWS_21` (Checkov).
    pub references: &'static [&'static str],
}

/// The checked subject.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckedPlace {
    /// The address in the blueprint, if any.
    pub address: Option<Address>,
    /// ARN of a resource, `s3://bucket/key` of an object, path of a file.
    pub name: Option<String>,
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Holds,
    Fails {
        /// What was found.
        found: String,
        /// The fix: a command, or an instruction.
        remediation: String,
    },
    /// It cannot be read, so that the result is unknown.
    Unreadable {
        error: String,
    },
    /// The account, the endpoint or the requested depth does not allow a result. The result is
    /// unknown, and it is not a finding.
    Untold {
        why: String,
    },
    /// The subject is missing or unreadable, which the finding of `check` at `place` reports. It is
    /// not a finding of its own, and not a passed check either.
    FailsWith {
        check: &'static Check,
        place: CheckedPlace,
    },
}

/// The result of a rule at one place.
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

    /// Returns true if it is a finding.
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

    /// Returns the address, or the name if there is no address.
    pub fn shown(&self) -> &str {
        self.address
            .as_ref()
            .map(Address::as_str)
            .or(self.name.as_deref())
            .unwrap_or_default()
    }
}

impl Severity {
    /// Sorts by severity, the highest first.
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
