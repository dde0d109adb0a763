//! The checks of `verify --probe`: each is proved by a call, or is not proved.

use crate::checks::{Check, CheckGroup, Severity};

pub const CHECKS: [&Check; 21] = [
    &PROBE_WRITE,
    &PROBE_READ,
    &PROBE_DELETE,
    &PROBE_ENCRYPTION,
    &PROBE_DEFAULT_ENCRYPTION,
    &PROBE_BUCKET_KEY,
    &PROBE_OTHER_ALGORITHM,
    &PROBE_OTHER_KEY,
    &PROBE_CUSTOMER_KEY,
    &PROBE_LOCK_ITEM,
    &PROBE_LOCK_ITEM_HELD,
    &PROBE_LOCK_ITEM_RELEASE,
    &PROBE_LOCK_FILE,
    &PROBE_LOCK_FILE_HELD,
    &PROBE_LOCK_FILE_OVERWRITE,
    &PROBE_LOCK_FILE_RELEASE,
    &PROBE_PLAIN_HTTP,
    &PROBE_RUNNER_VERSIONS,
    &PROBE_RUNNER_STATES,
    &PROBE_RUNNER_ITEMS,
    &PROBE_RUNNER_POLICY,
];

const fn check(
    id: &'static str,
    docs: &'static str,
    severity: Severity,
    group: CheckGroup,
    title: &'static str,
    why: &'static str,
) -> Check {
    Check {
        id,
        docs,
        severity,
        group,
        title,
        why,
        controls: &[],
    }
}

pub const PROBE_WRITE: Check = check(
    "probe-write",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::High,
    CheckGroup::Access,
    "a state can be written",
    "an apply whose state cannot be saved leaves resources that are not managed",
);
pub const PROBE_READ: Check = check(
    "probe-read",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::High,
    CheckGroup::Access,
    "what was written is what is read",
    "no plan can be made without the state",
);
pub const PROBE_DELETE: Check = check(
    "probe-delete",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::Medium,
    CheckGroup::Access,
    "the state of a workspace can be deleted",
    "`terraform workspace delete` fails, and the workspace stays",
);
pub const PROBE_ENCRYPTION: Check = check(
    "probe-encryption",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
    Severity::High,
    CheckGroup::Encryption,
    "what Terraform writes is encrypted with the key of the backend",
    "a state under another key can be read by others than the key's policy says",
);
pub const PROBE_DEFAULT_ENCRYPTION: Check = check(
    "probe-default-encryption",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html",
    Severity::High,
    CheckGroup::Encryption,
    "what is written without a word on encryption is encrypted with the key of the backend",
    "a client that leaves it to the bucket would write under another key",
);
pub const PROBE_BUCKET_KEY: Check = check(
    "probe-bucket-key",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html",
    Severity::Low,
    CheckGroup::Encryption,
    "what is written has the bucket key in between",
    "without it each read and write of a state is a call to KMS, which costs and is throttled",
);
pub const PROBE_OTHER_ALGORITHM: Check = check(
    "probe-other-algorithm",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
    Severity::High,
    CheckGroup::Encryption,
    "a write under another algorithm is refused",
    "`encrypt = true` without `kms_key_id` would write every state under a key of S3's own",
);
pub const PROBE_OTHER_KEY: Check = check(
    "probe-other-key",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
    Severity::High,
    CheckGroup::Encryption,
    "a write under a foreign key is refused",
    "who names a key of their own can take the state away from everybody else",
);
pub const PROBE_CUSTOMER_KEY: Check = check(
    "probe-customer-key",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html",
    Severity::High,
    CheckGroup::Encryption,
    "a write under a key that the writer brings along is refused (SSE-C)",
    "with it states are held to ransom: AWS does not have the key",
);
pub const PROBE_LOCK_ITEM: Check = check(
    "probe-lock-item",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::High,
    CheckGroup::Locking,
    "a lock can be taken in the table",
    "without a lock there is no plan and no apply",
);
pub const PROBE_LOCK_ITEM_HELD: Check = check(
    "probe-lock-item-held",
    "https://developer.hashicorp.com/terraform/language/state/locking",
    Severity::Critical,
    CheckGroup::Locking,
    "a lock that is held in the table is refused to a second one",
    "two applies at once on one state lose resources",
);
pub const PROBE_LOCK_ITEM_RELEASE: Check = check(
    "probe-lock-item-release",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::High,
    CheckGroup::Locking,
    "the lock in the table can be released",
    "a lock that stays keeps all others out until it is released by hand",
);
pub const PROBE_LOCK_FILE: Check = check(
    "probe-lock-file",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::High,
    CheckGroup::Locking,
    "a lock file can be made",
    "without a lock there is no plan and no apply",
);
pub const PROBE_LOCK_FILE_HELD: Check = check(
    "probe-lock-file-held",
    "https://developer.hashicorp.com/terraform/language/state/locking",
    Severity::Critical,
    CheckGroup::Locking,
    "a lock file that is there is refused to a second one",
    "two applies at once on one state lose resources",
);
pub const PROBE_LOCK_FILE_OVERWRITE: Check = check(
    "probe-lock-file-overwrite",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html",
    Severity::High,
    CheckGroup::Locking,
    "a lock file cannot be overwritten by who does not ask first",
    "a client that does not ask first would steal the lock of a running apply",
);
pub const PROBE_LOCK_FILE_RELEASE: Check = check(
    "probe-lock-file-release",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::High,
    CheckGroup::Locking,
    "the lock file can be deleted",
    "a lock that stays keeps all others out until it is released by hand",
);
pub const PROBE_PLAIN_HTTP: Check = check(
    "probe-plain-http",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
    Severity::High,
    CheckGroup::Access,
    "plain HTTP is refused",
    "states could be read on the way, with the passwords in them",
);
pub const PROBE_RUNNER_VERSIONS: Check = check(
    "probe-runner-versions",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html",
    Severity::High,
    CheckGroup::Access,
    "who runs Terraform cannot delete versions of a state",
    "a pipeline that was taken over could destroy the history, and with it every way back",
);
pub const PROBE_RUNNER_STATES: Check = check(
    "probe-runner-states",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::Medium,
    CheckGroup::Access,
    "who runs Terraform cannot delete the state of a default workspace",
    "Terraform never does; who does means harm",
);
pub const PROBE_RUNNER_ITEMS: Check = check(
    "probe-runner-items",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::Medium,
    CheckGroup::Access,
    "who runs Terraform cannot reach the locks and digests of other buckets",
    "a wrong digest keeps others from their state",
);
pub const PROBE_RUNNER_POLICY: Check = check(
    "probe-runner-policy",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html",
    Severity::High,
    CheckGroup::Access,
    "who runs Terraform cannot change the bucket's policy",
    "an intruder who may removes first what denies everything else",
);
