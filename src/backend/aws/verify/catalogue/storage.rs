//! What holds the states, and who may reach them there.

use super::check;
use crate::checks::{Check, CheckGroup::*, Severity::*};

pub static BUCKET: Check = check(
    "bucket",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingBucket.html",
    Critical,
    Storage,
    "the bucket is there, and in this account",
    "without it there is no state; in another account its owner holds it",
    &[],
);
pub static BUCKET_ACLS: Check = check(
    "bucket-acls",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html",
    Medium,
    Access,
    "access control lists are off (BucketOwnerEnforced)",
    "an ACL opens single objects past every policy, and an object written by another account \
     stays theirs",
    &["S3.12", "CKV2_AWS_65"],
);
pub static PUBLIC_ACCESS: Check = check(
    "bucket-public-access",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
    Critical,
    Access,
    "all four public access blocks are on",
    "a state holds passwords in clear, and one wrong policy would show it to everybody",
    &[
        "S3.2",
        "S3.3",
        "S3.8",
        "CIS 2.1.4",
        "CKV_AWS_53",
        "CKV_AWS_54",
        "CKV_AWS_55",
        "CKV_AWS_56",
        "CKV2_AWS_6",
    ],
);
pub static VERSIONING: Check = check(
    "bucket-versioning",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html",
    Critical,
    Storage,
    "every version of an object is kept",
    "a state that is overwritten or deleted could not be brought back",
    &["S3.14", "CKV_AWS_21"],
);
pub static BUCKET_ENCRYPTION: Check = check(
    "bucket-encryption",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html",
    High,
    Encryption,
    "objects are encrypted by default with the right key",
    "every reader of the bucket may read the states; with a key of one's own, reading takes a \
     second permission that is recorded",
    &["S3.17", "CKV_AWS_19", "CKV_AWS_145"],
);
pub static BUCKET_KEY: Check = check(
    "bucket-key",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html",
    Low,
    Encryption,
    "one data key serves many objects (S3 Bucket Key)",
    "each read and write would be a call to KMS, which is paid for and limited",
    &[],
);
pub static SSE_C: Check = check(
    "bucket-sse-c",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html",
    Medium,
    Encryption,
    "keys that a caller brings (SSE-C) are refused",
    "an intruder can encrypt the states with a key that only they have, and ask for ransom",
    &[],
);
pub static HISTORY: Check = check(
    "bucket-history",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html",
    High,
    Storage,
    "replaced versions are kept long enough, and the newest always",
    "a mistake is found days later, when the last good state may be gone",
    &["S3.10", "S3.13", "CKV2_AWS_61"],
);
pub static HISTORY_CUT: Check = check(
    "bucket-history-cut",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-conflicts.html",
    High,
    Storage,
    "no lifecycle rule of others deletes what ours keep",
    "of two rules S3 follows the one that deletes first: a mistake that is found late cannot be \
     taken back",
    &[],
);
pub static LIFECYCLE: Check = check(
    "bucket-lifecycle",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html",
    Low,
    Storage,
    "what is no longer needed is removed: delete markers of released locks, unfinished uploads, \
     old logs",
    "what piles up is paid for and makes listings slow",
    &["S3.13", "CKV2_AWS_61", "CKV_AWS_300"],
);
pub static ACCESS_LOGS: Check = check(
    "bucket-access-logs",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html",
    Medium,
    Audit,
    "requests to the bucket are logged in another bucket",
    "also requests that were refused, which no trail of data events has with their reason, can be \
     looked up later",
    &["S3.9", "CKV_AWS_18"],
);
pub static DELETE_EVENTS: Check = check(
    "bucket-delete-events",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html",
    Low,
    Alarms,
    "a subscriber hears when a state is deleted",
    "Terraform never deletes the state of the default workspace: another client did",
    &["S3.11", "CKV2_AWS_62"],
);
pub static BUCKET_TLS: Check = check(
    "bucket-tls",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
    High,
    Access,
    "requests without TLS are denied",
    "states and signatures could be read on the way",
    &["S3.5", "CIS 2.1.1", "CKV_AWS_379"],
);
pub static BUCKET_OLD_TLS: Check = check(
    "bucket-old-tls",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
    Medium,
    Access,
    "TLS before 1.2 is denied",
    "older versions can be broken on the way",
    &["S3.5"],
);
pub static BUCKET_OTHER_ACCOUNTS: Check = check(
    "bucket-other-accounts",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_data-perimeters.html",
    High,
    Access,
    "principals of other accounts are denied, whatever else allows them",
    "a policy elsewhere, written later, could let them in",
    &["S3.6"],
);
pub static BUCKET_OTHER_ENCRYPTION: Check = check(
    "bucket-other-encryption",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
    High,
    Encryption,
    "writes with another encryption or key are denied",
    "`encrypt = true` without `kms_key_id` asks for AES256, and the state silently leaves the \
     key's protection",
    &["S3.17"],
);
pub static BUCKET_DESTROY: Check = check(
    "bucket-destroy",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html",
    High,
    Storage,
    "the policy denies deleting versions and the bucket",
    "versions protect from mistakes only as long as they cannot be deleted with the rest",
    &["S3.20"],
);
pub static LOG_FORGERY: Check = check(
    "log-forgery",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html",
    High,
    Audit,
    "only the services write logs, and no principal may delete them",
    "an audit trail that can be written or deleted by those whom it watches proves nothing",
    &["CloudTrail.6"],
);
pub static LOG_DELIVERY: Check = check(
    "log-delivery",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html",
    High,
    Audit,
    "the services that log may write, on behalf of this account's resources only",
    "without the permission nothing is logged; without its conditions others could make the \
     service write here",
    &[],
);
pub static BUCKET_POLICY: Check = check(
    "bucket-policy",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html",
    Medium,
    Access,
    "the bucket policy is as it was designed",
    "the statements belong together: what one denies, another relies on",
    &[],
);
pub static TERRAFORM_DENIED: Check = check(
    "terraform-denied",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    High,
    Access,
    "no statement of the bucket policy denies what Terraform does with this backend",
    "an apply changes the infrastructure and then cannot save the state of it",
    &[],
);
pub static ACCELERATION: Check = check(
    "bucket-acceleration",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/transfer-acceleration.html",
    Low,
    Access,
    "the bucket has no endpoint beside the region's own (Transfer Acceleration)",
    "a state is small, Terraform does not use it, and it is one more way in, which network \
     policies of the region do not see",
    &[],
);
pub static BUCKET_REPLICATION: Check = check(
    "bucket-replication",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html",
    High,
    Access,
    "states are copied to no bucket of another account",
    "who owns the copy reads every state, whatever the policy of this bucket says",
    &[],
);
pub static BUCKET_WEBSITE: Check = check(
    "bucket-website",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteHosting.html",
    Medium,
    Access,
    "the bucket is no website",
    "a website serves objects over plain HTTP",
    &[],
);
pub static BUCKET_CORS: Check = check(
    "bucket-cors",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html",
    Low,
    Access,
    "no page in a browser may read the bucket (CORS)",
    "Terraform is no browser: a rule is of use to pages only, which then act with the rights of \
     their visitor",
    &[],
);
pub static BUCKET_OPEN: Check = check(
    "bucket-open",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
    Critical,
    Access,
    "no statement of the bucket policy lets in everybody or another account",
    "a state holds passwords in clear",
    &["S3.2", "S3.3", "S3.6", "CKV_AWS_70"],
);
pub static ACCOUNT_PUBLIC_ACCESS: Check = check(
    "account-public-access",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/configuring-block-public-access-account.html",
    Info,
    Access,
    "public access is blocked for the whole account",
    "the block of this bucket is enough for this bucket; others of the account may lack it",
    &["S3.1", "CIS 2.1.4"],
);
