//! What is written on this machine: names of files, and the folder for them.

use std::path::{Component, Path};

use super::{
    plain::EnvName,
    rule::{NameProblem, at_most_bytes, text_name},
};

text_name!(
    /// The name of a file in the folder of the files; may contain `{env}`.
    FileName,
    "a file name has no `/`, `\\`, `:` or `=`, does not begin with `-`, is at most 200 bytes long, and may contain `{env}`",
    file_name
);

text_name!(
    /// The folder that the files are written to, as a path in UTF-8.
    Folder,
    "a folder is a path without control or invisible characters",
    folder
);

text_name!(
    /// The folder of the states of a local backend: an absolute path in UTF-8. A relative one would
    /// lead to another folder in each folder that a run starts in.
    StateFolder,
    "a state folder is an absolute path, such as `/var/lib/terraform`, without control or invisible characters, and no part `..`",
    state_folder
);

impl FileName {
    /// The name with `{env}` replaced.
    pub fn for_env(&self, env: &EnvName) -> String {
        self.0.replace(PLACEHOLDER, env.as_str())
    }

    /// Returns whether a settings file may choose it: a file of that name is read by Terraform, and
    /// by
    /// nothing that runs it.
    ///
    /// # Errors
    /// If it is hidden, or has another ending.
    pub fn must_be_for_terraform(&self) -> Result<(), NameProblem> {
        if self.0.starts_with('.') {
            return Err(NameProblem::Begins(".".to_owned()));
        }
        if !ENDINGS.iter().any(|ending| self.0.ends_with(ending)) {
            return Err(NameProblem::Shape("has an unknown ending".to_owned()));
        }
        Ok(())
    }
}

/// Extensions of files that Terraform and OpenTofu read.
const ENDINGS: [&str; 7] = [
    ".tf",
    ".tofu",
    ".tfbackend",
    ".conf",
    ".config",
    ".hcl",
    ".tfvars",
];

const PLACEHOLDER: &str = "{env}";

fn file_name(text: &str) -> Result<(), NameProblem> {
    // Terraform reads `-backend-config=a=b` as an argument and its value, so `=` cannot be in a
    // name.
    if let Some(c) = text.chars().find(|c| matches!(c, '/' | '\\' | ':' | '=')) {
        return Err(NameProblem::Character(c));
    }
    if text.starts_with('-') {
        return Err(NameProblem::Begins("-".to_owned()));
    }
    if matches!(text, "." | "..") {
        return Err(NameProblem::Shape("is a folder".to_owned()));
    }
    if text.replace(PLACEHOLDER, "").contains(['{', '}']) {
        return Err(NameProblem::Shape(
            "has a placeholder other than `{env}`".to_owned(),
        ));
    }
    at_most_bytes(text, 200)
}

fn folder(text: &str) -> Result<(), NameProblem> {
    at_most_bytes(text, 4096)
}

fn state_folder(text: &str) -> Result<(), NameProblem> {
    let path = Path::new(text);
    if !path.is_absolute() {
        return Err(NameProblem::Shape("is not an absolute path".to_owned()));
    }
    if path.parent().is_none() {
        return Err(NameProblem::Shape(
            "is the root of the file system".to_owned(),
        ));
    }
    if path
        .components()
        .any(|part| matches!(part, Component::ParentDir))
    {
        return Err(NameProblem::Shape("has a part `..`".to_owned()));
    }
    at_most_bytes(text, 4096)
}
