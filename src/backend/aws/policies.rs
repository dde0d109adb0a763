//! The policy documents of a backend, each statement with its rationale.
//!
//! Deny statements first check whether the request has the value (`Null`): negated operators, also
//! with `IfExists`, are true for an absent value (IAM's documentation of condition operators), and
//! would deny every write that relies on default encryption.

use super::{
    bucket::policy::{ALGORITHM, KEY},
    policy::{PolicyDocument, Statement},
};

/// The resources that the documents refer to.
#[derive(Clone, Debug)]
pub(crate) struct PolicyContext {
    pub partition: String,
    /// `amazonaws.com`, except in some partitions.
    pub dns_suffix: String,
    pub region: String,
    pub account: String,
    pub bucket: String,
    pub log_bucket: String,
    pub table: String,
    pub topic: String,
    pub trail: String,
    pub alarm_prefix: String,
    /// The ARN of the key, if any.
    pub key: Option<String>,
    /// The ARNs of other keys that still encrypt states, and possibly locks.
    pub old_keys: Vec<String>,
    pub workspace_prefix: String,
}

/// The services that need the key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyUses {
    pub trail: bool,
    pub alarms: bool,
    pub bucket_events: bool,
}

const CLOUDTRAIL: &str = "cloudtrail.amazonaws.com";
pub(crate) const CLOUDWATCH: &str = "cloudwatch.amazonaws.com";
/// Delivers the events of a bucket.
pub(crate) const S3: &str = "s3.amazonaws.com";
const S3_LOGGING: &str = "logging.s3.amazonaws.com";
/// The deletion window of the key in days: the maximum of KMS.
const DELETION_WINDOW: u32 = 30;
/// The prefix of the trail in the log bucket.
pub(crate) const TRAIL_PREFIX: &str = "cloudtrail";
/// The prefix of the access logs in the log bucket.
pub(crate) const ACCESS_LOG_PREFIX: &str = "s3/";

/// Denies deleting a version or the bucket; only removed for a teardown. It does not deny changes
/// of lifecycle rules, versioning, encryption or replication, because that would deny repairs by
/// tfbackend and concurrent first runs.
pub(crate) const HISTORY: &str = "DenyDestroyingHistory";
/// The same for the log bucket.
pub(crate) const LOGS: &str = "DenyDestroyingLogs";
/// Allows the trail to write its files, which are encrypted with the key.
pub(crate) const TRAIL_WRITES: &str = "CloudTrailWrite";
/// Allows CloudTrail to check its access.
pub(crate) const TRAIL_CHECKS: &str = "CloudTrailAclCheck";
/// The statement that allows S3 to deliver access logs.
pub(crate) const ACCESS_LOG_WRITES: &str = "S3AccessLogs";
/// Denies a shorter deletion window of the key.
pub(crate) const SHORT_WINDOW: &str = "DenyShortDeletionWindow";
/// In place during a teardown: denies writes that would be deleted.
pub(crate) const FREEZE: &str = "DenyWritesDuringTeardown";

/// The lock statements of the runner policy.
pub(crate) const RELEASE_LOCK_FILES: &str = "ReleaseLockFiles";
pub(crate) const LOCK_ITEMS: &str = "LockItems";
pub(crate) const KEY_FOR_LOCKS: &str = "KeyForLocks";

/// Escapes a literal text in a pattern (IAM: policy variables).
fn literal(text: &str) -> String {
    text.chars()
        .map(|c| {
            if "$*?".contains(c) {
                format!("${{{c}}}")
            } else {
                c.to_string()
            }
        })
        .collect()
}

/// Returns the text that [`literal`] escaped.
pub(super) fn unescaped(pattern: &str) -> String {
    ['*', '?', '$']
        .into_iter()
        .fold(pattern.to_owned(), |text, c| {
            text.replace(&format!("${{{c}}}"), &c.to_string())
        })
}

