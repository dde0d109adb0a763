//! The settings of an `s3` backend.

pub mod resolve;
pub mod derived;

use super::{
    common::CommonSettings,
    layer::{LockMechanism, SettingsLayer, TableEncryption, TableNamespace, TrailKind},
    names::{
        AccountId, BucketName, Email, ExternalId, KeyArn, PrincipalName, ProfileName, Region,
        RoleArn, StateKey, TableName, Tag, TopicArn, WorkspacePrefix,
    },
};

#[derive(Clone, Debug, PartialEq)]
pub struct S3Settings {
    pub common: CommonSettings,
    pub region: Region,
    /// The account that must be met; `None` takes the caller's.
    pub account: Option<AccountId>,
    pub tags: Vec<Tag>,
    pub key: StateKey,
    pub workspace_key_prefix: WorkspacePrefix,
    pub lock: LockMechanism,
    pub encryption: EncryptionSettings,
    pub bucket: BucketSettings,
    pub table: TableSettings,
    pub access: AccessSettings,
    pub alarms: AlarmSettings,
    pub trail: TrailKind,
    pub log_days: u32,
}

/// The credentials of calls; values that are not set are left to the AWS SDK.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CredentialSettings {
    pub profile: Option<ProfileName>,
    pub role: Option<RoleSettings>,
    /// True if Terraform is told of them.
    pub in_conf: bool,
}

impl CredentialSettings {
    /// As a layer says; `none` disables it.
    pub fn of(layer: &SettingsLayer) -> Self {
        let role = layer.role_arn.clone().filter(|arn| arn.chosen().is_some());
        Self {
            profile: layer
                .profile
                .clone()
                .filter(|profile| profile.chosen().is_some()),
            role: role.map(|arn| RoleSettings {
                arn,
                external_id: layer.external_id.clone(),
            }),
            in_conf: layer.conf_credentials == Some(true),
        }
    }
}

/// A role to assume.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleSettings {
    pub arn: RoleArn,
    pub external_id: Option<ExternalId>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum EncryptionSettings {
    NewKey { rotation_days: u32 },
    OwnKey { arn: KeyArn },
    SseS3,
}

#[derive(Clone, Debug, PartialEq)]
pub struct BucketSettings {
    /// `None` derives it from project, environment, account and region.
    pub name: Option<BucketName>,
    pub namespace: TableNamespace,
    pub noncurrent_days: u32,
    pub keep_versions: u32,
    pub access_logs: bool,
    pub delete_events: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct TableSettings {
    /// `None` derives it from project and environment.
    pub name: Option<TableName>,
    pub billing: BillingMode,
    pub recovery: bool,
    pub encryption: TableEncryption,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BillingMode {
    OnDemand,
    Provisioned { read: u32, write: u32 },
}

#[derive(Clone, Debug, PartialEq)]
pub struct AccessSettings {
    pub policy: bool,
    pub attach_to: Vec<PrincipalName>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlarmSettings {
    Off,
    On {
        topic: TopicSettings,
        bucket_gib: u32,
        objects: u32,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum TopicSettings {
    New { emails: Vec<Email> },
    Existing { arn: TopicArn },
}
