//! The settings of a new backend in a few lines, before the user is asked whether to use them.

use super::InstalledEngine;
use crate::{
    report::wrap::pad,
    settings::layer::{EncryptionKind, LockMechanism, SettingsLayer, TrailKind},
};

/// Name and value of each group.
pub(super) fn rows(
    settings: &SettingsLayer,
    engine: &Option<InstalledEngine>,
) -> Vec<(&'static str, String)> {
    let key = settings.key.as_ref().map(ToString::to_string);
    vec![
        ("state key", key.unwrap_or_default()),
        ("locking", lock(settings.lock, engine)),
        ("encryption", encryption(settings)),
        ("alarms", alarms(settings)),
        ("audit trail", trail(settings.trail.as_ref())),
        ("runner policy", policy(settings)),
        (
            "deletion",
            if settings.ephemeral == Some(true) {
                "not protected"
            } else {
                "protected"
            }
            .to_owned(),
        ),
    ]
}

pub(super) fn text(title: &str, rows: &[(&str, String)]) -> String {
    let widest = rows.iter().map(|(name, _)| name.len()).max();
    let lines = rows
        .iter()
        .map(|(name, value)| format!("  {}  {value}\n", pad(name, widest.unwrap_or_default())));
    format!("{title}:\n{}", lines.collect::<String>())
}

fn lock(lock: Option<LockMechanism>, engine: &Option<InstalledEngine>) -> String {
    match (lock, engine) {
        (Some(LockMechanism::S3), _) => "an object beside the state (s3)".to_owned(),
        (Some(LockMechanism::Both), _) => "DynamoDB table and object (both)".to_owned(),
        (Some(LockMechanism::Dynamodb) | None, Some(engine)) if engine.has_lock_files => format!(
            "DynamoDB table (dynamodb); {} also supports s3",
            engine.name
        ),
        (Some(LockMechanism::Dynamodb) | None, _) => "DynamoDB table (dynamodb)".to_owned(),
    }
}

fn encryption(settings: &SettingsLayer) -> String {
    match (&settings.kms_key, settings.encryption) {
        (Some(key), _) => key.to_string(),
        (None, Some(EncryptionKind::SseS3)) => "SSE-S3".to_owned(),
        (None, _) => "new KMS key, 1 USD a month".to_owned(),
    }
}

fn alarms(settings: &SettingsLayer) -> String {
    if settings.alarms == Some(false) {
        return "off".to_owned();
    }
    if let Some(topic) = &settings.alarm_topic {
        return format!("to {topic}");
    }
    let emails: Vec<String> = settings
        .alarm_email
        .iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    if emails.is_empty() {
        "on, without a recipient".to_owned()
    } else {
        format!("to {}", emails.join(", "))
    }
}

fn trail(trail: Option<&TrailKind>) -> String {
    match trail {
        Some(TrailKind::Off) => "off".to_owned(),
        Some(TrailKind::Existing(_)) => "a trail that the account has".to_owned(),
        Some(TrailKind::New) | None => {
            "new CloudTrail trail, 0.10 USD per 100,000 events".to_owned()
        }
    }
}

fn policy(settings: &SettingsLayer) -> String {
    if settings.policy == Some(false) {
        return "none".to_owned();
    }
    let principals: Vec<String> = settings
        .attach_to
        .iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    if principals.is_empty() {
        "new, not attached".to_owned()
    } else {
        format!("new, attached to {}", principals.join(", "))
    }
}
