//! Resolves a command line to one backend, and reports contradicting sources.

use super::{
    KnownLocks, TargetArgs,
    args::environment,
    local::{self, DescribedLocal},
};
use crate::{
    backend::aws::store::write::WriteEncryption,
    cli::{
        context::Context,
        environment::{ConnectedEnvironment, EnvironmentArgs},
        failure::CliError,
        known_env,
        session::{self, ConnectionSettings, SandboxSession},
        verify,
    },
    settings::{
        layer::{EncryptionKind, LockMechanism, SettingsLayer},
        merge::SettingsSources,
        names::{AccountId, EnvName, NameError, Region},
    },
    state::layout::DEFAULT_WORKSPACE,
    terraform::{
        read::{
            ConfiguredBackend, PartialFile, SavedBackend, SourcedArgument, WorkingDirectory,
            configured::{ArgumentOrigin, NotConfigured, SourcedValue},
            saved::is_workspace,
        },
        write::hcl::quoted,
    },
    text::invisible::is_invisible,
};

/// The region of the first call if none is set: S3 returns the region of the bucket.
const ANYWHERE: &str = "us-east-1";
/// The arguments that the block of a folder and the record of `init` must share to be the same
/// backend.
const PLACE: [&str; 5] = [
    "bucket",
    "key",
    "region",
    "dynamodb_table",
    "workspace_key_prefix",
];

pub(super) enum BackendChoice {
    Environment(Box<EnvironmentArgs>),
    Described(Box<DescribedBackend>),
    /// Of kind local.
    Local(Box<DescribedLocal>),
}

/// A backend defined by arguments.
pub(super) struct DescribedBackend {
    pub configured: ConfiguredBackend,
    /// The source; `None` if the command line defines it completely.
    pub origin: Option<String>,
    /// The folder that it is the backend of.
    pub folder: Option<WorkingDirectory>,
    pub account: Option<AccountId>,
    pub locks: KnownLocks,
    pub encryption: WriteEncryption,
}

pub(super) fn of(args: &TargetArgs, cx: &Context<'_>) -> Result<BackendChoice, CliError> {
    if let Some(local) = local::of(args, cx)? {
        return Ok(BackendChoice::Local(Box::new(local)));
    }
    let variable = cx.host.var("TFBACKEND_ENV");
    if let (None, None) = (&args.env, variable)
        && let Some(env) = only_environment(args, cx)
    {
        let args = TargetArgs {
            env: Some(env),
            ..args.clone()
        };
        return environment(&args, cx)
            .map(Box::new)
            .map(BackendChoice::Environment);
    }
    match (&args.env, variable, &args.backend_config[..]) {
        (Some(_), ..) | (None, Some(_), []) => environment(args, cx)
            .map(Box::new)
            .map(BackendChoice::Environment),
        (None, Some(env), [file, ..]) => Err(contradiction(
            "backend",
            (env, "the variable TFBACKEND_ENV"),
            (file, "--backend-config"),
        )),
        (None, None, _) => described(args, cx)
            .map(Box::new)
            .map(BackendChoice::Described),
    }
}

/// The only environment of the settings file, where nothing else says which backend is meant:
/// neither the command line nor the folder.
pub(super) fn only_environment(args: &TargetArgs, cx: &Context<'_>) -> Option<EnvName> {
    let folder = verify::read_folder(&cx.host.cwd, &[], cx).ok()?;
    let has_backend =
        !folder.configuration.blocks.is_empty() || !folder.configuration.unreadable.is_empty();
    if args.bucket.is_some()
        || !args.backend_config.is_empty()
        || has_backend
        || !matches!(folder.saved, Ok(None))
    {
        return None;
    }
    let sources = SettingsSources::read(
        cx.host,
        SettingsLayer::default(),
        cx.global.config.as_deref(),
    )
    .ok()?;
    known_env::only(&sources)
}

/// The workspace that is selected: by `TF_WORKSPACE`, else in the folder.
pub(super) fn workspace(
    folder: Option<&WorkingDirectory>,
    cx: &Context<'_>,
) -> Result<String, CliError> {
    if let Some(name) = cx.host.var("TF_WORKSPACE") {
        must_be_workspace(name)?;
        return Ok(name.to_owned());
    }
    match folder.map(|folder| &folder.workspace) {
        None => Ok(DEFAULT_WORKSPACE.to_owned()),
        Some(Ok(name)) => Ok(name.clone()),
        Some(Err(unreadable)) => {
            Err(CliError::failed("the selected workspace is unknown").because(unreadable))
        }
    }
}

