//! What is there of an environment before its settings are final: our file in its folder, its
//! bucket, its account.

use crate::{
    backend::aws::{
        Aws,
        kept::{Beside, Inspect},
    },
    cli::{beside, explain, failure::Failure, session::Connected},
    host::Host,
    settings::{
        Credentials, Settings,
        layer::Layer,
        merge::{Merged, Origin, Sources},
        names::{AccountId, EnvName},
        rerun::Rerun,
    },
};

/// What our file in the folder of an environment says.
pub(super) fn beside_of(settings: &Settings, aws: &Aws, is_emulated: bool, host: &Host) -> Beside {
    let dir = host.cwd.join(&settings.files.out);
    let Some(file) = beside::find(&dir, settings) else {
        return Beside::default();
    };
    let is_same_account = file.owner.account == aws.account() && file.owner.emulated == is_emulated;
    file.read(settings, is_same_account)
}

/// Whether the environment has its state bucket already.
pub(super) async fn is_live(
    env: &EnvName,
    merged: &Merged,
    connected: &Connected,
    host: &Host,
) -> Result<bool, Failure> {
    let settings = merged
        .resolve(env)
        .map_err(|error| explain::settings(&error))?;
    let aws = connected.clone().about(&settings);
    let (account, beside) = (account_of(&aws)?, beside_of(&settings, &aws, false, host));
    let rerun = Rerun::new(env, merged, String::new(), false);
    let inspect = Inspect {
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
        () = host.cancel.cancelled() => return Err(Failure::interrupted("interrupted while looking; nothing was changed")),
        inspection = inspect.run() => inspection,
    };
    Ok(inspection.map_err(|error| explain::settings(&error))?.live)
}

/// As whom Terraform is to work. A flag or a variable says it for the caller, and for Terraform
/// only if it says that as well: to look with other credentials changes no file.
pub(super) fn for_runs(
    merged: &Merged,
    sources: &Sources,
    env: &EnvName,
    beside: &Beside,
) -> Layer {
    match merged.origin("conf-credentials") {
        Some(Origin::Flag | Origin::Variable { .. }) => merged.layer.clone(),
        _ => {
            Sources {
                file: sources.file.clone(),
                ..Sources::default()
            }
            .merged(env)
            .with_kept(&beside.layer())
            .layer
        }
    }
}

/// Nothing, unless it is asked for.
pub(super) fn of_runs(layer: &Layer) -> Credentials {
    Some(Credentials::of(layer))
        .filter(|credentials| credentials.in_conf)
        .unwrap_or_default()
}

pub(super) fn account_of(aws: &Aws) -> Result<AccountId, Failure> {
    aws.account()
        .parse()
        .map_err(|error| Failure::failed(format!("AWS returned an invalid account ID: {error}")))
}
