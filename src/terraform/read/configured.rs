//! The configured backend: the arguments of an `s3` backend, each with its source.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use super::{
    WorkingDirectory,
    bounded::UnreadableFile,
    configuration::{ConfiguredKind, NO_STATE_STORES},
    partial::{self, PartialFile},
    saved::DEFAULT_WORKSPACE,
    value::{ArgumentValue, SourcePosition, SourcedArgument},
};
use crate::terraform::write::s3::DEFAULT_WORKSPACE_KEY_PREFIX;

mod local;
mod role;

pub use local::{ConfiguredLocal, LocalConfiguration};
pub use role::ConfiguredRole;

/// The source of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArgumentOrigin {
    /// A line of a block or of a partial configuration, or the merged backend.
    File(SourcePosition),
    /// A flag of ours.
    Flag(&'static str),
}

/// A value, and where it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcedValue<T> {
    pub value: T,
    pub origin: ArgumentOrigin,
}

/// An `s3` backend as Terraform would use it. A value that is not set is `None` and has Terraform's
/// default.
///
/// Credentials are not part of it: they come from the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredBackend {
    pub bucket: SourcedValue<String>,
    /// State key of the default workspace.
    pub key: Option<SourcedValue<String>>,
    pub region: Option<SourcedValue<String>>,
    pub dynamodb_table: Option<SourcedValue<String>>,
    pub use_lockfile: Option<SourcedValue<bool>>,
    pub encrypt: Option<SourcedValue<bool>>,
    pub kms_key_id: Option<SourcedValue<String>>,
    pub workspace_key_prefix: Option<SourcedValue<String>>,
    pub profile: Option<SourcedValue<String>>,
    /// By service: `s3`, `dynamodb`, `sts`, `iam`, `sso`.
    pub endpoints: BTreeMap<String, SourcedValue<String>>,
    pub use_path_style: Option<SourcedValue<bool>>,
    pub custom_ca_bundle: Option<SourcedValue<String>>,
    pub allowed_account_ids: Option<SourcedValue<Vec<String>>>,
    pub forbidden_account_ids: Option<SourcedValue<Vec<String>>>,
    pub use_fips_endpoint: Option<SourcedValue<bool>>,
    pub use_dualstack_endpoint: Option<SourcedValue<bool>>,
    /// The role to assume first.
    pub role: Option<SourcedValue<ConfiguredRole>>,
    /// Names of arguments about calling AWS that only Terraform applies.
    pub not_followed: Vec<SourcedValue<String>>,
}

/// The reason why no `s3` backend is known.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotConfigured {
    #[error("{} has no `backend \"s3\"` block, and was not initialized with such a backend", dir.display())]
    NoBackend { dir: PathBuf },
    #[error("{at} has `{title}`, not `backend \"s3\"`")]
    OtherBackend { title: String, at: SourcePosition },
    #[error("{at} has `{title}`: {NO_STATE_STORES}")]
    StateStore { title: String, at: SourcePosition },
    #[error("{first} and {second} both configure a backend, and only one is allowed")]
    Several {
        first: SourcePosition,
        second: SourcePosition,
    },
    #[error("{} has {} partial configurations ({}), and none is selected", dir.display(), names.len(), names.join(", "))]
    WhichFile { dir: PathBuf, names: Vec<String> },
    #[error("{origin} does not set `{argument}` to a literal value")]
    NotPlain {
        argument: String,
        origin: ArgumentOrigin,
    },
    #[error("{} does not set `bucket`", path.display())]
    NoBucket { path: PathBuf },
    #[error(transparent)]
    Unreadable(#[from] UnreadableFile),
}

impl NotConfigured {
    /// Returns the error for a backend other than `s3`.
    fn other(kind: &ConfiguredKind, at: SourcePosition) -> Self {
        let title = kind.title();
        if kind.is_state_store() {
            Self::StateStore { title, at }
        } else {
            Self::OtherBackend { title, at }
        }
    }
}

impl fmt::Display for ArgumentOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(spot) => spot.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
        }
    }
}

impl ConfiguredBackend {
    /// The backend of a folder.
    ///
    /// `given` are values of `-backend-config`, files (relative to the folder) or `NAME=VALUE`:
    /// over the block, each over those before it. Without any: what `init` stored, else the
    /// block and the one partial configuration that is there, if there is one.
    ///
    /// # Errors
    /// If the folder has no `s3` backend, or it cannot be told which one.
    pub fn of_folder(folder: &WorkingDirectory, given: &[String]) -> Result<Self, NotConfigured> {
        if given.is_empty()
            && let Some(saved) = folder.saved.clone()?
        {
            let at = SourcePosition {
                path: saved.path.clone(),
                line: None,
            };
            if !saved.is_s3() {
                return Err(NotConfigured::other(&saved.kind, at));
            }
            return Self::merged(&saved.path, [saved.arguments]);
        }
        let mut layers = vec![block(folder)?];
        layers.extend(given_layers(&folder.dir, given)?);
        match &folder.partial[..] {
            _ if !given.is_empty() => {}
            [] => {}
            [one] => layers.push(one.arguments.clone()?),
            several => {
                return Err(NotConfigured::WhichFile {
                    dir: folder.dir.clone(),
                    names: several.iter().map(PartialFile::name).collect(),
                });
            }
        }
        Self::merged(&folder.dir, layers)
    }