/// The same for an environment: a folder's selection counts where `init` chose this very state
/// there.
pub(super) fn workspace_of(
    environment: &ConnectedEnvironment,
    cx: &Context<'_>,
) -> Result<String, CliError> {
    let folder = verify::read_folder(
        &crate::cli::files::out(&environment.provider, cx.host),
        &[],
        cx,
    )
    .ok();
    let is_of_it = |folder: &WorkingDirectory| match ConfiguredBackend::of_folder(folder, &[]) {
        Ok(configured) => {
            let is_key = configured
                .key
                .is_some_and(|key| key.value == environment.provider.settings.key.as_str());
            configured.bucket.value == environment.provider.names.state_bucket && is_key
        }
        // The record of `init` is unreadable, and may be this backend.
        Err(_) => folder.saved.is_err(),
    };
    workspace(
        folder
            .as_ref()
            .filter(|folder| !matches!(folder.saved, Ok(None)) && is_of_it(folder)),
        cx,
    )
}

/// # Errors
/// If Terraform would not accept it.
pub(super) fn must_be_workspace(name: &str) -> Result<(), CliError> {
    if is_workspace(name) {
        return Ok(());
    }
    Err(CliError::failed(format!(
        "{} is not the name of a workspace",
        quoted(name)
    )))
}

/// Returns the region from the settings, variables or profile, or any region; and whether it
/// was said of the backend.
pub(super) async fn region(
    configured: &ConfiguredBackend,
    ways: &ConnectionSettings,
    sandbox: Option<&SandboxSession>,
    cx: &Context<'_>,
) -> Result<(Region, bool), CliError> {
    if let Some(said) = &configured.region {
        let wrong = |error: NameError| {
            CliError::failed(format!(
                "the region {} of {}: {error}",
                quoted(&said.value),
                shown(&said.origin, cx)
            ))
        };
        return Ok((named_region(&said.value).map_err(wrong)?, true));
    }
    let profile = match &cx.global.profile {
        Some(profile) => profile.chosen(),
        None => ways.profile.as_deref(),
    };
    let variable = ["AWS_REGION", "AWS_DEFAULT_REGION"]
        .into_iter()
        .find_map(|name| cx.host.var(name))
        .map(str::to_owned);
    let name = match variable.filter(|_| sandbox.is_none()) {
        Some(name) => Some(name),
        None => session::default_region(profile, sandbox).await,
    };
    let region = named_region(name.as_deref().unwrap_or(ANYWHERE));
    Ok((
        region.map_err(|error| {
            CliError::failed(format!(
                "the region of the credentials cannot be used: {error}"
            ))
            .hint("pass --region")
        })?,
        false,
    ))
}

/// A backend may be in a region that is newer than this program.
pub(super) fn named_region(name: &str) -> Result<Region, NameError> {
    name.parse()
        .or_else(|error| format!("any:{name}").parse().map_err(|_| error))
}

/// Returns the failure for two different values.
pub(super) fn contradiction(
    argument: &str,
    (one, by): (&str, &str),
    (other, by_other): (&str, &str),
) -> CliError {
    let (one, other) = (quoted(one), quoted(other));
    CliError::failed(format!(
        "conflicting values for {argument}: {by} says {one}, and {by_other} says {other}"
    ))
    .hint("remove the wrong one")
}

/// Returns an origin with paths relative to this folder.
pub(super) fn shown(origin: &ArgumentOrigin, cx: &Context<'_>) -> String {
    here(&origin.to_string(), cx)
}

fn here(text: &str, cx: &Context<'_>) -> String {
    let cwd = cx.host.cwd.display().to_string();
    text.replace(&format!("{cwd}/"), "")
        .replace(&cwd, "this folder")
}

fn described(args: &TargetArgs, cx: &Context<'_>) -> Result<DescribedBackend, CliError> {
    let only = [
        ("--project", args.project.is_some()),
        ("--namespace", args.namespace.is_some()),
    ];
    if let Some((flag, _)) = only.into_iter().find(|(_, said)| *said) {
        return Err(
            CliError::failed(format!("{flag} requires an environment")).hint("name it: --env NAME")
        );
    }
    let (mut configured, origin, folder) = match (&args.bucket, &args.backend_config[..]) {
        (Some(bucket), []) => (ConfiguredBackend::of_flags(bucket, None, None), None, None),
        (_, given) => found(args.bucket.as_deref(), given, cx)?,
    };
    agree(&mut configured, args, cx)?;
    must_be_plain(&configured, cx)?;
    Ok(DescribedBackend {
        locks: locks(&configured, origin.is_none(), args.lock, cx)?,
        encryption: encryption(&configured, args.encryption, cx)?,
        account: args.account.clone(),
        configured,
        origin,
        folder,
    })
}

