//! The result of `verify` as a JSON document; the other formats are created from it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    checks::{
        Check, CheckGroup, CheckResult, CheckedPlace, Severity, Verdict, accept::AcceptedFinding,
    },
    store::location::BackendLocation,
};

/// The complete result. [`write_document`](crate::report::json::write_document) puts
/// `format_version` before the first field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VerifyDocument {
    pub about: VerifiedEnvironment,
    /// The time of the check, as in `2026-11-21T03:00:00Z`.
    pub at: String,
    /// True if no finding is open.
    pub passed: bool,
    /// From 0 to 100: the share of passed checks, weighted by severity and capped by the most
    /// severe open finding: critical 40, high 70, medium 90. 0 if there is no backend.
    pub score: u32,
    /// The reason for the cap, if the score is capped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score_capped: Option<String>,
    /// Open findings by severity.
    pub counts: VerdictCounts,
    /// Failed and unreadable checks by severity, including accepted ones.
    pub findings: Vec<FindingDocument>,
    /// All checks, in the order of the resources. The number of checks does not depend on the
    /// findings.
    pub checks: Vec<CheckResultDocument>,
    /// The resources, for the picture in the HTML page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceDocument>,
    /// The file of the working copy that configures the backend, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Notes on how the checks ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The checked backend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerifiedEnvironment {
    /// Absent for an unmanaged backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<BackendLocation>,
    /// The 12-digit account ID; this and the following only for backend kind `s3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
}

impl VerifiedEnvironment {
    /// Returns what holds the states, with its name: a bucket, or a folder.
    pub(super) fn holder(&self) -> (&'static str, &str) {
        let folder = || {
            let location = &self.backend.as_ref()?.location;
            Some(("folder", location.get("folder")?.as_str()))
        };
        let bucket = self.bucket.as_deref().map(|bucket| ("bucket", bucket));
        bucket.or_else(folder).unwrap_or(("backend", ""))
    }

    /// Returns further facts that tell backends apart, each with its name.
    pub(super) fn facts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let facts = [
            ("table", &self.table),
            ("account", &self.account),
            ("region", &self.region),
        ];
        facts
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerdictCounts {
    pub critical: usize,
    pub high: usize,
    pub medium: usize,
    pub low: usize,
    pub info: usize,
    /// Findings of any severity whose subject cannot be read; they are also counted above.
    pub unreadable: usize,
    /// Accepted findings; not counted above.
    pub accepted: usize,
    /// Passed checks.
    pub holds: usize,
    /// Checks that fail because their resource is missing or cannot be read, which is counted
    /// above.
    #[serde(default)]
    pub fails_with_resource: usize,
}

/// A finding of verify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingDocument {
    /// The ID of the check, the argument of `--ignore`. Stable between versions.
    pub id: String,
    pub status: CheckStatus,
    pub severity: Severity,
    pub group: CheckGroup,
    /// The expected condition.
    #[serde(alias = "title")]
    pub expected: String,
    /// The actual condition.
    #[serde(alias = "what")]
    pub found: String,
    /// The consequence of the failure.
    #[serde(alias = "why")]
    pub rationale: String,
    /// The fix: a command or an instruction; empty if the subject cannot be read for a reason
    /// other than a denial.
    #[serde(alias = "mend")]
    pub remediation: String,
    /// The address in the blueprint, as in `state_bucket/versioning`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The ARN of the resource, `s3://bucket/key` of the object, or path of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The IDs of the controls that require it, such as `S3.14`.
    #[serde(alias = "controls")]
    pub references: Vec<String>,
    /// The URL of the vendor's documentation.
    #[serde(default)]
    pub docs: String,
    /// The acceptance, if it is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<AcceptedFinding>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckStatus {
    Holds,
    Open,
    /// The subject cannot be read.
    Unreadable,
    Accepted,
    /// The resource is missing or cannot be read, which is a finding of the resource and not of
    /// this check.
    FailsWithResource,
    /// The result is unknown with credentials of this account, or without reading the states. It is
    /// not a finding; a note explains it.
    Untold,
}

/// A check of one resource; for states and locks, a check of all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckResultDocument {
    pub id: String,
    pub status: CheckStatus,
    pub severity: Severity,
    pub group: CheckGroup,
    /// The expected condition.
    #[serde(alias = "title")]
    pub expected: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Absent if it ran at several places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The IDs of the controls that require it, such as `S3.14`.
    #[serde(alias = "controls")]
    pub references: Vec<String>,
    /// The URL of the vendor's documentation.
    #[serde(default)]
    pub docs: String,
}

