//! Finds other environments of tfbackend.toml that use the same bucket, table, or states.

use crate::{
    backend::aws::{
        ownership::EnvironmentId, provider::S3Provider, teardown::scope::TeardownScope,
    },
    cli::{
        context::Context, environment::ConnectedEnvironment, explain, failure::CliError,
        folder_defaults,
    },
    engine::observation::ResourceOwner,
    settings::{
        layer::SettingsLayer,
        merge::SettingsSources,
        names::{AccountId, EnvName},
        s3::{S3Settings, derived::DerivedNames},
    },
};

/// By the names of the environments.
#[derive(Debug, Default)]
pub(super) struct SharedBucket {
    pub bucket: Vec<String>,
    pub table: Vec<String>,
    /// At the same key of the same bucket.
    pub states: Vec<String>,
    project: String,
}

impl SharedBucket {
    /// # Errors
    /// If the file cannot be read. An environment with invalid settings has no bucket.
    pub(super) fn of(
        environment: &ConnectedEnvironment,
        cx: &Context<'_>,
    ) -> Result<Self, CliError> {
        let sources = SettingsSources::read(
            cx.host,
            SettingsLayer::default(),
            cx.global.config.as_deref(),
        )
        .map_err(|error| explain::settings(&error))?;
        let S3Provider {
            settings,
            names,
            aws,
            ..
        } = &environment.provider;
        let mut sharing = Self {
            project: settings.common.project.to_string(),
            ..Self::default()
        };
        let Some(file) = sources.file else {
            return Ok(sharing);
        };
        let Ok(account) = aws.account().parse::<AccountId>() else {
            return Ok(sharing);
        };
        for env in file.envs.keys().filter(|env| **env != settings.common.env) {
            let said = |flags: SettingsLayer| {
                let merged = SettingsSources {
                    flags,
                    file: Some(file.clone()),
                    ..SettingsSources::default()
                }
                .merged(env);
                folder_defaults::put(merged, env, Some(&file), cx.host)
                    .resolve(env)
                    .ok()
            };
            // What was said on the command line holds for others only where the file says nothing.
            let here = || SettingsLayer {
                project: Some(settings.common.project.clone()),
                region: Some(settings.region.clone()),
                ..SettingsLayer::default()
            };
            let Some(other) = said(SettingsLayer::default()).or_else(|| said(here())) else {
                continue;
            };
            sharing.see(env, &other, settings, names, &account);
        }
        Ok(sharing)
    }

    fn see(
        &mut self,
        env: &EnvName,
        other: &S3Settings,
        ours: &S3Settings,
        names: &DerivedNames,
        account: &AccountId,
    ) {
        if other.account.as_ref().is_some_and(|other| other != account) {
            return;
        }
        let theirs = DerivedNames::new(other, account);
        if theirs.state_bucket == names.state_bucket {
            self.bucket.push(env.to_string());
            if other.key == ours.key {
                self.states.push(env.to_string());
            }
        }
        // Ours may still be there although our settings name none.
        let tables = other.lock.uses_table() && ours.region == other.region;
        if tables && theirs.table == names.table {
            self.table.push(env.to_string());
        }
    }

    /// Returns what is deleted of a bucket of this owner; nothing unless it belongs to this
    /// environment or one that shares it.
    pub(super) fn scope(
        &self,
        owner: &ResourceOwner,
        settings: &S3Settings,
    ) -> Option<TeardownScope> {
        let key = || TeardownScope::Key(settings.key.to_string());
        match owner {
            ResourceOwner::Us if self.bucket.is_empty() => Some(TeardownScope::Whole),
            ResourceOwner::Us => Some(key()),
            ResourceOwner::Other(owner) => {
                let is_owner = |env: &&String| {
                    EnvironmentId {
                        project: self.project.clone(),
                        env: (*env).clone(),
                    }
                    .to_string()
                        == *owner
                };
                self.bucket.iter().find(is_owner).map(|_| key())
            }
            ResourceOwner::Unmanaged => None,
        }
    }
}