/// The backend of named files, else of the folder.
fn found(
    bucket: Option<&str>,
    given: &[String],
    cx: &Context<'_>,
) -> Result<(ConfiguredBackend, Option<String>, Option<WorkingDirectory>), CliError> {
    let folder = verify::read_folder(&cx.host.cwd, &[], cx)?;
    let explain = |error: &NotConfigured| not_configured(error, given, cx);
    if given.is_empty() {
        let configured =
            ConfiguredBackend::of_folder(&folder, &[]).map_err(|error| explain(&error))?;
        must_be_what_was_initialized(&folder, cx)?;
        let mut origin = without_line(&shown(&configured.bucket.origin, cx));
        if let (Ok(None), [partial]) = (&folder.saved, &folder.partial[..])
            && origin != partial.name()
        {
            origin = format!("{origin}, {}", partial.name());
        }
        return Ok((configured, Some(origin), Some(folder)));
    }
    // Files alone describe a backend as well, in a folder that has none.
    let has_backend =
        !folder.configuration.blocks.is_empty() || !folder.configuration.unreadable.is_empty();
    let of = |given: &[String]| {
        if has_backend {
            ConfiguredBackend::of_folder(&folder, given)
        } else {
            ConfiguredBackend::of_files(&folder.dir, given)
        }
    };
    let configured = match (of(given), bucket) {
        (Err(NotConfigured::NoBucket { .. }), Some(bucket)) => {
            let with = [given, &[format!("bucket={bucket}")]].concat();
            of(&with).map(|it| ConfiguredBackend {
                bucket: SourcedValue {
                    value: it.bucket.value,
                    origin: ArgumentOrigin::Flag("--bucket"),
                },
                ..it
            })
        }
        (configured, _) => configured,
    };
    Ok((
        configured.map_err(|error| explain(&error))?,
        Some(given.join(", ")),
        None,
    ))
}

pub(super) fn without_line(origin: &str) -> String {
    match origin.rsplit_once(':') {
        Some((path, line)) if line.bytes().all(|byte| byte.is_ascii_digit()) => path.to_owned(),
        _ => origin.to_owned(),
    }
}

/// The block may have been edited since, or `init` had other arguments: the intended backend is
/// ambiguous.
fn must_be_what_was_initialized(
    folder: &WorkingDirectory,
    cx: &Context<'_>,
) -> Result<(), CliError> {
    let (Ok(Some(saved)), Some(block)) = (&folder.saved, folder.configuration.block()) else {
        return Ok(());
    };
    if !block.is_s3() {
        let at = ArgumentOrigin::File(block.at.clone());
        let stored = (
            format!("backend {}", quoted("s3")),
            here(&saved.path.display().to_string(), cx),
        );
        return Err(contradiction(
            "backend",
            (&block.title(), &shown(&at, cx)),
            (&stored.0, &stored.1),
        ));
    }
    let differ = differing(&block.arguments, saved);
    let [(argument, text, stored), ..] = &differ[..] else {
        return Ok(());
    };
    if folder
        .partial
        .iter()
        .any(|partial| explains(partial, &differ, saved))
    {
        return Ok(());
    }
    let (at, path) = (
        ArgumentOrigin::File(argument.at.clone()),
        saved.path.display().to_string(),
    );
    let failure = contradiction(
        &argument.name,
        (text, &shown(&at, cx)),
        (stored, &here(&path, cx)),
    );
    let init = format!("{} init -reconfigure", folder.engine.program());
    let init =
        format!("`{init}` selects the state that the block names, which is not the state in use");
    Err(failure.hint("choose one: --backend-config FILE").hint(init))
}

