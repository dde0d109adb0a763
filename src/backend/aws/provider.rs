//! The AWS backend of one environment, as commands use it.

use std::collections::BTreeSet;

use super::{
    AwsProvider,
    blueprint::KEY,
    error::AwsError,
    resources::{self, AwsSpec},
    store::{
        S3Store, StoreAddress, lock_acquire::LockMechanisms, state_store::S3StateStore,
        write::WriteEncryption,
    },
};
use crate::{
    backend::provider::Provider,
    engine::{
        apply::ChangeWriter,
        blueprint::Blueprint,
        observation::Observation,
        plan::PlannedChange,
        spec::{Address, KnownOutputs},
    },
    kind::BackendKind,
    settings::{
        common::CommonSettings,
        s3::{CredentialSettings, EncryptionSettings, S3Settings, derived::DerivedNames},
    },
    state::layout::StateLayout,
    store::state_store::StateStore,
    terraform::write::s3::{AssumedRole, EmulatorEndpoint, S3BackendConfig},
};

/// An environment in its account.
#[derive(Clone, Debug)]
pub struct S3Provider {
    pub settings: S3Settings,
    pub names: DerivedNames,
    pub aws: AwsProvider,
    pub blueprint: Blueprint<AwsSpec>,
    /// The same for as long as a part of it waits for an adoption.
    pub held: Option<Blueprint<AwsSpec>>,
    pub emulator: Option<EmulatorEndpoint>,
    /// The credentials of Terraform, as far as the files name them.
    pub of_runs: CredentialSettings,
    address: StoreAddress,
}

impl S3Provider {
    pub fn new(
        aws: AwsProvider,
        settings: S3Settings,
        names: DerivedNames,
        blueprint: Blueprint<AwsSpec>,
    ) -> Self {
        let address = StoreAddress {
            bucket: names.state_bucket.clone(),
            owner: aws.account().to_owned(),
            table: settings.lock.uses_table().then(|| names.table.clone()),
            layout: StateLayout {
                key: Some(settings.key.to_string()),
                workspace_prefix: settings.workspace_key_prefix.to_string(),
            },
        };
        Self {
            settings,
            names,
            aws,
            blueprint,
            held: None,
            emulator: None,
            of_runs: CredentialSettings::default(),
            address,
        }
    }

    /// The same environment with the settings that follow from existing resources.
    #[must_use]
    pub fn with_settings(
        self,
        settings: S3Settings,
        names: DerivedNames,
        blueprint: Blueprint<AwsSpec>,
    ) -> Self {
        Self {
            held: self.held,
            emulator: self.emulator,
            of_runs: self.of_runs,
            ..Self::new(self.aws, settings, names, blueprint)
        }
    }

    /// The address of its states and locks.
    pub fn address(&self) -> &StoreAddress {
        &self.address
    }

    fn encryption(&self) -> WriteEncryption {
        match &self.settings.encryption {
            EncryptionSettings::SseS3 => WriteEncryption::OfS3,
            EncryptionSettings::OwnKey { arn } => WriteEncryption::Kms(arn.to_string()),
            EncryptionSettings::NewKey { .. } => WriteEncryption::Kms(self.names.key_alias.clone()),
        }
    }
}

impl ChangeWriter for S3Provider {
    type Spec = AwsSpec;
    type Error = AwsError;

    async fn write(
        &self,
        address: &Address,
        change: &PlannedChange<AwsSpec>,
    ) -> Result<Option<String>, AwsError> {
        self.aws.write(address, change).await
    }
}

impl Provider for S3Provider {
    const KIND: BackendKind = BackendKind::S3;
    type Config = S3BackendConfig;

    fn common(&self) -> &CommonSettings {
        &self.settings.common
    }

    fn title(&self) -> String {
        let CommonSettings { project, env, .. } = &self.settings.common;
        let (region, account) = (&self.settings.region, self.aws.account());
        format!("{project} {env} in {region} (account {account})")
    }

    fn location(&self) -> Vec<(&'static str, String)> {
        self.store().location()
    }

    fn blueprint(&self) -> &Blueprint<AwsSpec> {
        self.held.as_ref().unwrap_or(&self.blueprint)
    }

    async fn observe(&self) -> Observation<AwsSpec> {
        resources::observe(&self.aws, &self.blueprint).await
    }

    async fn observe_again(
        &self,
        which: &BTreeSet<Address>,
        observation: &mut Observation<AwsSpec>,
    ) {
        resources::observe_again(&self.aws, &self.blueprint, which, observation).await;
    }

    /// Before the key exists, its ARN is a placeholder.
    fn backend_config(&self, known: &KnownOutputs) -> S3BackendConfig {
        let settings = &self.settings;
        let key = match settings.encryption {
            EncryptionSettings::SseS3 => None,
            EncryptionSettings::NewKey { .. } | EncryptionSettings::OwnKey { .. } => {
                Some(known.get(&KEY).cloned().unwrap_or_else(|| KEY.output()))
            }
        };
        S3BackendConfig {
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

    fn store(&self) -> Box<dyn StateStore + '_> {
        let mechanisms = LockMechanisms {
            table: self.settings.lock.uses_table(),
            file: self.settings.lock.uses_lockfile(),
        };
        Box::new(S3StateStore::new(
            S3Store::new(&self.aws, &self.address),
            self.settings.key.as_str(),
            mechanisms,
            self.encryption(),
        ))
    }
}
