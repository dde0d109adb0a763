//! What keeps two runs on one state apart.

use super::check;
use crate::checks::{Check, CheckGroup::*, Severity::*};

pub static SETTINGS_LIVE: Check = check(
    "settings-live",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    High,
    Locking,
    "the settings say of a live backend what it is",
    "a changed key, bucket, table or lock mechanism hides states from runs, or runs from each \
     other",
    &[],
);

pub static TABLE: Check = check(
    "table",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Critical,
    Locking,
    "the lock table is there",
    "`init` succeeds without it, and the first plan fails",
    &[],
);
pub static TABLE_KEY: Check = check(
    "table-key",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Critical,
    Locking,
    "the table's key is the string LockID, and nothing else",
    "Terraform cannot lock in a table of another shape, and no table can change it",
    &[],
);
pub static TABLE_BILLING: Check = check(
    "table-billing",
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html",
    Low,
    Locking,
    "the table is paid for as was chosen",
    "with too little capacity locks are throttled, with too much it is paid for unused",
    &["DynamoDB.1", "CKV2_AWS_16"],
);
pub static TABLE_PROTECTION: Check = check(
    "table-deletion-protection",
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.Basics.html",
    High,
    Locking,
    "the table cannot be deleted in passing",
    "with the table go the locks of running applies, and the digests of every state",
    &["DynamoDB.6"],
);
pub static TABLE_ENCRYPTION: Check = check(
    "table-encryption",
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/EncryptionAtRest.html",
    Medium,
    Encryption,
    "the table is encrypted with the right key",
    "locks say who runs what, from where",
    &["CKV_AWS_119"],
);
pub static TABLE_RECOVERY: Check = check(
    "table-recovery",
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Point-in-time-recovery.html",
    Medium,
    Locking,
    "the table can be brought back to any moment (point-in-time recovery)",
    "digests that are lost or wrong make every state unreadable to Terraform",
    &["DynamoDB.2", "CKV_AWS_28"],
);
pub static TABLE_OPEN: Check = check(
    "table-open",
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/access-control-resource-based.html",
    Critical,
    Access,
    "no statement of the table's policy lets in everybody or another account",
    "who may write there can take, or release, the lock of any run, and make every state unreadable with a wrong digest",
    &[],
);
pub static TABLE_EXPIRY: Check = check(
    "table-expiry",
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html",
    Medium,
    Locking,
    "no item of the table is deleted by its age (time to live)",
    "a lock ends when its run does: one that expires lets a second run in",
    &[],
);
pub static LOCK_OVERWRITE: Check = check(
    "lock-overwrite",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html",
    High,
    Locking,
    "a lock file that is held cannot be overwritten",
    "a client that does not ask first would steal the lock of a running apply",
    &[],
);
