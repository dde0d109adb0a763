//! Formats answers as an equivalent command line and as lines of `tfbackend.toml`.

use std::path::Path;

use super::WizardAnswers;
use crate::report::wrap::width;
use crate::settings::{
    error::{SettingsError, SettingsProblem},
    file::{FILE_NAME, SettingsFile},
    layer::SettingsLayer,
    names::EnvName,
    options::{layer_of, said},
    rerun::all_words,
};

/// Returns the equivalent command without questions, quoted for a POSIX shell.
pub fn equivalent_command(env: &EnvName, layer: &SettingsLayer) -> String {
    command("bootstrap", env, layer) + " --non-interactive --auto-approve"
}

/// The command that gives the same answers and asks for approval; `more` are the global options,
/// each after a space.
pub(crate) fn same_answers(answers: &WizardAnswers, flags: &SettingsLayer, more: &str) -> String {
    let mut all = said(&answers.layer);
    all.extend(said(flags));
    let env = answers.env.iter().map(|env| format!("--env {env}"));
    let words: Vec<String> = env.chain(all_words(&layer_of(all))).collect();
    format!("tfbackend bootstrap {}{more}", words.join(" "))
}

/// Breaks a command at its options into lines that a shell reads as one, with an indent.
pub(crate) fn broken(command: &str, columns: usize) -> Vec<String> {
    // With the sign that breaks a line.
    let room = columns.clamp(40, WIDEST) - 2;
    let mut lines: Vec<String> = vec![];
    for option in command.split(" --").enumerate() {
        let option = match option {
            (0, name) => name.to_owned(),
            (_, option) => format!("--{option}"),
        };
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(&option) <= room => {
                line.push(' ');
                line.push_str(&option);
            }
            _ => lines.push(format!(
                "{}{option}",
                if lines.is_empty() { "  " } else { "    " }
            )),
        }
    }
    let last = lines.len().saturating_sub(1);
    for line in &mut lines[..last] {
        line.push_str(" \\");
    }
    lines
}

/// Of a line of a printed command, where lines are not broken elsewhere.
const WIDEST: usize = 80;

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