/// A resource of the backend and its dependencies: a node of the picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceDocument {
    /// As in `state_bucket`.
    pub address: String,
    /// The kind and name, for display.
    pub title: String,
    /// The addresses of the resources that it depends on.
    pub needs: Vec<String>,
    pub present: bool,
}

impl VerifyDocument {
    /// `today` is a date as in `2026-11-21`; findings below `least` are omitted, but their checks
    /// are counted.
    pub fn of(
        about: VerifiedEnvironment,
        at: String,
        checked: &[CheckResult],
        accepted: &[AcceptedFinding],
        today: &str,
        least: Severity,
    ) -> Self {
        let is_accepted = |checked: &CheckResult| {
            accepted
                .iter()
                .any(|acceptance| acceptance.covers(checked, today))
        };
        // Accepting a missing resource accepts its checks.
        let is_done_without = |check: &'static Check, place: &CheckedPlace| {
            let said = |one: &&CheckResult| {
                one.is_finding() && one.check.id == check.id && one.place == *place
            };
            checked.iter().filter(said).any(is_accepted)
        };
        let status = |checked: &CheckResult| match &checked.verdict {
            Verdict::Holds => CheckStatus::Holds,
            _ if is_accepted(checked) => CheckStatus::Accepted,
            Verdict::Fails { .. } => CheckStatus::Open,
            Verdict::Unreadable { .. } => CheckStatus::Unreadable,
            Verdict::FailsWith { check, place } if is_done_without(check, place) => {
                CheckStatus::Accepted
            }
            Verdict::FailsWith { .. } => CheckStatus::FailsWithResource,
            Verdict::Untold { .. } => CheckStatus::Untold,
        };
        let shown: Vec<&CheckResult> = checked
            .iter()
            .filter(|checked| checked.check.severity >= least)
            .collect();
        let mut findings: Vec<FindingDocument> = shown
            .iter()
            .filter(|checked| checked.is_finding())
            .map(|checked| {
                FindingDocument::of(
                    checked,
                    status(checked),
                    accepted.iter().find(|one| one.covers(checked, today)),
                )
            })
            .collect();
        // A stable sort keeps the order of the resources within a severity.
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let checks =
            CheckResultDocument::all(shown.iter().map(|checked| (*checked, status(checked))));
        let counts = VerdictCounts::of(&findings, &checks);
        let passed = !findings
            .iter()
            .any(|finding| matches!(finding.status, CheckStatus::Open | CheckStatus::Unreadable));
        let share = share(&checks);
        let (score, score_capped) = match cap(&checks).filter(|(most, _)| *most < share) {
            Some((most, why)) => (most, Some(why)),
            None => (share, None),
        };
        let resources = vec![];
        let untold = |checked: &&CheckResult| match &checked.verdict {
            Verdict::Untold { why } => Some(format!(
                "{} at {}: {why}",
                checked.check.id,
                checked.place.shown()
            )),
            _ => None,
        };
        let notes = shown.iter().filter_map(untold).collect();
        Self {
            about,
            at,
            passed,
            score,
            score_capped,
            counts,
            findings,
            checks,
            resources,
            file: None,
            notes,
        }
    }

    /// Scores a backend without the bucket or folder of its states.
    pub fn score_nothing(&mut self) {
        let (what, _) = self.about.holder();
        self.score = 0;
        self.score_capped = Some(format!("the state {what} does not exist"));
    }
}

impl FindingDocument {
    fn of(checked: &CheckResult, status: CheckStatus, accepted: Option<&AcceptedFinding>) -> Self {
        let check = checked.check;
        let (found, remediation) = match &checked.verdict {
            Verdict::Holds | Verdict::Untold { .. } | Verdict::FailsWith { .. } => {
                (String::new(), String::new())
            }
            Verdict::Fails { found, remediation } => (found.clone(), remediation.clone()),
            Verdict::Unreadable { error } => (format!("cannot be read: {error}"), String::new()),
        };
        Self {
            id: check.id.to_owned(),
            status,
            severity: check.severity,
            group: check.group,
            expected: check.expected.to_owned(),
            found,
            rationale: check.rationale.to_owned(),
            remediation,
            address: checked.place.address.as_ref().map(ToString::to_string),
            resource: checked.place.name.clone(),
            references: check
                .references
                .iter()
                .map(|&control| control.to_owned())
                .collect(),
            docs: check.docs.to_owned(),
            accepted: accepted.cloned(),
        }
    }
}

