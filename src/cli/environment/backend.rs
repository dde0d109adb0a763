//! Returns where the states of an environment are, and the contents of its files.

use super::ConnectedEnvironment;
use crate::{
    backend::aws::{blueprint::KEY, store::StoreAddress},
    engine::spec::KnownOutputs,
    settings::s3::EncryptionSettings,
    state::layout::StateLayout,
    terraform::write::{AssumedRole, BackendConfig},
};

impl ConnectedEnvironment {
    /// Returns the address of its states and locks.
    pub fn store(&self) -> StoreAddress {
        let Self {
            settings,
            names,
            aws,
            ..
        } = self;
        StoreAddress {
            bucket: names.state_bucket.clone(),
            owner: aws.account().to_owned(),
            table: settings.lock.uses_table().then(|| names.table.clone()),
            layout: StateLayout {
                key: Some(settings.key.to_string()),
                workspace_prefix: settings.workspace_key_prefix.to_string(),
            },
        }
    }

    /// Returns the contents of the files. Before the key exists, its ARN is a placeholder.
    pub fn backend(&self, known: &KnownOutputs) -> BackendConfig {
        let settings = &self.settings;
        let key = match settings.encryption {
            EncryptionSettings::SseS3 => None,
            EncryptionSettings::NewKey { .. } | EncryptionSettings::OwnKey { .. } => {
                Some(known.get(&KEY).cloned().unwrap_or_else(|| KEY.output()))
            }
        };
        BackendConfig {
            project: settings.common.project.to_string(),
            env: settings.common.env.to_string(),
            bucket: self.names.state_bucket.clone(),
            key: settings.key.to_string(),
            region: settings.region.to_string(),
            account: self.aws.account().to_owned(),
            skips_account: false,
            kms_key_arn: key,
            dynamodb_table: settings.lock.uses_table().then(|| self.names.table.clone()),
            use_lockfile: settings.lock.uses_lockfile(),
            workspace_key_prefix: settings.workspace_key_prefix.to_string(),
            emulator: self.emulator.clone(),
            profile: self.of_runs.profile.as_ref().map(ToString::to_string),
            role: self.of_runs.role.as_ref().map(|role| AssumedRole {
                arn: role.arn.to_string(),
                external_id: role.external_id.as_ref().map(ToString::to_string),
            }),
        }
    }
}
