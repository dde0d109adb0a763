//! The checks of live use.

use crate::checks::{Check, CheckGroup, Severity};

pub const CHECKS: [&Check; 8] = [
    &STATE_ENCRYPTION,
    &STATE_DIGEST,
    &DIGEST_MISSING,
    &STALE_LOCK,
    &HALF_LOCK,
    &LOCK_MECHANISM,
    &LOCK_MECHANISM_VERSION,
    &TFLOCK_LEFT,
];

pub const STATE_ENCRYPTION: Check = Check {
    id: "state-encryption",
    docs: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
    severity: Severity::High,
    group: CheckGroup::Encryption,
    expected: "every state is encrypted with the key of the backend",
    rationale: "the encryption in a request overrides the bucket's default: a state under another \
                key is not protected by the key policy of the backend, and is lost if that key is \
                deleted",
    references: &[],
};

pub const STATE_DIGEST: Check = Check {
    id: "state-digest",
    docs: "https://developer.hashicorp.com/terraform/language/backend/s3",
    severity: Severity::High,
    group: CheckGroup::Usage,
    expected: "the digests in the lock table match the states",
    rationale: "with a wrong digest, or a digest of a missing state, every Terraform command fails \
          after ten seconds: `state data in S3 does not have the expected content`",
    references: &[],
};

/// Only of states that were read: see [`super::super::contents`].
pub const STATE_UNREADABLE: Check = Check {
    id: "state-unreadable",
    docs: "https://developer.hashicorp.com/terraform/language/state",
    severity: Severity::High,
    group: CheckGroup::Usage,
    expected: "Terraform can read every state (--read-states)",
    rationale: "every Terraform command fails on a truncated or overwritten state, and repairing \
                its digest would hide which version is the correct one",
    references: &[],
};

pub const DIGEST_MISSING: Check = Check {
    id: "digest-missing",
    docs: "https://developer.hashicorp.com/terraform/language/backend/s3",
    severity: Severity::Low,
    group: CheckGroup::Usage,
    expected: "the lock table has a digest for every state",
    rationale: "without a digest, a state that was damaged or restored manually cannot be detected",
    references: &[],
};

pub const STALE_LOCK: Check = Check {
    id: "stale-lock",
    docs: "https://developer.hashicorp.com/terraform/cli/commands/force-unlock",
    severity: Severity::Medium,
    group: CheckGroup::Locking,
    expected: "no lock is held longer than a run takes",
    rationale: "locks do not expire: the lock of a crashed run blocks all other runs until it is \
          released",
    references: &[],
};

pub const HALF_LOCK: Check = Check {
    id: "half-lock",
    docs: "https://developer.hashicorp.com/terraform/cli/commands/force-unlock",
    severity: Severity::Medium,
    group: CheckGroup::Locking,
    expected: "locks are held both in the table and as a lock file, or in neither",
    rationale: "a lock that is held in only one of the two places blocks all runs, and `terraform \
          force-unlock` fails on it (`tfbackend lock release` does not)",
    references: &[],
};

pub const LOCK_MECHANISM: Check = Check {
    id: "lock-mechanism",
    docs: "https://developer.hashicorp.com/terraform/language/backend/s3",
    severity: Severity::High,
    group: CheckGroup::Locking,
    expected: "all runs use the same lock mechanism",
    rationale: "a run that locks in the table and a run that uses lock files do not see each \
                other, and the later one overwrites the state of the earlier one",
    references: &[],
};

pub const LOCK_MECHANISM_VERSION: Check = Check {
    id: "lock-mechanism-version",
    docs: "https://developer.hashicorp.com/terraform/language/backend/s3",
    severity: Severity::Medium,
    group: CheckGroup::Locking,
    expected: "every version in use supports the lock mechanism",
    rationale: "Terraform and OpenTofu support lock files since version 1.10: an older version \
                cannot use this configuration",
    references: &[],
};

pub const TFLOCK_LEFT: Check = Check {
    id: "tflock-left",
    docs: "https://developer.hashicorp.com/terraform/language/state/locking",
    severity: Severity::Low,
    group: CheckGroup::Locking,
    expected: "every lock file was written by a run",
    rationale: "a lock file blocks all runs that use lock files, regardless of its content",
    references: &[],
};
