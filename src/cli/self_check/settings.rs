//! The settings as far as they are said, each source by itself: a broken one does not hide the
//! others.

use super::{failed, variables};
use crate::{
    cli::{
        environment::EnvironmentArgs, explain, failure::CliError, folder_defaults,
        global::GlobalOptions, known_env,
    },
    host::Host,
    kind::BackendKind,
    report::self_check::SelfCheckResult,
    settings::{
        error::SettingsError,
        file::{FILE_NAME, SettingsFile},
        local::LocalSettings,
        merge::{MergedSettings, SettingsSources},
        names::EnvName,
        rerun::RerunArguments,
        variables as setting_variables,
    },
};

/// What the sources say, and the checks of them.
pub(super) struct SettingsSurvey {
    pub env: Option<EnvName>,
    pub merged: MergedSettings,
    /// Words that name the environment on a command line.
    pub rerun: Option<RerunArguments>,
    /// The variable of a region that is not one, and why.
    pub wrong_region: Option<(String, String)>,
    pub checks: Vec<SelfCheckResult>,
}

impl SettingsSurvey {
    /// Reads every source; nothing is asked.
    pub(super) async fn new(args: EnvironmentArgs, host: &Host, global: &GlobalOptions) -> Self {
        let named = args.env(host);
        let is_new = args.new_env;
        let said = setting_variables::read(&host.vars);
        let config = global.config.as_deref();
        let file = SettingsSources::file(host, config);
        let sources = SettingsSources {
            flags: args.layer,
            variables: said.as_ref().map(Clone::clone).unwrap_or_default(),
            file: file.as_ref().ok().cloned().flatten(),
            ambient_region: SettingsSources::region_variable(host),
        };
        let is_named = matches!(named, Ok(Some(_)));
        let env = named
            .as_ref()
            .ok()
            .cloned()
            .flatten()
            .or_else(|| known_env::only(&sources).filter(|_| !is_new))
            .or_else(|| known_env::of_folder(host).filter(|_| !is_new));
        let merged = merged(env.as_ref(), &sources, host);
        let of_file = match (file, &named, &env) {
            (Err(error), ..) => failed(SETTINGS, &explain::settings(&error), CORRECT),
            (Ok(_), Err(failure), _) => failed(SETTINGS, failure, "correct the variable"),
            (Ok(file), Ok(_), env) => {
                let env = env.as_ref();
                let known = match env.filter(|_| is_named) {
                    Some(env) => known_env::must_be_known(env, &sources, is_new, None),
                    None => Ok(()),
                };
                match known.and_then(|()| agree(&merged, env)) {
                    Ok(()) => SelfCheckResult::ok(SETTINGS, described(file.as_ref())),
                    Err(failure) => failed(SETTINGS, &failure, CORRECT),
                }
            }
        };
        let wrong_region = match &sources.ambient_region {
            Some((name, Err(error))) => {
                let value = host.var(name).unwrap_or_default();
                Some((name.clone(), format!("{name}={value} {error}")))
            }
            _ => None,
        };
        let rerun = env.as_ref().map(|env| {
            let words = known_env::words(env, &sources, global);
            RerunArguments::new(env, &merged, words, global.sandbox)
        });
        let checks = vec![
            of_file,
            variables::of_tfbackend(said.as_ref().err(), host),
            variables::of_others(host),
        ];
        Self {
            env,
            merged,
            rerun,
            wrong_region,
            checks,
        }
    }
}

const SETTINGS: &str = "settings";
const CORRECT: &str = "correct it, then run `tfbackend self-check` again";

/// Without an environment, what holds for all of them.
fn merged(env: Option<&EnvName>, sources: &SettingsSources, host: &Host) -> MergedSettings {
    match env {
        Some(env) => {
            let merged = sources.merged(env);
            folder_defaults::put(merged, env, sources.file.as_ref(), host)
        }
        None => sources.merged_for_all(),
    }
}

/// # Errors
/// If values contradict each other. What is missing can still be said, and variables have checks of
/// their own.
fn agree(merged: &MergedSettings, env: Option<&EnvName>) -> Result<(), CliError> {
    let Some(env) = env else { return Ok(()) };
    let error = match merged.kind {
        BackendKind::S3 => merged.resolve(env).err(),
        BackendKind::Local => LocalSettings::resolve(merged, env).err(),
    };
    match error {
        None | Some(SettingsError::Missing { .. } | SettingsError::Variable { .. }) => Ok(()),
        Some(error) => Err(explain::settings(&error)),
    }
}

fn described(file: Option<&SettingsFile>) -> String {
    let Some(file) = file else {
        return format!("no {FILE_NAME}: flags, variables and defaults are used");
    };
    let envs: Vec<&str> = file.envs.keys().map(EnvName::as_str).collect();
    let path = file.path.display();
    match envs[..] {
        [] => format!("{path}, without environments"),
        [one] => format!("{path}, with the environment {one}"),
        _ => format!("{path}, with the environments {}", envs.join(", ")),
    }
}
