//! The layout of states in the bucket: the object of a workspace's state, and the state of an
//! object.
//!
//! As `path` and `keyEnv` of Terraform's s3 backend: the state of the default workspace is at the
//! unmodified key, all others are at Go's `path.Join` of prefix, workspace and key.

use unicode_normalization::UnicodeNormalization;

/// The workspace whose state is at the key itself.
pub const DEFAULT_WORKSPACE: &str = "default";
/// The suffix of the name of a lock file.
pub const LOCK_FILE: &str = ".tflock";
/// The prefix of the objects that a probe writes, at the top of the bucket and of the workspaces:
/// they are not states.
pub const PROBE: &str = "tfbackend-probe";
/// The usual extension of a state.
const USUAL: &str = ".tfstate";

/// The part of the bucket that a backend uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateLayout {
    /// The state key of the default workspace, for one backend instead of the whole bucket.
    pub key: Option<String>,
    /// May be empty, for `<workspace>/<key>`.
    pub workspace_prefix: String,
}

/// The kind of an object, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocatedObject {
    pub kind: ObjectKind,
    /// The object key of the state that it is or locks.
    pub path: String,
    /// The state key in the backend configuration.
    pub key: String,
    pub workspace: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    State,
    LockFile,
    /// Possibly a state: a state key can be any name.
    Unknown,
}

impl StateLayout {
    /// Returns the object of the state.
    pub fn path(&self, key: &str, workspace: &str) -> String {
        if workspace == DEFAULT_WORKSPACE {
            key.to_owned()
        } else {
            join(&[&self.workspace_prefix, workspace, key])
        }
    }

    /// Returns the state that an object is or locks.
    ///
    /// A name is ambiguous if a key looks like the state of a workspace; the configured key
    /// decides, as for Terraform.
    pub fn locate(&self, object: &str) -> LocatedObject {
        let (path, lock) = match object.strip_suffix(LOCK_FILE) {
            Some(path) if !path.is_empty() && !path.ends_with('/') => (path, true),
            _ => (object, false),
        };
        let (key, workspace) = self
            .of_key(path)
            .or_else(|| self.below_prefix(path))
            .unwrap_or((path, DEFAULT_WORKSPACE));
        let kind = match () {
            () if lock => ObjectKind::LockFile,
            () if self.key.as_deref() == Some(key) || path.ends_with(USUAL) => ObjectKind::State,
            () => ObjectKind::Unknown,
        };
        LocatedObject {
            kind,
            path: path.to_owned(),
            key: key.to_owned(),
            workspace: workspace.to_owned(),
        }
    }

    /// Returns the prefixes of all objects that a probe writes: at the top, and below the
    /// workspaces, where a Terraform run can delete objects.
    pub fn probes(&self) -> [String; 2] {
        [format!("{PROBE}/"), format!("{}/", self.path("", PROBE))]
    }

    fn of_key<'a>(&'a self, path: &'a str) -> Option<(&'a str, &'a str)> {
        let key = self.key.as_deref()?;
        if path == key {
            return Some((key, DEFAULT_WORKSPACE));
        }
        let rest = path.strip_suffix(&join(&[key]))?.strip_suffix('/')?;
        let workspace = rest.rsplit('/').next().unwrap_or(rest);
        (!workspace.is_empty() && self.path(key, workspace) == path).then_some((key, workspace))
    }

    fn below_prefix<'a>(&self, path: &'a str) -> Option<(&'a str, &'a str)> {
        let prefix = join(&[&self.workspace_prefix]);
        let rest = path.strip_prefix(&prefix)?.strip_prefix('/')?;
        let (workspace, key) = rest.split_once('/')?;
        (!prefix.is_empty()
            && !workspace.is_empty()
            && !key.is_empty()
            && self.path(key, workspace) == path)
            .then_some((key, workspace))
    }
}

/// Returns the lock file of a state.
pub fn lock_file(path: &str) -> String {
    format!("{path}{LOCK_FILE}")
}

/// Normalizes a text of a configuration like Terraform (go-cty: strings are in NFC): the state key
/// differs from the bytes in the file or on the command line if those are decomposed, as macOS
/// writes names.
pub fn normalized(text: &str) -> String {
    text.nfc().collect()
}

/// Go's `path.Join`.
fn join(parts: &[&str]) -> String {
    let given: Vec<&str> = parts
        .iter()
        .copied()
        .filter(|part| !part.is_empty())
        .collect();
    if given.is_empty() {
        String::new()
    } else {
        clean(&given.join("/"))
    }
}

/// Go's `path.Clean`.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = vec![];
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.join("/")) {
        (true, rest) => format!("/{rest}"),
        (false, rest) if rest.is_empty() => ".".to_owned(),
        (false, rest) => rest,
    }
}

#[cfg(test)]
mod tests;
