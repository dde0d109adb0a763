//! The locks that Terraform acquired in this run of a pipeline, as its log says.
//!
//! Lock info names no run, and user and host are the same in many runs: the runners of a service
//! share one image. Only the log of a run has the IDs of its locks. A lock is left over once no
//! process has the log open, which Terraform keeps open until its end.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::Instant;

use super::release::id_words;
use crate::{
    cli::{context::Context, failure::CliError},
    host::{
        Host, bounded,
        open_files::{self, FileUser},
    },
    terraform::log,
    text::words,
};

/// <https://developer.hashicorp.com/terraform/internals/debugging>
const LOG_PATH: &str = "TF_LOG_PATH";
/// The first that is set counts.
const LEVELS: [&str; 2] = ["TF_LOG", "TF_LOG_CORE"];
/// Levels at which the IDs of locks are written.
const WRITTEN: [&str; 4] = ["INFO", "DEBUG", "TRACE", "JSON"];
/// A cancelled process of Terraform has this time to end: it writes the state and releases its lock.
const GRACE: Duration = Duration::from_secs(30);
const INTERVAL: Duration = Duration::from_millis(500);

/// Returns the IDs of the locks that Terraform acquired in this run, after it has ended.
///
/// # Errors
/// If there is no log that says so, or Terraform does not end.
pub(super) async fn lock_ids(cx: &mut Context<'_>) -> Result<BTreeSet<String>, CliError> {
    let path = log_path(cx.host)?;
    let waiting = closed_log(&path, GRACE, |path| open_files::users_of(path, is_engine));
    let read = cx
        .busy_with("waiting until Terraform has ended", waiting)
        .await?;
    let (ids, users) = match read {
        Ok(read) => read,
        Err(error) if bounded::is_absent(&error) => {
            cx.status(&format!(
                "note: there is no log of Terraform at {}",
                path.display()
            ));
            return Ok(BTreeSet::new());
        }
        Err(error) => {
            let failure = CliError::failed(format!(
                "cannot read the log of Terraform at {}; no lock was released",
                path.display()
            ));
            return Err(failure.because(&error));
        }
    };
    match users {
        Ok(users) => still_running(&users).map_or(Ok(ids), Err),
        Err(_) if ids.is_empty() => Ok(ids),
        Err(error) => Err(untold(&ids, &error)),
    }
}

fn log_path(host: &Host) -> Result<PathBuf, CliError> {
    let level = LEVELS.iter().find_map(|name| host.var(name));
    let is_written = level.is_some_and(|level| {
        WRITTEN
            .iter()
            .any(|known| level.eq_ignore_ascii_case(known))
    });
    match host.var(LOG_PATH) {
        Some(path) if is_written => Ok(host.cwd.join(path)),
        _ => Err(CliError::refused(
            "it is not known which locks this run acquired; no lock was released",
        )
        .hint(
            "the log of Terraform 1.6 or later says it: set TF_LOG_CORE=INFO and TF_LOG_PATH=FILE, an \
             absolute path, for all steps of the job",
        )),
    }
}

/// What a log says, and which processes have it open. First read, then looked at: a process that
/// wrote what was read, and does not have it open, has ended.
type ReadLog = (BTreeSet<String>, io::Result<Vec<FileUser>>);

async fn closed_log(
    path: &Path,
    grace: Duration,
    users_of: impl Fn(&Path) -> io::Result<Vec<FileUser>>,
) -> io::Result<ReadLog> {
    let end = Instant::now() + grace;
    loop {
        let ids = log::lock_ids(bounded::open(path)?)?;
        let users = users_of(path);
        if Instant::now() >= end || users.as_ref().map_or(true, Vec::is_empty) {
            return Ok((ids, users));
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Returns whether a process of another user, whose files are not shown, may be Terraform.
fn is_engine(name: &str) -> bool {
    ["terraform", "tofu"]
        .iter()
        .any(|engine| name.contains(engine))
}

fn still_running(users: &[FileUser]) -> Option<CliError> {
    let first = users.first()?;
    let names: Vec<String> = users.iter().map(ToString::to_string).collect();
    let failure = CliError::refused(format!(
        "{} {} the log of Terraform open, and may hold the lock; no lock was released",
        words::list(&names),
        if users.len() == 1 { "has" } else { "have" },
    ));
    Some(failure.hint(format!(
        "end it first: Terraform releases its own lock when it is interrupted, as with `kill -INT {}`",
        first.pid
    )))
}

/// The system does not say who has the log open.
fn untold(ids: &BTreeSet<String>, error: &io::Error) -> CliError {
    let ids: Vec<String> = ids.iter().map(|id| id_words(id)).collect();
    CliError::refused(
        "whether Terraform has ended cannot be told on this system; no lock was released",
    )
    .because(error)
    .hint(format!(
        "if it has ended, name the locks of this run: tfbackend lock release {} --auto-approve",
        ids.join(" ")
    ))
}

#[cfg(test)]
mod tests;
