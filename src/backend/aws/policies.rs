//! The policy documents of a backend, each statement with the reason why it is there.
//!
//! Statements that deny ask first whether the request has the value at all (`Null`): negated
//! operators, also with `IfExists`, are true of a value that is absent (IAM's documentation of
//! condition operators), and would deny every write that leaves encryption to the bucket's default.

use super::{
    bucket::policy::{ALGORITHM, KEY},
    policy::{PolicyDocument, Statement},
};

/// Where everything is: what the documents name.
#[derive(Clone, Debug)]
pub struct PolicyContext {
    pub partition: String,
    /// `amazonaws.com`, but for some partitions.
    pub dns_suffix: String,
    pub region: String,
    pub account: String,
    pub bucket: String,
    pub log_bucket: String,
    pub table: String,
    pub topic: String,
    pub trail: String,
    pub alarm_prefix: String,
    /// ARN of the key, if there is one.
    pub key: Option<String>,
    /// ARNs of keys that states are still encrypted with, besides `key`; locks may be, too.
    pub old_keys: Vec<String>,
    pub workspace_prefix: String,
}

/// Which services need the key.
#[derive(Clone, Copy, Debug)]
pub struct KeyUses {
    pub trail: bool,
    pub alarms: bool,
    pub bucket_events: bool,
}

const CLOUDTRAIL: &str = "cloudtrail.amazonaws.com";
pub const CLOUDWATCH: &str = "cloudwatch.amazonaws.com";
/// Delivers the events of a bucket.
pub const S3: &str = "s3.amazonaws.com";
const S3_LOGGING: &str = "logging.s3.amazonaws.com";
/// Days that a person has to find out that the key of all states is about to go: the longest there
/// is.
const DELETION_WINDOW: u32 = 30;
/// Where the trail writes below in the log bucket.
pub const TRAIL_PREFIX: &str = "cloudtrail";
/// Where the access logs go in the log bucket.
pub const ACCESS_LOG_PREFIX: &str = "s3/";

/// Denies deleting a version or the bucket; lifted only to take the bucket down. It does not deny
/// changes of lifecycle rules, versioning, encryption or replication: that would refuse the tool's
/// own repairs, and first runs that run at the same time.
pub const HISTORY: &str = "DenyDestroyingHistory";
/// The same of the log bucket.
pub const LOGS: &str = "DenyDestroyingLogs";
/// Lets the trail write its files, which are encrypted with the key.
pub const TRAIL_WRITES: &str = "CloudTrailWrite";
/// And by which CloudTrail sees that it may.
pub const TRAIL_CHECKS: &str = "CloudTrailAclCheck";
/// The statement that lets S3 deliver access logs.
pub const ACCESS_LOG_WRITES: &str = "S3AccessLogs";
/// What keeps the key from going any sooner.
pub const SHORT_WINDOW: &str = "DenyShortDeletionWindow";
/// Stands while a bucket is taken down: nobody writes what would go with it.
pub const FREEZE: &str = "DenyWritesDuringTeardown";

/// The statements of the runner policy that are about locks.
pub const RELEASE_LOCK_FILES: &str = "ReleaseLockFiles";
pub const LOCK_ITEMS: &str = "LockItems";
pub const KEY_FOR_LOCKS: &str = "KeyForLocks";

/// A text in a pattern that is to mean itself (IAM: policy variables).
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

/// The text that [`literal`] made such a pattern of.
pub(super) fn unescaped(pattern: &str) -> String {
    ['*', '?', '$']
        .into_iter()
        .fold(pattern.to_owned(), |text, c| {
            text.replace(&format!("${{{c}}}"), &c.to_string())
        })
}

/// One value, as conditions take them.
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

    pub fn table_arn(&self) -> String {
        self.arn("dynamodb", &format!("table/{}", self.table))
    }

    pub fn topic_arn(&self) -> String {
        self.arn("sns", &self.topic)
    }

    pub fn trail_arn(&self) -> String {
        self.arn("cloudtrail", &format!("trail/{}", self.trail))
    }

    /// The key's policy. Without the first statement IAM policies say nothing about the key, and
    /// nobody could ever change it (KMS: default key policy). S3 and DynamoDB act as the caller
    /// and need none.
    pub fn key_policy(&self, uses: KeyUses) -> PolicyDocument {
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

    /// What a key that was brought along must allow, as `service action`.
    pub fn key_grants(uses: KeyUses) -> Vec<String> {
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

    /// The state bucket's policy. It never denies anybody `PutBucketPolicy` or
    /// `DeleteBucketPolicy`: an administrator can always take it back.
    pub fn state_bucket_policy(&self, protected: bool) -> PolicyDocument {
        let bucket = &*self.bucket;
        let mut statements = self.transport_and_account(bucket);
        let objects = self.objects(bucket, "*");
        let algorithm = if self.key.is_some() {
            "aws:kms"
        } else {
            "AES256"
        };
        // What a request says of encryption must be ours; parts of an upload, and clients that
        // leave it to the bucket's default, say nothing.
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
        // Terraform and OpenTofu always send `If-None-Match: *` with a lock: who does not could
        // overwrite one that is held.
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

    /// The log bucket's policy: AWS's own services write, from our trail and our bucket only.
    pub fn log_bucket_policy(
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

    /// No plain HTTP, no old TLS, nobody from another account.
    fn transport_and_account(&self, bucket: &str) -> Vec<Statement> {
        let deny = |sid| {
            Statement::deny(sid)
                .everybody()
                .actions(&["s3:*"])
                .on(self.whole(bucket))
        };
        vec![
            deny("DenyPlaintext").when("Bool", "aws:SecureTransport", one("false")),
            // The version is absent on plain HTTP: neither statement covers the other.
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

    /// The topic's policy: alarms and the bucket's events may be told, over TLS.
    pub fn topic_policy(&self, bucket_events: bool) -> PolicyDocument {
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

    /// What `init`, `plan`, `apply` and workspaces need, and nothing else: no delete of a default
    /// workspace's state, no old versions, no settings of anything.
    pub fn runner_policy(&self, table: Option<TableAccess>, lockfile: bool) -> PolicyDocument {
        let bucket = &*self.bucket;
        let workspaces = format!("{}/*", literal(&self.workspace_prefix));
        let mut statements = vec![
            // A state that is not there yet answers 404 only to those who may list, else 403.
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
                    // `ForAllValues` alone is true of a request without keys.
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
                    // With a bucket key the context is the bucket, without it the object.
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
                        // The table stays under the key of before as long as states do.
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

/// Nobody may write to the bucket of this ARN, whoever it is.
pub fn freeze(bucket_arn: &str) -> Statement {
    Statement::deny(FREEZE)
        .everybody()
        .actions(&["s3:PutObject"])
        .on(one(format!("{bucket_arn}/*")))
}

/// What keeps the history of all objects but these, whose names may have `*` for a workspace.
pub fn history_but(partition: &str, bucket: &str, objects: &[String]) -> Statement {
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

/// How the lock table is reached by those who run Terraform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableAccess {
    /// The table is encrypted with the states' key.
    WithKey,
    WithoutKey,
}

/// The DNS suffix of a partition's services (endpoints of the AWS SDKs).
pub fn dns_suffix(partition: &str) -> &'static str {
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