/// Returns one value of a condition.
fn one(value: impl Into<String>) -> [String; 1] {
    [value.into()]
}

impl PolicyContext {
    fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}:{}:{}:{resource}",
            self.partition, self.region, self.account
        )
    }

    fn bucket_arn(&self, bucket: &str) -> String {
        format!("arn:{}:s3:::{bucket}", self.partition)
    }

    fn objects(&self, bucket: &str, pattern: &str) -> String {
        format!("{}/{pattern}", self.bucket_arn(bucket))
    }

    fn whole(&self, bucket: &str) -> [String; 2] {
        [self.bucket_arn(bucket), self.objects(bucket, "*")]
    }

    fn root(&self) -> String {
        format!("arn:{}:iam::{}:root", self.partition, self.account)
    }

    pub(crate) fn table_arn(&self) -> String {
        self.arn("dynamodb", &format!("table/{}", self.table))
    }

    pub(crate) fn topic_arn(&self) -> String {
        self.arn("sns", &self.topic)
    }

    pub(crate) fn trail_arn(&self) -> String {
        self.arn("cloudtrail", &format!("trail/{}", self.trail))
    }

    /// Returns the key policy. Without the first statement, IAM policies cannot grant access to the
    /// key, and it becomes unmanageable (KMS: default key policy). S3 and DynamoDB act as the
    /// caller and need no statement.
    pub(crate) fn key_policy(&self, uses: KeyUses) -> PolicyDocument {
        let mut statements = vec![
            Statement::allow("EnableIamPolicies")
                .aws(&self.root())
                .actions(&["kms:*"])
                .on(one("*")),
            Statement::deny(SHORT_WINDOW)
                .everybody()
                .actions(&["kms:ScheduleKeyDeletion"])
                .on(one("*"))
                .when(
                    "NumericLessThan",
                    "kms:ScheduleKeyDeletionPendingWindowInDays",
                    one(DELETION_WINDOW.to_string()),
                ),
        ];
        if uses.trail {
            statements.push(
                Statement::allow("CloudTrailEncrypt")
                    .service(CLOUDTRAIL)
                    .actions(&["kms:GenerateDataKey*"])
                    .on(one("*"))
                    .when("StringEquals", "aws:SourceArn", one(self.trail_arn()))
                    .when(
                        "StringLike",
                        "kms:EncryptionContext:aws:cloudtrail:arn",
                        one(format!(
                            "arn:{}:cloudtrail:*:{}:trail/*",
                            self.partition, self.account
                        )),
                    ),
            );
            statements.push(
                Statement::allow("CloudTrailDescribe")
                    .service(CLOUDTRAIL)
                    .actions(&["kms:DescribeKey"])
                    .on(one("*"))
                    .when("StringEquals", "aws:SourceArn", one(self.trail_arn())),
            );
        }
        if uses.alarms {
            statements.push(
                Statement::allow("AlarmsToTopic")
                    .service(CLOUDWATCH)
                    .actions(&["kms:Decrypt", "kms:GenerateDataKey*"])
                    .on(one("*"))
                    .when("StringEquals", "aws:SourceAccount", one(&*self.account))
                    .when(
                        "ArnLike",
                        "aws:SourceArn",
                        one(self.arn("cloudwatch", &format!("alarm:{}*", self.alarm_prefix))),
                    ),
            );
        }
        if uses.bucket_events {
            statements.push(
                Statement::allow("BucketEventsToTopic")
                    .service(S3)
                    .actions(&["kms:Decrypt", "kms:GenerateDataKey*"])
                    .on(one("*"))
                    .when("StringEquals", "aws:SourceAccount", one(&*self.account))
                    .when(
                        "ArnEquals",
                        "aws:SourceArn",
                        one(self.bucket_arn(&self.bucket)),
                    ),
            );
        }
        PolicyDocument::new(statements)
    }

    /// Returns what an existing key must allow, as `service action`.
    pub(crate) fn key_grants(uses: KeyUses) -> Vec<String> {
        let mut grants = vec![];
        if uses.trail {
            grants.push(format!("{CLOUDTRAIL} kms:GenerateDataKey"));
        }
        if uses.alarms {
            grants.push(format!("{CLOUDWATCH} kms:GenerateDataKey"));
        }
        if uses.bucket_events {
            grants.push(format!("{S3} kms:GenerateDataKey"));
        }
        grants
    }

    /// Returns the policy of the state bucket. It never denies `PutBucketPolicy` or
    /// `DeleteBucketPolicy`: an administrator can always remove it.
    pub(crate) fn state_bucket_policy(&self, protected: bool) -> PolicyDocument {
        let bucket = &*self.bucket;
        let mut statements = self.transport_and_account(bucket);
        let objects = self.objects(bucket, "*");
        let algorithm = if self.key.is_some() {
            "aws:kms"
        } else {
            "AES256"
        };
        // Encryption headers of a request must match; parts of an upload, and clients that rely on
        // default encryption, send none.
        let header = |sid, header: &str, operator, value: &str| {
            Statement::deny(sid)
                .everybody()
                .actions(&["s3:PutObject"])
                .on(one(&*objects))
                .when("Null", header, one("false"))
                .when(operator, header, one(value))
        };
        statements.push(header(
            "DenyOtherEncryption",
            ALGORITHM,
            "StringNotEquals",
            algorithm,
        ));
        if let Some(key) = &self.key {
            statements.push(header("DenyOtherKey", KEY, "ArnNotEquals", key));
        }
        statements.push(
            Statement::deny("DenyCustomerKeys")
                .everybody()
                .actions(&["s3:PutObject"])
                .on(one(&*objects))
                .when(
                    "Null",
                    "s3:x-amz-server-side-encryption-customer-algorithm",
                    one("false"),
                ),
        );
        // Terraform and OpenTofu always send `If-None-Match: *` with a lock: other writes could
        // overwrite a held lock.
        statements.push(
            Statement::deny("DenyOverwritingLocks")
                .everybody()
                .actions(&["s3:PutObject"])
                .on(one(self.objects(bucket, "*.tflock")))
                .when("Null", "s3:if-none-match", one("true")),
        );
        if protected {
            statements.push(
                Statement::deny(HISTORY)
                    .everybody()
                    .actions(&["s3:DeleteBucket", "s3:DeleteObjectVersion"])
                    .on(self.whole(bucket)),
            );
        }
        PolicyDocument::new(statements)
    }

    /// Returns the policy of the log bucket: AWS services can write, only on behalf of this trail
    /// and this bucket.
    pub(crate) fn log_bucket_policy(
        &self,
        trail: bool,
        access_logs: bool,
        protected: bool,
    ) -> PolicyDocument {
        let bucket = &*self.log_bucket;
        let mut statements = self.transport_and_account(bucket);
        if trail {
            statements.push(
                Statement::allow(TRAIL_CHECKS)
                    .service(CLOUDTRAIL)
                    .actions(&["s3:GetBucketAcl"])
                    .on(one(self.bucket_arn(bucket)))
                    .when("StringEquals", "aws:SourceArn", one(self.trail_arn())),
            );
            statements.push(
                Statement::allow(TRAIL_WRITES)
                    .service(CLOUDTRAIL)
                    .actions(&["s3:PutObject"])
                    .on(one(self.objects(
                        bucket,
                        &format!("{TRAIL_PREFIX}/AWSLogs/{}/*", self.account),
                    )))
                    .when("StringEquals", "aws:SourceArn", one(self.trail_arn()))
                    .when(
                        "StringEquals",
                        "s3:x-amz-acl",
                        one("bucket-owner-full-control"),
                    ),
            );
        }
        if access_logs {
            statements.push(
                Statement::allow(ACCESS_LOG_WRITES)
                    .service(S3_LOGGING)
                    .actions(&["s3:PutObject"])
                    .on(one(self.objects(bucket, &format!("{ACCESS_LOG_PREFIX}*"))))
                    .when(
                        "ArnEquals",
                        "aws:SourceArn",
                        one(self.bucket_arn(&self.bucket)),
                    )
                    .when("StringEquals", "aws:SourceAccount", one(&*self.account)),
            );
        }
        statements.push(
            Statement::deny("DenyForgingLogs")
                .everybody()
                .actions(&["s3:PutObject"])
                .on(one(self.objects(bucket, "*")))
                .when("BoolIfExists", "aws:PrincipalIsAWSService", one("false")),
        );
        if protected {
            statements.push(
                Statement::deny(LOGS)
                    .everybody()
                    .actions(&["s3:DeleteBucket", "s3:DeleteObjectVersion"])
                    .on(self.whole(bucket)),
            );
        }
        PolicyDocument::new(statements)
    }

    /// Denies plain HTTP, old TLS versions, and principals of other accounts.
    fn transport_and_account(&self, bucket: &str) -> Vec<Statement> {
        let deny = |sid| {
            Statement::deny(sid)
                .everybody()
                .actions(&["s3:*"])
                .on(self.whole(bucket))
        };
        vec![
            deny("DenyPlaintext").when("Bool", "aws:SecureTransport", one("false")),
            // The TLS version is absent for plain HTTP: neither statement covers the other.
            deny("DenyOldTls").when("NumericLessThan", "s3:TlsVersion", one("1.2")),
            deny("DenyOtherAccounts")
                .when(
                    "StringNotEquals",
                    "aws:PrincipalAccount",
                    one(&*self.account),
                )
                .when("BoolIfExists", "aws:PrincipalIsAWSService", one("false")),
        ]
    }

    /// Returns the topic policy: alarms and the bucket can publish, over TLS.
    pub(crate) fn topic_policy(&self, bucket_events: bool) -> PolicyDocument {
        let topic = self.topic_arn();
        let allow = |sid, service| {
            Statement::allow(sid)
                .service(service)
                .actions(&["sns:Publish"])
                .on(one(&*topic))
                .when("StringEquals", "aws:SourceAccount", one(&*self.account))
        };
        let alarms = self.arn("cloudwatch", &format!("alarm:{}*", self.alarm_prefix));
        let mut statements =
            vec![allow("Alarms", CLOUDWATCH).when("ArnLike", "aws:SourceArn", one(alarms))];
        if bucket_events {
            statements.push(allow("BucketEvents", S3).when(
                "ArnEquals",
                "aws:SourceArn",
                one(self.bucket_arn(&self.bucket)),
            ));
        }
        statements.push(
            Statement::deny("DenyPlaintextPublish")
                .everybody()
                .actions(&["sns:Publish"])
                .on(one(&*topic))
                .when("Bool", "aws:SecureTransport", one("false")),
        );
        PolicyDocument::new(statements)
    }

    /// Returns the permissions for `init`, `plan`, `apply` and workspaces, and nothing else: no
    /// deletion of a default workspace's state, no old versions, no settings.
    pub(crate) fn runner_policy(
        &self,
        table: Option<TableAccess>,
        lockfile: bool,
    ) -> PolicyDocument {
        let bucket = &*self.bucket;
        let workspaces = format!("{}/*", literal(&self.workspace_prefix));
        let mut statements = vec![
            // S3 returns 404 for a missing state only with permission to list, otherwise 403.
            Statement::allow("ListStates")
                .actions(&["s3:ListBucket"])
                .on(one(self.bucket_arn(bucket))),
            Statement::allow("ReadAndWriteStates")
                .actions(&["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"])
                .on(one(self.objects(bucket, "*"))),
            Statement::allow("DeleteWorkspaces")
                .actions(&["s3:DeleteObject"])
                .on(one(self.objects(bucket, &workspaces))),
        ];
        if lockfile {
            statements.push(
                Statement::allow(RELEASE_LOCK_FILES)
                    .actions(&["s3:DeleteObject"])
                    .on(one(self.objects(bucket, "*.tflock"))),
            );
        }
        if table.is_some() {
            statements.push(
                Statement::allow(LOCK_ITEMS)
                    .actions(&[
                        "dynamodb:GetItem",
                        "dynamodb:PutItem",
                        "dynamodb:DeleteItem",
                    ])
                    .on(one(self.table_arn()))
                    .when(
                        "ForAllValues:StringLike",
                        "dynamodb:LeadingKeys",
                        one(format!("{bucket}/*")),
                    )
                    // `ForAllValues` alone is true for a request without keys.
                    .when("Null", "dynamodb:LeadingKeys", one("false")),
            );
        }
        if let Some(key) = &self.key {
            statements.push(
                Statement::allow("KeyForStates")
                    .actions(&["kms:Decrypt", "kms:GenerateDataKey"])
                    .on([key].into_iter().chain(&self.old_keys).cloned())
                    .when(
                        "StringEquals",
                        "kms:ViaService",
                        one(format!("s3.{}.{}", self.region, self.dns_suffix)),
                    )
                    // With a bucket key, the context is the bucket, otherwise the object.
                    .when(
                        "StringLike",
                        "kms:EncryptionContext:aws:s3:arn",
                        self.whole(bucket),
                    ),
            );
            if table == Some(TableAccess::WithKey) {
                statements.push(
                    Statement::allow(KEY_FOR_LOCKS)
                        .actions(&["kms:Decrypt"])
                        // The table keeps the previous key as long as states do.
                        .on([key].into_iter().chain(&self.old_keys).cloned())
                        .when(
                            "StringEquals",
                            "kms:ViaService",
                            one(format!("dynamodb.{}.{}", self.region, self.dns_suffix)),
                        )
                        .when(
                            "StringEquals",
                            "kms:EncryptionContext:aws:dynamodb:tableName",
                            one(&*self.table),
                        ),
                );
            }
        }
        PolicyDocument::new(statements)
    }
}

