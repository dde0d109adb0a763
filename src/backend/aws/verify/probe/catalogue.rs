//! The checks of `verify --probe`: each is proved by a call, or not at all.

use crate::checks::{Check, CheckGroup, Severity};

pub(crate) const CHECKS: [&Check; 21] = [
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
    expected: &'static str,
    rationale: &'static str,
) -> Check {
    Check {
        id,
        docs,
        severity,
        group,
        expected,
        rationale,
        references: &[],
    }
}

pub(crate) const PROBE_WRITE: Check = check(
    "probe-write",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::High,
    CheckGroup::Access,
    "a state can be written",
    "an apply whose state cannot be saved leaves resources that are not managed",
);
pub(crate) const PROBE_READ: Check = check(
    "probe-read",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::High,
    CheckGroup::Access,
    "the state that is read is the state that was written",
    "Terraform cannot plan without the state",
);
pub(crate) const PROBE_DELETE: Check = check(
    "probe-delete",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::Medium,
    CheckGroup::Access,
    "the state of a workspace can be deleted",
    "`terraform workspace delete` fails, and the workspace stays",
);
pub(crate) const PROBE_ENCRYPTION: Check = check(
    "probe-encryption",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
    Severity::High,
    CheckGroup::Encryption,
    "objects that Terraform writes are encrypted with the key of the backend",
    "a state under another key is not protected by the key policy of the backend",
);
pub(crate) const PROBE_DEFAULT_ENCRYPTION: Check = check(
    "probe-default-encryption",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html",
    Severity::High,
    CheckGroup::Encryption,
    "objects that are written without encryption headers are encrypted with the key of the backend",
    "a client that relies on default encryption would write under another key",
);
pub(crate) const PROBE_BUCKET_KEY: Check = check(
    "probe-bucket-key",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html",
    Severity::Low,
    CheckGroup::Encryption,
    "objects are encrypted with an S3 Bucket Key",
    "without a bucket key, each read and write is a KMS request, which costs money and may be \
     throttled",
);
pub(crate) const PROBE_OTHER_ALGORITHM: Check = check(
    "probe-other-algorithm",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
    Severity::High,
    CheckGroup::Encryption,
    "a write with another algorithm is denied",
    "`encrypt = true` without `kms_key_id` would write every state with an S3 managed key",
);
pub(crate) const PROBE_OTHER_KEY: Check = check(
    "probe-other-key",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
    Severity::High,
    CheckGroup::Encryption,
    "a write with another key is denied",
    "a principal that writes a state with another key can make it unreadable for all others",
);
pub(crate) const PROBE_CUSTOMER_KEY: Check = check(
    "probe-customer-key",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html",
    Severity::High,
    CheckGroup::Encryption,
    "a write with a customer-provided key is denied (SSE-C)",
    "with such a key, an attacker can demand a ransom: AWS does not store the key",
);
pub(crate) const PROBE_LOCK_ITEM: Check = check(
    "probe-lock-item",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::High,
    CheckGroup::Locking,
    "a lock can be acquired in the table",
    "without a lock, plan and apply fail",
);
pub(crate) const PROBE_LOCK_ITEM_HELD: Check = check(
    "probe-lock-item-held",
    "https://developer.hashicorp.com/terraform/language/state/locking",
    Severity::Critical,
    CheckGroup::Locking,
    "a second run cannot acquire a lock that is held in the table",
    "two concurrent applies on one state lose resources",
);
pub(crate) const PROBE_LOCK_ITEM_RELEASE: Check = check(
    "probe-lock-item-release",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::High,
    CheckGroup::Locking,
    "the lock in the table can be released",
    "a lock that remains blocks all other runs until it is released manually",
);
pub(crate) const PROBE_LOCK_FILE: Check = check(
    "probe-lock-file",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::High,
    CheckGroup::Locking,
    "a lock file can be created",
    "without a lock, plan and apply fail",
);
pub(crate) const PROBE_LOCK_FILE_HELD: Check = check(
    "probe-lock-file-held",
    "https://developer.hashicorp.com/terraform/language/state/locking",
    Severity::Critical,
    CheckGroup::Locking,
    "a second run cannot create a lock file that exists",
    "two concurrent applies on one state lose resources",
);
pub(crate) const PROBE_LOCK_FILE_OVERWRITE: Check = check(
    "probe-lock-file-overwrite",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html",
    Severity::High,
    CheckGroup::Locking,
    "an unconditional write cannot overwrite a lock file",
    "a client that does not send `If-None-Match` would overwrite the lock of a running apply",
);
pub(crate) const PROBE_LOCK_FILE_RELEASE: Check = check(
    "probe-lock-file-release",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::High,
    CheckGroup::Locking,
    "the lock file can be deleted",
    "a lock that remains blocks all other runs until it is released manually",
);
pub(crate) const PROBE_PLAIN_HTTP: Check = check(
    "probe-plain-http",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
    Severity::High,
    CheckGroup::Access,
    "plain HTTP is denied",
    "over plain HTTP, states and the passwords in them can be intercepted",
);
pub(crate) const PROBE_RUNNER_VERSIONS: Check = check(
    "probe-runner-versions",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html",
    Severity::High,
    CheckGroup::Access,
    "Terraform runs cannot delete versions of a state",
    "a compromised pipeline could delete the history, so that no state can be restored",
);
pub(crate) const PROBE_RUNNER_STATES: Check = check(
    "probe-runner-states",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::Medium,
    CheckGroup::Access,
    "Terraform runs cannot delete the state of the default workspace",
    "Terraform never does this, so that such a request is accidental or malicious",
);
pub(crate) const PROBE_RUNNER_ITEMS: Check = check(
    "probe-runner-items",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::Medium,
    CheckGroup::Access,
    "Terraform runs cannot access the locks and digests of other buckets",
    "a wrong digest makes the state of another backend unreadable",
);
pub(crate) const PROBE_RUNNER_POLICY: Check = check(
    "probe-runner-policy",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html",
    Severity::High,
    CheckGroup::Access,
    "Terraform runs cannot change the bucket policy",
    "an attacker with this permission would first remove the protecting statements",
);
