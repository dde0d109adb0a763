//! The local backend of one environment, as commands use it.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

use super::{
    file_modes::StateFileModes,
    folder::{FolderMarker, MARKER_FORMAT, StateFolderSpec},
    resources::{LocalSpec, STATE_FILES, STATE_FOLDER},
    store::LocalStore,
};
use crate::{
    backend::provider::Provider,
    engine::{
        apply::ChangeWriter,
        blueprint::{Blueprint, BlueprintNode},
        observation::{Observation, Observed, inherit_owners},
        plan::PlannedChange,
        spec::{Address, KnownOutputs},
    },
    kind::BackendKind,
    settings::{common::CommonSettings, local::LocalSettings},
    store::state_store::StateStore,
    terraform::write::local::LocalBackendConfig,
};

#[derive(Clone, Debug)]
pub struct LocalProvider {
    pub settings: LocalSettings,
    blueprint: Blueprint<LocalSpec>,
}

/// A failed operation on a file or folder.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {}: {source}", path.display())]
pub struct LocalError {
    pub what: &'static str,
    pub path: PathBuf,
    #[source]
    pub source: io::Error,
}

impl LocalError {
    pub(super) fn new(what: &'static str, path: &Path, source: io::Error) -> Self {
        Self {
            what,
            path: path.to_owned(),
            source,
        }
    }
}

impl LocalProvider {
    pub fn new(settings: LocalSettings) -> Self {
        let path = Path::new(settings.state_dir.as_str());
        let blueprint = Blueprint::new(vec![
            BlueprintNode {
                address: STATE_FOLDER,
                needs: vec![],
                spec: LocalSpec::Folder(StateFolderSpec::new(path)),
            },
            BlueprintNode {
                address: STATE_FILES,
                needs: vec![STATE_FOLDER],
                spec: LocalSpec::Files(StateFileModes::new(path)),
            },
        ]);
        Self {
            settings,
            blueprint,
        }
    }

    pub fn state_dir(&self) -> &Path {
        Path::new(self.settings.state_dir.as_str())
    }

    pub fn marker(&self) -> FolderMarker {
        FolderMarker {
            format_version: MARKER_FORMAT,
            project: self.settings.common.project.to_string(),
            env: self.settings.common.env.to_string(),
        }
    }

    pub fn local_store(&self) -> LocalStore {
        LocalStore::new(self.settings.state_path(), self.settings.workspace_dir())
    }

    fn look(&self, spec: &LocalSpec) -> Observed<LocalSpec> {
        let seen = match spec {
            LocalSpec::Folder(folder) => folder
                .observe(&self.marker())
                .map(|seen| wrapped(seen, LocalSpec::Folder)),
            LocalSpec::Files(files) => files.observe().map(|seen| wrapped(seen, LocalSpec::Files)),
        };
        seen.unwrap_or_else(|error| Observed::Unreadable(error.to_string()))
    }
}

fn wrapped<S>(seen: Observed<S>, wrap: fn(S) -> LocalSpec) -> Observed<LocalSpec> {
    match seen {
        Observed::Absent => Observed::Absent,
        Observed::Unreadable(error) => Observed::Unreadable(error),
        Observed::Present {
            spec,
            output,
            owner,
        } => Observed::Present {
            spec: wrap(spec),
            output,
            owner,
        },
    }
}

impl ChangeWriter for LocalProvider {
    type Spec = LocalSpec;
    type Error = LocalError;

    async fn write(
        &self,
        _: &Address,
        change: &PlannedChange<LocalSpec>,
    ) -> Result<Option<String>, LocalError> {
        let to = match change {
            PlannedChange::Create { to }
            | PlannedChange::Update { to, .. }
            | PlannedChange::Adopt { to, .. } => to,
            // A folder is deleted with what is in it, by `teardown` alone.
            PlannedChange::Delete { .. }
            | PlannedChange::NoOp { .. }
            | PlannedChange::Keep { .. }
            | PlannedChange::Blocked { .. } => return Ok(None),
        };
        match to {
            LocalSpec::Folder(folder) => folder.write(&self.marker())?,
            LocalSpec::Files(files) => files.write()?,
        }
        Ok(None)
    }
}

impl Provider for LocalProvider {
    const KIND: BackendKind = BackendKind::Local;
    type Config = LocalBackendConfig;

    fn common(&self) -> &CommonSettings {
        &self.settings.common
    }

    fn title(&self) -> String {
        let CommonSettings { project, env, .. } = &self.settings.common;
        format!("{project} {env} in {}", self.settings.state_dir)
    }

    fn location(&self) -> Vec<(&'static str, String)> {
        let folder = ("folder", self.settings.state_dir.to_string());
        [vec![folder], self.local_store().location()].concat()
    }

    fn blueprint(&self) -> &Blueprint<LocalSpec> {
        &self.blueprint
    }

    async fn observe(&self) -> Observation<LocalSpec> {
        let all = self.blueprint.nodes().iter().map(|node| &node.address);
        let mut observation = Observation::new();
        self.observe_again(&all.cloned().collect(), &mut observation)
            .await;
        observation
    }

    async fn observe_again(
        &self,
        which: &BTreeSet<Address>,
        observation: &mut Observation<LocalSpec>,
    ) {
        let nodes = self.blueprint.nodes().iter();
        for node in nodes.filter(|node| which.contains(&node.address)) {
            observation.insert(node.address.clone(), self.look(&node.spec));
        }
        inherit_owners(observation);
    }

    fn backend_config(&self, _: &KnownOutputs) -> LocalBackendConfig {
        LocalBackendConfig {
            project: self.settings.common.project.to_string(),
            env: self.settings.common.env.to_string(),
            state_dir: self.state_dir().to_owned(),
            path: self.settings.state_path(),
            workspace_dir: self.settings.workspace_dir(),
        }
    }

    fn store(&self) -> Box<dyn StateStore + '_> {
        Box::new(self.local_store())
    }
}
