//! Resolves the two sides of a migration: an environment, a folder, a partial configuration, or the
//! address of a state.

use crate::backend::provider::Provider;
use std::path::{Path, PathBuf};

use crate::{
    backend::{
        aws::{
            bucket::encryption,
            store::{state_store::S3StateStore, write::WriteEncryption},
        },
        local::store::{LocalStore, STATE_FILE, WORKSPACE_DIR},
    },
    cli::{
        context::Context,
        environment::Prompting,
        explain,
        failure::CliError,
        session::SandboxSession,
        target::{BackendTarget, S3Target, TargetArgs},
        verify,
    },
    engine::spec::KnownOutputs,
    kind::BackendKind,
    settings::{layer::LockMechanism, names::EnvName},
    state::layout::DEFAULT_WORKSPACE,
    store::{location::BackendLocation, state_store::StateStore},
    terraform::{
        read::{
            ArgumentValue, ConfiguredKind, PartialFile, SourcedArgument, WorkingDirectory,
            local::local_state,
        },
        write::{
            self,
            backend_block::BackendBlock,
            hcl,
            s3::{EmulatorEndpoint, S3BackendConfig},
        },
    },
};

/// How one side is named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaceName {
    Environment(EnvName),
    /// A folder, or a partial configuration.
    Path(PathBuf),
    S3 {
        bucket: String,
        key: String,
    },
    /// A state file, or the folder of one.
    Local(PathBuf),
}

/// One side, connected.
#[derive(Debug)]
pub(super) struct MigrationPlace {
    backend: PlaceBackend,
    /// The folder whose backend it is.
    pub folder: Option<PathBuf>,
}

#[derive(Debug)]
enum PlaceBackend {
    S3 {
        target: Box<S3Target>,
        key: String,
        /// What is written into files for an environment.
        config: Option<Box<S3BackendConfig>>,
    },
    Local(LocalStore),
}

/// Which backend of a folder is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FolderUse {
    /// The one that has its states: what `init` recorded, else local states that are there.
    InUse,
    /// The one of its configuration, as if `init` had not run.
    Configured,
}

impl std::str::FromStr for PlaceName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(rest) = text.strip_prefix("s3://") {
            return match rest.split_once('/') {
                Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => Ok(Self::S3 {
                    bucket: bucket.to_owned(),
                    key: key.to_owned(),
                }),
                _ => Err("an S3 address is s3://BUCKET/KEY".to_owned()),
            };
        }
        if let Some(path) = text.strip_prefix("local:") {
            return match path {
                "" => {
                    Err("a local address is local:PATH, as in local:terraform.tfstate".to_owned())
                }
                path => Ok(Self::Local(path.into())),
            };
        }
        if let Some(name) = text.strip_prefix("env:") {
            return name
                .parse()
                .map(Self::Environment)
                .map_err(|error| format!("{error}"));
        }
        if let Some(path) = text.strip_prefix("dir:") {
            return Ok(Self::Path(path.into()));
        }
        if text.contains("://") {
            return Err("the addresses are s3://BUCKET/KEY and local:PATH".to_owned());
        }
        let is_path = text.contains('/') || text.starts_with('.');
        match text.parse() {
            Ok(env) if !is_path => Ok(Self::Environment(env)),
            _ => Ok(Self::Path(text.into())),
        }
    }
}

impl MigrationPlace {
    /// Resolves a side and connects. Nothing is written.
    pub(super) async fn open(
        name: &PlaceName,
        folder_use: FolderUse,
        cx: &mut Context<'_>,
    ) -> Result<Self, CliError> {
        match name {
            PlaceName::Environment(env) => environment(env, cx).await,
            PlaceName::S3 { bucket, key } => {
                let args = TargetArgs {
                    bucket: Some(bucket.clone()),
                    key: Some(key.clone()),
                    ..TargetArgs::default()
                };
                opened(args, cx).await
            }
            PlaceName::Local(path) => Ok(local_address(&cx.host.cwd.join(path))),
            PlaceName::Path(path) => {
                let path = real(&cx.host.cwd.join(path));
                if path.is_dir() {
                    return folder(&path, folder_use, cx).await;
                }
                partial(&path, cx).await
            }
        }
    }

