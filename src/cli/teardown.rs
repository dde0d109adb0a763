//! `tfbackend teardown`: takes a backend down, and loses no state that somebody needs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{
    context::Context,
    environment::{EnvironmentArgs, Prompting},
    failure::CliError,
};
use crate::{
    backend::aws::teardown::{TeardownChoices, guards::TeardownConsent},
    exit,
    settings::names::BucketName,
};

mod again;
mod cancel;
mod carry_out;
mod confirm;
mod look;
mod sharing;
mod show;
mod told;

use sharing::SharedBucket;

/// Take a backend down: buckets with every version, table, key, policies, alarms, trail, files
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
    /// Look and count, and delete nothing
    #[arg(long)]
    pub plan: bool,

    /// Let everybody work again after a teardown that was cut off, and delete nothing
    #[arg(long, conflicts_with_all = ["plan", "confirm"])]
    pub cancel: bool,

    /// Take it down although it is protected
    #[arg(long)]
    pub unprotect: bool,

    /// Delete states although they have resources, or cannot be read
    #[arg(long)]
    pub purge_states: bool,

    /// Take the policy away from those whom tfbackend did not give it to
    #[arg(long)]
    pub detach: bool,

    /// Delete the log bucket too, which is kept otherwise, and with it the KMS key of its audit
    /// logs
    #[arg(long)]
    pub purge_logs: bool,

    /// Keep the KMS key, also where no audit logs need it
    #[arg(long)]
    pub keep_key: bool,

    /// Days until the KMS key is deleted
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(i32).range(7..=30), conflicts_with = "keep_key")]
    pub key_window: i32,

    /// What to back up before anything is deleted
    #[arg(long, value_name = "WHAT", default_value = "current")]
    pub backup: BackupMode,

    /// Folder for the backup [default: `.tfbackend` beside the files]
    #[arg(long, value_name = "DIR")]
    pub backup_dir: Option<PathBuf>,

    /// Delete without a backup
    #[arg(long, conflicts_with_all = ["backup", "backup_dir"])]
    pub no_backup: bool,

    /// Name of the state bucket, for a run that nobody is asked in
    #[arg(long, value_name = "BUCKET")]
    pub confirm: Option<BucketName>,
}

/// What a backup holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BackupMode {
    /// Every state as it is
    Current,
    /// And every version that it had
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

pub async fn run(args: TeardownArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let TeardownArgs {
        environment,
        teardown: options,
    } = args;
    let environment = environment
        .open(cx.host, &cx.global, Prompting::Nobody)
        .await?;
    if !options.plan && !options.cancel {
        confirm::must_be_possible(&options, &environment)?;
    }
    let looked = look::look(&environment, &options, cx).await?;
    if options.cancel {
        return cancel::run(&looked, &environment, cx).await;
    }
    if options.plan {
        show::answer(&looked, &environment, cx)?;
        return Ok(exit::DONE);
    }
    if looked.is_nothing() && looked.guards.is_empty() {
        told::nothing(&looked, &environment, cx)?;
        return Ok(exit::DONE);
    }
    show::show(&looked, &environment, cx);
    look::must_not_be_guarded(&looked)?;
    carry_out::run(looked, &options, &environment, cx).await
}
