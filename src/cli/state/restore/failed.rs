//! The failure of an incomplete restore or repair: the current situation, and how to continue.

use crate::{
    backend::aws::{
        error::AwsError,
        store::{
            lock_acquire::NotTaken,
            restore::{RestoreError, RestoreErrorKind},
            scan::LiveLock,
        },
    },
    cli::{explain, failure::CliError, target::BackendTarget},
    exit,
    text::shell::shell_word,
};

pub fn failure(failed: RestoreError, path: &str, target: &BackendTarget) -> CliError {
    let RestoreError {
        why,
        written,
        kept,
        left,
    } = failed;
    let mut failure = match (&why, written) {
        (RestoreErrorKind::NotLocked(error), _) => not_locked(error, path, target),
        (RestoreErrorKind::Interrupted, _) => {
            CliError::interrupted("interrupted; the state was not changed")
        }
        (RestoreErrorKind::Changed, false) => CliError::refused(format!(
            "{path} or its digest was changed meanwhile; nothing was changed"
        ))
        .hint("run the same command again: it reads the current state"),
        (RestoreErrorKind::NotReleased, _) => CliError::partly(format!(
            "{path} is correct, but its lock could not be released"
        )),
        (why, true) => because(
            CliError::partly(format!(
                "{path} was written, but its digest or lock was not updated"
            )),
            why,
        )
        .hint("run the same command again to continue"),
        (why, false) => because(
            CliError::failed(format!("{path} could not be written; it was not changed")),
            why,
        ),
    };
    if let Some((id, errors)) = left {
        failure = errors
            .iter()
            .fold(failure, |failure, error| failure.because(error));
        failure.code = if failure.code == exit::INTERRUPTED {
            failure.code
        } else {
            exit::PARTLY
        };
        failure = failure.hint(format!(
            "its lock is still held: `{}`, or `terraform force-unlock {id}`",
            release(&id, target)
        ));
    }
    match kept {
        Some(kept) if written => {
            failure.hint(format!("the previous state is saved in {}", kept.display()))
        }
        Some(_) | None => failure,
    }
}

fn because(failure: CliError, why: &RestoreErrorKind) -> CliError {
    match why {
        RestoreErrorKind::Failed(error) => explain::aws(failure.because(error), error, None),
        why => failure.because(why),
    }
}

/// Returns the failure if the state is locked or cannot be locked; the state is unchanged.
pub fn not_locked(error: &NotTaken, path: &str, target: &BackendTarget) -> CliError {
    match error {
        NotTaken::Held { by, left } => held(by, left, path, target),
        NotTaken::Failed { error, left } => {
            let failure =
                CliError::refused(format!("{path} could not be locked; nothing was changed"))
                    .because(error);
            left.iter()
                .fold(explain::aws(failure, error, None), |failure, error| {
                    failure.because(error)
                })
        }
    }
}

/// Returns the failure that names the holder of the lock.
pub fn held(by: &LiveLock, left: &[AwsError], path: &str, target: &BackendTarget) -> CliError {
    let Some(info) = by.info() else {
        return CliError::refused(format!("{path} is locked; nothing was changed"))
            .hint("wait until it is released");
    };
    let since = info
        .created
        .map_or_else(String::new, |since| format!(" since {since}"));
    let failure = CliError::refused(format!(
        "{path} is locked by {} ({}){since}; nothing was changed",
        info.who, info.operation
    ));
    let failure = failure.hint(format!(
        "wait until it is released; if its run has ended: `{}`",
        release(&info.id, target)
    ));
    left.iter()
        .fold(failure, |failure, error| failure.because(error))
}

/// Returns the command that releases a lock.
pub fn release(id: &str, target: &BackendTarget) -> String {
    format!(
        "tfbackend lock release --id {}{}",
        shell_word(id),
        target.words
    )
}
