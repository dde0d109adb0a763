//! One source of settings: the command line, the environment, `tfbackend.toml`, or the user's
//! answers. The field names are the flags, the keys in the file, and `TFBACKEND_*`.

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

mod trail;

pub use trail::TrailKind;

use super::names::{
    AccountId, BucketName, Email, ExternalId, FileName, Folder, KeyArn, PrincipalName, ProfileName,
    ProjectName, Region, RoleArn, StateFolder, StateKey, TableName, Tag, TopicArn, WorkspacePrefix,
};
use crate::kind::BackendKind;

/// Every option of an environment. `None` means "not set here"; an empty list means "none".
#[derive(Args, Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct SettingsLayer {
    /// Backend kind; `tfbackend backends` lists what each can do
    #[arg(long, value_name = "KIND", help_heading = HEAD_ENVIRONMENT)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend: Option<BackendKind>,

    /// Project that the backend belongs to; part of every name
    #[arg(long, value_name = "NAME", help_heading = HEAD_ENVIRONMENT)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,

    /// AWS region of the backend
    #[arg(long, value_name = "REGION", help_heading = HEAD_ENVIRONMENT)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,

    /// Refuse to run in any other AWS account
    #[arg(long, value_name = "ID", help_heading = HEAD_ENVIRONMENT)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,

    /// AWS profile to use
    // The same option as the global one, which takes its value from here.
    #[arg(long, value_name = "NAME", help_heading = HEAD_CREDENTIALS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileName>,

    /// IAM role to assume for all calls
    #[arg(long, value_name = "ARN", help_heading = HEAD_CREDENTIALS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<RoleArn>,

    /// External ID that the trust policy of `--role-arn` requires
    #[arg(long, value_name = "ID", help_heading = HEAD_CREDENTIALS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,

    /// Write the profile and the role to the partial configuration, so that Terraform uses them as
    /// well
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = HEAD_CREDENTIALS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conf_credentials: Option<bool>,

    /// Turn off deletion protection (for short-lived environments)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = HEAD_ENVIRONMENT)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ephemeral: Option<bool>,

    /// Additional tag on every resource that supports tags
    #[arg(long = "tag", value_name = "KEY=VALUE", help_heading = HEAD_ENVIRONMENT)]
    #[serde(rename = "tag", skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,

    /// State key (path of the default workspace's state in the backend)
    #[arg(long, value_name = "PATH", help_heading = HEAD_STATE)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<StateKey>,

    /// Path prefix of the states of other workspaces
    #[arg(long, value_name = "PREFIX", help_heading = HEAD_STATE)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_key_prefix: Option<WorkspacePrefix>,

    /// Folder of the states, outside any repository
    #[arg(long, value_name = "DIR", help_heading = HEAD_STATE)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<StateFolder>,

    /// State locking mechanism
    #[arg(long, value_name = "MECHANISM", help_heading = HEAD_STATE)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<LockMechanism>,

    /// Name of the state bucket, instead of the derived one
    #[arg(long, value_name = "NAME", help_heading = HEAD_BUCKET)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<BucketName>,

    /// Bucket namespace; names in `account-regional` cannot be used by another account
    #[arg(long, value_name = "NAMESPACE", help_heading = HEAD_BUCKET)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<TableNamespace>,

    /// Minimum number of days to keep a replaced state version
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500), help_heading = HEAD_BUCKET)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noncurrent_days: Option<u32>,

    /// Number of replaced versions of each state to keep, regardless of age
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=100), help_heading = HEAD_BUCKET)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_versions: Option<u32>,

    /// Write the state bucket's access logs into the log bucket
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = HEAD_BUCKET)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_logs: Option<bool>,

    /// Notify the alarm topic when a state is deleted
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = HEAD_BUCKET)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_events: Option<bool>,

    /// Encryption of states if no `--kms-key` is given
    #[arg(long, value_name = "KIND", help_heading = HEAD_KEY)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<EncryptionKind>,

    /// Existing KMS key to use instead of a new one (full key ARN)
    #[arg(long, value_name = "ARN", conflicts_with = "encryption", help_heading = HEAD_KEY)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<KeyArn>,

    /// Days between rotations of the new key
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(90..=2560), help_heading = HEAD_KEY)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation_days: Option<u32>,

    /// Name of the lock table, instead of the derived one
    #[arg(long, value_name = "NAME", help_heading = HEAD_TABLE)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<TableName>,

    /// Billing mode of the lock table
    #[arg(long, value_name = "MODE", help_heading = HEAD_TABLE)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing: Option<BillingKind>,

    /// Read capacity units, with `--billing provisioned`
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u32).range(1..=40_000), help_heading = HEAD_TABLE)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_capacity: Option<u32>,

    /// Write capacity units, with `--billing provisioned`
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u32).range(1..=40_000), help_heading = HEAD_TABLE)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_capacity: Option<u32>,

    /// Point-in-time recovery of the lock table
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = HEAD_TABLE)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_recovery: Option<bool>,

    /// Key that encrypts the lock table
    #[arg(long, value_name = "KIND", help_heading = HEAD_TABLE)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_encryption: Option<TableEncryption>,

    /// Create the IAM policy for Terraform runs
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = HEAD_ACCESS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<bool>,

    /// Attach the policy to `role/NAME`, `user/NAME` or `group/NAME`
    #[arg(long, value_name = "PRINCIPAL", help_heading = HEAD_ACCESS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attach_to: Option<Vec<PrincipalName>>,

    /// Create the alarms and the topic that they notify
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = HEAD_ALARMS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarms: Option<bool>,

    /// E-mail address that alarms are sent to
    #[arg(long, value_name = "ADDRESS", help_heading = HEAD_ALARMS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm_email: Option<Vec<Email>>,

    /// Existing SNS topic for the alarms, instead of a new one
    #[arg(long, value_name = "ARN", conflicts_with = "alarm_email", help_heading = HEAD_ALARMS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm_topic: Option<TopicArn>,

    /// Size of the state bucket, including all versions, above which an alarm is raised (GiB)
    #[arg(long, value_name = "GIB", value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = HEAD_ALARMS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm_bucket_size: Option<u32>,

    /// Number of objects in the state bucket, including all versions, above which an alarm is
    /// raised
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1_000_000_000), help_heading = HEAD_ALARMS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm_object_count: Option<u32>,

    /// CloudTrail trail that records every read and write of a state
    #[arg(long, value_name = "WHICH", value_parser = trail::TrailParser, help_heading = HEAD_AUDIT)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trail: Option<TrailKind>,

    /// Days to keep audit and access logs
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500), help_heading = HEAD_AUDIT)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_days: Option<u32>,

    /// Folder that the files are written to
    // `--out` is a file of `plan` and of `state pull`.
    #[arg(long = "dir", alias = "out", value_name = "DIR", help_heading = HEAD_FILES)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out: Option<Folder>,

    /// Name of the partial configuration; `{env}` in it is replaced
    #[arg(long, value_name = "NAME", help_heading = HEAD_FILES)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conf_file: Option<FileName>,

    /// Name of the file with the `backend` block; `{env}` in it is replaced
    #[arg(long, value_name = "NAME", help_heading = HEAD_FILES)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tf_file: Option<FileName>,

    /// Apply the plan without asking
    #[arg(long, short = 'y', alias = "yes", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = HEAD_RUN)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_approve: Option<bool>,

    /// Never ask; implied without a terminal and by the variable CI
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = HEAD_RUN)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub non_interactive: Option<bool>,

    /// Adopt existing resources that were not created by tfbackend
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = HEAD_RUN)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adopt: Option<bool>,

    /// Replace files that are not tfbackend's or were changed by hand (a copy is kept)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = HEAD_RUN)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overwrite: Option<bool>,

    /// Maximum number of concurrent writes
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=256), help_heading = HEAD_RUN)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<u32>,
}

