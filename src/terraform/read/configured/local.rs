//! The arguments of a `local` backend, and the states that Terraform keeps in a folder without any
//! block.

use super::{
    super::{
        WorkingDirectory,
        partial::PartialFile,
        value::{SourcePosition, SourcedArgument},
    },
    ConfiguredArguments, NotConfigured, SourcedValue, given_layers,
};

/// The arguments of the block.
const ARGUMENTS: [&str; 2] = ["path", "workspace_dir"];
/// What Terraform creates in a folder without a block.
const IMPLIED: [&str; 2] = ["terraform.tfstate", "terraform.tfstate.d"];

/// A `local` backend as Terraform would use it. A value that is not set has Terraform's default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredLocal {
    pub path: Option<SourcedValue<String>>,
    pub workspace_dir: Option<SourcedValue<String>>,
    /// The block, or the record of `init`; `None` where there is neither.
    pub at: Option<SourcePosition>,
}

/// The `local` backend of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalConfiguration {
    /// What is in force: as `init` stored it, else as the files say.
    pub used: ConfiguredLocal,
    /// What the block says now, if `init` stored something.
    pub block: Option<ConfiguredLocal>,
}

impl ConfiguredLocal {
    fn merged(
        layers: impl IntoIterator<Item = Vec<SourcedArgument>>,
        at: SourcePosition,
    ) -> Result<Self, NotConfigured> {
        let arguments = ConfiguredArguments::of(layers);
        Ok(Self {
            path: arguments.text("path")?,
            workspace_dir: arguments.text("workspace_dir")?,
            at: Some(at),
        })
    }
}

impl LocalConfiguration {
    /// `given` as for [`super::ConfiguredBackend::of_folder`]. `None` if the folder has a backend
    /// of another kind, or none and no states.
    ///
    /// # Errors
    /// If its arguments are unknown.
    pub fn of_folder(
        folder: &WorkingDirectory,
        given: &[String],
    ) -> Result<Option<Self>, NotConfigured> {
        let configuration = &folder.configuration;
        let block = configuration.block();
        if let (true, Ok(Some(saved))) = (given.is_empty(), &folder.saved) {
            let is_other = block.is_some_and(|block| !block.kind.is_local());
            if !saved.kind.is_local() || is_other {
                return Ok(None);
            }
            let at = SourcePosition {
                path: saved.path.clone(),
                line: None,
            };
            let block = block.map(|block| {
                let mut layers = vec![block.arguments.clone()];
                // `init` was told of it: that it completes the block is no guess.
                if let [one] = &partial_layers(folder)[..] {
                    layers.push(one.said().to_vec());
                }
                ConfiguredLocal::merged(layers, block.at.clone())
            });
            return Ok(Some(Self {
                used: ConfiguredLocal::merged([saved.arguments.clone()], at)?,
                block: block.transpose()?,
            }));
        }
        let Some(block) = block else {
            let has_none = configuration.blocks.is_empty()
                && configuration.unreadable.is_empty()
                && given.is_empty()
                && matches!(folder.saved, Ok(None));
            let is_implied = has_none && IMPLIED.iter().any(|name| folder.dir.join(name).exists());
            return Ok(is_implied.then_some(Self {
                used: ConfiguredLocal {
                    path: None,
                    workspace_dir: None,
                    at: None,
                },
                block: None,
            }));
        };
        if !block.kind.is_local() {
            return Ok(None);
        }
        if let (true, Err(unreadable)) = (given.is_empty(), &folder.saved) {
            return Err(unreadable.clone().into());
        }
        let mut layers = vec![block.arguments.clone()];
        let given_layers = given_layers(&folder.dir, given)?;
        if !given_layers.iter().all(|layer| is_local(layer)) {
            return Ok(None);
        }
        layers.extend(given_layers);
        let partial = partial_layers(folder);
        match &partial[..] {
            _ if !given.is_empty() => {}
            [] => {}
            [one] => layers.push(one.said().to_vec()),
            several => {
                return Err(NotConfigured::WhichFile {
                    dir: folder.dir.clone(),
                    names: several.iter().map(|partial| partial.name()).collect(),
                });
            }
        }
        Ok(Some(Self {
            used: ConfiguredLocal::merged(layers, block.at.clone())?,
            block: None,
        }))
    }
}

/// The partial configurations of this kind: one of another backend may be there, as during a
/// migration.
fn partial_layers(folder: &WorkingDirectory) -> Vec<&PartialFile> {
    folder
        .partial
        .iter()
        .filter(|partial| !partial.said().is_empty() && is_local(partial.said()))
        .collect()
}

fn is_local(layer: &[SourcedArgument]) -> bool {
    layer
        .iter()
        .all(|argument| ARGUMENTS.contains(&&*argument.name))
}