/// Returns the arguments that identify a state and differ from what
/// `init` stored.
fn differing<'a>(
    arguments: &'a [SourcedArgument],
    saved: &'a SavedBackend,
) -> Vec<(&'a SourcedArgument, &'a str, &'a str)> {
    let place = arguments
        .iter()
        .filter(|argument| PLACE.contains(&&*argument.name));
    let texts = place.filter_map(|argument| {
        Some((
            argument,
            argument.value.as_text()?,
            saved.value(&argument.name)?.as_text()?,
        ))
    });
    texts.filter(|(_, text, stored)| text != stored).collect()
}

/// Returns whether `init` with this partial configuration stores what it stored, over a block that
/// says
/// something else.
fn explains(
    partial: &PartialFile,
    differ: &[(&SourcedArgument, &str, &str)],
    saved: &SavedBackend,
) -> bool {
    let says = |(argument, _, stored): &(&SourcedArgument, &str, &str)| {
        let said = partial
            .said()
            .iter()
            .rfind(|said| said.name == argument.name);
        said.is_some_and(|said| said.value.as_text() == Some(*stored))
    };
    differ.iter().all(says) && differing(partial.said(), saved).is_empty()
}

/// Returns the failure with paths relative to this folder.
pub(super) fn configuration_error(error: &NotConfigured, cx: &Context<'_>) -> CliError {
    CliError::failed(here(&error.to_string(), cx))
}

fn not_configured(error: &NotConfigured, given: &[String], cx: &Context<'_>) -> CliError {
    let said = configuration_error(error, cx);
    match error {
        NotConfigured::NoBackend { .. } if given.is_empty() => {
            let sources = SettingsSources::read(
                cx.host,
                SettingsLayer::default(),
                cx.global.config.as_deref(),
            )
            .ok();
            let environment = match sources.as_ref().and_then(known_env::list) {
                Some(names) => format!("for an environment: --env with one of {names}"),
                None => "for an environment: --env NAME".to_owned(),
            };
            CliError {
                message: "no backend was given".to_owned(),
                ..said
            }
            .hint(environment)
            .hint("for a partial configuration: --backend-config FILE")
            .hint("for a bucket: --bucket NAME, with --key PATH and --table NAME if it has them")
            .hint("for a state file: --backend local --path FILE")
            .hint("or run it in a folder with a `backend` block")
        }
        NotConfigured::NoBackend { .. }
        | NotConfigured::Unreadable(_)
        | NotConfigured::Several { .. } => said,
        NotConfigured::OtherBackend { .. } | NotConfigured::StateStore { .. } => {
            said.hint("name the backend: --env NAME, --backend-config FILE, or --bucket NAME")
        }
        NotConfigured::WhichFile { .. } => {
            said.hint("choose one: --backend-config FILE (/dev/null for none)")
        }
        NotConfigured::NotPlain { .. } => said.hint(
            "values that are only known while Terraform runs must be given: --env NAME, or \
             --bucket NAME and --key PATH",
        ),
        NotConfigured::NoBucket { .. } => {
            said.hint("pass the rest: --backend-config FILE, or --bucket NAME")
        }
    }
}

/// Adds the options of the command line, which must not contradict the existing values.
fn agree(
    configured: &mut ConfiguredBackend,
    args: &TargetArgs,
    cx: &Context<'_>,
) -> Result<(), CliError> {
    let put = |there: &mut Option<SourcedValue<String>>,
               argument: &str,
               flag: &'static str,
               text: Option<&str>| match (&there, text) {
        (_, None) => Ok(()),
        (Some(said), Some(text)) if said.value == text => Ok(()),
        (Some(said), Some(text)) => Err(contradiction(
            argument,
            (&said.value, &shown(&said.origin, cx)),
            (text, flag),
        )),
        (None, Some(text)) => {
            *there = Some(SourcedValue {
                value: text.to_owned(),
                origin: ArgumentOrigin::Flag(flag),
            });
            Ok(())
        }
    };
    let mut bucket = Some(configured.bucket.clone());
    put(&mut bucket, "bucket", "--bucket", args.bucket.as_deref())?;
    put(&mut configured.key, "key", "--key", args.key.as_deref())?;
    put(
        &mut configured.dynamodb_table,
        "table",
        "--table",
        args.table.as_deref(),
    )?;
    put(
        &mut configured.region,
        "region",
        "--region",
        args.region.as_ref().map(Region::as_str),
    )?;
    let prefix = args.workspace_key_prefix.as_deref();
    put(
        &mut configured.workspace_key_prefix,
        "workspace prefix",
        "--workspace-key-prefix",
        prefix,
    )?;
    put(
        &mut configured.kms_key_id,
        "key of the states",
        "--kms-key",
        args.kms_key.as_ref().map(|key| key.as_str()),
    )
}

