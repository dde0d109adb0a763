//! The emulator's process: started so that it outlives us, known by a lock that it holds, ended
//! by signals.
//!
//! A process id alone says nothing once the process is gone, for it may be another's by then. So
//! the emulator inherits an open, locked file as its standard input: the lock is held for exactly
//! as long as it lives, however it ends.

use std::{
    fs::TryLockError,
    path::Path,
    time::{Duration, Instant},
};

use super::{
    error::{SandboxError, at},
    files,
};

/// Returns whether the lock is held.
pub(super) fn runs(lock: &Path) -> Result<bool, SandboxError> {
    if !lock.exists() {
        return Ok(false);
    }
    // Shared, so that two who look at once do not see each other.
    match files::open_lock(lock)?.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(at(lock)(error)),
    }
}

/// Waits until the lock is free; returns false if that takes longer than `patience`.
pub(super) async fn ends(lock: &Path, patience: Duration) -> Result<bool, SandboxError> {
    let until = Instant::now() + patience;
    while runs(lock)? {
        if Instant::now() > until {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(true)
}

#[cfg(unix)]
mod unix {
    use std::{
        fs::OpenOptions,
        os::unix::{fs::OpenOptionsExt, process::CommandExt},
        process::{Child, Command, Stdio},
    };

    use rustix::process::{Pid, Signal, kill_process_group};

    use super::{Duration, Path, SandboxError, TryLockError, at, files};

    /// Starts `command` in its own process group, with the locked file as its standard input.
    pub(in super::super) async fn spawn(
        mut command: Command,
        lock: &Path,
        log: &Path,
    ) -> Result<Child, SandboxError> {
        let held = files::open_lock(lock)?;
        // One who looks holds the lock for a moment too.
        for attempt in 0.. {
            match held.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if attempt < 50 => {
                    tokio::time::sleep(Duration::from_millis(20)).await
                }
                Err(error) => return Err(at(lock)(error.into())),
            }
        }
        let log_file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(log)
            .map_err(at(log))?;
        let errors = log_file.try_clone().map_err(at(log))?;
        command
            .stdin(Stdio::from(held))
            .stdout(log_file)
            .stderr(errors)
            .process_group(0);
        command.spawn().map_err(at(command.get_program()))
    }

    /// Asks to end, or ends at once with `force`. A process that is gone already is success.
    pub(in super::super) fn signal(pid: u32, force: bool) -> Result<(), SandboxError> {
        let group = i32::try_from(pid)
            .ok()
            .and_then(Pid::from_raw)
            .ok_or(SandboxError::WillNotEnd { pid })?;
        let signal = if force { Signal::KILL } else { Signal::TERM };
        match kill_process_group(group, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(_) => Err(SandboxError::WillNotEnd { pid }),
        }
    }
}

#[cfg(not(unix))]
mod unix {
    use std::process::{Child, Command};

    use super::{Path, SandboxError};

    pub(in super::super) async fn spawn(
        _: Command,
        _: &Path,
        _: &Path,
    ) -> Result<Child, SandboxError> {
        Err(SandboxError::Unsupported)
    }

    pub(in super::super) fn signal(_: u32, _: bool) -> Result<(), SandboxError> {
        Err(SandboxError::Unsupported)
    }
}

pub(super) use unix::{signal, spawn};

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn runs_for_as_long_as_the_process_lives() {
        let dir = tempfile::tempdir().expect("a directory");
        let (lock, log) = (dir.path().join("lock"), dir.path().join("log"));
        assert!(!runs(&lock).expect("no file"));

        let mut sleep = Command::new("sleep");
        sleep.arg("60");
        let mut child = spawn(sleep, &lock, &log).await.expect("started");
        assert!(runs(&lock).expect("held"));
        assert!(
            !ends(&lock, Duration::from_millis(50))
                .await
                .expect("looked")
        );

        signal(child.id(), true).expect("ended");
        assert!(ends(&lock, Duration::from_secs(5)).await.expect("looked"));
        child.wait().expect("reaped");
        signal(child.id(), true).expect("gone already");
    }
}
