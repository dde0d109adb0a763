//! What `init` keeps in the folder for working data: the merged backend, and the selected workspace.

use std::{fs, path::Path, path::PathBuf};

use serde_json::Value as Json;

use super::{
    bounded::{self, Unreadable},
    value::{self, Argument, Spot, Value},
};

/// Where Terraform keeps the default workspace.
pub const DEFAULT_WORKSPACE: &str = "default";

/// The merged backend, as `init` stored it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    pub path: PathBuf,
    /// As in `s3`; `cloud` for HCP Terraform.
    pub kind: String,
    /// Those that are not null.
    pub arguments: Vec<Argument>,
    /// Of the block and the partial configuration, by which Terraform sees that one has changed.
    pub hash: Option<u64>,
}

impl Saved {
    /// What is in `data_dir`; `None` before `init`, and where it chose no backend.
    ///
    /// # Errors
    /// If there is something that cannot be understood.
    pub fn read(data_dir: &Path) -> Result<Option<Self>, Unreadable> {
        let path = data_dir.join("terraform.tfstate");
        let Some(text) = bounded::text(&path)? else { return Ok(None) };
        let root: Json = serde_json::from_str(&text).map_err(|error| Unreadable::new(&path, value::json_error(&error)))?;
        let Some(backend) = root.get("backend").filter(|backend| !backend.is_null()) else { return Ok(None) };
        let kind = backend.get("type").and_then(Json::as_str).ok_or_else(|| Unreadable::new(&path, "has a backend without a type"))?;
        let arguments = match backend.get("config") {
            Some(Json::Object(config)) => config.iter().filter_map(|(name, value)| argument(name, value, &path)).collect(),
            Some(Json::Null) | None => vec![],
            Some(_) => return Err(Unreadable::new(&path, "has a backend whose configuration is no object")),
        };
        let hash = backend.get("hash").and_then(Json::as_u64);
        Ok(Some(Self { kind: kind.to_owned(), arguments, hash, path }))
    }

    /// Of one argument, if it is set.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.arguments.iter().find(|argument| argument.name == name).map(|argument| &argument.value)
    }
}

/// Terraform writes all arguments there are, the unset ones as null.
fn argument(name: &str, json: &Json, path: &Path) -> Option<Argument> {
    let value = without_nulls(Value::of_record(name, json));
    let at = Spot { path: path.to_owned(), line: None };
    (value != Value::Null).then(|| Argument { name: name.to_owned(), value, at })
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, without_nulls(value)));
            Value::Object(fields.filter(|(_, value)| *value != Value::Null).collect())
        }
        value => value,
    }
}

/// The selected workspace: a file in `data_dir` says it, unless it is the default.
///
/// # Errors
/// If the file cannot be read.
pub fn workspace(data_dir: &Path) -> Result<String, Unreadable> {
    // A folder that is not there has no such file; one that may not be looked into may have one.
    if fs::metadata(data_dir).is_ok_and(|meta| !meta.is_dir()) {
        return Ok(DEFAULT_WORKSPACE.to_owned());
    }
    let name = bounded::text(&data_dir.join("environment"))?.unwrap_or_default();
    let name = name.trim();
    Ok(if name.is_empty() { DEFAULT_WORKSPACE.to_owned() } else { name.to_owned() })
}

#[cfg(test)]
mod tests;
