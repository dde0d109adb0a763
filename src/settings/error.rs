//! What can be wrong with settings before anything is looked at.

use std::{fmt, io, path::PathBuf};

use super::check::SettingsConflict;
use crate::kind::BackendKind;

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A file that was found, not named, and that another user may have put there.
    #[error("{} belongs to another user (uid {owner}), who would control what is created", path.display())]
    NotYours { path: PathBuf, owner: u32 },
    /// The folder of a file's `out`, resolved, is not below the folder of the file.
    #[error("{}:{line}: `out` leads to {}, outside of {}", path.display(), to.display(), base.display())]
    OutOfPlace {
        path: PathBuf,
        line: usize,
        to: PathBuf,
        base: PathBuf,
    },
    /// Line and column count from 1, columns in characters.
    #[error("{}:{line}:{column}: {problem}", path.display())]
    File {
        path: PathBuf,
        line: usize,
        column: usize,
        problem: SettingsProblem,
    },
    #[error("variable `{name}`: {problem}")]
    Variable {
        name: String,
        problem: SettingsProblem,
    },
    /// Near enough to a variable that there is to be a slip.
    #[error("unknown variable `{name}`; did you mean `{nearest}`?")]
    UnknownVariable { name: String, nearest: String },
    /// Required settings are missing. The names are options, without dashes.
    #[error("{}", missing(names))]
    Missing { names: Vec<&'static str> },
    /// Never empty.
    #[error("{}", lines(.0))]
    Contradictions(Vec<SettingsConflict>),
}

/// A problem at one place of a source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsProblem {
    /// The TOML parser's own words.
    #[error("{0}")]
    Syntax(String),
    #[error("unknown key `{}`{}", name.escape_debug(), hint(nearest.as_deref()))]
    Unknown {
        name: String,
        nearest: Option<String>,
    },
    #[error("unknown table `{}`; an environment is written `[env.{}]`", name.escape_debug(), name.escape_debug())]
    BareTable { name: String },
    #[error("`{name}` must be {wanted}, not {found}")]
    Type {
        name: String,
        wanted: &'static str,
        found: &'static str,
    },
    #[error("`{name}` {reason}")]
    Value { name: String, reason: String },
    #[error("`{name}` cannot be set in a file; pass `--{name}`, or set {variable}")]
    OfTheCaller { name: String, variable: String },
    #[error(
        "`{name}` is an option of backend kind {kinds}, and environment {env} is of kind {kind}"
    )]
    OtherKind {
        name: String,
        /// Those that have it.
        kinds: String,
        env: String,
        kind: BackendKind,
    },
    #[error("`{name}` and `{other}` exclude each other")]
    Conflict { name: String, other: String },
    #[error("the format is {found}, but this version supports only 1; use a newer tfbackend")]
    Format { found: String },
}

fn hint(nearest: Option<&str>) -> String {
    nearest
        .map(|nearest| format!("; did you mean `{nearest}`?"))
        .unwrap_or_default()
}

fn missing(names: &[&'static str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let flags: Vec<String> = names.iter().map(|name| format!("`--{name}`")).collect();
    let (verb, them) = if names.len() == 1 {
        ("is", "it")
    } else {
        ("are", "them")
    };
    format!(
        "{} {verb} not set; pass {}, or set {them} in tfbackend.toml",
        quoted.join(" and "),
        flags.join(" and ")
    )
}

fn lines(of: &[impl fmt::Display]) -> String {
    of.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}