impl CheckResultDocument {
    /// A check without an address passes if it passes at all of its places.
    fn all<'a>(checked: impl Iterator<Item = (&'a CheckResult, CheckStatus)>) -> Vec<Self> {
        let mut all: Vec<Self> = vec![];
        for (checked, status) in checked {
            let same = |one: &&mut Self| {
                one.id == checked.check.id
                    && one.address.is_none()
                    && checked.place.address.is_none()
            };
            match all.iter_mut().find(same) {
                None => all.push(Self::of(checked, status)),
                Some(one) => {
                    one.status = one.status.or_worse(status);
                    one.resource = one
                        .resource
                        .take()
                        .filter(|resource| checked.place.name.as_ref() == Some(resource));
                }
            }
        }
        all
    }

    fn of(checked: &CheckResult, status: CheckStatus) -> Self {
        Self {
            id: checked.check.id.to_owned(),
            status,
            severity: checked.check.severity,
            group: checked.check.group,
            expected: checked.check.expected.to_owned(),
            address: checked.place.address.as_ref().map(ToString::to_string),
            resource: checked.place.name.clone(),
            references: checked
                .check
                .references
                .iter()
                .map(|&control| control.to_owned())
                .collect(),
            docs: checked.check.docs.to_owned(),
        }
    }
}

impl CheckStatus {
    /// Combines the status of two places of one check.
    fn or_worse(self, other: Self) -> Self {
        let order = [
            Self::Open,
            Self::FailsWithResource,
            Self::Unreadable,
            Self::Untold,
            Self::Accepted,
            Self::Holds,
        ];
        order
            .into_iter()
            .find(|status| [self, other].contains(status))
            .unwrap_or(self)
    }
}

impl VerdictCounts {
    fn of(findings: &[FindingDocument], checks: &[CheckResultDocument]) -> Self {
        let number =
            |status: CheckStatus| checks.iter().filter(|check| check.status == status).count();
        let mut counts = Self {
            holds: number(CheckStatus::Holds),
            fails_with_resource: number(CheckStatus::FailsWithResource),
            ..Self::default()
        };
        for finding in findings {
            match finding.status {
                CheckStatus::Holds | CheckStatus::FailsWithResource | CheckStatus::Untold => {}
                CheckStatus::Accepted => counts.accepted += 1,
                CheckStatus::Open | CheckStatus::Unreadable => {
                    counts.unreadable += usize::from(finding.status == CheckStatus::Unreadable);
                    *match finding.severity {
                        Severity::Critical => &mut counts.critical,
                        Severity::High => &mut counts.high,
                        Severity::Medium => &mut counts.medium,
                        Severity::Low => &mut counts.low,
                        Severity::Info => &mut counts.info,
                    } += 1;
                }
            }
        }
        counts
    }
}

/// Returns the score cap of the most severe open finding, with its reason. Unreadable checks do not
/// cap the score.
fn cap(checks: &[CheckResultDocument]) -> Option<(u32, String)> {
    let worst = checks
        .iter()
        .filter(|check| check.status == CheckStatus::Open)
        .map(|check| check.severity)
        .max()?;
    let most = match worst {
        Severity::Critical => 40,
        Severity::High => 70,
        Severity::Medium => 90,
        Severity::Low | Severity::Info => return None,
    };
    Some((
        most,
        format!(
            "at most {most} while a finding of severity {} is open",
            worst.word()
        ),
    ))
}

/// Rounded down, so that 100 means that all checks passed.
fn share(checks: &[CheckResultDocument]) -> u32 {
    let weight = |check: &CheckResultDocument| match check.severity {
        Severity::Critical => 10,
        Severity::High => 5,
        Severity::Medium => 3,
        Severity::Low => 1,
        Severity::Info => 0,
    };
    let all: u32 = checks
        .iter()
        .filter(|check| check.status != CheckStatus::Untold)
        .map(weight)
        .sum();
    let good: u32 = checks
        .iter()
        .filter(|check| matches!(check.status, CheckStatus::Holds | CheckStatus::Accepted))
        .map(weight)
        .sum();
    (good * 100).checked_div(all).unwrap_or(100)
}

#[cfg(test)]
mod tests;
