//! What the settings leave out and is there all the same, and the blueprint in which nothing is
//! left out.

use crate::settings::{
    AlarmSettings, BillingMode, EncryptionSettings, Settings, TopicSettings,
    layer::{LockMechanism, TrailKind},
};

/// Parts of an environment that its settings leave out, that are there, and that go on working.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOutParts {
    pub trail: bool,
    /// The topic of our own.
    pub topic: bool,
    /// The bucket tells our topic of deleted states.
    pub delete_events: bool,
    /// The state bucket writes its access logs into the log bucket.
    pub access_logs: bool,
    /// Keys that states are still encrypted with, by ARN.
    pub old_keys: Vec<String>,
}

/// The same environment with every optional part: what may be there of it.
#[must_use]
pub fn widest(settings: &Settings) -> Settings {
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
