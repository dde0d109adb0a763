//! Rules for the bucket and access to it.

use super::check;
use crate::checks::{Check, CheckGroup::*, Severity::*};

pub(crate) static BUCKET: Check = check(
    "bucket",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingBucket.html",
    Critical,
    Storage,
    "the bucket exists in this account",
    "without the bucket, there are no states; in another account, its owner controls them",
    &[],
);
pub(crate) static BUCKET_ACLS: Check = check(
    "bucket-acls",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html",
    Medium,
    Access,
    "access control lists are disabled (BucketOwnerEnforced)",
    "an ACL grants access to objects regardless of policies, and another account owns the objects \
     that it writes",
    &["S3.12", "CKV2_AWS_65"],
);
pub(crate) static PUBLIC_ACCESS: Check = check(
    "bucket-public-access",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
    Critical,
    Access,
    "all four Block Public Access settings are enabled",
    "a state contains passwords in plain text, and one wrong policy would make it public",
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
pub(crate) static VERSIONING: Check = check(
    "bucket-versioning",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html",
    Critical,
    Storage,
    "versioning is enabled",
    "without versioning, an overwritten or deleted state cannot be restored",
    &["S3.14", "CKV_AWS_21"],
);
pub(crate) static BUCKET_ENCRYPTION: Check = check(
    "bucket-encryption",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html",
    High,
    Encryption,
    "default encryption uses the expected key",
    "with a customer managed key, reading states requires a second permission, and its use is \
     recorded",
    &["S3.17", "CKV_AWS_19", "CKV_AWS_145"],
);
pub(crate) static BUCKET_KEY: Check = check(
    "bucket-key",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html",
    Low,
    Encryption,
    "S3 Bucket Keys are enabled",
    "without a bucket key, each read and write is a KMS request, which costs money and counts \
     against a quota",
    &[],
);
pub(crate) static SSE_C: Check = check(
    "bucket-sse-c",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html",
    Medium,
    Encryption,
    "encryption with customer-provided keys (SSE-C) is blocked",
    "an attacker can encrypt the states with their own key and demand a ransom",
    &[],
);
pub(crate) static HISTORY: Check = check(
    "bucket-history",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html",
    High,
    Storage,
    "noncurrent versions are kept long enough, and the newest ones forever",
    "a mistake may be found only after the last good version was deleted",
    &["S3.10", "S3.13", "CKV2_AWS_61"],
);
pub(crate) static HISTORY_CUT: Check = check(
    "bucket-history-cut",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-conflicts.html",
    High,
    Storage,
    "no other lifecycle rule deletes what the rules of tfbackend keep",
    "if two rules apply, S3 follows the one that deletes first: a late-found mistake cannot be \
     undone",
    &[],
);
pub(crate) static LIFECYCLE: Check = check(
    "bucket-lifecycle",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html",
    Low,
    Storage,
    "expired data is removed: delete markers of released locks, incomplete multipart uploads, old \
     logs",
    "data that is never removed costs money and slows down listings",
    &["S3.13", "CKV2_AWS_61", "CKV_AWS_300"],
);
pub(crate) static ACCESS_LOGS: Check = check(
    "bucket-access-logs",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html",
    Medium,
    Audit,
    "requests to the bucket are logged in another bucket",
    "access logs include denied requests with their reason, which CloudTrail data events do not",
    &["S3.9", "CKV_AWS_18"],
);
pub(crate) static DELETE_EVENTS: Check = check(
    "bucket-delete-events",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html",
    Low,
    Alarms,
    "a subscriber is notified when a state is deleted",
    "Terraform never deletes the state of the default workspace, so that such a deletion is \
     unexpected",
    &["S3.11", "CKV2_AWS_62"],
);
pub(crate) static BUCKET_TLS: Check = check(
    "bucket-tls",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
    High,
    Access,
    "requests without TLS are denied",
    "without TLS, states and request signatures can be intercepted",
    &["S3.5", "CIS 2.1.1", "CKV_AWS_379"],
);
pub(crate) static BUCKET_OLD_TLS: Check = check(
    "bucket-old-tls",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
    Medium,
    Access,
    "TLS before 1.2 is denied",
    "older TLS versions have known weaknesses",
    &["S3.5"],
);
pub(crate) static BUCKET_OTHER_ACCOUNTS: Check = check(
    "bucket-other-accounts",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_data-perimeters.html",
    High,
    Access,
    "principals of other accounts are denied, regardless of other policies",
    "another policy could otherwise allow them access later",
    &["S3.6"],
);
pub(crate) static BUCKET_OTHER_ENCRYPTION: Check = check(
    "bucket-other-encryption",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
    High,
    Encryption,
    "writes with other encryption settings or another key are denied",
    "`encrypt = true` without `kms_key_id` requests AES256, and the state is no longer protected \
     by the KMS key",
    &["S3.17"],
);
pub(crate) static BUCKET_DESTROY: Check = check(
    "bucket-destroy",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html",
    High,
    Storage,
    "the policy denies deleting object versions and the bucket",
    "versions protect against mistakes only if they cannot be deleted, too",
    &["S3.20"],
);
pub(crate) static LOG_FORGERY: Check = check(
    "log-forgery",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html",
    High,
    Audit,
    "only the logging services can write logs, and no principal can delete them",
    "an audit log that the audited principals can write or delete proves nothing",
    &["CloudTrail.6"],
);
pub(crate) static LOG_DELIVERY: Check = check(
    "log-delivery",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html",
    High,
    Audit,
    "the logging services can write, only on behalf of resources of this account",
    "without the permission, nothing is logged; without its conditions, other accounts could have \
     the service write to this bucket",
    &[],
);
pub(crate) static BUCKET_POLICY: Check = check(
    "bucket-policy",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html",
    Medium,
    Access,
    "the bucket policy has all expected statements",
    "the statements depend on each other",
    &[],
);
pub(crate) static TERRAFORM_DENIED: Check = check(
    "terraform-denied",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    High,
    Access,
    "no statement of the bucket policy denies the requests that Terraform makes",
    "an apply would change the infrastructure and then fail to save the state",
    &[],
);
pub(crate) static ACCELERATION: Check = check(
    "bucket-acceleration",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/transfer-acceleration.html",
    Low,
    Access,
    "S3 Transfer Acceleration is disabled",
    "Terraform does not use it, and it is another endpoint, which VPC endpoint policies do not \
     cover",
    &[],
);
pub(crate) static BUCKET_REPLICATION: Check = check(
    "bucket-replication",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html",
    High,
    Access,
    "states are not replicated to a bucket of another account",
    "the owner of the destination bucket can read every state, regardless of this bucket's policy",
    &[],
);
pub(crate) static BUCKET_WEBSITE: Check = check(
    "bucket-website",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteHosting.html",
    Medium,
    Access,
    "static website hosting is disabled",
    "a website endpoint serves objects over plain HTTP",
    &[],
);
pub(crate) static BUCKET_CORS: Check = check(
    "bucket-cors",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html",
    Low,
    Access,
    "the bucket has no CORS configuration",
    "Terraform does not need CORS: a rule allows web pages to read the bucket with the \
     permissions of their visitor",
    &[],
);
pub(crate) static BUCKET_OPEN: Check = check(
    "bucket-open",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
    Critical,
    Access,
    "no statement of the bucket policy allows public or cross-account access",
    "a state contains passwords in plain text",
    &["S3.2", "S3.3", "S3.6", "CKV_AWS_70"],
);
pub(crate) static ACCOUNT_PUBLIC_ACCESS: Check = check(
    "account-public-access",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/configuring-block-public-access-account.html",
    Info,
    Access,
    "public access is blocked for the whole account",
    "the settings of this bucket protect this bucket; other buckets of the account may lack them",
    &["S3.1", "CIS 2.1.4"],
);
