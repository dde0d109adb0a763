//! Reads the backend configuration of a Terraform or OpenTofu folder; never runs it and never
//! writes to it.
//!
//! The value of a credential is dropped while it is read ([`Value::Secret`]), and so is everything
//! inside a state: what is not kept cannot be printed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

pub(crate) mod value;
mod lexer;
pub(crate) mod scan;
mod json;
pub mod arguments;
pub(crate) mod bounded;
pub(crate) mod configuration;
pub(crate) mod partial;
pub mod saved;
pub mod local;
pub(crate) mod ignored;
pub(crate) mod tracked;
pub(crate) mod versions;
pub mod configured;
pub mod conflicts;
pub mod next;

pub use bounded::{LinkBoundary, UnreadableFile};
pub use configuration::{ConfiguredBlock, ConfiguredKind, FolderConfiguration, TerraformEngine};
pub use configured::ConfiguredBackend;
pub use ignored::IgnoreStatus;
pub use local::{LocalState, LocalStateContents};
pub use partial::PartialFile;
pub use saved::SavedBackend;
pub use value::{ArgumentValue, SourcePosition, SourcedArgument};
pub use versions::EngineVersions;

/// The name of Terraform's data directory, unless `TF_DATA_DIR` is set.
pub const DATA_DIR: &str = ".terraform";

/// The name of the folder for copies of states, beside the files.
pub const COPIES: &str = ".tfbackend";

/// The inputs of reading a folder.
#[derive(Clone, Debug, Default)]
pub struct FolderReadOptions<'a> {
    /// The engine whose rules apply; `None` derives it from the file names ([`Engine::of`]).
    pub engine: Option<TerraformEngine>,
    /// `TF_DATA_DIR`, if it is set: relative to the folder, or absolute.
    pub data_dir: Option<&'a Path>,
    /// Partial configurations whatever their names, relative to the folder or absolute.
    pub partial: &'a [PathBuf],
}

/// The reading of one folder. Paths in it begin with `dir`.
#[derive(Debug)]
pub struct WorkingDirectory {
    pub dir: PathBuf,
    pub engine: TerraformEngine,
    /// The declarations in configuration files.
    pub configuration: FolderConfiguration,
    /// Partial configurations, for `-backend-config=FILE`, by name.
    pub partial: Vec<PartialFile>,
    /// The data directory of `init`.
    pub data_dir: PathBuf,
    /// The backend that `init` merged from block and partial configuration; `None` before `init`,
    /// and for a local
    /// backend.
    pub saved: Result<Option<SavedBackend>, UnreadableFile>,
    /// The selected workspace.
    pub workspace: Result<String, UnreadableFile>,
    /// States that lie in the folder, by name.
    pub local_states: Vec<LocalState>,
    /// The versions of the engine that the folder's files name; the caller may add the one that is
    /// installed.
    pub versions: Vec<Result<EngineVersions, UnreadableFile>>,
    /// The files that Git ignores; `None` outside of a repository.
    pub ignored: Option<IgnoreStatus>,
}

impl WorkingDirectory {
    /// Reads `dir`. A file that cannot be read is part of the reading; so is one that makes no
    /// sense.
    ///
    /// # Errors
    /// If the folder cannot be listed: nothing is known then.
    pub fn read(dir: &Path, look: &FolderReadOptions<'_>) -> Result<Self, UnreadableFile> {
        let names = names(dir)?;
        let engine = look.engine.unwrap_or_else(|| TerraformEngine::of(&names));
        let within = LinkBoundary::of(dir);
        let configuration = FolderConfiguration::read(dir, &within, &names, engine);
        let data_dir = data_dir(dir, look.data_dir);
        let partial = partial::read(
            dir,
            &within,
            &names,
            look.partial,
            configuration.is_present(),
        );
        let local_states = local::read(dir, &within, &names);
        let versions = versions::read(dir, &within, &configuration, engine);
        Ok(Self {
            dir: dir.to_owned(),
            engine,
            configuration,
            versions,
            partial,
            saved: SavedBackend::read(&data_dir),
            workspace: saved::workspace(&data_dir),
            ignored: IgnoreStatus::of(dir, &data_dir, &names, &local_states),
            data_dir,
            local_states,
        })
    }

    /// Returns whether this is a folder of Terraform's at all: where it is not, there is nothing to
    /// check.
    pub fn is_terraform(&self) -> bool {
        let initialized = !matches!(self.saved, Ok(None));
        self.configuration.is_present()
            || initialized
            || !self.partial.is_empty()
            || !self.local_states.is_empty()
    }
}

/// Returns the data directory of `init` for the folder; `said` is `TF_DATA_DIR`. What the caller
/// names
/// is where it is: no folder decides that.
pub fn data_dir(dir: &Path, said: Option<&Path>) -> PathBuf {
    let data_dir = dir.join(said.unwrap_or(Path::new(DATA_DIR)));
    if said.is_some_and(Path::is_absolute) {
        fs::canonicalize(&data_dir).unwrap_or(data_dir)
    } else {
        data_dir
    }
}

/// Names in `dir`, in order, but for those of folders. A name that is not text is none that
/// Terraform reads.
fn names(dir: &Path) -> Result<Vec<String>, UnreadableFile> {
    let failed = |error: io::Error| UnreadableFile::io(dir, &error);
    let mut names = vec![];
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_type().map_err(failed)?.is_dir() {
            names.extend(entry.file_name().into_string().ok());
        }
    }
    names.sort();
    Ok(names)
}
