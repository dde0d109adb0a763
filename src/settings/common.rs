//! The settings that every backend kind has.

use std::{num::NonZeroUsize, path::PathBuf};

use super::{
    layer::SettingsLayer,
    names::{EnvName, FileName, ProjectName},
};

/// What every backend kind needs to know of an environment.
#[derive(Clone, Debug, PartialEq)]
pub struct CommonSettings {
    pub project: ProjectName,
    pub env: EnvName,
    /// Everything that keeps the environment from being taken down by mistake.
    pub protect: bool,
    pub files: FileSettings,
    pub run: RunSettings,
}

impl CommonSettings {
    /// As a complete layer says; `None` if no project is said.
    pub fn of(layer: &SettingsLayer, env: &EnvName) -> Option<Self> {
        const SAID: &str = "what has a default is always said";
        let layer = layer.clone();
        Some(Self {
            project: layer.project?,
            env: env.clone(),
            protect: !layer.ephemeral.expect(SAID),
            files: FileSettings {
                out: layer.out.expect(SAID).as_str().into(),
                conf_file: layer.conf_file.expect(SAID),
                tf_file: layer.tf_file.expect(SAID),
            },
            run: RunSettings {
                auto_approve: layer.auto_approve.expect(SAID),
                non_interactive: layer.non_interactive.expect(SAID),
                adopt: layer.adopt.expect(SAID),
                overwrite: layer.overwrite.expect(SAID),
                parallelism: NonZeroUsize::new(
                    usize::try_from(layer.parallelism.expect(SAID)).unwrap_or(1),
                )
                .unwrap_or(NonZeroUsize::MIN),
            },
        })
    }
}

/// The options of a run; they are not saved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunSettings {
    pub auto_approve: bool,
    pub non_interactive: bool,
    pub adopt: bool,
    pub overwrite: bool,
    pub parallelism: NonZeroUsize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FileSettings {
    pub out: PathBuf,
    pub conf_file: FileName,
    pub tf_file: FileName,
}
