//! Formats answers as an equivalent command line and as lines of `tfbackend.toml`.

use std::path::Path;

use crate::settings::{
    error::{SettingsError, SettingsProblem},
    file::{FILE_NAME, SettingsFile},
    layer::SettingsLayer,
    names::EnvName,
    rerun::all_words,
};

/// Returns the equivalent command without questions, quoted for a POSIX shell.
pub fn equivalent_command(env: &EnvName, layer: &SettingsLayer) -> String {
    command("bootstrap", env, layer) + " --non-interactive --auto-approve"
}

/// A command about an environment, quoted for a POSIX shell.
pub fn command(name: &str, env: &EnvName, layer: &SettingsLayer) -> String {
    let words = [
        vec![format!("tfbackend {name} --env {env}")],
        all_words(layer),
    ];
    words.concat().join(" ")
}

/// The environment's table of `tfbackend.toml`.
pub fn toml_for(env: &EnvName, layer: &SettingsLayer) -> String {
    let body = toml::to_string(layer).expect("a layer is a table of plain data");
    format!("[env.{env}]\n{body}")
}

/// Returns the text of the file with the environment's table appended; the rest is unchanged.
///
/// # Errors
/// If the environment already exists, or the text is not such a file.
pub fn appended(
    existing: &str,
    env: &EnvName,
    layer: &SettingsLayer,
) -> Result<String, SettingsError> {
    let path = Path::new(FILE_NAME);
    if SettingsFile::parse(path, existing)?.envs.contains_key(env) {
        let problem = SettingsProblem::Syntax(format!("`[env.{env}]` already exists"));
        let line = existing
            .lines()
            .position(|line| line.contains(&format!("env.{env}")))
            .map_or(1, |index| index + 1);
        return Err(SettingsError::File {
            path: path.to_path_buf(),
            line,
            column: 1,
            problem,
        });
    }
    let gap = match existing {
        "" => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    let whole = format!("{existing}{gap}{}", toml_for(env, layer));
    // `env = { … }` cannot be added to from below.
    SettingsFile::parse(path, &whole)?;
    Ok(whole)
}
