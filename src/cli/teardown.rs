//! `tfbackend teardown`: deletes a backend, and protects states that are in use.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{
    context::Context,
    environment::{ConnectedEnvironment, EnvironmentArgs, Prompting},
    failure::CliError,
    local,
};
use crate::{
    backend::aws::teardown::{TeardownChoices, guards::TeardownConsent},
    exit,
    kind::BackendKind,
};

mod recheck;
pub(super) mod cancel;
mod carry_out;
pub(super) mod confirm;
mod assess;
mod sharing;
pub(super) mod show;
pub(super) mod report;

use confirm::TypedName;
use sharing::SharedBucket;

/// Delete a backend: buckets with every version, table, key, policies, alarms, trail, files
#[derive(Args, Clone, Debug)]
pub struct TeardownArgs {
    #[command(flatten)]
    pub environment: EnvironmentArgs,

    #[command(flatten)]
    pub teardown: TeardownFlags,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Teardown")]
pub struct TeardownFlags {
    /// Show what would be deleted, and delete nothing
    #[arg(long)]
    pub plan: bool,

    /// Release the locks of an interrupted teardown, and delete nothing
    #[arg(long, conflicts_with_all = ["plan", "confirm"])]
    pub cancel: bool,

    /// Delete the backend although it is protected
    #[arg(long)]
    pub unprotect: bool,

    /// Delete states even if they have resources or cannot be read
    #[arg(long)]
    pub purge_states: bool,

    /// Detach the runner policy also from principals that tfbackend did not attach it to
    #[arg(long)]
    pub detach: bool,

    /// Also delete the log bucket and the KMS key of its audit logs, which are kept otherwise
    #[arg(long)]
    pub purge_logs: bool,

    /// Keep the KMS key, even if no audit logs need it
    #[arg(long)]
    pub keep_key: bool,

    /// Days until the KMS key is deleted
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(i32).range(7..=30), conflicts_with = "keep_key")]
    pub key_window: i32,

    /// States to back up before anything is deleted
    #[arg(long, value_name = "WHAT", default_value = "current")]
    pub backup: BackupMode,

    /// Folder for the backup [default: `.tfbackend` beside the files]
    #[arg(long, value_name = "DIR")]
    pub backup_dir: Option<PathBuf>,

    /// Delete without a backup
    #[arg(long, conflicts_with_all = ["backup", "backup_dir"])]
    pub no_backup: bool,

    /// Name of the state bucket (of a local backend: its folder), to confirm the teardown without a
    /// question
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
}

/// The contents of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BackupMode {
    /// The current version of every state
    Current,
    /// All versions of every state
    AllVersions,
}

impl TeardownFlags {
    fn choice(&self, sharing: &SharedBucket, logs_under_key: bool) -> TeardownChoices {
        let SharedBucket { bucket, table, .. } = sharing;
        let (bucket_of, table_of) = (bucket.clone(), table.clone());
        TeardownChoices {
            keep_key: self.keep_key,
            purge_logs: self.purge_logs,
            logs_under_key,
            bucket_of,
            table_of,
        }
    }

    fn said(&self) -> TeardownConsent {
        TeardownConsent {
            unprotect: self.unprotect,
            purge_states: self.purge_states,
            detach: self.detach,
        }
    }
}

pub(crate) async fn run(args: TeardownArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    match args.environment.kind(cx.host, &cx.global)? {
        BackendKind::S3 => of_s3(args, cx).await,
        BackendKind::Local => local::teardown::run(args, cx).await,
    }
}

async fn of_s3(args: TeardownArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let TeardownArgs {
        environment,
        teardown: options,
    } = args;
    let environment = environment
        .open(cx.host, &cx.global, Prompting::Never)
        .await?;
    if !options.plan && !options.cancel {
        confirm::must_be_possible(
            &options,
            &typed_name(&environment),
            &environment.provider.settings.common.run,
            environment.may_ask,
        )?;
    }
    let looked = assess::look(&environment, &options, cx).await?;
    if options.cancel {
        return cancel::run(&looked, &environment, cx).await;
    }
    if options.plan {
        show::answer(&looked, &environment, cx)?;
        return Ok(exit::DONE);
    }
    if looked.is_nothing() && looked.guards.is_empty() {
        report::nothing(&looked, &environment, cx)?;
        return Ok(exit::DONE);
    }
    show::show(&looked, &environment, cx);
    assess::must_not_be_guarded(&looked)?;
    carry_out::run(looked, &options, &environment, cx).await
}

fn typed_name(environment: &ConnectedEnvironment) -> TypedName<'_> {
    TypedName {
        what: "bucket",
        name: &environment.provider.names.state_bucket,
    }
}
