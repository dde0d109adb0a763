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
    title: "every state is encrypted with the key of the backend",
    why: "what the writer asks for goes before the bucket's default: a state under another key \
          can be read by others than the key's policy says, and cannot be read at all once that \
          key is gone",
    controls: &[],
};

pub const STATE_DIGEST: Check = Check {
    id: "state-digest",
    docs: "https://developer.hashicorp.com/terraform/language/backend/s3",
    severity: Severity::High,
    group: CheckGroup::Usage,
    title: "the digests in the lock table are those of the states",
    why: "with a wrong digest, or one of a state that is not there, every command of Terraform \
          fails after ten seconds: `state data in S3 does not have the expected content`",
    controls: &[],
};

/// Only of states that were read: see [`super::super::contents`].
pub const STATE_UNREADABLE: Check = Check {
    id: "state-unreadable",
    docs: "https://developer.hashicorp.com/terraform/language/state",
    severity: Severity::High,
    group: CheckGroup::Usage,
    title: "Terraform can read every state (--read-states)",
    why: "every command of Terraform fails on a state that was cut off or overwritten by \
          something else, and a repair of its digest would only hide which version was the right \
          one",
    controls: &[],
};

pub const DIGEST_MISSING: Check = Check {
    id: "digest-missing",
    docs: "https://developer.hashicorp.com/terraform/language/backend/s3",
    severity: Severity::Low,
    group: CheckGroup::Usage,
    title: "the lock table has a digest of every state",
    why: "without a digest nothing tells a state that was damaged, or put back by hand, from the \
          one that Terraform wrote",
    controls: &[],
};

pub const STALE_LOCK: Check = Check {
    id: "stale-lock",
    docs: "https://developer.hashicorp.com/terraform/cli/commands/force-unlock",
    severity: Severity::Medium,
    group: CheckGroup::Locking,
    title: "no lock is held for longer than a run takes",
    why: "a lock has no end of its own: that of a run that died keeps all others out until it is \
          released",
    controls: &[],
};

pub const HALF_LOCK: Check = Check {
    id: "half-lock",
    docs: "https://developer.hashicorp.com/terraform/cli/commands/force-unlock",
    severity: Severity::Medium,
    group: CheckGroup::Locking,
    title: "a lock is held in both places or in none",
    why: "a lock that is held in one of the two keeps everybody out, and `terraform force-unlock` \
          ends with an error (`tfbackend lock release` does not)",
    controls: &[],
};

pub const LOCK_MECHANISM: Check = Check {
    id: "lock-mechanism",
    docs: "https://developer.hashicorp.com/terraform/language/backend/s3",
    severity: Severity::High,
    group: CheckGroup::Locking,
    title: "every run takes its lock where all others look",
    why: "a run that locks in the table and one that uses lock files do not see each other, and \
          the later one overwrites the state of the earlier one",
    controls: &[],
};

pub const LOCK_MECHANISM_VERSION: Check = Check {
    id: "lock-mechanism-version",
    docs: "https://developer.hashicorp.com/terraform/language/backend/s3",
    severity: Severity::Medium,
    group: CheckGroup::Locking,
    title: "every version in use knows the kind of lock that is in use",
    why: "Terraform and OpenTofu know lock files from 1.10 on: an older one cannot use this \
          configuration, and has one of its own",
    controls: &[],
};

pub const TFLOCK_LEFT: Check = Check {
    id: "tflock-left",
    docs: "https://developer.hashicorp.com/terraform/language/state/locking",
    severity: Severity::Low,
    group: CheckGroup::Locking,
    title: "every lock file is the lock of a run",
    why: "a lock file keeps everybody out who uses lock files, whatever is in it",
    controls: &[],
};