    /// The backends that a folder may use: as [`Configured::of_folder`] without anything given, and
    /// each one that is possible where that does not tell, because there are several partial
    /// configurations or what `init` stored cannot be read.
    pub fn candidates(folder: &WorkingDirectory) -> Vec<Self> {
        let is_told =
            matches!(folder.saved, Ok(Some(_))) || folder.saved.is_ok() && folder.partial.len() < 2;
        if is_told {
            return Self::of_folder(folder, &[]).into_iter().collect();
        }
        let Ok(block) = block(folder) else {
            return vec![];
        };
        let partial = folder
            .partial
            .iter()
            .filter_map(|partial| partial.arguments.clone().ok());
        let over = partial
            .chain([vec![]])
            .map(|over| Self::merged(&folder.dir, [block.clone(), over]));
        over.filter_map(Result::ok).collect()
    }

    /// The backend that partial configurations describe without any block; as in
    /// [`Configured::of_folder`].
    ///
    /// # Errors
    /// If one cannot be read, or none names a bucket.
    pub fn of_files(dir: &Path, given: &[String]) -> Result<Self, NotConfigured> {
        Self::merged(dir, given_layers(dir, given)?)
    }

    /// The backend that one partial configuration describes.
    ///
    /// # Errors
    /// If it cannot be read, or names no bucket.
    pub fn of_file(path: &Path) -> Result<Self, NotConfigured> {
        Self::merged(path, [PartialFile::read(path).arguments?])
    }

    /// The backend that `--bucket`, `--key` and `--table` describe.
    pub fn of_flags(bucket: &str, key: Option<&str>, table: Option<&str>) -> Self {
        let said = |text: &str, flag| SourcedValue {
            value: text.to_owned(),
            origin: ArgumentOrigin::Flag(flag),
        };
        Self {
            bucket: said(bucket, "--bucket"),
            key: key.map(|key| said(key, "--key")),
            region: None,
            dynamodb_table: table.map(|table| said(table, "--table")),
            use_lockfile: None,
            encrypt: None,
            kms_key_id: None,
            workspace_key_prefix: None,
            profile: None,
            endpoints: BTreeMap::new(),
            use_path_style: None,
            custom_ca_bundle: None,
            allowed_account_ids: None,
            forbidden_account_ids: None,
            use_fips_endpoint: None,
            use_dualstack_endpoint: None,
            role: None,
            not_followed: vec![],
        }
    }

    /// Whole arguments, a later layer over those before it; null takes one back. `place` is named
    /// if the bucket is missing.
    ///
    /// # Errors
    /// If one of the arguments is not a literal value, or there is no bucket.
    pub fn merged(
        place: &Path,
        layers: impl IntoIterator<Item = Vec<SourcedArgument>>,
    ) -> Result<Self, NotConfigured> {
        let arguments = ConfiguredArguments::of(layers);
        let bucket = arguments
            .text("bucket")?
            .ok_or_else(|| NotConfigured::NoBucket {
                path: place.to_owned(),
            })?;
        Ok(Self {
            bucket,
            key: arguments.text("key")?,
            region: arguments.text("region")?,
            dynamodb_table: arguments.text("dynamodb_table")?,
            use_lockfile: arguments.bool("use_lockfile")?,
            encrypt: arguments.bool("encrypt")?,
            kms_key_id: arguments.text("kms_key_id")?,
            workspace_key_prefix: arguments.prefix()?,
            profile: arguments.text("profile")?,
            endpoints: arguments.endpoints()?,
            use_path_style: arguments
                .bool("use_path_style")?
                .or(arguments.bool("force_path_style")?),
            custom_ca_bundle: arguments.text("custom_ca_bundle")?,
            allowed_account_ids: arguments.texts("allowed_account_ids")?,
            forbidden_account_ids: arguments.texts("forbidden_account_ids")?,
            use_fips_endpoint: arguments.bool("use_fips_endpoint")?,
            use_dualstack_endpoint: arguments.bool("use_dualstack_endpoint")?,
            role: role::of(&arguments)?,
            not_followed: role::not_followed(&arguments),
        })
    }

    /// Returns whether anything keeps two runs from writing at the same time.
    pub fn locks(&self) -> bool {
        self.dynamodb_table.is_some() || self.use_lockfile.as_ref().is_some_and(|said| said.value)
    }

    pub fn workspace_key_prefix(&self) -> &str {
        self.workspace_key_prefix
            .as_ref()
            .map_or(DEFAULT_WORKSPACE_KEY_PREFIX, |said| &said.value)
    }

