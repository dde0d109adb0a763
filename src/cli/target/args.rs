//! What names a backend on a command line, and what names it again.

use std::path::PathBuf;

use clap::{
    Args, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};

use crate::{
    cli::{context::Context, environment::EnvironmentArgs, failure::CliError},
    kind::BackendKind,
    settings::{
        layer::{EncryptionKind, LockMechanism, SettingsLayer, TableNamespace},
        names::{
            AccountId, EnvName, ExternalId, KeyArn, NameError, ProjectName, Region, RoleArn,
            StateFolder,
        },
    },
    state::layout::normalized,
    terraform::write::hcl::quoted,
    text::shell::shell_word,
};

/// The options that select a backend. Without any, the backend of the current folder.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Backend")]
pub struct TargetArgs {
    /// Environment that tfbackend made, with its settings
    #[arg(long, short, value_name = "NAME", conflicts_with = "backend_config")]
    pub env: Option<EnvName>,

    /// Allow an environment that is not in tfbackend.toml, although the file has others
    #[arg(long)]
    pub new_env: bool,

    /// Backend kind [default: as the folder says, else s3]
    #[arg(long, value_name = "KIND", value_parser = kinds())]
    pub backend: Option<BackendKind>,

    /// State file of the default workspace, for kind local
    #[arg(long = "path", value_name = "FILE")]
    pub state_file: Option<PathBuf>,

    /// Folder of the other workspaces, for kind local
    #[arg(long, value_name = "DIR")]
    pub workspace_dir: Option<PathBuf>,

    /// Partial configuration, as for `terraform init`; a later one overrides earlier ones
    #[arg(long, value_name = "FILE", value_parser = file)]
    pub backend_config: Vec<String>,

    /// Bucket of the states
    #[arg(long, value_name = "NAME")]
    pub bucket: Option<String>,

    /// State key (path of the default workspace's state in the bucket)
    #[arg(long, value_name = "PATH", value_parser = in_nfc)]
    pub key: Option<String>,

    /// Lock table
    #[arg(long, value_name = "NAME")]
    pub table: Option<String>,

    /// AWS region of bucket and table
    #[arg(long, value_name = "REGION")]
    pub region: Option<Region>,

    /// Path prefix of the states of other workspaces
    #[arg(long, value_name = "PREFIX", value_parser = in_nfc)]
    pub workspace_key_prefix: Option<String>,

    /// Account that must own the bucket; for an environment, the credentials must belong to it as
    /// well
    #[arg(long, value_name = "ID")]
    pub account: Option<AccountId>,

    /// IAM role to assume for all calls
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<RoleArn>,

    /// External ID that the trust policy of `--role-arn` requires
    #[arg(long, value_name = "ID", requires = "role_arn")]
    pub external_id: Option<ExternalId>,

    /// State locking mechanism
    #[arg(long, value_name = "MECHANISM")]
    pub lock: Option<LockMechanism>,

    /// KMS key that states are expected to be encrypted with (full key ARN)
    #[arg(long, value_name = "ARN", conflicts_with = "encryption")]
    pub kms_key: Option<KeyArn>,

    /// Expected encryption of states
    #[arg(long, value_name = "KIND")]
    pub encryption: Option<EncryptionKind>,

    /// Folder of the states of an environment of kind local
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<StateFolder>,

    /// Project that an environment belongs to
    #[arg(long, value_name = "NAME")]
    pub project: Option<ProjectName>,

    /// Namespace of an environment's bucket
    #[arg(long, value_name = "NAMESPACE")]
    pub namespace: Option<TableNamespace>,
}

