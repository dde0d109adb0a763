//! Where the state of a workspace is in the bucket, and whose state an object is.
//!
//! As `path` and `keyEnv` of Terraform's s3 backend: the default workspace's state is at the key as
//! it was given, all others are at Go's `path.Join` of prefix, workspace and key.

use unicode_normalization::UnicodeNormalization;

/// The workspace whose state is at the key itself.
pub const DEFAULT_WORKSPACE: &str = "default";
/// What the name of a lock file has after that of its state.
pub const LOCK_FILE: &str = ".tflock";
/// What tfbackend writes to try a backend out is below this name, at the top of the bucket and of
/// the workspaces: nobody's state.
pub const PROBE: &str = "tfbackend-probe";
/// How most people let the name of a state end.
const USUAL: &str = ".tfstate";

/// Which part of the bucket is a backend's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateLayout {
    /// Where the default workspace's state is, if one backend is meant and not the whole bucket.
    pub key: Option<String>,
    /// Empty is allowed, and means `<workspace>/<key>`.
    pub workspace_prefix: String,
}

/// What an object is, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocatedObject {
    pub kind: ObjectKind,
    /// The state that it is, or that it locks: the name of the object.
    pub path: String,
    /// As the backend's configuration says it.
    pub key: String,
    pub workspace: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    State,
    LockFile,
    /// Nothing says that it is a state, though it may be: a key can be any name.
    Unknown,
}

impl StateLayout {
    /// The object that holds the state.
    pub fn path(&self, key: &str, workspace: &str) -> String {
        if workspace == DEFAULT_WORKSPACE {
            key.to_owned()
        } else {
            join(&[&self.workspace_prefix, workspace, key])
        }
    }

    /// Whose state an object is, or which state it locks.
    ///
    /// A name can be read in two ways if a key looks like a workspace's state; the configured key
    /// decides, as it does for Terraform.
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

    /// What is before the names of all that a probe writes: of what is anybody's to lock, and of
    /// what a runner may delete.
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

/// The lock file of a state.
pub fn lock_file(path: &str) -> String {
    format!("{path}{LOCK_FILE}")
}

/// A text of a configuration as Terraform holds it (go-cty: strings are in NFC): the key of a state
/// is another than the bytes in the file, or on the command line, if those are decomposed, as macOS
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
