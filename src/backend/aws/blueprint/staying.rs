//! Existing parts that the settings do not include, and the blueprint with all parts.

use crate::settings::{
    layer::{LockMechanism, TrailKind},
    s3::{AlarmSettings, BillingMode, EncryptionSettings, S3Settings, TopicSettings},
};

/// Existing parts of an environment that its settings do not include, and that keep working.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOutParts {
    pub trail: bool,
    /// The topic of the environment.
    pub topic: bool,
    /// The bucket notifies the topic of deleted states.
    pub delete_events: bool,
    /// The state bucket writes its access logs to the log bucket.
    pub access_logs: bool,
    /// The keys that still encrypt states, by ARN.
    pub old_keys: Vec<String>,
}

/// Returns the same environment with every optional part that may exist.
#[must_use]
pub fn widest(settings: &S3Settings) -> S3Settings {
    let mut wide = settings.clone();
    let rotation_days = match settings.encryption {
        EncryptionSettings::NewKey { rotation_days } => rotation_days,
        EncryptionSettings::OwnKey { .. } | EncryptionSettings::SseS3 => 365,
    };
    wide.encryption = EncryptionSettings::NewKey { rotation_days };
    wide.lock = LockMechanism::Both;
    wide.bucket.access_logs = true;
    wide.bucket.delete_events = true;
    wide.table.recovery = true;
    wide.table.billing = BillingMode::OnDemand;
    wide.access.policy = true;
    wide.trail = TrailKind::New;
    wide.alarms = match &settings.alarms {
        AlarmSettings::On {
            topic: TopicSettings::New { emails },
            bucket_gib,
            objects,
        } => AlarmSettings::On {
            topic: TopicSettings::New {
                emails: emails.clone(),
            },
            bucket_gib: *bucket_gib,
            objects: *objects,
        },
        AlarmSettings::On {
            topic: TopicSettings::Existing { .. },
            bucket_gib,
            objects,
        } => AlarmSettings::On {
            topic: TopicSettings::New { emails: vec![] },
            bucket_gib: *bucket_gib,
            objects: *objects,
        },
        AlarmSettings::Off => AlarmSettings::On {
            topic: TopicSettings::New { emails: vec![] },
            bucket_gib: 1,
            objects: 1,
        },
    };
    wide
}