impl TargetArgs {
    /// The first option that only a backend of kind s3 has.
    pub(super) fn of_s3(&self) -> Option<&'static str> {
        let Self {
            env: _,
            new_env: _,
            backend: _,
            state_dir: _,
            state_file: _,
            workspace_dir: _,
            backend_config: _,
            bucket,
            key,
            table,
            region,
            workspace_key_prefix,
            account,
            role_arn,
            external_id,
            lock,
            kms_key,
            encryption,
            project,
            namespace,
        } = self;
        let said = [
            ("--bucket", bucket.is_some()),
            ("--key", key.is_some()),
            ("--table", table.is_some()),
            ("--region", region.is_some()),
            ("--workspace-key-prefix", workspace_key_prefix.is_some()),
            ("--account", account.is_some()),
            ("--role-arn", role_arn.is_some()),
            ("--external-id", external_id.is_some()),
            ("--lock", lock.is_some()),
            ("--kms-key", kms_key.is_some()),
            ("--encryption", encryption.is_some()),
            ("--project", project.is_some()),
            ("--namespace", namespace.is_some()),
        ];
        said.into_iter()
            .find_map(|(flag, is_said)| is_said.then_some(flag))
    }

    pub(super) fn words(&self, env: Option<&EnvName>, cx: &Context<'_>) -> String {
        let Self {
            env: _,
            backend_config,
            bucket,
            key,
            table,
            region,
            workspace_key_prefix,
            ..
        } = self;
        let mut said: Vec<(&str, String)> = vec![];
        said.extend(env.map(|env| ("env", env.to_string())));
        said.extend(
            self.backend
                .map(|kind| ("backend", kind.as_str().to_owned())),
        );
        let paths = [
            ("path", &self.state_file),
            ("workspace-dir", &self.workspace_dir),
        ];
        said.extend(
            paths
                .into_iter()
                .filter_map(|(name, path)| Some((name, path.as_ref()?.display().to_string()))),
        );
        said.extend(
            backend_config
                .iter()
                .map(|file| ("backend-config", file.clone())),
        );
        let texts = [
            ("bucket", bucket),
            ("key", key),
            ("table", table),
            ("workspace-key-prefix", workspace_key_prefix),
        ];
        said.extend(
            texts
                .into_iter()
                .filter_map(|(name, text)| Some((name, text.clone()?))),
        );
        said.extend(
            region
                .clone()
                .map(|region| ("region", String::from(region))),
        );
        said.extend(
            self.account
                .as_ref()
                .map(|account| ("account", account.to_string())),
        );
        said.extend(
            self.role_arn
                .as_ref()
                .map(|role| ("role-arn", role.to_string())),
        );
        said.extend(
            self.external_id
                .as_ref()
                .map(|id| ("external-id", id.to_string())),
        );
        said.extend(
            self.lock
                .and_then(|lock| Some(("lock", lock.to_possible_value()?.get_name().to_owned()))),
        );
        said.extend(
            self.kms_key
                .as_ref()
                .map(|key| ("kms-key", key.to_string())),
        );
        said.extend(self.encryption.and_then(|kind| {
            Some((
                "encryption",
                kind.to_possible_value()?.get_name().to_owned(),
            ))
        }));
        said.extend(
            self.state_dir
                .as_ref()
                .map(|dir| ("state-dir", dir.to_string())),
        );
        said.extend(
            self.project
                .as_ref()
                .map(|project| ("project", project.to_string())),
        );
        said.extend(self.namespace.and_then(|space| {
            Some((
                "namespace",
                space.to_possible_value()?.get_name().to_owned(),
            ))
        }));
        let word = |(name, text): (&str, String)| {
            let sign = if text.starts_with('-') { '=' } else { ' ' };
            format!(" --{name}{sign}{}", shell_word(&text))
        };
        said.into_iter().map(word).collect::<String>() + &cx.global.words()
    }
}

/// Returns the options of the command line as settings.
pub(super) fn environment(
    args: &TargetArgs,
    cx: &Context<'_>,
) -> Result<EnvironmentArgs, CliError> {
    let layer = SettingsLayer {
        backend: args.backend,
        state_dir: args.state_dir.clone(),
        project: args.project.clone(),
        region: args.region.clone(),
        account: args.account.clone(),
        profile: cx.global.profile.clone(),
        role_arn: args.role_arn.clone(),
        external_id: args.external_id.clone(),
        bucket: parsed("--bucket", args.bucket.as_ref())?,
        table: parsed("--table", args.table.as_ref())?,
        key: parsed("--key", args.key.as_ref())?,
        workspace_key_prefix: parsed("--workspace-key-prefix", args.workspace_key_prefix.as_ref())?,
        lock: args.lock,
        kms_key: args.kms_key.clone(),
        encryption: args.encryption,
        namespace: args.namespace,
        ..SettingsLayer::default()
    };
    let env = match (&args.env, cx.host.var("TFBACKEND_ENV")) {
        (Some(env), _) => Some(env.clone()),
        (None, Some(name)) => Some(name.parse().map_err(|error: NameError| {
            CliError::failed(format!("variable TFBACKEND_ENV: {error}"))
        })?),
        (None, None) => None,
    };
    Ok(EnvironmentArgs {
        env,
        new_env: args.new_env,
        layer,
    })
}

fn parsed<T: std::str::FromStr<Err = NameError>>(
    flag: &str,
    text: Option<&String>,
) -> Result<Option<T>, CliError> {
    text.map(|text| {
        text.parse()
            .map_err(|error| CliError::failed(format!("{flag} {}: {error}", quoted(text))))
    })
    .transpose()
}

fn kinds() -> impl TypedValueParser<Value = BackendKind> {
    PossibleValuesParser::new(BackendKind::ALL.iter().map(|kind| kind.as_str()))
        .try_map(|text| text.parse())
}

/// As Terraform takes it. An object of another name is named by its path.
fn in_nfc(text: &str) -> Result<String, std::convert::Infallible> {
    Ok(normalized(text))
}

/// The other form of Terraform's flag would show a credential again in every hint.
fn file(text: &str) -> Result<String, &'static str> {
    if text.contains('=') {
        Err("must be a file; single values have their own flags, such as --bucket and --key")
    } else {
        Ok(text.to_owned())
    }
}
