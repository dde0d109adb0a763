//! The settings of a `local` backend.

use std::path::{Path, PathBuf};

use super::{
    check::check_common,
    common::CommonSettings,
    error::SettingsError,
    merge::MergedSettings,
    names::{EnvName, StateFolder, StateKey},
};

#[derive(Clone, Debug, PartialEq)]
pub struct LocalSettings {
    pub common: CommonSettings,
    /// The folder of all states of the environment.
    pub state_dir: StateFolder,
    pub key: StateKey,
}

impl LocalSettings {
    /// The settings that the values make.
    ///
    /// # Errors
    /// If something without a default was not said, or values contradict each other: then all of
    /// them.
    pub fn resolve(merged: &MergedSettings, env: &EnvName) -> Result<Self, SettingsError> {
        const SAID: &str = "what has a default is always said";
        let layer = merged.layer.clone();
        let Some(common) = CommonSettings::of(&layer, env) else {
            return Err(SettingsError::Missing {
                names: merged.missing(),
            });
        };
        // Its default depends on the user's home folder.
        let Some(state_dir) = layer.state_dir else {
            return Err(SettingsError::Missing {
                names: vec!["state-dir"],
            });
        };
        let key = layer.key.expect(SAID);
        match check_common(&common, merged) {
            contradictions if contradictions.is_empty() => Ok(Self {
                common,
                state_dir,
                key,
            }),
            contradictions => Err(SettingsError::Contradictions(contradictions)),
        }
    }

    /// The state of the default workspace.
    pub fn state_path(&self) -> PathBuf {
        Path::new(self.state_dir.as_str()).join(self.key.as_str())
    }

    /// The folder of the other workspaces' states: two state keys must not share one, in which the
    /// state of a workspace is always `terraform.tfstate`.
    pub fn workspace_dir(&self) -> PathBuf {
        let mut path = self.state_path().into_os_string();
        path.push(".d");
        path.into()
    }
}