    pub(super) fn store(&self) -> Box<dyn StateStore + '_> {
        match &self.backend {
            PlaceBackend::S3 { target, key, .. } => Box::new(S3StateStore::new(
                target.store(),
                key.clone(),
                target.locks.mechanisms(),
                target.encryption.clone(),
            )),
            PlaceBackend::Local(store) => Box::new(store.clone()),
        }
    }

    pub(super) fn kind(&self) -> BackendKind {
        match &self.backend {
            PlaceBackend::S3 { .. } => BackendKind::S3,
            PlaceBackend::Local(_) => BackendKind::Local,
        }
    }

    /// Names it for people.
    pub(super) fn title(&self, cx: &Context<'_>) -> String {
        match &self.backend {
            PlaceBackend::S3 { target, key, .. } => target.store().url(key),
            PlaceBackend::Local(store) => shown(store.path(), cx),
        }
    }

    /// Names it with its kind, for people.
    pub(super) fn full_title(&self, cx: &Context<'_>) -> String {
        format!("{} ({})", self.title(cx), self.kind().title())
    }

    pub(super) fn location(&self) -> BackendLocation {
        BackendLocation::of(&*self.store())
    }

    /// Returns whether the states are where Terraform has them without a backend.
    pub(super) fn is_default_of(&self, dir: &Path) -> bool {
        match &self.backend {
            PlaceBackend::S3 { .. } => false,
            PlaceBackend::Local(store) => local_block(store, dir).arguments.is_empty(),
        }
    }

    /// The command that runs Terraform on it.
    pub(super) fn terraform(&self, program: &str, cx: &Context<'_>) -> String {
        match &self.backend {
            PlaceBackend::S3 { .. } if cx.global.sandbox => {
                format!("tfbackend sandbox run -- {program}")
            }
            PlaceBackend::S3 { .. } | PlaceBackend::Local(_) => program.to_owned(),
        }
    }

    /// Notes about the connection.
    pub(super) fn notes(&self) -> &[String] {
        match &self.backend {
            PlaceBackend::S3 { target, .. } => &target.notes,
            PlaceBackend::Local(_) => &[],
        }
    }

    /// The block of a configuration in `dir`.
    pub(super) async fn block(
        &self,
        dir: &Path,
        cx: &mut Context<'_>,
    ) -> Result<BackendBlock, CliError> {
        match &self.backend {
            PlaceBackend::Local(store) => Ok(local_block(store, dir)),
            PlaceBackend::S3 {
                target,
                key,
                config,
            } => {
                let config = match config {
                    Some(config) => (**config).clone(),
                    None => config_of(target, key, cx).await?,
                };
                Ok(BackendBlock {
                    label: BackendKind::S3.terraform_type(),
                    arguments: write::block_arguments(&config)
                        .map_err(|error| explain::render(&error))?,
                })
            }
        }
    }
}

