//! The run of a pipeline to which this process belongs, and the locks that it left.
//!
//! Lock info names a user and a host, but no run. A lock is one of this run if it names the user and
//! the host of this process, was acquired after the run started, and no process that was running then
//! still runs.

use std::{fs, time::Duration};

use jiff::Timestamp;

use crate::{
    cli::{context::Context, failure::CliError},
    host::{
        Host,
        processes::{self, EngineProcess},
    },
    state::lock::LockInfo,
    text::words,
};

/// For pipelines that do not say when a job started.
const STARTED_AT: &str = "TFBACKEND_RUN_STARTED_AT";
/// GitLab: <https://docs.gitlab.com/ci/variables/predefined_variables/>
const GITLAB: &str = "CI_JOB_STARTED_AT";
/// GitHub Actions: a file that the runner writes when a job starts, and never again.
const GITHUB: &str = "GITHUB_EVENT_PATH";
/// A cancelled process of Terraform has this time to end: it writes the state and releases its lock.
const GRACE: Duration = Duration::from_secs(30);
const INTERVAL: Duration = Duration::from_millis(500);

/// Who this run is, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ThisRun {
    /// `user@host`
    pub who: String,
    pub started: Timestamp,
}

/// How a lock relates to this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunLock {
    Ours,
    /// Of the same user and host, but from before the run, or of an unknown time.
    Earlier,
    Other,
}

impl ThisRun {
    /// # Errors
    /// If it is not known when the run started.
    pub(super) fn of(host: &Host) -> Result<Self, CliError> {
        Ok(Self {
            who: host.who.clone(),
            started: started(host)?,
        })
    }

    pub(super) fn relation(&self, info: Option<&LockInfo>) -> RunLock {
        match info {
            Some(info) if info.who == self.who => match info.created {
                Some(created) if created >= self.started => RunLock::Ours,
                Some(_) | None => RunLock::Earlier,
            },
            Some(_) | None => RunLock::Other,
        }
    }

    /// Says which locks are not released, although this machine holds them.
    pub(super) fn note_earlier(&self, ids: &[String], cx: &mut Context<'_>) {
        if let Some(first) = ids.first() {
            cx.status(&format!(
                "note: {}, too, but not since this run started at {}: {}; to release it, name it as with --id {first}",
                words::count(ids.len(), "lock is held by this user and host", "locks are held by this user and host"),
                self.started.strftime("%Y-%m-%d %H:%M:%S UTC"),
                ids.join(", "),
            ));
        }
    }
}

fn started(host: &Host) -> Result<Timestamp, CliError> {
    for name in [STARTED_AT, GITLAB] {
        if let Some(text) = host.var(name) {
            return text.trim().parse().map_err(|_| {
                CliError::refused(format!(
                    "{name} is not a time: {text}; no lock was released"
                ))
                .hint("a time with its zone is needed, such as 2026-11-30T09:15:00Z")
            });
        }
    }
    if let Some(path) = host.var(GITHUB) {
        return fs::metadata(path)
            .and_then(|file| file.modified())
            .ok()
            .and_then(|written| Timestamp::try_from(written).ok())
            .ok_or_else(|| {
                CliError::refused(format!(
                    "the file of {GITHUB} cannot be read: {path}; no lock was released"
                ))
            });
    }
    Err(CliError::refused(
        "it is not known when this run started, so its locks are unknown, too; no lock was released",
    )
    .hint("GitHub Actions and GitLab tell it; elsewhere, let the first step of the job set it:")
    .hint(format!("export {STARTED_AT}=$(date -u +%Y-%m-%dT%H:%M:%SZ)")))
}

/// Waits until no process that may hold one of the locks is running any more, at most [`GRACE`].
/// Returns whether it had to wait: then the locks may be gone.
///
/// # Errors
/// If such a process is still running.
pub(super) async fn until_ended(
    created: &[Timestamp],
    cx: &mut Context<'_>,
) -> Result<bool, CliError> {
    let waiting = wait_for_end(created, GRACE, processes::running);
    let (has_waited, still) = cx
        .busy_with("waiting until Terraform has ended", waiting)
        .await?;
    match still_running(&still) {
        Some(failure) => Err(failure),
        None => Ok(has_waited),
    }
}

fn still_running(processes: &[EngineProcess]) -> Option<CliError> {
    let first = processes.first()?;
    let names: Vec<String> = processes.iter().map(ToString::to_string).collect();
    let failure = CliError::refused(format!(
        "{} {} still running on this machine, and may hold the lock; no lock was released",
        words::list(&names),
        if processes.len() == 1 { "is" } else { "are" },
    ));
    Some(failure.hint(format!(
        "end it first: it releases its own lock when it is interrupted, as with `kill -INT {}`",
        first.pid
    )))
}

async fn wait_for_end(
    created: &[Timestamp],
    grace: Duration,
    running: impl Fn() -> Vec<EngineProcess>,
) -> (bool, Vec<EngineProcess>) {
    let may_hold = |process: &EngineProcess| created.iter().any(|lock| process.may_hold(*lock));
    let end = tokio::time::Instant::now() + grace;
    let mut has_waited = false;
    loop {
        let mut still = running();
        still.retain(may_hold);
        if still.is_empty() || tokio::time::Instant::now() >= end {
            return (has_waited, still);
        }
        has_waited = true;
        tokio::time::sleep(INTERVAL).await;
    }
}

#[cfg(test)]
mod tests;
