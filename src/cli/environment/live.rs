//! What is there of an environment before its settings are final: our file in its folder, its
//! bucket, its account.

use crate::{
    backend::aws::{
        AwsProvider,
        kept::{FolderSettings, InspectOptions},
    },
    cli::{beside, explain, failure::CliError, session::AccountSession},
    host::Host,
    settings::{
        CredentialSettings, Settings,
        layer::SettingsLayer,
        merge::{MergedSettings, SettingOrigin, SettingsSources},
        names::{AccountId, EnvName},
        rerun::RerunArguments,
    },
};

/// What our file in the folder of an environment says.
pub(super) fn beside_of(
    settings: &Settings,
    aws: &AwsProvider,
    is_emulated: bool,
    host: &Host,
) -> FolderSettings {
    let dir = host.cwd.join(&settings.files.out);
    let Some(file) = beside::find(&dir, settings) else {
        return FolderSettings::default();
    };
    let is_same_account = file.owner.account == aws.account() && file.owner.emulated == is_emulated;
    file.read(settings, is_same_account)
}

/// Whether the environment has its state bucket already.
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
        () = host.cancel.cancelled() => return Err(CliError::interrupted("interrupted while looking; nothing was changed")),
        inspection = inspect.run() => inspection,
    };
    Ok(inspection.map_err(|error| explain::settings(&error))?.live)
}

/// As whom Terraform is to work. A flag or a variable says it for the caller, and for Terraform
/// only if it says that as well: to look with other credentials changes no file.
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

/// Nothing, unless it is asked for.
pub(super) fn of_runs(layer: &SettingsLayer) -> CredentialSettings {
    Some(CredentialSettings::of(layer))
        .filter(|credentials| credentials.in_conf)
        .unwrap_or_default()
}

pub(super) fn account_of(aws: &AwsProvider) -> Result<AccountId, CliError> {
    aws.account()
        .parse()
        .map_err(|error| CliError::failed(format!("AWS returned an invalid account ID: {error}")))
}
