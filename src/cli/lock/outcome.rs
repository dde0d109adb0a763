//! What became of locks that were to be released, in each place.

use serde::Serialize;

use super::chosen::Chosen;
use crate::{
    backend::aws::{
        error::AwsError,
        store::{release::Released, write::Deleted},
    },
    cli::{context::Context, explain, failure::Failure, target::Target},
    exit,
    report::{locks::LockDocument, safe::safe},
    text::words,
};

/// `lock release --output json`.
#[derive(Serialize)]
struct Document<'a> {
    released: &'a [Outcome],
}

#[derive(Debug, Serialize)]
pub struct Outcome {
    bucket: String,
    path: String,
    workspace: String,
    id: String,
    file: Half,
    table: Half,
    /// Of the halves that failed or could not be looked at.
    errors: Vec<String>,
    #[serde(skip)]
    causes: Vec<AwsError>,
}

/// One of the two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Half {
    Released,
    AlreadyGone,
    /// A later lock has taken its place, and stays.
    Later,
    /// It was not held there.
    NotHeld,
    Failed,
    Unreadable,
}

impl Half {
    fn words(self, place: &str) -> Option<String> {
        Some(match self {
            Self::Released => format!("{place} deleted"),
            Self::AlreadyGone => format!("{place} was gone already"),
            Self::Later => format!("{place} was gone already, and that of a later lock stays"),
            Self::Failed => format!("{place} could not be deleted"),
            Self::Unreadable => format!("{place} could not be looked at"),
            Self::NotHeld => return None,
        })
    }
}

/// What is not known of one half is an error of the whole: it may be there.
pub fn of(chosen: Chosen, released: Released) -> Outcome {
    let Chosen {
        lock: _,
        document,
        unread,
    } = chosen;
    let LockDocument {
        bucket,
        path,
        workspace,
        id,
        ..
    } = document;
    let Released { file, item } = released;
    let mut causes = vec![];
    let mut half = |outcome: Option<Result<Deleted, AwsError>>, service: &str| match outcome {
        Some(Ok(Deleted::Done)) => Half::Released,
        Some(Ok(Deleted::AlreadyGone)) => Half::AlreadyGone,
        Some(Ok(Deleted::Changed)) => Half::Later,
        Some(Err(error)) => {
            causes.push(error);
            Half::Failed
        }
        None if unread
            .iter()
            .any(|error| error.api.operation.starts_with(service)) =>
        {
            Half::Unreadable
        }
        None => Half::NotHeld,
    };
    let (file, table) = (half(file, "s3:"), half(item, "dynamodb:"));
    causes.extend(unread);
    let errors = causes.iter().map(ToString::to_string).collect();
    Outcome {
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

impl Outcome {
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
            .all(|half| !matches!(half, Half::Failed | Half::Unreadable))
    }

    fn did_anything(&self) -> bool {
        [self.file, self.table].contains(&Half::Released)
    }
}

/// Says it, and how it ended: partly, if some are released and others are not.
pub fn answer(outcomes: &[Outcome], target: &Target, cx: &mut Context<'_>) -> Result<u8, Failure> {
    let code = match (
        outcomes.iter().all(Outcome::is_whole),
        outcomes.iter().any(Outcome::did_anything),
    ) {
        (true, _) => exit::DONE,
        (false, true) => exit::PARTLY,
        (false, false) => exit::FAILED,
    };
    if cx.global.json() {
        target.answer(&Document { released: outcomes }, cx)?;
        return Ok(code);
    }
    let text: String = outcomes.iter().map(Outcome::line).collect();
    cx.answer(&text)?;
    if code == exit::DONE {
        return Ok(code);
    }
    let causes: Vec<&AwsError> = outcomes
        .iter()
        .flat_map(|outcome| &outcome.causes)
        .collect();
    let failure = Failure::new(code, "not every lock is released in both places");
    let failure = causes.iter().fold(failure, |failure, error| {
        explain::aws(failure.because(*error), error, None)
    });
    Err(failure.hint("the same command releases what is left"))
}

#[cfg(test)]
mod tests;
