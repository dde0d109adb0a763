//! What `init` keeps in the folder for working data: the merged backend, and the selected
//! workspace.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value as Json;

use super::{
    bounded::{self, UnreadableFile},
    configuration::ConfiguredKind,
    value::{self, ArgumentValue, SourcePosition, SourcedArgument},
};

/// The name of the default workspace.
pub const DEFAULT_WORKSPACE: &str = "default";
/// More bytes than the name of any workspace has.
const LONGEST_NAME: u64 = 1024;

/// The merged backend, as `init` stored it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedBackend {
    pub path: PathBuf,
    pub kind: ConfiguredKind,
    /// Those that are not null.
    pub arguments: Vec<SourcedArgument>,
    /// The hash of block and partial configuration, by which Terraform detects changes.
    pub hash: Option<u64>,
}

impl SavedBackend {
    /// Reads the record in `data_dir`; `None` before `init`, and without a backend.
    ///
    /// # Errors
    /// If there is something that cannot be understood.
    pub fn read(data_dir: &Path) -> Result<Option<Self>, UnreadableFile> {
        let path = data_dir.join("terraform.tfstate");
        must_not_be_linked(data_dir, &path)?;
        let Some(text) = bounded::text(&path)? else {
            return Ok(None);
        };
        let root: Json = serde_json::from_str(&text)
            .map_err(|error| UnreadableFile::new(&path, value::json_error(&error)))?;
        let stored =
            |name: &'static str| Some((name, root.get(name).filter(|stored| !stored.is_null())?));
        let Some((name, stored)) = stored("backend").or_else(|| stored("state_store")) else {
            return Ok(None);
        };
        let kind = stored
            .get("type")
            .and_then(Json::as_str)
            .ok_or_else(|| UnreadableFile::new(&path, format!("has a {name} without a type")))?;
        let arguments = match stored.get("config") {
            Some(Json::Object(config)) if config.len() > value::MOST => {
                return Err(value::too_many(&path));
            }
            Some(Json::Object(config)) => config
                .iter()
                .filter_map(|(name, value)| argument(name, value, &path))
                .collect(),
            Some(Json::Null) | None => vec![],
            Some(_) => {
                return Err(UnreadableFile::new(
                    &path,
                    format!("has a {name} whose configuration is not an object"),
                ));
            }
        };
        let hash = stored.get("hash").and_then(Json::as_u64);
        let kind = match (name, kind) {
            ("state_store", kind) => ConfiguredKind::StateStore(kind.to_owned()),
            (_, "cloud") => ConfiguredKind::Cloud,
            (_, kind) => ConfiguredKind::Backend(kind.to_owned()),
        };
        Ok(Some(Self {
            kind,
            arguments,
            hash,
            path,
        }))
    }

    pub fn is_s3(&self) -> bool {
        self.kind.is_s3()
    }

    /// Returns the value of an argument, if it is set.
    pub fn value(&self, name: &str) -> Option<&ArgumentValue> {
        self.arguments
            .iter()
            .find(|argument| argument.name == name)
            .map(|argument| &argument.value)
    }
}

/// Terraform writes all arguments there are, the unset ones as null.
fn argument(name: &str, json: &Json, path: &Path) -> Option<SourcedArgument> {
    let value = without_nulls(ArgumentValue::of_record(name, json));
    let at = SourcePosition {
        path: path.to_owned(),
        line: None,
    };
    (value != ArgumentValue::Null).then(|| SourcedArgument {
        name: name.to_owned(),
        value,
        at,
    })
}

fn without_nulls(value: ArgumentValue) -> ArgumentValue {
    match value {
        ArgumentValue::Object(fields) => {
            let fields = fields
                .into_iter()
                .map(|(name, value)| (name, without_nulls(value)));
            ArgumentValue::Object(
                fields
                    .filter(|(_, value)| *value != ArgumentValue::Null)
                    .collect(),
            )
        }
        value => value,
    }
}

/// The selected workspace: a file in `data_dir` says it, unless it is the default.
///
/// # Errors
/// If the file cannot be read, or does not hold the name of a workspace: then nothing of it is
/// kept.
pub fn workspace(data_dir: &Path) -> Result<String, UnreadableFile> {
    let path = data_dir.join("environment");
    must_not_be_linked(data_dir, &path)?;
    // A folder that is not there has no such file; one that may not be looked into may have one.
    if fs::metadata(data_dir).is_ok_and(|meta| !meta.is_dir()) {
        return Ok(DEFAULT_WORKSPACE.to_owned());
    }
    let name = bounded::text_up_to(&path, LONGEST_NAME)?.unwrap_or_default();
    match name.trim() {
        "" => Ok(DEFAULT_WORKSPACE.to_owned()),
        name if is_workspace(name) => Ok(name.to_owned()),
        _ => Err(UnreadableFile::new(
            path,
            "does not hold the name of a workspace",
        )),
    }
}

/// Returns whether Terraform takes `name` for a workspace: what Go's `url.PathEscape` leaves as it
/// is.
pub fn is_workspace(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~$&+:=@".contains(c);
    !name.is_empty() && name.chars().all(plain) && name != "." && name != ".."
}

/// A link in Terraform's own folder is not Terraform's: it does not make any.
fn must_not_be_linked(data_dir: &Path, file: &Path) -> Result<(), UnreadableFile> {
    [data_dir, file]
        .into_iter()
        .try_for_each(bounded::must_not_be_a_link)
}

#[cfg(test)]
mod tests;
