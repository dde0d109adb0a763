//! The results of releasing locks, for each place.

use schemars::JsonSchema;
use serde::Serialize;

use super::select::ChosenLock;
use crate::{
    backend::aws::{
        error::AwsError,
        store::{lock_release::ReleaseReport, write::ConditionalDelete},
    },
    cli::{context::Context, explain, failure::CliError, target::S3Target},
    exit,
    report::{locks::HeldLockDocument, safe::safe},
    text::words,
};

/// `lock release --output json`.
#[derive(Serialize, JsonSchema)]
pub(in crate::cli) struct LockReleaseDocument<'a> {
    released: &'a [ReleaseOutcome],
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ReleaseOutcome {
    bucket: String,
    path: String,
    workspace: String,
    id: String,
    file: ReleasedPlace,
    table: ReleasedPlace,
    /// The errors of the entries that failed or cannot be read.
    errors: Vec<String>,
    #[serde(skip)]
    causes: Vec<AwsError>,
}

/// One of the two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ReleasedPlace {
    Released,
    AlreadyGone,
    /// A later lock replaced it, and is kept.
    Later,
    /// It was not held there.
    NotHeld,
    Failed,
    Unreadable,
}

impl ReleasedPlace {
    fn words(self, place: &str) -> Option<String> {
        Some(match self {
            Self::Released => format!("{place} deleted"),
            Self::AlreadyGone => format!("{place} already deleted"),
            Self::Later => format!("{place} already deleted; the entry of a later lock is kept"),
            Self::Failed => format!("{place} could not be deleted"),
            Self::Unreadable => format!("{place} cannot be read"),
            Self::NotHeld => return None,
        })
    }
}

/// An unreadable entry is an error: it may exist.
pub(crate) fn of(chosen: ChosenLock, released: ReleaseReport) -> ReleaseOutcome {
    let ChosenLock {
        lock: _,
        document,
        unread,
    } = chosen;
    let HeldLockDocument {
        bucket,
        path,
        workspace,
        id,
        ..
    } = document;
    let ReleaseReport { file, item } = released;
    let mut causes = vec![];
    let mut half =
        |outcome: Option<Result<ConditionalDelete, AwsError>>, service: &str| match outcome {
            Some(Ok(ConditionalDelete::Done)) => ReleasedPlace::Released,
            Some(Ok(ConditionalDelete::AlreadyGone)) => ReleasedPlace::AlreadyGone,
            Some(Ok(ConditionalDelete::Changed)) => ReleasedPlace::Later,
            Some(Err(error)) => {
                causes.push(error);
                ReleasedPlace::Failed
            }
            None if unread
                .iter()
                .any(|error| error.api.operation.starts_with(service)) =>
            {
                ReleasedPlace::Unreadable
            }
            None => ReleasedPlace::NotHeld,
        };
    let (file, table) = (half(file, "s3:"), half(item, "dynamodb:"));
    causes.extend(unread);
    let errors = causes.iter().map(ToString::to_string).collect();
    ReleaseOutcome {
        bucket,
        path,
        workspace,
        id,
        file,
        table,
        errors,
        causes,
    }
}

impl ReleaseOutcome {
    fn line(&self) -> String {
        let halves: Vec<String> = [
            self.file.words("lock file"),
            self.table.words("item of the table"),
        ]
        .into_iter()
        .flatten()
        .collect();
        format!(
            "{} on s3://{}/{}: {}\n",
            safe(&self.id),
            safe(&self.bucket),
            safe(&self.path),
            words::list(&halves)
        )
    }

    fn is_whole(&self) -> bool {
        [self.file, self.table]
            .iter()
            .all(|half| !matches!(half, ReleasedPlace::Failed | ReleasedPlace::Unreadable))
    }

    fn did_anything(&self) -> bool {
        [self.file, self.table].contains(&ReleasedPlace::Released)
    }
}

/// Prints the results, and fails if some locks are not released.
pub(crate) fn answer(
    outcomes: &[ReleaseOutcome],
    target: &S3Target,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    let code = match (
        outcomes.iter().all(ReleaseOutcome::is_whole),
        outcomes.iter().any(ReleaseOutcome::did_anything),
    ) {
        (true, _) => exit::DONE,
        (false, true) => exit::PARTLY,
        (false, false) => exit::FAILED,
    };
    if cx.global.json() {
        target.answer(&LockReleaseDocument { released: outcomes }, cx)?;
        return Ok(code);
    }
    let text: String = outcomes.iter().map(ReleaseOutcome::line).collect();
    cx.output(&text)?;
    if code == exit::DONE {
        return Ok(code);
    }
    let causes: Vec<&AwsError> = outcomes
        .iter()
        .flat_map(|outcome| &outcome.causes)
        .collect();
    let failure = CliError::new(code, "not every lock is released in both places");
    let failure = causes.iter().fold(failure, |failure, error| {
        explain::aws(failure.because(*error), error, None)
    });
    Err(failure.hint("the same command releases what is left"))
}

#[cfg(test)]
mod tests;
