//! A backend of kind local: the state files of a folder, or of a path.

use std::path::{Component, Path, PathBuf};

use super::{
    args::TargetArgs,
    resolve::{self, contradiction, shown},
};
use crate::{
    backend::{
        local::store::{LocalStore, STATE_FILE, WORKSPACE_DIR},
        provider::Provider,
    },
    cli::{
        context::Context,
        environment::{EnvironmentArgs, Prompting},
        failure::CliError,
        files,
        local::LocalEnvironment,
        verify,
    },
    kind::BackendKind,
    state::layout::DEFAULT_WORKSPACE,
    store::state_store::{StateId, StateStore},
    terraform::read::{
        WorkingDirectory,
        configured::{
            ArgumentOrigin, ConfiguredLocal, LocalConfiguration, NotConfigured, SourcedValue,
        },
    },
    text::shell::shell_word,
};

/// The state files of one configuration.
#[derive(Debug)]
pub struct LocalTarget {
    pub store: LocalStore,
    /// The folder of its files.
    pub dir: PathBuf,
    /// The workspace that Terraform would use here.
    pub workspace: String,
    /// One line for people.
    pub title: String,
    /// Words that name it on a command line, each after a space.
    pub words: String,
}

/// State files that are named, or that a folder has.
pub(super) struct DescribedLocal {
    store: LocalStore,
    /// What says so.
    origin: String,
    /// The folder that it is the backend of.
    folder: Option<WorkingDirectory>,
}

/// The state files that are meant, if it is they that are meant.
pub(super) fn of(args: &TargetArgs, cx: &Context<'_>) -> Result<Option<DescribedLocal>, CliError> {
    let of_path = [
        ("--path", args.state_file.is_some()),
        ("--workspace-dir", args.workspace_dir.is_some()),
    ];
    let of_path = of_path
        .into_iter()
        .find_map(|(flag, is_said)| is_said.then_some(flag));
    let is_environment = args.env.is_some() || cx.host.var("TFBACKEND_ENV").is_some();
    match (args.backend, of_path) {
        (Some(BackendKind::Local), None) if is_environment => Ok(None),
        (Some(BackendKind::Local), _) => named(args, cx).map(Some),
        (Some(BackendKind::S3) | None, Some(flag)) => Err(CliError::failed(format!(
            "{flag} is an option of backend kind local"
        ))
        .hint("pass --backend local")),
        (Some(BackendKind::S3), None) => Ok(None),
        (None, None) => {
            if is_environment || args.of_s3().is_some() {
                return Ok(None);
            }
            let folder = verify::read_folder(&cx.host.cwd, &[], cx)?;
            let configured = configured(&folder, &args.backend_config, cx)?;
            // States that no block names are left over as often as not.
            Ok(configured
                .filter(|configured| {
                    configured.at.is_some() || resolve::only_environment(args, cx).is_none()
                })
                .map(|configured| of_configured(&configured, folder, cx)))
        }
    }
}

/// With `--backend local`: the path, else what the folder has, else Terraform's default.
fn named(args: &TargetArgs, cx: &Context<'_>) -> Result<DescribedLocal, CliError> {
    if let Some(flag) = args.of_s3().or(args.env.as_ref().map(|_| "--env")) {
        return Err(
            CliError::failed(format!("{flag} does not go with --backend local"))
                .hint("name the state file: --backend local --path FILE"),
        );
    }
    let cwd = &cx.host.cwd;
    let store = |configured: Option<&ConfiguredLocal>| {
        let said = |flag: &Option<PathBuf>,
                    argument: Option<&Option<SourcedValue<String>>>,
                    default: &str| {
            let argument = argument.and_then(|said| Some(PathBuf::from(&said.as_ref()?.value)));
            let path = flag.clone().or(argument).unwrap_or_else(|| default.into());
            clean(&cwd.join(path))
        };
        LocalStore::new(
            said(&args.state_file, configured.map(|it| &it.path), STATE_FILE),
            said(
                &args.workspace_dir,
                configured.map(|it| &it.workspace_dir),
                WORKSPACE_DIR,
            ),
        )
    };
    if args.state_file.is_some() {
        return Ok(DescribedLocal {
            store: store(None),
            origin: "as --path says".to_owned(),
            folder: None,
        });
    }
    let folder = verify::read_folder(cwd, &[], cx)?;
    if let Some(configured) = configured(&folder, &args.backend_config, cx)? {
        let described = of_configured(&configured, folder, cx);
        return Ok(DescribedLocal {
            store: store(Some(&configured)),
            ..described
        });
    }
    match folder.configuration.blocks.first() {
        Some(block) => Err(contradiction(
            "backend",
            ("local", "--backend"),
            (
                &block.title(),
                &shown(&ArgumentOrigin::File(block.at.clone()), cx),
            ),
        )),
        None => Ok(DescribedLocal {
            store: store(None),
            origin: "the default of Terraform".to_owned(),
            folder: Some(folder),
        }),
    }
}