/// A path, relative to the folder of this run where it is in there.
pub(super) fn shown(path: &Path, cx: &Context<'_>) -> String {
    let cwd = cx.host.cwd.canonicalize();
    let cwd = cwd.as_deref().unwrap_or(&cx.host.cwd);
    match path.strip_prefix(cwd) {
        Ok(rest) if rest.as_os_str().is_empty() => ".".to_owned(),
        Ok(rest) => rest.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

async fn opened(args: TargetArgs, cx: &mut Context<'_>) -> Result<MigrationPlace, CliError> {
    match args.open(cx).await? {
        BackendTarget::S3(target) => of_s3(*target),
        BackendTarget::Local(target) => Ok(local(LocalStore::new(
            real(target.store.path()),
            real(target.store.workspace_dir()),
        ))),
    }
}

fn of_s3(target: S3Target) -> Result<MigrationPlace, CliError> {
    let Some(key) = target.address.layout.key.clone() else {
        return Err(
            CliError::failed(format!("{} does not name a state key", target.title))
                .hint("name the state: s3://BUCKET/KEY"),
        );
    };
    if let Some(table) = &target.missing_table {
        return Err(CliError::refused(format!(
            "lock table {table} does not exist; nothing was changed"
        )));
    }
    Ok(MigrationPlace {
        backend: PlaceBackend::S3 {
            target: Box::new(target),
            key,
            config: None,
        },
        folder: None,
    })
}

async fn environment(env: &EnvName, cx: &mut Context<'_>) -> Result<MigrationPlace, CliError> {
    let args = TargetArgs {
        env: Some(env.clone()),
        ..TargetArgs::default()
    };
    let mut place = opened(args.clone(), cx).await?;
    let PlaceBackend::S3 {
        target,
        config: of_files,
        ..
    } = &mut place.backend
    else {
        return Ok(place);
    };
    let Some(args) = args.environment(cx)? else {
        return Ok(place);
    };
    let environment = args.open(cx.host, &cx.global, Prompting::Never).await?;
    let files = environment.provider.backend_config(&KnownOutputs::new());
    let config = S3BackendConfig {
        region: target.aws.region.clone(),
        kms_key_arn: key_arn(target, cx).await?,
        ..files
    };
    *of_files = Some(Box::new(S3BackendConfig {
        // As it locks, which the resources may say.
        dynamodb_table: target.address.table.clone().filter(|_| target.locks.table),
        use_lockfile: target.locks.mechanisms().file,
        ..config
    }));
    Ok(place)
}

async fn key_arn(target: &S3Target, cx: &mut Context<'_>) -> Result<Option<String>, CliError> {
    cx.until_cancelled(target.key_arn())
        .await?
        .map_err(|error| {
            let failure = CliError::failed("cannot read the key of the states").because(&error);
            explain::aws(failure, &error, None)
        })
}

/// The arguments of a backend that is not an environment.
async fn config_of(
    target: &S3Target,
    key: &str,
    cx: &mut Context<'_>,
) -> Result<S3BackendConfig, CliError> {
    let kms_key_arn = match target.encryption {
        WriteEncryption::OfS3 => None,
        // As Terraform must ask for it: with `encrypt` alone, it would ask for an S3 managed key.
        WriteEncryption::Unsaid => cx
            .until_cancelled(encryption::default_key(
                &target.aws,
                &target.address.bucket,
                &target.address.owner,
            ))
            .await?
            .map_err(|error| {
                let failure = CliError::failed("cannot read the encryption of the bucket");
                explain::aws(failure.because(&error), &error, None)
            })?,
        WriteEncryption::Kms(_) => key_arn(target, cx).await?,
    };
    let sandbox = SandboxSession::find(cx.host, &cx.global)?;
    let emulator = match (&sandbox, &cx.global.endpoint_url) {
        (Some(sandbox), _) => Some(sandbox.emulator()),
        (None, Some(url)) => Some(EmulatorEndpoint {
            endpoint: url.clone(),
            ca_file: cx.host.var("AWS_CA_BUNDLE").map(PathBuf::from),
        }),
        (None, None) => None,
    };
    Ok(S3BackendConfig {
        project: String::new(),
        env: String::new(),
        bucket: target.address.bucket.clone(),
        key: key.to_owned(),
        region: target.aws.region.clone(),
        account: target.address.owner.clone(),
        skips_account: false,
        kms_key_arn,
        dynamodb_table: target.address.table.clone(),
        use_lockfile: target.locks.mechanisms().file,
        workspace_key_prefix: target.address.layout.workspace_prefix.clone(),
        emulator,
        profile: None,
        role: None,
    })
}

fn local(store: LocalStore) -> MigrationPlace {
    MigrationPlace {
        backend: PlaceBackend::Local(store),
        folder: None,
    }
}

/// The store of a state file. Its workspaces are where Terraform has them for a file of the default
/// name, and beside any other file in a folder of their own.
fn local_address(path: &Path) -> MigrationPlace {
    let path = if path.is_dir() {
        path.join(STATE_FILE)
    } else {
        path.to_owned()
    };
    let path = real(&path);
    let workspaces = if path.file_name().is_some_and(|name| name == STATE_FILE) {
        path.with_file_name(WORKSPACE_DIR)
    } else {
        let mut name = path.clone().into_os_string();
        name.push(".d");
        name.into()
    };
    local(LocalStore::new(path, workspaces))
}

/// The path with the real folder that it is in, so that one state has one address.
fn real(path: &Path) -> PathBuf {
    let plain: PathBuf = path.components().collect();
    for folder in plain.ancestors().skip(1) {
        if let (Ok(real), Ok(rest)) = (folder.canonicalize(), plain.strip_prefix(folder)) {
            return real.join(rest);
        }
    }
    plain
}

async fn folder(
    dir: &Path,
    folder_use: FolderUse,
    cx: &mut Context<'_>,
) -> Result<MigrationPlace, CliError> {
    let dir = real(dir);
    let read = verify::read_folder(&dir, &[], cx)?;
    let in_use = (folder_use == FolderUse::InUse)
        .then(|| local_of(&read))
        .flatten();
    let mut place = match in_use {
        Some(store) => local(store),
        None => {
            // The backend of that folder, whatever environment is selected here.
            let cwd = std::mem::replace(&mut cx.host.cwd, dir.clone());
            let env = cx.host.vars.remove("TFBACKEND_ENV");
            let arguments = match folder_use {
                FolderUse::InUse => arguments_of(&read),
                FolderUse::Configured => arguments_of_files(&read),
            };
            let place = opened(arguments, cx).await;
            cx.host.cwd = cwd;
            cx.host
                .vars
                .extend(env.map(|env| ("TFBACKEND_ENV".to_owned(), env)));
            place?
        }
    };
    place.folder = Some(dir);
    Ok(place)
}

/// Names the backend of a folder by its files: given a partial configuration, what `init` recorded
/// does not count.
fn arguments_of_files(folder: &WorkingDirectory) -> TargetArgs {
    let partial: Vec<String> = folder.partial.iter().map(PartialFile::name).collect();
    TargetArgs {
        backend_config: match (&folder.saved, &partial[..]) {
            (Ok(None), _) => vec![],
            (_, []) => vec!["/dev/null".to_owned()],
            (_, [one]) => vec![one.clone()],
            (_, _) => vec![],
        },
        ..TargetArgs::default()
    }
}

/// Names the s3 backend of a folder: its configuration, but for a folder whose block was replaced
/// since `init`. That one is named by what `init` recorded.
fn arguments_of(folder: &WorkingDirectory) -> TargetArgs {
    let (Ok(Some(saved)), Some(block)) = (&folder.saved, folder.configuration.block()) else {
        return TargetArgs::default();
    };
    if block.is_s3() || !saved.is_s3() {
        return TargetArgs::default();
    }
    let text = |name: &str| Some(saved.value(name)?.as_text()?.to_owned());
    let table = text("dynamodb_table").filter(|table| !table.is_empty());
    let file = saved
        .value("use_lockfile")
        .and_then(ArgumentValue::as_bool)
        .unwrap_or_default();
    TargetArgs {
        bucket: text("bucket"),
        key: text("key"),
        region: text("region").and_then(|region| region.parse().ok()),
        workspace_key_prefix: text("workspace_key_prefix"),
        kms_key: text("kms_key_id").and_then(|key| key.parse().ok()),
        lock: match (&table, file) {
            (Some(_), true) => Some(LockMechanism::Both),
            (Some(_), false) => Some(LockMechanism::Dynamodb),
            (None, true) => Some(LockMechanism::S3),
            (None, false) => None,
        },
        table,
        ..TargetArgs::default()
    }
}

/// The local backend of a folder in use, if it has one.
fn local_of(folder: &WorkingDirectory) -> Option<LocalStore> {
    let dir = &folder.dir;
    let is_local = |kind: &ConfiguredKind| *kind == ConfiguredKind::Backend("local".to_owned());
    let of = |arguments: &[SourcedArgument]| {
        let text = |name: &str| {
            let argument = arguments.iter().find(|argument| argument.name == name)?;
            argument.value.as_text().filter(|text| !text.is_empty())
        };
        LocalStore::new(
            real(&dir.join(text("path").unwrap_or(STATE_FILE))),
            real(&dir.join(text("workspace_dir").unwrap_or(WORKSPACE_DIR))),
        )
    };
    let block = folder.configuration.block();
    match &folder.saved {
        Ok(Some(saved)) if is_local(&saved.kind) => return Some(of(&saved.arguments)),
        // A folder that was never initialised with a backend works on local states.
        Ok(None) => {
            let moved =
                LocalStore::new(real(&dir.join(STATE_FILE)), real(&dir.join(WORKSPACE_DIR)));
            if local_state(dir) || moved.has_moved() {
                return Some(moved);
            }
        }
        Ok(Some(_)) | Err(_) => {}
    }
    match block {
        // A partial configuration may complete it.
        Some(_) => None,
        None => {
            let has_backend = !folder.configuration.blocks.is_empty()
                || !folder.configuration.unreadable.is_empty()
                || !matches!(folder.saved, Ok(None));
            (!has_backend).then(|| of(&[]))
        }
    }
}

/// A partial configuration: of `local` if it has a path, else of `s3`.
async fn partial(path: &Path, cx: &mut Context<'_>) -> Result<MigrationPlace, CliError> {
    let file = PartialFile::read(path);
    let said = file.arguments.clone().map_err(|error| {
        CliError::failed(format!("cannot read {}", shown(path, cx)))
            .because(&error)
            .hint(
                "name an environment, a folder, a partial configuration, s3://BUCKET/KEY or \
                     local:PATH",
            )
    })?;
    let text = |name: &str| {
        let argument = said.iter().find(|argument| argument.name == name)?;
        argument.value.as_text()
    };
    let dir = path.parent().unwrap_or(Path::new("."));
    if let (Some(state), None) = (text("path"), text("bucket")) {
        let workspaces = text("workspace_dir").unwrap_or(WORKSPACE_DIR);
        return Ok(local(LocalStore::new(
            real(&dir.join(state)),
            real(&dir.join(workspaces)),
        )));
    }
    let args = TargetArgs {
        backend_config: vec![path.display().to_string()],
        ..TargetArgs::default()
    };
    opened(args, cx).await
}

/// Paths relative to the folder where they are in it; the defaults are not said.
fn local_block(store: &LocalStore, dir: &Path) -> BackendBlock {
    let dir = real(dir);
    let relative = |path: &Path| {
        let path = path.strip_prefix(&dir).unwrap_or(path);
        path.display().to_string()
    };
    let arguments = [
        ("path", relative(store.path()), STATE_FILE),
        (
            "workspace_dir",
            relative(store.workspace_dir()),
            WORKSPACE_DIR,
        ),
    ];
    let lines: String = arguments
        .into_iter()
        .filter(|(_, path, default)| path != default)
        .map(|(name, path, _)| format!("{name} = {}\n", hcl::quoted(&path)))
        .collect();
    BackendBlock {
        label: BackendKind::Local.terraform_type(),
        arguments: hcl::align(&lines),
    }
}

/// The address of the default workspace's state.
pub(super) fn address(store: &dyn StateStore) -> Option<String> {
    Some(store.address(&store.locate(DEFAULT_WORKSPACE).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_places() {
        let parsed = |text: &str| text.parse::<PlaceName>();
        let env = |name: &str| Ok(PlaceName::Environment(name.parse().expect("a name")));
        assert_eq!(parsed("prod"), env("prod"));
        assert_eq!(parsed("env:prod"), env("prod"));
        for path in [".", "..", "./app", "/app", "app/", "backend.conf", "a/b"] {
            assert_eq!(parsed(path), Ok(PlaceName::Path(path.into())), "{path}");
        }
        assert_eq!(parsed("dir:prod"), Ok(PlaceName::Path("prod".into())));
        assert_eq!(
            parsed("s3://acme/app/terraform.tfstate"),
            Ok(PlaceName::S3 {
                bucket: "acme".to_owned(),
                key: "app/terraform.tfstate".to_owned()
            })
        );
        assert_eq!(
            parsed("local:a/terraform.tfstate"),
            Ok(PlaceName::Local("a/terraform.tfstate".into()))
        );
        for wrong in [
            "s3://acme",
            "s3:///a",
            "s3://acme/",
            "local:",
            "gs://a/b",
            "env:",
        ] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn workspaces_of_two_states_in_one_folder_are_apart() {
        let dir = tempfile::tempdir().expect("a folder");
        let of = |name: &str| {
            let place = local_address(&dir.path().join(name));
            let PlaceBackend::Local(store) = place.backend else {
                panic!("a local store")
            };
            let name = store
                .workspace_dir()
                .file_name()
                .expect("a name")
                .to_owned();
            (
                name.to_string_lossy().into_owned(),
                local_block(&store, dir.path()).arguments,
            )
        };
        assert_eq!(of("."), ("terraform.tfstate.d".to_owned(), String::new()));
        let (name, block) = of("a.tfstate");
        assert_eq!(name, "a.tfstate.d");
        assert_eq!(
            block,
            "path          = \"a.tfstate\"\nworkspace_dir = \"a.tfstate.d\"\n"
        );
    }
}
