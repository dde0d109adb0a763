//! `tfbackend verify`: checks a backend; nothing is changed.

use crate::backend::provider::Provider;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    context::Context,
    environment::{ConnectedEnvironment, EnvironmentArgs, Prompting},
    failure::{CliError, ErrorDocument},
    global::OutputFormat,
    local,
};
use crate::{
    backend::aws::resources::AwsSpec,
    checks::{CheckResult, Severity, Verdict, accept::AcceptedFinding, files},
    engine::{
        blueprint::Blueprint,
        observation::{self, Observation, Observed},
        spec::{Address, Spec},
    },
    exit,
    host::{Host, bounded::ReadGuard},
    kind::BackendKind,
    report::{
        findings::{
            self,
            document::{ResourceDocument, VerifiedEnvironment, VerifyDocument},
        },
        json,
    },
    terraform::read::{FolderReadOptions, WorkingDirectory},
};

mod audit;
mod engine;
pub(super) mod fixes;
pub(super) mod ignore;
mod live;
mod one;
mod probe;

use one::of_environment;

/// Check a backend against every control; nothing is written unless --probe is given
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    #[command(flatten)]
    pub environment: EnvironmentArgs,

    #[command(flatten)]
    pub verify: VerifyOptions,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Verify")]
pub struct VerifyOptions {
    /// Check every environment of tfbackend.toml
    #[arg(long, conflicts_with_all = ["env", "ignore"])]
    pub all: bool,

    /// Leave out findings below this severity
    #[arg(long, value_name = "SEVERITY", default_value = "low")]
    pub min_severity: FailOn,

    /// Check states and locks as well; --usage=false checks only the resources
    #[arg(long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub usage: bool,

    /// Also read the states to check their digests and the versions that wrote them
    #[arg(long)]
    pub read_states: bool,

    /// Maximum age of a lock, such as 90m or 2h
    #[arg(long, value_name = "DURATION", default_value = "2h")]
    pub stale_after: jiff::SignedDuration,

    #[command(flatten)]
    pub probe: probe::ProbeOptions,

    /// Accept a finding by its ID, everywhere or at one address, and save that in tfbackend.toml
    #[arg(long, value_name = "ID[@ADDRESS]", requires = "reason")]
    pub ignore: Vec<String>,

    /// Reason for accepting it
    #[arg(long, value_name = "TEXT", requires = "ignore")]
    pub reason: Option<String>,

