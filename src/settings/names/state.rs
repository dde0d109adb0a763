//! Where states are in the bucket: the state key and the prefix of the workspaces.

use super::rule::{NameProblem, at_most_bytes, only, text_name};
use crate::state::layout::normalized;

text_name!(
    /// The path of the default workspace's state. Terraform's rules (no `/` at either end, no `//`),
    /// and none of what would mean something else in a local path or in an IAM policy.
    StateKey,
    "a state key is a path such as `app/terraform.tfstate`: up to 900 bytes, no `/` at either end, no `//`, no part `.` or `..`, \
     none of `\\`, `*` and `?`, and not ending in `.tflock`",
    state_key,
    normalized
);

text_name!(
    /// The prefix of other workspaces: `<prefix>/<workspace>/<key>`.
    WorkspacePrefix,
    "a workspace prefix is a path such as `env:`: up to 512 bytes, no `/` at either end, no `//`, no part `.` or `..`, \
     and none of `\\`, `*` and `?`",
    workspace_prefix,
    normalized
);

/// The longest object key, in bytes ("Naming Amazon S3 objects").
pub const MAX_OBJECT_KEY: usize = 1024;
/// The longest workspace name for which room is kept, as HCP Terraform limits it.
pub const MAX_WORKSPACE: usize = 90;

impl StateKey {
    /// Leaves room for `env:/`, a workspace of [`MAX_WORKSPACE`] bytes, a slash, and `.tflock`.
    pub const MAX: usize = 900;
}

fn state_key(text: &str) -> Result<(), NameProblem> {
    path(text)?;
    // It would be the lock of another state, and the bucket's policy guards those.
    if text.ends_with(".tflock") {
        return Err(NameProblem::Ends(".tflock".to_owned()));
    }
    at_most_bytes(text, StateKey::MAX)
}

fn workspace_prefix(text: &str) -> Result<(), NameProblem> {
    path(text)?;
    at_most_bytes(text, 512)
}

fn path(text: &str) -> Result<(), NameProblem> {
    if text.starts_with('/') {
        return Err(NameProblem::Begins("/".to_owned()));
    }
    if text.ends_with('/') {
        return Err(NameProblem::Ends("/".to_owned()));
    }
    if text.contains("//") {
        return Err(NameProblem::Contains("//".to_owned()));
    }
    // `*` and `?` are wildcards in the resource of an IAM statement: the policy would cover more.
    only(text, |c| !matches!(c, '\\' | '*' | '?'))?;
    match text.split('/').find(|part| matches!(*part, "." | "..")) {
        Some(part) => Err(NameProblem::Shape(format!("has a part `{part}`"))),
        None => Ok(()),
    }
}