impl SettingsLayer {
    /// With profile and role of `weaker` where this says none. An external ID belongs to the role
    /// that it was said with.
    #[must_use]
    pub fn or_credentials(self, weaker: &Self) -> Self {
        let of_role = weaker
            .external_id
            .clone()
            .filter(|_| self.role_arn.is_none());
        Self {
            external_id: self.external_id.or(of_role),
            role_arn: self.role_arn.or_else(|| weaker.role_arn.clone()),
            profile: self.profile.or_else(|| weaker.profile.clone()),
            ..self
        }
    }

    /// Profile and role alone.
    #[must_use]
    pub fn credentials(&self) -> Self {
        Self::default().or_credentials(self)
    }

    /// Only the options that describe the environment: options of a run are not saved.
    #[must_use]
    pub fn without_run(self) -> Self {
        Self {
            auto_approve: None,
            non_interactive: None,
            adopt: None,
            overwrite: None,
            parallelism: None,
            ..self
        }
    }
}

const HEAD_ENVIRONMENT: &str = "Environment";
const HEAD_CREDENTIALS: &str = "Credentials";
const HEAD_STATE: &str = "State";
const HEAD_BUCKET: &str = "State bucket";
const HEAD_KEY: &str = "Encryption";
const HEAD_TABLE: &str = "Lock table";
const HEAD_ACCESS: &str = "Access";
const HEAD_ALARMS: &str = "Alarms";
const HEAD_AUDIT: &str = "Audit";
const HEAD_FILES: &str = "Files";
/// The help heading of run options.
pub const HEAD_RUN: &str = "Run";

/// State locking mechanism.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LockMechanism {
    /// Item in a DynamoDB table; supported by every version of Terraform and OpenTofu
    Dynamodb,
    /// Object beside the state (`use_lockfile`); needs Terraform or OpenTofu 1.10
    S3,
    /// Both, to migrate from one to the other
    Both,
}

impl LockMechanism {
    pub fn uses_table(self) -> bool {
        matches!(self, Self::Dynamodb | Self::Both)
    }

    pub fn uses_lockfile(self) -> bool {
        matches!(self, Self::S3 | Self::Both)
    }
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum TableNamespace {
    /// Names shared with all AWS customers
    Global,
    /// Names that end in account, region and `-an`, and always belong to the account
    AccountRegional,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum EncryptionKind {
    /// A customer managed KMS key
    Kms,
    /// Keys of Amazon S3; no control over who can decrypt
    SseS3,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum BillingKind {
    /// Per request (`PAY_PER_REQUEST`)
    OnDemand,
    /// Provisioned capacity, billed by the hour
    Provisioned,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum TableEncryption {
    /// The key that encrypts the states
    SameKey,
    /// A key that AWS owns; free of charge
    AwsOwned,
}
