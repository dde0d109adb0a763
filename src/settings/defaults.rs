//! The default of each option.

use crate::kind::BackendKind;

use super::layer::{
    BillingKind, EncryptionKind, LockMechanism, SettingsLayer, TableEncryption, TableNamespace,
    TrailKind,
};

/// Returns the default settings.
///
/// Three depend on others: with SSE-S3 the table is encrypted with a key of DynamoDB, without
/// alarms there are no delete events, and capacity counts with provisioned billing only.
pub fn defaults() -> SettingsLayer {
    const VALID: &str = "a default keeps its own rule";
    SettingsLayer {
        backend: Some(BackendKind::S3),
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
        state_dir: None,
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