    /// Returns the key of a workspace's state object; `None` without a state key.
    pub fn object_key(&self, workspace: &str) -> Option<String> {
        let key = &self.key.as_ref()?.value;
        Some(if workspace == DEFAULT_WORKSPACE {
            key.clone()
        } else {
            joined(&[self.workspace_key_prefix(), workspace, key])
        })
    }
}

/// As Go's `path.Join`, which Terraform makes the key with.
fn joined(parts: &[&str]) -> String {
    let mut clean: Vec<&str> = vec![];
    for step in parts.iter().flat_map(|part| part.split('/')) {
        match step {
            "" | "." => {}
            ".." if clean.last().is_some_and(|last| *last != "..") => drop(clean.pop()),
            step => clean.push(step),
        }
    }
    clean.join("/")
}

fn block(folder: &WorkingDirectory) -> Result<Vec<SourcedArgument>, NotConfigured> {
    let configuration = &folder.configuration;
    if let Some(unreadable) = configuration.unreadable.first() {
        return Err(unreadable.clone().into());
    }
    match &configuration.blocks[..] {
        [] => Err(NotConfigured::NoBackend {
            dir: folder.dir.clone(),
        }),
        [block] if block.is_s3() => Ok(block.arguments.clone()),
        [block] => Err(NotConfigured::other(&block.kind, block.at.clone())),
        [first, second, ..] => Err(NotConfigured::Several {
            first: first.at.clone(),
            second: second.at.clone(),
        }),
    }
}

fn given_layers(dir: &Path, given: &[String]) -> Result<Vec<Vec<SourcedArgument>>, NotConfigured> {
    let layer = |given: &String| match partial::assignment(given) {
        Some(argument) => Ok(vec![argument]),
        None => Ok(PartialFile::read(&dir.join(given)).arguments?),
    };
    given.iter().map(layer).collect()
}

/// By name, the last said of each.
struct ConfiguredArguments(BTreeMap<String, SourcedArgument>);

impl ConfiguredArguments {
    fn of(layers: impl IntoIterator<Item = Vec<SourcedArgument>>) -> Self {
        let mut all = BTreeMap::new();
        for argument in layers.into_iter().flatten() {
            all.insert(argument.name.clone(), argument);
        }
        all.retain(|_, argument| argument.value != ArgumentValue::Null);
        Self(all)
    }

    fn get<T>(
        &self,
        name: &str,
        plain: impl Fn(&ArgumentValue) -> Option<T>,
    ) -> Result<Option<SourcedValue<T>>, NotConfigured> {
        let Some(argument) = self.0.get(name) else {
            return Ok(None);
        };
        let origin = ArgumentOrigin::File(argument.at.clone());
        match plain(&argument.value) {
            Some(value) => Ok(Some(SourcedValue { value, origin })),
            None => Err(NotConfigured::NotPlain {
                argument: name.to_owned(),
                origin,
            }),
        }
    }

    /// Empty is as good as not said.
    fn text(&self, name: &str) -> Result<Option<SourcedValue<String>>, NotConfigured> {
        Ok(self
            .get(name, |value| value.as_text().map(str::to_owned))?
            .filter(|said| !said.value.is_empty()))
    }

    /// Empty is a prefix too: none.
    fn prefix(&self) -> Result<Option<SourcedValue<String>>, NotConfigured> {
        self.get("workspace_key_prefix", |value| {
            value.as_text().map(str::to_owned)
        })
    }

    fn bool(&self, name: &str) -> Result<Option<SourcedValue<bool>>, NotConfigured> {
        self.get(name, ArgumentValue::as_bool)
    }

    fn texts(&self, name: &str) -> Result<Option<SourcedValue<Vec<String>>>, NotConfigured> {
        self.get(name, ArgumentValue::as_texts)
    }

    /// The deprecated forms first, so that `endpoints` stands.
    fn endpoints(&self) -> Result<BTreeMap<String, SourcedValue<String>>, NotConfigured> {
        let mut all = BTreeMap::new();
        for (old, service) in [
            ("endpoint", "s3"),
            ("dynamodb_endpoint", "dynamodb"),
            ("iam_endpoint", "iam"),
            ("sts_endpoint", "sts"),
        ] {
            all.extend(self.text(old)?.map(|said| (service.to_owned(), said)));
        }
        let Some(SourcedValue { value, origin }) =
            self.get("endpoints", |value| value.as_object().cloned())?
        else {
            return Ok(all);
        };
        for (service, value) in value {
            if matches!(&value, ArgumentValue::Null) || value.as_text() == Some("") {
                continue;
            }
            let not_plain = || NotConfigured::NotPlain {
                argument: format!("endpoints.{service}"),
                origin: origin.clone(),
            };
            let said = SourcedValue {
                value: value.as_text().ok_or_else(not_plain)?.to_owned(),
                origin: origin.clone(),
            };
            all.insert(service, said);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests;