/// What the folder says, if it has a backend of this kind.
fn configured(
    folder: &WorkingDirectory,
    given: &[String],
    cx: &Context<'_>,
) -> Result<Option<ConfiguredLocal>, CliError> {
    let found = LocalConfiguration::of_folder(folder, given).map_err(|error| match error {
        NotConfigured::NotPlain { .. } => resolve::configuration_error(&error, cx)
            .hint("name the state file: --backend local --path FILE"),
        NotConfigured::WhichFile { .. } => resolve::configuration_error(&error, cx)
            .hint("choose one: --backend-config FILE (/dev/null for none)"),
        _ => resolve::configuration_error(&error, cx),
    })?;
    let Some(LocalConfiguration { used, block }) = found else {
        return Ok(None);
    };
    if let Some(block) = &block {
        let arguments = [
            ("path", &used.path, &block.path, STATE_FILE),
            (
                "workspace_dir",
                &used.workspace_dir,
                &block.workspace_dir,
                WORKSPACE_DIR,
            ),
        ];
        for (name, used_value, said, default) in arguments {
            let text = |value: &Option<SourcedValue<String>>| {
                value
                    .as_ref()
                    .map_or(default, |said| said.value.as_str())
                    .to_owned()
            };
            let [stored, said] = [used_value, said].map(text);
            if stored != said {
                let at = |configured: &ConfiguredLocal| {
                    configured
                        .at
                        .clone()
                        .map_or_else(String::new, |at| shown(&ArgumentOrigin::File(at), cx))
                };
                return Err(
                    contradiction(name, (&said, &at(block)), (&stored, &at(&used)))
                        .hint("choose one: --backend-config FILE, or --backend local --path FILE"),
                );
            }
        }
    }
    Ok(Some(used))
}

fn of_configured(
    configured: &ConfiguredLocal,
    folder: WorkingDirectory,
    cx: &Context<'_>,
) -> DescribedLocal {
    let text = |said: &Option<SourcedValue<String>>, default: &str| {
        let path = said.as_ref().map_or(default, |said| &said.value);
        clean(&folder.dir.join(path))
    };
    let at = configured.at.clone().map(ArgumentOrigin::File);
    let said = configured.path.as_ref().map(|said| said.origin.clone());
    let origin = match said.or(at) {
        Some(origin) => format!("as {} says", resolve::without_line(&shown(&origin, cx))),
        None => "the default of a folder without a backend block".to_owned(),
    };
    DescribedLocal {
        store: LocalStore::new(
            text(&configured.path, STATE_FILE),
            text(&configured.workspace_dir, WORKSPACE_DIR),
        ),
        origin,
        folder: Some(folder),
    }
}

/// The states of an environment: those of its state key.
pub(super) fn of_environment(
    args: EnvironmentArgs,
    words: String,
    cx: &mut Context<'_>,
) -> Result<LocalTarget, CliError> {
    let environment = LocalEnvironment::open(args, Prompting::Never, cx)?;
    let provider = &environment.provider;
    let marker = provider.found_marker().map_err(|error| {
        CliError::failed("cannot read the marker of the folder").because(&error)
    })?;
    if marker.is_none() {
        let bootstrap = environment.rerun.command("bootstrap", "", &[]);
        return Err(
            CliError::failed(format!("{} does not exist", provider.title()))
                .hint(format!("`{bootstrap}` creates it")),
        );
    }
    let dir = files::out(provider, cx.host);
    let store = provider.local_store();
    let folder = verify::read_folder(&dir, &[], cx).ok();
    // A folder's selection counts where `init` chose this very state there.
    let is_of_it = |folder: &WorkingDirectory| match LocalConfiguration::of_folder(folder, &[]) {
        Ok(Some(found)) => found
            .used
            .path
            .is_some_and(|path| dir.join(&path.value) == *store.path()),
        Ok(None) | Err(_) => false,
    };
    Ok(LocalTarget {
        title: provider.title(),
        workspace: resolve::workspace(folder.as_ref().filter(|folder| is_of_it(folder)), cx)?,
        dir,
        words,
        store,
    })
}

impl DescribedLocal {
    pub(super) fn open(self, words: String, cx: &Context<'_>) -> Result<LocalTarget, CliError> {
        let Self {
            store,
            origin,
            folder,
        } = self;
        let path = store.path();
        let path = path.strip_prefix(&cx.host.cwd).unwrap_or(path).display();
        Ok(LocalTarget {
            title: format!("local state {path}, {origin}"),
            workspace: resolve::workspace(folder.as_ref(), cx)?,
            dir: cx.host.cwd.components().collect(),
            words,
            store,
        })
    }
}

impl LocalTarget {
    /// A path as a listing shows it, or relative to this folder.
    pub fn state_id(
        &self,
        path: Option<&str>,
        workspace: Option<&str>,
    ) -> Result<StateId, CliError> {
        let workspace = match (path, workspace) {
            (Some(_), Some(_)) => {
                return Err(CliError::failed(
                    "give either the path of a state or its workspace, not both",
                ));
            }
            (Some(path), None) => {
                self.workspace_at(&clean(&self.dir.join(path)))
                    .ok_or_else(|| {
                        CliError::failed(format!("{path} is not a state of {}", self.place()))
                            .hint(format!(
                                "`tfbackend state list{}` lists the existing states",
                                self.words
                            ))
                            .hint(format!(
                                "to use it on its own: --backend local --path {}",
                                shell_word(path)
                            ))
                    })?
            }
            (None, workspace) => workspace.unwrap_or(&self.workspace).to_owned(),
        };
        resolve::must_be_workspace(&workspace)?;
        self.store
            .locate(&workspace)
            .map_err(|error| CliError::failed(error.to_string()))
    }

    pub fn place(&self) -> String {
        self.store.path().display().to_string()
    }

    fn workspace_at(&self, path: &Path) -> Option<String> {
        if path == self.store.path() {
            return Some(DEFAULT_WORKSPACE.to_owned());
        }
        let workspace = path
            .strip_prefix(self.store.workspace_dir())
            .ok()?
            .parent()?
            .to_str()?;
        let id = self.store.locate(workspace).ok()?;
        (Path::new(&id.path) == path).then_some(id.workspace)
    }
}

/// Without `.` and `..`, as far as names tell.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(clean.components().next_back(), Some(Component::Normal(_))) =>
            {
                clean.pop();
            }
            part => clean.push(part),
        }
    }
    clean
}
