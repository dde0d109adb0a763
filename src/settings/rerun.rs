//! Commands about the same environment, as they run in the folder in which they are printed.

use serde_json::{Map, Value};

use super::{
    layer::SettingsLayer,
    merge::{MergedSettings, SettingOrigin},
    names::EnvName,
    options::{flag_of, said},
};
use crate::text::shell::shell_word;

/// Is among the global options, too, which say it.
const PROFILE: &str = "profile";

/// The options with which `lock` and `state` commands name an environment.
const OF_TARGET: [&str; 12] = [
    "backend",
    "state-dir",
    "project",
    "region",
    "account",
    "role-arn",
    "external-id",
    "namespace",
    "bucket",
    "table",
    "key",
    "workspace-key-prefix",
];

/// Commands on an existing backend: the settings by which one is created are not in their help.
pub const ON_EXISTING: [&str; 3] = ["verify", "render", "teardown"];

/// Settings that name an existing backend and its files.
const OF_EXISTING: [&str; 20] = [
    "backend",
    "state-dir",
    "project",
    "region",
    "account",
    "profile",
    "role-arn",
    "external-id",
    "conf-credentials",
    "namespace",
    "bucket",
    "table",
    "key",
    "workspace-key-prefix",
    "lock",
    "encryption",
    "kms-key",
    "out",
    "conf-file",
    "tf-file",
];

/// Settings that say where a backend is, and who calls.
const OF_CHECK: [&str; 8] = [
    "backend",
    "state-dir",
    "project",
    "region",
    "account",
    "profile",
    "role-arn",
    "external-id",
];

/// Returns whether the help of a command has a setting.
pub fn is_shown(command: &str, option: &str) -> bool {
    if command == "self-check" {
        return OF_CHECK.contains(&option);
    }
    let of_run: &[&str] = match command {
        "verify" => &[],
        "render" => &["overwrite"],
        "teardown" => &["non-interactive", "parallelism"],
        _ => return true,
    };
    OF_EXISTING.contains(&option) || of_run.contains(&option)
}

/// The words that name an environment on a command line.
#[derive(Clone, Debug)]
pub struct RerunArguments {
    env: EnvName,
    /// The values of flags and answers. Variables and the settings file supply the rest.
    said: Map<String, Value>,
    /// Options that decide what every command works on, each after a space.
    global: String,
    /// True if Terraform needs the variables of the sandbox.
    sandbox: bool,
}

impl RerunArguments {
    pub fn new(env: &EnvName, merged: &MergedSettings, global: String, sandbox: bool) -> Self {
        let mut said = said(&merged.said().without_run());
        let is_global = |name: &str| name == PROFILE && global.contains(" --profile=");
        said.retain(|name, _| {
            matches!(
                merged.origin(name),
                Some(SettingOrigin::Flag | SettingOrigin::Answer)
            ) && !is_global(name)
        });
        Self {
            env: env.clone(),
            said,
            global,
            sandbox,
        }
    }

    /// A command that takes every option of an environment. `more` stands after its name; options
    /// in `except` are left out.
    pub fn command(&self, name: &str, more: &str, except: &[&str]) -> String {
        self.line(name, more, |option| !except.contains(&option))
    }

    /// A `lock` or `state` command.
    pub fn of_target(&self, name: &str, more: &str, except: &[&str]) -> String {
        self.line(name, more, |option| {
            OF_TARGET.contains(&option) && !except.contains(&option)
        })
    }

    fn line(&self, name: &str, more: &str, wanted: impl Fn(&str) -> bool) -> String {
        let options = self.said.iter().filter(|(option, _)| wanted(option));
        let words: String = options
            .flat_map(|(option, value)| words(option, value))
            .map(|word| format!(" {word}"))
            .collect();
        format!(
            "tfbackend {name} --env {}{more}{words}{}",
            self.env, self.global
        )
    }

    /// A command of Terraform.
    pub fn terraform(&self, line: &str) -> String {
        format!(
            "{}{line}",
            if self.sandbox {
                "tfbackend sandbox run -- "
            } else {
                ""
            }
        )
    }
}

/// An option as a command line says it, quoted for a POSIX shell: once for each item of a list.
pub fn words(name: &str, value: &Value) -> Vec<String> {
    let flag = flag_of(name);
    match value {
        Value::Array(items) => items.iter().flat_map(|item| words(name, item)).collect(),
        Value::String(text) if text.starts_with('-') => {
            vec![format!("--{flag}={}", shell_word(text))]
        }
        Value::String(text) => vec![format!("--{flag} {}", shell_word(text))],
        // A switch takes its value only behind `=`.
        Value::Bool(true) => vec![format!("--{flag}")],
        other => vec![format!("--{flag}={other}")],
    }
}

/// A layer as a command line says it.
pub fn all_words(layer: &SettingsLayer) -> Vec<String> {
    said(layer)
        .iter()
        .flat_map(|(name, value)| words(name, value))
        .collect()
}