    /// Last day on which it is accepted, such as 2027-01-31
    #[arg(long, value_name = "DAY", requires = "ignore")]
    pub until: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl From<FailOn> for Severity {
    fn from(least: FailOn) -> Self {
        match least {
            FailOn::Info => Self::Info,
            FailOn::Low => Self::Low,
            FailOn::Medium => Self::Medium,
            FailOn::High => Self::High,
            FailOn::Critical => Self::Critical,
        }
    }
}

pub(crate) async fn run(args: VerifyArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let options = args.verify;
    if let (false, Some(bucket)) = (
        args.environment.is_named(cx.host),
        args.environment.layer.bucket.clone(),
    ) {
        return audit::run(args.environment, &options, bucket, cx).await;
    }
    if options.all {
        return all(args.environment, &options, cx).await;
    }
    let document = of_args(args.environment, &options, cx).await?;
    answer(&document, cx)
}

/// Verifies the environments one after the other; fails if any fails. One that cannot be verified
/// does not stop the others.
async fn all(
    args: EnvironmentArgs,
    options: &VerifyOptions,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    if cx.global.is_report() {
        return Err(
            CliError::failed("this --output format supports only one environment")
                .hint("run it for each environment: --env NAME"),
        );
    }
    let mut each = vec![];
    for env in args.known(cx.host, &cx.global)? {
        let one = EnvironmentArgs {
            env: Some(env.clone()),
            ..args.clone()
        };
        match of_args(one, options, cx).await {
            Err(failure) if failure.code == exit::INTERRUPTED || cx.host.cancel.is_cancelled() => {
                return Err(failure);
            }
            verified => each.push((env, verified)),
        }
    }
    if each.is_empty() {
        return Err(
            CliError::failed("there is no environment in tfbackend.toml")
                .hint("`tfbackend config init` adds one"),
        );
    }
    let has_failed = each.iter().any(|(_, verified)| verified.is_err());
    let passed = each
        .iter()
        .all(|(_, verified)| verified.as_ref().is_ok_and(|document| document.passed));
    if cx.global.json() {
        let mut all = AllDocument {
            passed,
            environments: vec![],
            errors: vec![],
        };
        for (env, verified) in each {
            match verified {
                Ok(document) => all.environments.push(document),
                Err(failure) => all.errors.push(NotVerified {
                    env: env.to_string(),
                    error: failure.document().error,
                }),
            }
        }
        json::write_document(&mut *cx.host.out, &all)
            .map_err(|error| CliError::failed("cannot write the output").because(&error))?;
    } else {
        for (env, verified) in &each {
            match verified {
                Ok(document) => {
                    answer(document, cx)?;
                }
                Err(failure) => {
                    let text = failure.text(&cx.global.out_view(cx.host));
                    cx.output(&format!("Environment {env} cannot be verified.\n{text}"))?;
                }
            }
            cx.output("\n")?;
        }
    }
    Ok(match (has_failed, passed) {
        (true, _) => exit::FAILED,
        (false, true) => exit::DONE,
        (false, false) => exit::CHANGES,
    })
}

/// `verify --all --output json`.
#[derive(Serialize, JsonSchema)]
pub(in crate::cli) struct AllDocument {
    /// True if all of them were verified and passed.
    passed: bool,
    environments: Vec<VerifyDocument>,
    /// Environments that could not be verified, with errors.
    errors: Vec<NotVerified>,
}

#[derive(Serialize, JsonSchema)]
struct NotVerified {
    env: String,
    /// The failure, as for a failed command.
    error: ErrorDocument,
}

async fn of_args(
    args: EnvironmentArgs,
    options: &VerifyOptions,
    cx: &mut Context<'_>,
) -> Result<VerifyDocument, CliError> {
    match args.kind(cx.host, &cx.global)? {
        BackendKind::S3 => of_s3(args, options, cx).await,
        BackendKind::Local => local::verify::document(args, options, cx).await,
    }
}

async fn of_s3(
    args: EnvironmentArgs,
    options: &VerifyOptions,
    cx: &mut Context<'_>,
) -> Result<VerifyDocument, CliError> {
    let resolved = args.resolve(cx.host, &cx.global, Prompting::Never).await?;
    let mut accepted = resolved
        .sources
        .file
        .as_ref()
        .map(|file| file.accepted(Some(&resolved.settings.common.env)))
        .unwrap_or_default();
    let asked = ignore::asked(options)?;
    let file = resolved.sources.file.clone();
    let environment = resolved.connect(cx.host, &cx.global).await?;
    ignore::keep(
        asked,
        &mut accepted,
        Some(environment.name()),
        file.as_ref(),
        cx,
    )?;
    of_environment(environment, &accepted, options, cx).await
}

fn now(cx: &Context<'_>) -> jiff::Timestamp {
    jiff::Timestamp::try_from(cx.host.now).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

/// The folder that the files go to, if it is one of Terraform's.
async fn of_files(
    environment: &ConnectedEnvironment,
    observation: &Observation<AwsSpec>,
    cx: &mut Context<'_>,
) -> Result<Vec<CheckResult>, CliError> {
    let (dir, conf) = (
        crate::cli::files::out(&environment.provider, cx.host),
        environment
            .provider
            .settings
            .common
            .files
            .conf_file
            .for_env(&environment.provider.settings.common.env),
    );
    if !dir.is_dir() {
        return Ok(vec![]);
    }
    // Not a name that Terraform reads; without the file there is nothing to check.
    let conf: Vec<PathBuf> = [PathBuf::from(conf)]
        .into_iter()
        .filter(|conf| dir.join(conf).exists())
        .collect();
    let mut folder = read_folder(&dir, &conf, cx)?;
    engine::add_installed(&mut folder, &cx.host.vars).await;
    let backend = environment
        .provider
        .backend_config(&observation::outputs(observation));
    let key_said = environment.merged.is_said("key");
    Ok(named_from(
        &cx.host.cwd,
        files::check(&folder, Some(&backend), key_said),
    ))
}

/// The file that points Terraform at it, if it is there.
fn tf_file(environment: &ConnectedEnvironment, cx: &Context<'_>) -> Option<String> {
    let path = crate::cli::files::out(&environment.provider, cx.host).join(
        environment
            .provider
            .settings
            .common
            .files
            .tf_file
            .for_env(&environment.provider.settings.common.env),
    );
    path.exists().then(|| {
        path.strip_prefix(&cx.host.cwd)
            .unwrap_or(&path)
            .display()
            .to_string()
    })
}

/// Paths relative to this folder.
fn named_from(cwd: &Path, checked: Vec<CheckResult>) -> Vec<CheckResult> {
    let prefix = format!("{}/", cwd.display());
    let short = |text: &mut String| *text = text.replace(&prefix, "");
    checked
        .into_iter()
        .map(|mut one| {
            one.place.name.iter_mut().for_each(short);
            match &mut one.verdict {
                Verdict::Holds | Verdict::Untold { .. } | Verdict::FailsWith { .. } => {}
                Verdict::Fails { found, remediation } => {
                    [found, remediation].into_iter().for_each(short)
                }
                Verdict::Unreadable { error } => short(error),
            }
            one
        })
        .collect()
}

/// Reads the Terraform files of a folder.
pub(super) fn read_folder(
    dir: &Path,
    partial: &[PathBuf],
    cx: &Context<'_>,
) -> Result<WorkingDirectory, CliError> {
    read_folder_of(dir, partial, cx.host)
}

pub(super) fn read_folder_of(
    dir: &Path,
    partial: &[PathBuf],
    host: &Host,
) -> Result<WorkingDirectory, CliError> {
    let data_dir = host.var("TF_DATA_DIR").map(Path::new);
    let _reading = ReadGuard::begin();
    let look = FolderReadOptions {
        engine: None,
        data_dir,
        partial,
    };
    WorkingDirectory::read(dir, &look).map_err(|error| {
        CliError::failed(format!("cannot read the folder {}", dir.display())).because(&error)
    })
}

pub(super) fn document(
    about: VerifiedEnvironment,
    checked: &[CheckResult],
    accepted: &[AcceptedFinding],
    least: Severity,
    cx: &Context<'_>,
) -> VerifyDocument {
    let at = now(cx).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let today = at.split('T').next().unwrap_or_default().to_owned();
    let mut document = VerifyDocument::of(about, at, checked, accepted, &today, least);
    let expired = accepted
        .iter()
        .filter(|acceptance| acceptance.expired(&today));
    document.notes.extend(expired.map(|one| {
        format!(
            "{} was accepted until {}",
            one.id,
            one.until.as_deref().unwrap_or_default()
        )
    }));
    document
}

/// Returns the parent resources with their dependencies.
pub(super) fn resources<S: Spec>(
    blueprint: &Blueprint<S>,
    observation: &Observation<S>,
) -> Vec<ResourceDocument> {
    let whole = |address: &Address| address.parent().unwrap_or_else(|| address.clone());
    let wholes = blueprint
        .nodes()
        .iter()
        .filter(|node| node.address.parent().is_none());
    wholes
        .map(|node| {
            let of_it = blueprint
                .nodes()
                .iter()
                .filter(|other| whole(&other.address) == node.address);
            let needs: BTreeSet<String> = of_it
                .flat_map(|other| &other.needs)
                .map(whole)
                .filter(|need| *need != node.address)
                .map(|need| need.to_string())
                .collect();
            ResourceDocument {
                address: node.address.to_string(),
                title: node.spec.title(),
                needs: needs.into_iter().collect(),
                present: matches!(
                    observation.get(&node.address),
                    Some(Observed::Present { .. })
                ),
            }
        })
        .collect()
}

fn answer(document: &VerifyDocument, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let view = cx.global.out_view(cx.host);
    match cx.global.output {
        OutputFormat::Text => cx.output(&findings::text::text(document, &view))?,
        OutputFormat::Json => {
            json::write_document(&mut *cx.host.out, document)
                .map_err(|error| CliError::failed("cannot write the output").because(&error))?;
        }
        OutputFormat::Sarif => cx.output(&findings::sarif::sarif(document))?,
        OutputFormat::Junit => cx.output(&findings::junit::junit(document))?,
        OutputFormat::Markdown => cx.output(&findings::markdown::markdown(document))?,
        OutputFormat::Html => cx.output(&findings::html::html(document))?,
    }
    Ok(if document.passed {
        exit::DONE
    } else {
        exit::CHANGES
    })
}
