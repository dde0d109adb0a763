//! Rules for state locking.

use super::check;
use crate::checks::{Check, CheckGroup::*, Severity::*};

pub(crate) static SETTINGS_LIVE: Check = check(
    "settings-live",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    High,
    Locking,
    "the settings match the backend in use",
    "after a change of state key, bucket, table or lock mechanism, runs do not find their states \
     or do not see each other's locks",
    &[],
);

pub(crate) static TABLE: Check = check(
    "table",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Critical,
    Locking,
    "the lock table exists",
    "without the table, `init` succeeds and the first plan fails",
    &[],
);
pub(crate) static TABLE_KEY: Check = check(
    "table-key",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Critical,
    Locking,
    "the partition key of the table is the string LockID, with no sort key",
    "Terraform cannot use a table with another key schema, and a key schema cannot be changed",
    &[],
);
pub(crate) static TABLE_BILLING: Check = check(
    "table-billing",
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html",
    Low,
    Locking,
    "the billing mode of the table matches the settings",
    "with too little capacity, lock requests are throttled; with too much, unused capacity costs \
     money",
    &["DynamoDB.1", "CKV2_AWS_16"],
);
pub(crate) static TABLE_PROTECTION: Check = check(
    "table-deletion-protection",
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.Basics.html",
    High,
    Locking,
    "deletion protection is enabled for the table",
    "deleting the table deletes the locks of running applies and the digests of all states",
    &["DynamoDB.6"],
);
pub(crate) static TABLE_ENCRYPTION: Check = check(
    "table-encryption",
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/EncryptionAtRest.html",
    Medium,
    Encryption,
    "the table is encrypted with the expected key",
    "lock items contain user names, host names and commands",
    &["CKV_AWS_119"],
);
pub(crate) static TABLE_RECOVERY: Check = check(
    "table-recovery",
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Point-in-time-recovery.html",
    Medium,
    Locking,
    "point-in-time recovery is enabled for the table",
    "with lost or wrong digests, Terraform refuses to read the states",
    &["DynamoDB.2", "CKV_AWS_28"],
);
pub(crate) static TABLE_OPEN: Check = check(
    "table-open",
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/access-control-resource-based.html",
    Critical,
    Access,
    "no statement of the table policy allows public or cross-account access",
    "a principal that can write to the table can acquire or release any lock, and make any state unreadable with a wrong digest",
    &[],
);
pub(crate) static TABLE_EXPIRY: Check = check(
    "table-expiry",
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html",
    Medium,
    Locking,
    "time to live is disabled for the table",
    "a lock that expires during a run allows a second run on the same state",
    &[],
);
pub(crate) static LOCK_OVERWRITE: Check = check(
    "lock-overwrite",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html",
    High,
    Locking,
    "a lock file that is held cannot be overwritten",
    "a client that does not send `If-None-Match` would overwrite the lock of a running apply",
    &[],
);