/// Names that can be sent to AWS, and mean nothing else on their way.
fn must_be_plain(configured: &ConfiguredBackend, cx: &Context<'_>) -> Result<(), CliError> {
    let in_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let is_bucket = |name: &str| {
        (3..=255).contains(&name.len()) && name.chars().all(in_name) && !name.contains("..")
    };
    let is_table = |name: &str| match name.strip_prefix("arn:") {
        Some(rest) => rest.rsplit_once(":table/").is_some_and(|(before, name)| {
            before.chars().all(|c| in_name(c) || c == ':')
                && !name.is_empty()
                && name.chars().all(in_name)
        }),
        None => (3..=255).contains(&name.len()) && name.chars().all(in_name),
    };
    let is_key = |key: &str| {
        !key.is_empty()
            && key.len() <= 1024
            && !key.starts_with('/')
            && !key.ends_with('/')
            && !key.chars().any(is_invisible)
    };
    let is_prefix = |prefix: &str| prefix.len() <= 1024 && !prefix.chars().any(is_invisible);
    let (key, prefix) = (
        configured.key.as_ref(),
        configured.workspace_key_prefix.as_ref(),
    );
    let wrong = [
        (
            "bucket",
            Some(&configured.bucket).filter(|said| !is_bucket(&said.value)),
        ),
        (
            "lock table",
            configured
                .dynamodb_table
                .as_ref()
                .filter(|said| !is_table(&said.value)),
        ),
        ("state key", key.filter(|said| !is_key(&said.value))),
        (
            "workspace prefix",
            prefix.filter(|said| !is_prefix(&said.value)),
        ),
    ];
    for (what, said) in wrong {
        if let Some(said) = said {
            return Err(CliError::failed(format!(
                "{} of {} is not the name of a {what}",
                quoted(&said.value),
                shown(&said.origin, cx)
            )));
        }
    }
    Ok(())
}

/// From the arguments; for a bucket alone, lock files, unless a table is named: then lock files are
/// unknown.
fn locks(
    configured: &ConfiguredBackend,
    bare: bool,
    said: Option<LockMechanism>,
    cx: &Context<'_>,
) -> Result<KnownLocks, CliError> {
    let table = configured.dynamodb_table.is_some();
    if said.is_some_and(LockMechanism::uses_table) && !table {
        return Err(
            CliError::failed("--lock requires a lock table, and none was given")
                .hint("name it: --table NAME"),
        );
    }
    let file = match (said, &configured.use_lockfile) {
        (Some(lock), Some(said)) if lock.uses_lockfile() != said.value => {
            let flag = if lock.uses_lockfile() {
                "lock files are used"
            } else {
                "no lock files are used"
            };
            return Err(contradiction(
                "lock",
                (
                    &format!("use_lockfile = {}", said.value),
                    &shown(&said.origin, cx),
                ),
                (flag, "--lock"),
            ));
        }
        (Some(lock), _) => Some(lock.uses_lockfile()),
        (None, Some(said)) => Some(said.value),
        (None, None) if bare => (!table).then_some(true),
        (None, None) => Some(false),
    };
    Ok(KnownLocks { table, file })
}

/// Without `encrypt`, Terraform sends no key, whatever `kms_key_id` says.
fn encryption(
    configured: &ConfiguredBackend,
    said: Option<EncryptionKind>,
    cx: &Context<'_>,
) -> Result<WriteEncryption, CliError> {
    let key = configured.kms_key_id.as_ref();
    let of_flag = key.is_some_and(|key| matches!(key.origin, ArgumentOrigin::Flag(_)));
    let encrypted = of_flag || configured.encrypt.as_ref().is_some_and(|said| said.value);
    match (said, key) {
        (Some(EncryptionKind::SseS3), Some(key)) if encrypted => Err(contradiction(
            "encryption",
            (&key.value, &shown(&key.origin, cx)),
            ("sse-s3", "--encryption"),
        )),
        (Some(EncryptionKind::SseS3), _) => Ok(WriteEncryption::OfS3),
        (_, Some(key)) if encrypted => Ok(WriteEncryption::Kms(key.value.clone())),
        (None, None) if encrypted => Ok(WriteEncryption::OfS3),
        (_, _) => Ok(WriteEncryption::Unsaid),
    }
}
