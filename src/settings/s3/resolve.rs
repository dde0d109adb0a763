//! Resolves merged sources to complete settings.

use super::{
    AccessSettings, AlarmSettings, BillingMode, BucketSettings, EncryptionSettings, S3Settings,
    TableSettings, TopicSettings,
};
use crate::settings::{
    check::check,
    common::CommonSettings,
    error::SettingsError,
    layer::{BillingKind, EncryptionKind, SettingsLayer, TableEncryption},
    merge::{MergedSettings, SettingsSources, ambient_error},
    names::EnvName,
};

/// The settings of one environment.
///
/// # Errors
/// If something without a default was not said, or values contradict each other: then all of them.
pub fn resolve(
    env: &EnvName,
    sources: &SettingsSources,
    answers: &SettingsLayer,
) -> Result<S3Settings, SettingsError> {
    sources.merged(env).with_answers(answers).resolve(env)
}

/// Without repetitions: what is named twice exists once.
fn unique<T: PartialEq>(all: Vec<T>) -> Vec<T> {
    let mut once: Vec<T> = vec![];
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}

impl MergedSettings {
    /// The settings that the values make.
    ///
    /// # Errors
    /// As [`resolve`].
    pub fn resolve(&self, env: &EnvName) -> Result<S3Settings, SettingsError> {
        let settings = self.settings(env)?;
        match check(&settings, self) {
            contradictions if contradictions.is_empty() => Ok(settings),
            contradictions => Err(SettingsError::Contradictions(contradictions)),
        }
    }

    fn settings(&self, env: &EnvName) -> Result<S3Settings, SettingsError> {
        const SAID: &str = "what has a default is always said";
        let layer = self.layer.clone();
        let (Some(common), Some(region)) = (CommonSettings::of(&self.layer, env), layer.region)
        else {
            return Err(match &self.ambient {
                Some(ambient) if self.missing() == ["region"] => ambient_error(ambient),
                _ => SettingsError::Missing {
                    names: self.missing(),
                },
            });
        };
        let encryption = match (layer.kms_key, layer.encryption) {
            (Some(arn), _) => EncryptionSettings::OwnKey { arn },
            (None, Some(EncryptionKind::SseS3)) => EncryptionSettings::SseS3,
            (None, Some(EncryptionKind::Kms) | None) => EncryptionSettings::NewKey {
                rotation_days: layer.rotation_days.expect(SAID),
            },
        };
        let table_encryption = match encryption {
            EncryptionSettings::SseS3 => TableEncryption::AwsOwned,
            EncryptionSettings::NewKey { .. } | EncryptionSettings::OwnKey { .. } => {
                layer.table_encryption.expect(SAID)
            }
        };
        let billing = match layer.billing.expect(SAID) {
            BillingKind::OnDemand => BillingMode::OnDemand,
            BillingKind::Provisioned => BillingMode::Provisioned {
                read: layer.read_capacity.expect(SAID),
                write: layer.write_capacity.expect(SAID),
            },
        };
        let alarmed = layer.alarms.expect(SAID);
        let topic = match layer.alarm_topic {
            Some(arn) => TopicSettings::Existing { arn },
            None => TopicSettings::New {
                emails: unique(layer.alarm_email.unwrap_or_default()),
            },
        };
        let alarms = if alarmed {
            AlarmSettings::On {
                topic,
                bucket_gib: layer.alarm_bucket_size.expect(SAID),
                objects: layer.alarm_object_count.expect(SAID),
            }
        } else {
            AlarmSettings::Off
        };
        Ok(S3Settings {
            common,
            region,
            account: layer.account,
            tags: layer.tags.expect(SAID),
            key: layer.key.expect(SAID),
            workspace_key_prefix: layer.workspace_key_prefix.expect(SAID),
            lock: layer.lock.expect(SAID),
            encryption,
            bucket: BucketSettings {
                name: layer.bucket,
                namespace: layer.namespace.expect(SAID),
                noncurrent_days: layer.noncurrent_days.expect(SAID),
                keep_versions: layer.keep_versions.expect(SAID),
                access_logs: layer.access_logs.expect(SAID),
                delete_events: layer.delete_events.expect(SAID) && alarmed,
            },
            table: TableSettings {
                name: layer.table,
                billing,
                recovery: layer.table_recovery.expect(SAID),
                encryption: table_encryption,
            },
            access: AccessSettings {
                policy: layer.policy.expect(SAID),
                attach_to: unique(layer.attach_to.expect(SAID)),
            },
            alarms,
            trail: layer.trail.expect(SAID),
            log_days: layer.log_days.expect(SAID),
        })
    }
}
