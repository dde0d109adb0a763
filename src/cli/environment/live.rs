//! Reads existing parts of an environment before its settings are final: tfbackend's file in its
//! folder, its bucket, its account.

use crate::{
    backend::aws::{
        AwsProvider,
        live_settings::{FolderSettings, InspectOptions},
    },
    cli::{explain, failure::CliError, folder_settings, session::AccountSession},
    host::Host,
    settings::{
        layer::SettingsLayer,
        merge::{MergedSettings, SettingOrigin, SettingsSources},
        names::{AccountId, EnvName},
        rerun::RerunArguments,
        s3::{CredentialSettings, S3Settings},
    },
};

/// Returns the settings in tfbackend's file in the folder of an environment.
pub(super) fn beside_of(
    settings: &S3Settings,
    aws: &AwsProvider,
    is_emulated: bool,
    host: &Host,
) -> FolderSettings {
    let dir = host.cwd.join(&settings.common.files.out);
    let Some(file) = folder_settings::find(&dir, settings) else {
        return FolderSettings::default();
    };
    let is_same_account = file.owner.place == aws.account() && file.owner.emulated == is_emulated;
    file.read(settings, is_same_account)
}

/// Returns whether the state bucket of the environment exists.
pub(super) async fn is_live(
    env: &EnvName,
    merged: &MergedSettings,
    connected: &AccountSession,
    host: &Host,
) -> Result<bool, CliError> {
    let settings = merged
        .resolve(env)
        .map_err(|error| explain::settings(&error))?;
    let aws = connected.clone().about(&settings);
    let (account, beside) = (account_of(&aws)?, beside_of(&settings, &aws, false, host));
    let rerun = RerunArguments::new(env, merged, String::new(), false);
    let inspect = InspectOptions {
        aws: &aws,
        env,
        merged,
        beside: &beside,
        account: &account,
        moves_state: false,
        rerun: &rerun,
    };
    let inspection = tokio::select! {
        biased;
        () = host.cancel.cancelled() => return Err(CliError::interrupted("interrupted while reading; nothing was changed")),
        inspection = inspect.run() => inspection,
    };
    Ok(inspection.map_err(|error| explain::settings(&error))?.live)
}

/// Returns the credentials for Terraform. A flag or a variable sets them for the caller, and for
/// Terraform only with `conf-credentials`: reading with other credentials must not change a file.
pub(super) fn for_runs(
    merged: &MergedSettings,
    sources: &SettingsSources,
    env: &EnvName,
    beside: &FolderSettings,
) -> SettingsLayer {
    match merged.origin("conf-credentials") {
        Some(SettingOrigin::Flag | SettingOrigin::Variable { .. }) => merged.layer.clone(),
        _ => {
            SettingsSources {
                file: sources.file.clone(),
                ..SettingsSources::default()
            }
            .merged(env)
            .with_kept(&beside.layer())
            .layer
        }
    }
}

/// `None` unless requested.
pub(super) fn of_runs(layer: &SettingsLayer) -> CredentialSettings {
    Some(CredentialSettings::of(layer))
        .filter(|credentials| credentials.in_conf)
        .unwrap_or_default()
}

pub(super) fn account_of(aws: &AwsProvider) -> Result<AccountId, CliError> {
    account_named(aws.account())
}

pub(super) fn account_named(account: &str) -> Result<AccountId, CliError> {
    account
        .parse()
        .map_err(|error| CliError::failed(format!("AWS returned an invalid account ID: {error}")))
}
