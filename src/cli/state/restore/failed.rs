//! The failure of an incomplete restore or repair: the current situation, and how to continue.

use crate::{
    backend::aws::{
        error::AwsError,
        store::{
            lock_acquire::AcquireError,
            restore::{RestoreError, RestoreErrorKind},
            scan::LiveLock,
        },
    },
    cli::{
        explain,
        failure::CliError,
        lock,
        target::{BackendTarget, S3Target},
    },
    exit,
    store::{
        restore::{RestoreFailure, RestoreFailureKind},
        state_store::{StateLockError, StoredLock},
    },
    text::shell::shell_word,
};

pub(crate) fn failure(failed: RestoreError, path: &str, target: &S3Target) -> CliError {
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
pub(crate) fn not_locked(error: &AcquireError, path: &str, target: &S3Target) -> CliError {
    match error {
        AcquireError::Held { by, left } => held(by, left, path, target),
        AcquireError::Failed { error, left } => {
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
pub(crate) fn held(by: &LiveLock, left: &[AwsError], path: &str, target: &S3Target) -> CliError {
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
pub(crate) fn release(id: &str, target: &S3Target) -> String {
    format!(
        "tfbackend lock release --id {}{}",
        shell_word(id),
        target.words
    )
}

/// The same for a restore that is the same for every kind.
pub(crate) fn of_any(failure: RestoreFailure, path: &str, target: &BackendTarget) -> CliError {
    let RestoreFailure {
        why,
        written,
        kept,
        left,
    } = failure;
    let mut failure = match (&why, written) {
        (RestoreFailureKind::NotLocked(error), _) => not_locked_by(error, path, target),
        (RestoreFailureKind::Interrupted, _) => {
            CliError::interrupted("interrupted; the state was not changed")
        }
        (RestoreFailureKind::Changed, false) => {
            CliError::refused(format!("{path} was changed meanwhile; nothing was changed"))
                .hint("run the same command again: it reads the current state")
        }
        (RestoreFailureKind::NotReleased, _) => CliError::partly(format!(
            "{path} is correct, but its lock could not be released"
        )),
        (why, true) => of_store(
            CliError::partly(format!("{path} was written, but may be incomplete")),
            why,
        )
        .hint("run the same command again to continue"),
        (why, false) => of_store(
            CliError::failed(format!("{path} could not be written; it was not changed")),
            why,
        ),
    };
    if let Some((id, error)) = left {
        failure = explain::store(failure, &error);
        if failure.code != exit::INTERRUPTED {
            failure.code = exit::PARTLY;
        }
        failure = failure.hint(format!(
            "its lock is still held: `tfbackend lock release {}{}`, or `terraform force-unlock \
             {id}`",
            lock::id_words(&id),
            target.words()
        ));
    }
    match kept {
        Some(kept) if written => {
            failure.hint(format!("the previous state is saved in {}", kept.display()))
        }
        Some(_) | None => failure,
    }
}

fn of_store(failure: CliError, why: &RestoreFailureKind) -> CliError {
    match why {
        RestoreFailureKind::Failed(error) => explain::store(failure, error),
        why => failure.because(why),
    }
}

fn not_locked_by(error: &StateLockError, path: &str, target: &BackendTarget) -> CliError {
    match error {
        StateLockError::Held(holder) => held_by(holder.as_deref(), path, target),
        StateLockError::Store(error) => explain::store(
            CliError::refused(format!("{path} could not be locked; nothing was changed")),
            error,
        ),
    }
}

fn held_by(holder: Option<&StoredLock>, path: &str, target: &BackendTarget) -> CliError {
    let info = holder.and_then(|holder| holder.info.as_ref().ok());
    let Some(info) = info else {
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
    if target.states().capabilities().release {
        return failure.hint(format!(
            "wait until it is released; if its run has ended: `tfbackend lock release {}{}`",
            lock::id_words(&info.id),
            target.words()
        ));
    }
    let places = holder.map_or(&[][..], |holder| &holder.places);
    failure.hint(format!(
        "wait until its run ends, or end that process: {}",
        places.first().map_or("unknown", String::as_str)
    ))
}
