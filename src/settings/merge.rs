//! Merges sources by precedence, and records the source of each value.
//!
//! Command line, then `TFBACKEND_*`, then the environment's table of the file, then the file's top
//! level, then the user's answers (asked only for missing settings), then what a live
//! backend has already (see [`kept`](crate::backend::aws::kept)), then `AWS_REGION`, else the
//! region of the AWS profile, then the defaults. A value also puts aside whatever it excludes and a
//! weaker source said: `--kms-key` beats an `encryption` in the file.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    defaults,
    error::{SettingsError, SettingsProblem},
    file::SettingsFile,
    layer::SettingsLayer,
    names::{EnvName, NameError, Region},
    options::{SettingOptions, layer_of, said, variable_of},
    place, variables,
};
use crate::{host::Host, kind::BackendKind};

/// The source of a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "from")]
pub enum SettingOrigin {
    Flag,
    Variable {
        name: String,
    },
    File {
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    Answer,
    /// Not set by any source: the existing backend has this value.
    Kept,
    /// The region of the AWS profile.
    Profile,
    /// The region of the sandbox.
    Sandbox,
    /// A default that depends on the folder: its place in the repository, and the files that are in
    /// it.
    Folder,
    Default,
}

impl fmt::Display for SettingOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("command line"),
            Self::Variable { name } => f.write_str(name),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Answer => f.write_str("answer"),
            Self::Kept => f.write_str("existing value"),
            Self::Profile => f.write_str("AWS profile"),
            Self::Sandbox => f.write_str("sandbox"),
            Self::Folder => f.write_str("this folder"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The precedence of a source. Of two values, the one with the higher rank is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precedence {
    Default,
    /// `AWS_REGION`, or the region of the profile: not said for tfbackend, but better than nothing.
    Ambient,
    /// Existing values.
    Kept,
    Answer,
    FileTop,
    FileEnv,
    Variable,
    Flag,
    /// Existing values, instead of a change that is refused.
    Refused,
}

/// All that says settings, each source read and valid by itself.
#[derive(Clone, Debug, Default)]
pub struct SettingsSources {
    pub flags: SettingsLayer,
    pub variables: SettingsLayer,
    pub file: Option<SettingsFile>,
    /// `AWS_REGION` or `AWS_DEFAULT_REGION`: the variable's name, and what it says.
    pub ambient_region: Option<(String, Result<Region, NameError>)>,
}

impl SettingsSources {
    /// Reads the variables and the file that belong to these flags.
    ///
    /// `config` is the file that the command line names; else `TFBACKEND_CONFIG` does, else it is
    /// searched for (see [`File::find`]).
    ///
    /// # Errors
    /// If the file or a variable cannot be read or says what is not understood.
    pub fn read(
        host: &Host,
        flags: SettingsLayer,
        config: Option<&Path>,
    ) -> Result<Self, SettingsError> {
        Ok(Self {
            flags,
            variables: variables::read(&host.vars)?,
            file: Self::file(host, config)?,
            ambient_region: Self::region_variable(host),
        })
    }

    /// Reads the settings file, if there is one; see [`Self::read`].
    ///
    /// # Errors
    /// If it cannot be read or says what is not understood.
    pub(crate) fn file(
        host: &Host,
        config: Option<&Path>,
    ) -> Result<Option<SettingsFile>, SettingsError> {
        let named = config
            .map(Path::to_path_buf)
            .or_else(|| host.var("TFBACKEND_CONFIG").map(PathBuf::from));
        SettingsFile::find(&host.cwd, named.as_deref(), host.var("SUDO_UID"))
    }

    /// Returns the region of `AWS_REGION` or `AWS_DEFAULT_REGION`, with the name of the variable.
    pub(crate) fn region_variable(host: &Host) -> Option<(String, Result<Region, NameError>)> {
        let ambient = ["AWS_REGION", "AWS_DEFAULT_REGION"]
            .into_iter()
            .find_map(|name| Some((name, host.var(name)?)));
        ambient.map(|(name, text)| (name.to_owned(), text.parse()))
    }

    /// Returns whether they say that no question is to be asked.
    pub fn non_interactive(&self) -> bool {
        self.flags
            .non_interactive
            .or(self.variables.non_interactive)
            == Some(true)
    }

    /// The folder `out` that holds, as far as a settings file says it, must lie below that file's
    /// folder, with every link followed. Below the working directory is as good where the
    /// caller names the file.
    ///
    /// # Errors
    /// If it does not.
    pub fn must_keep_its_place(
        &self,
        merged: &MergedSettings,
        cwd: &Path,
    ) -> Result<(), SettingsError> {
        let (Some(file), Some(SettingOrigin::File { path, line }), Some(out)) =
            (&self.file, merged.origin("out"), &merged.layer.out)
        else {
            return Ok(());
        };
        let base = cwd.join(&file.path);
        let base = base.parent().unwrap_or(cwd);
        let out = cwd.join(out.as_str());
        let is_below = |base: &Path| {
            place::resolved(&out)
                .is_ok_and(|out| place::resolved(base).is_ok_and(|base| out.starts_with(base)))
        };
        if is_below(base) || (file.named && is_below(cwd)) {
            return Ok(());
        }
        let to = place::resolved(&out).unwrap_or(out);
        Err(SettingsError::OutOfPlace {
            path: path.clone(),
            line: *line,
            to,
            base: base.to_path_buf(),
        })
    }

    /// Returns whether one of them approves, of this environment, without a question.
    pub fn auto_approve(&self, env: &EnvName) -> bool {
        self.merged(env).layer.auto_approve == Some(true)
    }

    /// Returns the backend kind of an environment, or of one that is not named yet.
    pub fn kind(&self, env: Option<&EnvName>) -> BackendKind {
        let flag = self.flags.backend.or(self.variables.backend);
        let of_file = || self.file.as_ref()?.kind(env);
        flag.or_else(of_file).unwrap_or(BackendKind::S3)
    }

    /// Returns the merged settings of an environment that no table of the settings file is about.
    pub fn of_no_env(&self) -> MergedSettings {
        let file = self.file.clone().map(|file| SettingsFile {
            envs: BTreeMap::new(),
            ..file
        });
        let any = "any".parse().expect("it is a name");
        Self {
            file,
            ..self.clone()
        }
        .merged(&any)
    }

    /// Returns the merged settings of one environment: options of other kinds are not among them.
    pub fn merged(&self, env: &EnvName) -> MergedSettings {
        self.merged_of(Some(env))
    }

    /// Returns the merged settings that hold for every environment.
    pub(crate) fn merged_for_all(&self) -> MergedSettings {
        self.merged_of(None)
    }

    fn merged_of(&self, env: Option<&EnvName>) -> MergedSettings {
        let mut merged = MergedSettings {
            kind: self.kind(env),
            entries: BTreeMap::new(),
            layer: SettingsLayer::default(),
            ambient: None,
        };
        merged.put(said(&defaults::defaults()), Precedence::Default, |_| {
            SettingOrigin::Default
        });
        match &self.ambient_region {
            Some((name, Ok(region))) => {
                let layer = SettingsLayer {
                    region: Some(region.clone()),
                    ..SettingsLayer::default()
                };
                merged.put(said(&layer), Precedence::Ambient, |_| {
                    SettingOrigin::Variable { name: name.clone() }
                });
            }
            Some((name, Err(error))) => merged.ambient = Some((name.clone(), error.clone())),
            None => {}
        }
        if let Some(file) = &self.file {
            for (rank, table) in [
                (Precedence::FileTop, Some(&file.top)),
                (Precedence::FileEnv, env.and_then(|env| file.envs.get(env))),
            ] {
                let Some(table) = table else { continue };
                let values = table
                    .iter()
                    .map(|(name, entry)| (name.clone(), entry.value.clone()))
                    .collect();
                merged.put(values, rank, |name| SettingOrigin::File {
                    path: file.path.clone(),
                    line: table.get(name).map_or(0, |entry| entry.line),
                });
            }
        }
        merged.put(said(&self.variables), Precedence::Variable, |name| {
            SettingOrigin::Variable {
                name: variable_of(name),
            }
        });
        merged.put(said(&self.flags), Precedence::Flag, |_| SettingOrigin::Flag);
        merged
    }
}

/// The effective values, with their sources.
#[derive(Clone, Debug)]
pub struct MergedSettings {
    pub kind: BackendKind,
    entries: BTreeMap<String, MergedEntry>,
    pub layer: SettingsLayer,
    /// An `AWS_REGION` that is none: an error once the region is missing.
    pub(super) ambient: Option<(String, NameError)>,
}

#[derive(Clone, Debug)]
struct MergedEntry {
    value: Value,
    origin: SettingOrigin,
    rank: Precedence,
}

impl MergedSettings {
    /// Returns the required options without a default that are not set.
    pub fn missing(&self) -> Vec<&'static str> {
        let required = self.kind.required_options().iter().copied();
        required
            .filter(|name| self.origin(name).is_none())
            .collect()
    }

    /// Returns the source of the effective value; `None` if it is not set and has no default.
    pub fn origin(&self, name: &str) -> Option<&SettingOrigin> {
        self.entries.get(name).map(|entry| &entry.origin)
    }

    /// Returns whether it was set for tfbackend: neither a default nor `AWS_REGION` counts.
    pub fn is_said(&self, name: &str) -> bool {
        self.rank(name)
            .is_some_and(|rank| rank >= Precedence::Answer && rank != Precedence::Refused)
    }

    /// Returns the values set for tfbackend by any source: neither defaults nor `AWS_REGION`,
    /// except for the region itself, which the rest requires.
    pub fn said(&self) -> SettingsLayer {
        let said = self
            .entries
            .iter()
            .filter(|(name, _)| self.is_said(name) || name.as_str() == "region");
        layer_of(
            said.map(|(name, entry)| (name.clone(), entry.value.clone()))
                .collect(),
        )
    }

    /// Returns the values that are missing in `tfbackend.toml`.
    pub fn not_in_file(&self) -> SettingsLayer {
        let mut missing = said(&self.said());
        missing.retain(|name, _| !matches!(self.origin(name), Some(SettingOrigin::File { .. })));
        layer_of(missing)
    }

    pub(super) fn rank(&self, name: &str) -> Option<Precedence> {
        self.entries.get(name).map(|entry| entry.rank)
    }

    /// Every value by option, with its origin, in the order of the help.
    pub fn rows(&self) -> Vec<(String, Value, SettingOrigin)> {
        let row = |name: &String| {
            self.entries
                .get(name)
                .map(|entry| (name.clone(), entry.value.clone(), entry.origin.clone()))
        };
        SettingOptions::shared()
            .all()
            .iter()
            .filter_map(|option| row(&option.name))
            .collect()
    }

    /// Returns whether no question is to be asked.
    pub fn says_not_to_ask(&self) -> bool {
        self.layer.non_interactive == Some(true)
    }

    /// The same with the user's answers, which never replace set values.
    #[must_use]
    pub fn with_answers(mut self, answers: &SettingsLayer) -> Self {
        self.put(said(answers), Precedence::Answer, |_| SettingOrigin::Answer);
        self
    }

    /// The same with the region of the profile or of the sandbox, which replaces nothing. An
    /// `AWS_REGION` that is not a region stays an error, and so does another one here, by the
    /// region being missing.
    #[must_use]
    pub fn with_ambient_region(mut self, region: &str, origin: &SettingOrigin) -> Self {
        if let (None, Ok(region)) = (&self.ambient, region.parse()) {
            let layer = SettingsLayer {
                region: Some(region),
                ..SettingsLayer::default()
            };
            self.put(said(&layer), Precedence::Ambient, |_| origin.clone());
        }
        self
    }

    /// The same with what a live backend has, which replaces defaults and nothing that was said.
    #[must_use]
    pub fn with_kept(mut self, kept: &SettingsLayer) -> Self {
        self.put(said(kept), Precedence::Kept, |_| SettingOrigin::Kept);
        self
    }

    /// The same with what a live backend has in place of what was said: such a change is refused.
    #[must_use]
    pub fn without_refused(mut self, live: &SettingsLayer) -> Self {
        self.put(said(live), Precedence::Refused, |_| SettingOrigin::Kept);
        self
    }

    /// Returns whether the value is that of a live backend, and nothing says it.
    pub fn is_kept(&self, name: &str) -> bool {
        self.origin(name) == Some(&SettingOrigin::Kept)
    }

    /// Returns the existing values that differ from the defaults.
    pub fn kept(&self) -> SettingsLayer {
        let defaults = said(&defaults::defaults());
        let kept = self.entries.iter().filter(|(name, entry)| {
            entry.origin == SettingOrigin::Kept && defaults.get(*name) != Some(&entry.value)
        });
        layer_of(
            kept.map(|(name, entry)| (name.clone(), entry.value.clone()))
                .collect(),
        )
    }

    /// The same with defaults that depend on the folder, which never replace what was said.
    #[must_use]
    pub fn with_folder(mut self, defaults: &SettingsLayer) -> Self {
        self.put(said(defaults), Precedence::Default, |_| {
            SettingOrigin::Folder
        });
        self
    }

    fn put(
        &mut self,
        values: Map<String, Value>,
        rank: Precedence,
        origin: impl Fn(&str) -> SettingOrigin,
    ) {
        let options = SettingOptions::shared();
        let kind = self.kind;
        let of_kind = values.into_iter().filter(|(name, _)| kind.has_option(name));
        for (name, value) in of_kind {
            let excluded = options
                .get(&name)
                .map(|option| option.excludes.clone())
                .unwrap_or_default();
            let stronger = |other: &String| {
                self.entries
                    .get(other)
                    .is_some_and(|entry| entry.rank > rank)
            };
            if stronger(&name) || excluded.iter().any(stronger) {
                continue;
            }
            for other in &excluded {
                if self
                    .entries
                    .get(other)
                    .is_some_and(|entry| entry.rank < rank)
                {
                    self.entries.remove(other);
                }
            }
            // An external ID belongs to the role that it was said with.
            if name == "role-arn" && self.rank("external-id").is_some_and(|other| other < rank) {
                self.entries.remove("external-id");
            }
            let origin = origin(&name);
            self.entries.insert(
                name,
                MergedEntry {
                    value,
                    origin,
                    rank,
                },
            );
        }
        self.layer = layer_of(
            self.entries
                .iter()
                .map(|(name, entry)| (name.clone(), entry.value.clone()))
                .collect(),
        );
    }
}

/// A value of an unreadable `AWS_REGION`, as an error.
pub(super) fn ambient_error((name, error): &(String, NameError)) -> SettingsError {
    SettingsError::Variable {
        name: name.clone(),
        problem: SettingsProblem::Value {
            name: "region".to_owned(),
            reason: error.to_string(),
        },
    }
}
