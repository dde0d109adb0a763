//! The rules that a backend on AWS is held to, with the controls that ask for each.
//!
//! Controls: AWS Security Hub (`S3.14`: AWS Foundational Security Best Practices and the wider
//! catalogue), CIS AWS Foundations Benchmark 5.0 (`CIS 3.6`), Checkov (`CKV_AWS_21`).

use super::{probe, usage};
use crate::checks::{Check, CheckGroup, Severity, files};

mod audit;
mod keys;
mod locking;
mod storage;

pub(crate) use audit::*;
pub(crate) use keys::*;
pub(crate) use locking::*;
pub(crate) use storage::*;

/// In the order of the resources.
pub(crate) static ALL: &[&Check] = &[
    &OWNED,
    &UNMANAGED,
    &TAGS,
    &SETTINGS_LIVE,
    &KEY,
    &KEY_USABLE,
    &KEY_ALIAS,
    &KEY_ROTATION,
    &KEY_DELETION_WINDOW,
    &KEY_POLICY,
    &KEY_OPEN,
    &KEY_GRANTS,
    &BUCKET,
    &BUCKET_ACLS,
    &PUBLIC_ACCESS,
    &VERSIONING,
    &BUCKET_ENCRYPTION,
    &BUCKET_KEY,
    &SSE_C,
    &HISTORY,
    &HISTORY_CUT,
    &LIFECYCLE,
    &ACCELERATION,
    &ACCESS_LOGS,
    &DELETE_EVENTS,
    &BUCKET_TLS,
    &BUCKET_OLD_TLS,
    &BUCKET_OTHER_ACCOUNTS,
    &BUCKET_OTHER_ENCRYPTION,
    &BUCKET_DESTROY,
    &LOCK_OVERWRITE,
    &LOG_FORGERY,
    &LOG_DELIVERY,
    &BUCKET_POLICY,
    &BUCKET_OPEN,
    &BUCKET_REPLICATION,
    &BUCKET_WEBSITE,
    &BUCKET_CORS,
    &TERRAFORM_DENIED,
    &TABLE,
    &TABLE_KEY,
    &TABLE_BILLING,
    &TABLE_PROTECTION,
    &TABLE_ENCRYPTION,
    &TABLE_RECOVERY,
    &TABLE_OPEN,
    &TABLE_EXPIRY,
    &TOPIC,
    &TOPIC_ENCRYPTION,
    &TOPIC_POLICY,
    &TOPIC_OPEN,
    &TOPIC_HEARD,
    &SUBSCRIBED,
    &CONFIRMED,
    &LISTENERS,
    &ALARM,
    &ALARM_FIRES,
    &ALARM_TELLS,
    &TRAIL,
    &TRAIL_VALIDATION,
    &TRAIL_ENCRYPTION,
    &TRAIL_REGIONS,
    &TRAIL_BUCKET,
    &TRAIL_SELECTORS,
    &TRAIL_LOGGING,
    &TRAIL_DELIVERY,
    &RUNNER_POLICY,
    &RUNNER_ATTACHED,
    &RUNNER_USED,
    &WIDE_ACCESS,
    &ACCOUNT_PUBLIC_ACCESS,
    &ACCOUNT_TRAIL,
];

/// Every check that there is, also of the files and of what runs made of the backend.
pub(crate) fn every() -> impl Iterator<Item = &'static Check> {
    ALL.iter()
        .copied()
        .chain(usage::CHECKS)
        .chain([&usage::STATE_UNREADABLE])
        .chain(probe::CHECKS)
        .chain(files::catalogue::ALL)
}

const fn check(
    id: &'static str,
    docs: &'static str,
    severity: Severity,
    group: CheckGroup,
    expected: &'static str,
    rationale: &'static str,
    references: &'static [&'static str],
) -> Check {
    Check {
        id,
        docs,
        severity,
        group,
        expected,
        rationale,
        references,
    }
}
