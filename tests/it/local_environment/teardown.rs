//! A teardown of a local environment whose folder changes while it runs: what was not looked at is
//! not deleted.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tfbackend::{
    backend::local::{
        provider::LocalProvider,
        store::LocalStore,
        teardown::{DeletedFolder, FolderCensus, NotDeleted},
    },
    backend::provider::Provider as _,
    engine::apply::ChangeWriter as _,
    engine::plan::PlannedChange,
    engine::spec::Address,
    kind::BackendKind,
    settings::{layer::SettingsLayer, local::LocalSettings, merge::SettingsSources},
    state::lock::LockInfo,
    store::state_store::StateStore as _,
};

use crate::support::sources::env;

const STATE: &str = "{\"version\":4,\"terraform_version\":\"1.11.4\",\"serial\":1,\"lineage\":\"a\",\
                     \"outputs\":{},\"resources\":[]}";
const OTHER: &str = "{\"version\":4,\"terraform_version\":\"1.11.4\",\"serial\":2,\"lineage\":\"a\",\
                     \"outputs\":{},\"resources\":[]}";

/// A folder that a bootstrap made, with the states of two state keys.
struct Folder {
    _dir: TempDir,
    provider: LocalProvider,
}

impl Folder {
    async fn make() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let states = dir.path().join("states").display().to_string();
        let sources = SettingsSources {
            flags: SettingsLayer {
                backend: Some(BackendKind::Local),
                project: Some("acme".parse().expect("a project")),
                state_dir: Some(states.parse().expect("a folder")),
                ..SettingsLayer::default()
            },
            ..SettingsSources::default()
        };
        let env = env("dev");
        let settings = LocalSettings::resolve(&sources.merged(&env), &env).expect("settings");
        let provider = LocalProvider::new(settings);
        for node in provider.blueprint().nodes() {
            let change = PlannedChange::Create {
                to: node.spec.clone(),
            };
            let address: &Address = &node.address;
            provider.write(address, &change).await.expect("made");
        }
        let folder = Self {
            _dir: dir,
            provider,
        };
        for name in ["a/terraform.tfstate", "b/terraform.tfstate"] {
            folder.put(name, STATE);
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.provider.state_dir().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    fn text(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }

    async fn census(&self) -> FolderCensus {
        self.provider.census().await.expect("a census")
    }

    async fn delete(&self, census: &FolderCensus) -> Result<DeletedFolder, NotDeleted> {
        let info = LockInfo {
            id: "5d0b4c8e-0c5c-4d3f-8f61-0d5b0f5b0001".to_owned(),
            ..LockInfo::default()
        };
        self.provider.delete(census, &info).await
    }

    /// What a teardown says that found a file of which it knew nothing.
    #[track_caller]
    fn assert_changed(&self, deleted: &Result<DeletedFolder, NotDeleted>, name: &str) {
        match deleted {
            Err(NotDeleted::Changed { path }) => assert_eq!(*path, self.path(name)),
            other => panic!("{other:?}"),
        }
        assert!(
            self.path(".tfbackend.json").exists(),
            "the next run goes on"
        );
    }
}

#[tokio::test]
async fn folder_goes_with_all_that_was_looked_at() {
    let folder = Folder::make().await;
    folder.put("a/terraform.tfstate.backup", STATE);
    let census = folder.census().await;
    let gone = DeletedFolder {
        states: 2,
        is_gone: true,
    };
    assert_eq!(folder.delete(&census).await.expect("deleted"), gone);
    assert!(!folder.provider.state_dir().exists());
}

#[tokio::test]
async fn state_that_changed_stays_and_the_next_run_goes_on() {
    let folder = Folder::make().await;
    let census = folder.census().await;
    folder.put("b/terraform.tfstate", OTHER);
    let deleted = folder.delete(&census).await;
    folder.assert_changed(&deleted, "b/terraform.tfstate");
    assert_eq!(folder.text("b/terraform.tfstate").as_deref(), Some(OTHER));
    assert_eq!(folder.text("a/terraform.tfstate"), None);

    // The copy of the state that is gone may be all that is left of it.
    let census = folder.census().await;
    assert_eq!(census.states.len(), 2);
    folder.delete(&census).await.expect("deleted");
    assert!(!folder.provider.state_dir().exists());
}

#[tokio::test]
async fn state_that_is_new_stays_with_its_backup() {
    for name in [
        "c/terraform.tfstate",
        "a/terraform.tfstate.d/blue/terraform.tfstate",
    ] {
        let folder = Folder::make().await;
        let census = folder.census().await;
        let backup = format!("{name}.backup");
        folder.put(name, STATE);
        folder.put(&backup, OTHER);
        let deleted = folder.delete(&census).await;
        folder.assert_changed(&deleted, name);
        assert_eq!(folder.text(name).as_deref(), Some(STATE), "{name}");
        assert_eq!(folder.text(&backup).as_deref(), Some(OTHER), "{name}");

        let census = folder.census().await;
        folder.delete(&census).await.expect("deleted");
        assert!(!folder.provider.state_dir().exists(), "{name}");
    }
}

/// A folder keeps its marker as long as anything is in it that is not the teardown's.
#[tokio::test]
async fn links_and_other_files_stay_with_the_marker() {
    let folder = Folder::make().await;
    folder.put("notes.txt", "mine");
    symlink("/nowhere", folder.path("link")).expect("linked");
    let census = folder.census().await;
    assert_eq!(
        census.others,
        [folder.path("link"), folder.path("notes.txt")]
    );
    let stays = DeletedFolder {
        states: 2,
        is_gone: false,
    };
    assert_eq!(folder.delete(&census).await.expect("deleted"), stays);
    assert_eq!(folder.text("notes.txt").as_deref(), Some("mine"));
    assert!(folder.path("link").is_symlink());
    assert!(folder.path(".tfbackend.json").exists());
    assert!(!folder.path("a").exists());
}

/// A link in the place of a state that moved is of no use when the folder goes.
#[tokio::test]
async fn notes_on_states_that_moved_go_with_the_folder() {
    let folder = Folder::make().await;
    // Where `terraform init` reads first.
    folder.put("a/main.tf", "");
    let path = folder.path("a/terraform.tfstate");
    let store = LocalStore::new(&path, folder.path("a/terraform.tfstate.d"));
    let id = store.locate("default").expect("a place");
    let info = LockInfo {
        id: "5d0b4c8e-0c5c-4d3f-8f61-0d5b0f5b0002".to_owned(),
        info: "moved to elsewhere".to_owned(),
        ..LockInfo::default()
    };
    let lock = store.lock(&id, &info).await.expect("locked");
    let state = store.read(&id, None, 1 << 20).await.expect("read");
    let revision = state.expect("a state").revision;
    lock.keep(&revision).await.expect("kept");
    assert!(path.is_symlink());
    fs::remove_file(folder.path("a/main.tf")).expect("removed");
    let census = folder.census().await;
    assert_eq!(census.states.len(), 1);
    assert_eq!(folder.delete(&census).await.expect("deleted").states, 1);
    assert!(!Path::new(folder.provider.state_dir()).exists());
}

/// What Terraform would use, or another environment has, is not deleted with the rest.
#[tokio::test]
async fn what_is_left_of_a_state_counts_as_one() {
    let folder = Folder::make().await;
    folder.put("gone/terraform.tfstate.backup", STATE);
    folder.put("app.backup", OTHER);
    folder.put("kept/terraform.tfstate", OTHER);
    folder.put("kept/terraform.tfstate.backup", STATE);
    folder.put(".tfbackend-x1", "half of a state");
    folder.put("nested/.tfbackend.json", "{}");
    symlink("/etc/hostname", folder.path("link.tfstate")).expect("linked");
    let census = folder.census().await;
    let states: Vec<PathBuf> = census
        .states
        .iter()
        .map(|state| state.path.clone())
        .collect();
    let wanted = [
        "a/terraform.tfstate",
        "app.backup",
        "b/terraform.tfstate",
        "gone/terraform.tfstate.backup",
        "kept/terraform.tfstate",
    ];
    assert_eq!(states, wanted.map(|name| folder.path(name)));
    assert_eq!(census.nested, [folder.path("nested")]);
    assert_eq!(census.irregular, [folder.path("link.tfstate")]);
    assert_eq!(
        census.beside,
        [
            folder.path(".tfbackend-x1"),
            folder.path("kept/terraform.tfstate.backup")
        ]
    );
}
