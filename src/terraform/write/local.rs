//! The arguments of a `local` backend.

use std::path::PathBuf;

use serde::Serialize;

use super::{BackendConfig, RenderError, SharedBlock, hcl, header::HeaderOwner};
use crate::kind::BackendKind;

/// The `local` backend of one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalBackendConfig {
    pub project: String,
    pub env: String,
    /// The folder of all states of the environment.
    pub state_dir: PathBuf,
    /// The state of the default workspace.
    pub path: PathBuf,
    /// The folder of the other workspaces.
    pub workspace_dir: PathBuf,
}

/// The variables of the template. Both paths are always written: Terraform's default for other
/// workspaces is a folder beside the configuration.
#[derive(Serialize)]
struct LocalArguments<'a> {
    kind: BackendKind,
    project: &'a str,
    env: &'a str,
    path: &'a str,
    workspace_dir: &'a str,
}

impl BackendConfig for LocalBackendConfig {
    fn owner(&self) -> HeaderOwner {
        let line = |text: &str| hcl::comment(text).trim().to_owned();
        HeaderOwner {
            project: line(&self.project),
            env: line(&self.env),
            kind: BackendKind::Local,
            place: line(&self.state_dir.display().to_string()),
            emulated: false,
        }
    }

    fn block(&self) -> SharedBlock {
        SharedBlock {
            label: BackendKind::Local.terraform_type(),
            use_lockfile: false,
        }
    }

    fn arguments(&self) -> Result<serde_json::Value, RenderError> {
        let text = |path: &'_ PathBuf| {
            path.to_str()
                .map(str::to_owned)
                .ok_or_else(|| RenderError::NotText { path: path.clone() })
        };
        let (path, workspace_dir) = (text(&self.path)?, text(&self.workspace_dir)?);
        let arguments = LocalArguments {
            kind: BackendKind::Local,
            project: &self.project,
            env: &self.env,
            path: &path,
            workspace_dir: &workspace_dir,
        };
        Ok(serde_json::to_value(arguments).expect("plain data"))
    }
}
