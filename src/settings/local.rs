//! The settings of a `local` backend.

use std::path::{Path, PathBuf};

use super::{
    check::{ConflictKind, SettingsConflict, check_common},
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
        let mut contradictions = check_common(&common, merged);
        contradictions.extend(taken_name(&key).map(|problem| {
            SettingsConflict {
                clash: ConflictKind::BadName {
                    what: "state key",
                    name: key.to_string(),
                    problem,
                },
                between: merged
                    .origin("key")
                    .map(|by| ("key", by.clone()))
                    .into_iter()
                    .collect(),
            }
        }));
        match contradictions.is_empty() {
            true => Ok(Self {
                common,
                state_dir,
                key,
            }),
            false => Err(SettingsError::Contradictions(contradictions)),
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

/// The reason why a file or folder of this name belongs to Terraform or to tfbackend: the copy of
/// another state, its lock information, the workspaces of another key.
fn taken_name(key: &StateKey) -> Option<String> {
    const ENDS: [(&str, &str); 3] = [
        (".backup", "the copy that Terraform keeps of another state"),
        (".lock.info", "the lock information of another state"),
        (".moved", "the note on a state that moved"),
    ];
    let mut parts = key.as_str().split('/').peekable();
    while let Some(part) = parts.next() {
        let is_folder = parts.peek().is_some();
        let of_others = ENDS.iter().find(|(end, _)| part.ends_with(end));
        let what = match of_others {
            Some((_, what)) => what,
            None if part.starts_with(".tfbackend") => "a file of tfbackend",
            None if is_folder && part.ends_with(".d") => "the workspaces of another state",
            None => continue,
        };
        return Some(format!("has a part that is the name of {what}: `{part}`"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_other_files_are_no_state_keys() {
        let taken = |key: &str| taken_name(&key.parse().expect("a key")).is_some();
        for key in [
            "app.backup",
            "app.tfstate.backup/terraform.tfstate",
            ".app.lock.info",
            "app.moved",
            ".tfbackend.json",
            ".tfbackend-x/terraform.tfstate",
            "app.d/blue/terraform.tfstate",
        ] {
            assert!(taken(key), "{key}");
        }
        for key in [
            "terraform.tfstate",
            "app",
            "conf.d",
            "backup/terraform.tfstate",
            "a.b/c.d",
        ] {
            assert!(!taken(key), "{key}");
        }
    }
}
