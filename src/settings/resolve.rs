//! Resolves merged sources to complete settings.

use std::num::NonZeroUsize;

use super::{
    AccessSettings, AlarmSettings, BillingMode, BucketSettings, EncryptionSettings, FileSettings,
    RunSettings, Settings, TableSettings, TopicSettings,
    check::check,
    error::SettingsError,
    layer::{
        BillingKind, EncryptionKind, LockMechanism, SettingsLayer, TableEncryption, TableNamespace,
        TrailKind,
    },
    merge::{MergedSettings, SettingsSources, ambient_error},
    names::EnvName,
};

/// Returns the default settings.
///
/// Three depend on others: with SSE-S3 the table is encrypted with a key of DynamoDB, without
/// alarms there are no delete events, and capacity counts with provisioned billing only.
pub fn defaults() -> SettingsLayer {
    const VALID: &str = "a default keeps its own rule";
    SettingsLayer {
        conf_credentials: Some(false),
        ephemeral: Some(false),
        tags: Some(vec![]),
        key: Some("terraform.tfstate".parse().expect(VALID)),
        workspace_key_prefix: Some("env:".parse().expect(VALID)),
        lock: Some(LockMechanism::Dynamodb),
        namespace: Some(TableNamespace::Global),
        noncurrent_days: Some(90),
        keep_versions: Some(50),
        access_logs: Some(true),
        delete_events: Some(true),
        encryption: Some(EncryptionKind::Kms),
        rotation_days: Some(365),
        billing: Some(BillingKind::OnDemand),
        read_capacity: Some(5),
        write_capacity: Some(5),
        table_recovery: Some(true),
        table_encryption: Some(TableEncryption::SameKey),
        policy: Some(true),
        attach_to: Some(vec![]),
        alarms: Some(true),
        alarm_email: Some(vec![]),
        alarm_bucket_size: Some(10),
        alarm_object_count: Some(100_000),
        trail: Some(TrailKind::New),
        log_days: Some(400),
        out: Some(".".parse().expect(VALID)),
        conf_file: Some("backend.conf".parse().expect(VALID)),
        tf_file: Some("backend.tf".parse().expect(VALID)),
        auto_approve: Some(false),
        non_interactive: Some(false),
        adopt: Some(false),
        overwrite: Some(false),
        parallelism: Some(16),
        // Only the user can set these, or they are derived.
        project: None,
        region: None,
        account: None,
        profile: None,
        role_arn: None,
        external_id: None,
        bucket: None,
        kms_key: None,
        table: None,
        alarm_topic: None,
    }
}

/// The settings of one environment.
///
/// # Errors
/// If something without a default was not said, or values contradict each other: then all of them.
pub fn resolve(
    env: &EnvName,
    sources: &SettingsSources,
    answers: &SettingsLayer,
) -> Result<Settings, SettingsError> {
    sources.merged(env).with_answers(answers).resolve(env)
}

impl MergedSettings {
    /// The settings that the values make.
    ///
    /// # Errors
    /// As [`resolve`].
    pub fn resolve(&self, env: &EnvName) -> Result<Settings, SettingsError> {
        let settings = self.settings(env)?;
        match check(&settings, self) {
            contradictions if contradictions.is_empty() => Ok(settings),
            contradictions => Err(SettingsError::Contradictions(contradictions)),
        }
    }

    /// Returns the required options without a default that are not set.
    pub fn missing(&self) -> Vec<&'static str> {
        let needed = [
            ("project", self.layer.project.is_none()),
            ("region", self.layer.region.is_none()),
        ];
        needed
            .into_iter()
            .filter_map(|(name, missing)| missing.then_some(name))
            .collect()
    }

    fn settings(&self, env: &EnvName) -> Result<Settings, SettingsError> {
        const SAID: &str = "what has a default is always said";
        let layer = self.layer.clone();
        let (Some(project), Some(region)) = (layer.project, layer.region) else {
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
                emails: layer.alarm_email.unwrap_or_default(),
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
        Ok(Settings {
            project,
            env: env.clone(),
            region,
            account: layer.account,
            protect: !layer.ephemeral.expect(SAID),
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
                attach_to: layer.attach_to.expect(SAID),
            },
            alarms,
            trail: layer.trail.expect(SAID),
            log_days: layer.log_days.expect(SAID),
            files: FileSettings {
                out: layer.out.expect(SAID).as_str().into(),
                conf_file: layer.conf_file.expect(SAID),
                tf_file: layer.tf_file.expect(SAID),
            },
            run: RunSettings {
                auto_approve: layer.auto_approve.expect(SAID),
                non_interactive: layer.non_interactive.expect(SAID),
                adopt: layer.adopt.expect(SAID),
                overwrite: layer.overwrite.expect(SAID),
                parallelism: NonZeroUsize::new(
                    usize::try_from(layer.parallelism.expect(SAID)).unwrap_or(1),
                )
                .unwrap_or(NonZeroUsize::MIN),
            },
        })
    }
}
