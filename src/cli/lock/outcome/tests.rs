//! Each half in words, and how it ends: what is not known to be released is not said to be.

use super::*;
use crate::{
    backend::aws::{
        error::{ApiOperation, ServiceErrorKind},
        store::scan::{LiveLock, LockPlace as Seen},
    },
    report::locks::HeldIn,
    state::layout::{LocatedObject, ObjectKind as What},
};

fn chosen(unread: Vec<AwsError>) -> ChosenLock {
    let located = LocatedObject {
        kind: What::State,
        path: "a".to_owned(),
        key: "a".to_owned(),
        workspace: "default".to_owned(),
    };
    let document = HeldLockDocument {
        bucket: "states".to_owned(),
        path: "a\u{1b}[2J".to_owned(),
        key: "a".to_owned(),
        workspace: "default".to_owned(),
        held_in: vec![HeldIn::File],
        missing: None,
        id: "one\n".to_owned(),
        operation: None,
        who: None,
        version: None,
        info: None,
        since: None,
        age_seconds: None,
        error: None,
    };
    ChosenLock {
        lock: LiveLock {
            located,
            item: Seen::Unknown,
            file: Seen::Unknown,
        },
        document,
        unread,
    }
}

fn denied(operation: &'static str) -> AwsError {
    AwsError {
        kind: ServiceErrorKind::Denied,
        ..AwsError::nonsense(ApiOperation::new(operation), "x", "no")
    }
}

#[test]
fn both_halves_of_each() {
    let said = |file: Option<Result<ConditionalDelete, AwsError>>,
                item: Option<Result<ConditionalDelete, AwsError>>,
                unread: Vec<AwsError>| {
        let outcome = of(chosen(unread), ReleaseReport { file, item });
        let line = outcome.line();
        let (_, line) = line.trim_end().split_once(": ").expect("a line");
        format!(
            "{line} (whole {}, errors {})",
            outcome.is_whole(),
            outcome.errors.len()
        )
    };
    let cases = [
        said(
            Some(Ok(ConditionalDelete::Done)),
            Some(Ok(ConditionalDelete::Done)),
            vec![],
        ),
        said(Some(Ok(ConditionalDelete::Done)), None, vec![]),
        said(
            Some(Ok(ConditionalDelete::AlreadyGone)),
            Some(Ok(ConditionalDelete::Changed)),
            vec![],
        ),
        said(
            Some(Ok(ConditionalDelete::Done)),
            Some(Err(denied("dynamodb:DeleteItem"))),
            vec![],
        ),
        said(
            Some(Ok(ConditionalDelete::Done)),
            None,
            vec![denied("dynamodb:GetItem")],
        ),
        said(
            None,
            Some(Ok(ConditionalDelete::Done)),
            vec![denied("s3:GetObject")],
        ),
    ];
    insta::assert_snapshot!(cases.join("\n"), @"
    lock file deleted and item of the table deleted (whole true, errors 0)
    lock file deleted (whole true, errors 0)
    lock file already deleted and item of the table already deleted; the entry of a later lock is kept (whole true, errors 0)
    lock file deleted and item of the table could not be deleted (whole false, errors 1)
    lock file deleted and item of the table cannot be read (whole false, errors 1)
    lock file cannot be read and item of the table deleted (whole false, errors 1)
    ");
    let line = of(chosen(vec![]), ReleaseReport::default()).line();
    assert!(
        line.starts_with(r"one\n on s3://states/a\u{1b}[2J: "),
        "{line}"
    );
}