/// Denies all principals to write to the bucket with this ARN.
pub(crate) fn freeze(bucket_arn: &str) -> Statement {
    Statement::deny(FREEZE)
        .everybody()
        .actions(&["s3:PutObject"])
        .on(one(format!("{bucket_arn}/*")))
}

/// Protects the history of all objects except these, whose names may contain `*` for a workspace.
pub(crate) fn history_but(partition: &str, bucket: &str, objects: &[String]) -> Statement {
    let arn = |object: &String| {
        let name = object
            .split('/')
            .map(|part| {
                if part == "*" {
                    part.to_owned()
                } else {
                    literal(part)
                }
            })
            .collect::<Vec<_>>();
        format!("arn:{partition}:s3:::{bucket}/{}", name.join("/"))
    };
    Statement::deny(HISTORY)
        .everybody()
        .actions(&["s3:DeleteBucket", "s3:DeleteObjectVersion"])
        .not_on(objects.iter().map(arn))
}

/// The access of Terraform runs to the lock table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TableAccess {
    /// The table is encrypted with the key of the states.
    WithKey,
    WithoutKey,
}

/// Returns the DNS suffix of a partition's services (endpoints of the AWS SDKs).
pub(crate) fn dns_suffix(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "amazonaws.com.cn",
        "aws-eusc" => "amazonaws.eu",
        "aws-iso" => "c2s.ic.gov",
        "aws-iso-b" => "sc2s.sgov.gov",
        "aws-iso-e" => "cloud.adc-e.uk",
        "aws-iso-f" => "csp.hci.ic.gov",
        _ => "amazonaws.com",
    }
}

#[cfg(test)]
mod tests;
