//! Trying again: for what passes, and not for ever.

use std::cell::Cell;

use super::*;
use crate::backend::aws::error::{ApiOperation, ServiceErrorKind};

fn error(code: &str) -> AwsError {
    AwsError {
        code: Some(code.into()),
        kind: ServiceErrorKind::Refused,
        ..AwsError::nonsense(ApiOperation::new("s3:PutBucketPolicy"), "acme", "because")
    }
}

/// The result, and how many calls it took, of a call that answers these codes before it succeeds.
async fn after(
    patience: Duration,
    not_yet: &[&str],
    codes: &[&str],
) -> (Result<(), AwsError>, usize) {
    let calls = Cell::new(0);
    let result = settle_within(patience, not_yet, || {
        let answer = codes
            .get(calls.get())
            .map_or(Ok(()), |code| Err(error(code)));
        calls.set(calls.get() + 1);
        std::future::ready(answer)
    })
    .await;
    (result, calls.get())
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    for code in BUSY.iter().chain(THROTTLED_BY_SNS) {
        let (result, calls) = after(PATIENCE, &[], &[code]).await;
        assert!(result.is_ok() && calls == 2, "{code}");
    }
    let (result, calls) = after(
        PATIENCE,
        &["NotThereYet"],
        &["NotThereYet", "OperationAborted"],
    )
    .await;
    assert!(result.is_ok() && calls == 3);
}

#[tokio::test]
async fn what_does_not_is_an_error_at_once() {
    for code in [
        "AccessDenied",
        "NotThereYet",
        "NoSuchBucket",
        "InternalError",
    ] {
        let (result, calls) = after(PATIENCE, &["Other"], &[code]).await;
        assert!(result.unwrap_err().is(&[code]) && calls == 1, "{code}");
    }
}

#[tokio::test]
async fn patience_has_an_end() {
    let started = Instant::now();
    let (result, calls) = after(Duration::from_millis(250), &[], &["OperationAborted"; 99]).await;
    assert!(
        result.unwrap_err().is(&["OperationAborted"]),
        "the last answer is the error"
    );
    assert!((2..10).contains(&calls), "{calls}");
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(
        after(Duration::ZERO, &[], &["OperationAborted"; 9]).await.1,
        1
    );
}

/// S3, IAM and KMS in their own words.
#[test]
fn somebody_who_was_just_made_is_waited_for_but_not_for_long() {
    let refused = |code: &str, message: &str| AwsError {
        message: Some(message.into()),
        ..error(code)
    };
    for (code, message, is_waited_for) in [
        ("MalformedPolicy", "Invalid principal in policy", true),
        (
            "MalformedPolicyDocument",
            "Invalid principal in policy: \"AWS\":\"arn:aws:iam::1:role/r\"",
            true,
        ),
        (
            "MalformedPolicyDocumentException",
            "Policy contains a statement with one or more invalid principals.",
            true,
        ),
        ("MalformedPolicy", "Policy has invalid action", false),
        ("AccessDenied", "no such principal", false),
    ] {
        let error = refused(code, message);
        let after = |elapsed| is_worth_it(&error, &[], elapsed);
        assert_eq!(
            after(Duration::from_secs(20)),
            is_waited_for,
            "{code}: {message}"
        );
        assert!(!after(SEEN_BY_IAM), "{code}: {message}");
    }
    assert!(
        is_worth_it(&error("OperationAborted"), &[], SEEN_BY_IAM),
        "what is busy is waited for longer"
    );
}

/// DynamoDB in its own words; a message of the caller's own permissions is waited for no longer
/// than a policy.
#[test]
fn a_new_key_that_dynamodb_does_not_see_yet_is_waited_for() {
    let unseen = "One or more parameter values were invalid: KMS validation error: Key \
                  'arn:aws:kms:…' does not exist";
    for (operation, code, message, soon, later) in [
        (
            "dynamodb:CreateTable",
            "ValidationException",
            unseen,
            true,
            true,
        ),
        (
            "dynamodb:UpdateTable",
            "ValidationException",
            unseen,
            true,
            true,
        ),
        (
            "dynamodb:CreateTable",
            "ValidationException",
            "KMS validation error: Error Code: NotFoundException",
            true,
            true,
        ),
        (
            "dynamodb:CreateTable",
            "AccessDeniedException",
            "KMS key access denied error: AWSKMSException",
            true,
            false,
        ),
        (
            "dynamodb:CreateTable",
            "ValidationException",
            "Invalid KeySchema",
            false,
            false,
        ),
        // It stays disabled.
        (
            "dynamodb:UpdateTable",
            "ValidationException",
            "KMS validation error: arn:aws:kms:… is disabled",
            false,
            false,
        ),
        // Not KMS's words, but names.
        (
            "dynamodb:UpdateTable",
            "ValidationException",
            "Table KMS locks does not exist",
            false,
            false,
        ),
        (
            "dynamodb:CreateTable",
            "AccessDeniedException",
            "User: arn:aws:iam::1:user/KMS is not authorized to perform: dynamodb:CreateTable on \
             resource: arn:aws:dynamodb:::table/KMS",
            false,
            false,
        ),
        (
            "dynamodb:CreateTable",
            "AccessDeniedException",
            "User is not authorized to perform: dynamodb:CreateTable",
            false,
            false,
        ),
        (
            "cloudtrail:CreateTrail",
            "ValidationException",
            unseen,
            false,
            false,
        ),
    ] {
        let error = AwsError {
            api: ApiOperation::new(operation),
            message: Some(message.into()),
            ..error(code)
        };
        let after = |elapsed| is_worth_it(&error, &[], elapsed);
        assert_eq!(
            (after(Duration::ZERO), after(SEEN_BY_IAM)),
            (soon, later),
            "{operation} {code}: {message}"
        );
    }
}

#[tokio::test]
async fn a_wait_ends_by_the_clock() {
    let mut waiting = WaitLimit::with_pauses_up_to(Duration::from_millis(700), FIRST_PAUSE);
    let mut looks = 1;
    while waiting.again().await {
        looks += 1;
    }
    assert!(
        (4..=8).contains(&looks),
        "{looks} looks, with pauses of 0.1 to 0.2 s in 0.7 s"
    );
    assert!(
        waiting.elapsed() < Duration::from_secs(5),
        "{:?}",
        waiting.elapsed()
    );
    let before = waiting.elapsed();
    assert!(
        !waiting.again().await && waiting.elapsed() < before + FIRST_PAUSE / 2,
        "no pause after the end"
    );
}

/// A denial at the beginning of an attempt that took minutes is retried once.
#[tokio::test]
async fn a_wait_begins_with_the_first_try_that_was_in_vain() {
    let patience = Duration::from_millis(250);
    let mut waiting = WaitLimit::at_most(patience);
    tokio::time::sleep(patience * 2).await;
    assert!(
        waiting.elapsed() == Duration::ZERO && waiting.again().await,
        "the first try took longer than the patience"
    );
    tokio::time::sleep(patience).await;
    assert!(
        !waiting.again().await,
        "and the second one longer than what is left"
    );
}

#[tokio::test]
async fn a_wait_that_is_cancelled_ends_at_once() {
    let cancel = CancellationToken::new();
    let mut waiting = WaitLimit::at_most(PATIENCE).until_cancelled(&cancel);
    waiting.pauses.next = PATIENCE;
    let started = Instant::now();
    let (goes_on, ()) = tokio::join!(waiting.again(), async { cancel.cancel() });
    assert!(!goes_on && waiting.is_cancelled() && !waiting.again().await);
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn pauses_grow_up_to_the_longest_and_are_never_the_same() {
    let mut pauses = Backoff::default();
    let (mut taken, mut longest) = (vec![], FIRST_PAUSE);
    for _ in 0..20 {
        let pause = pauses.next();
        assert!(
            pause >= longest / 2 && pause <= longest,
            "{pause:?} of {longest:?}"
        );
        longest = (longest * 2).min(LONGEST_PAUSE);
        taken.push(pause);
    }
    assert_eq!(pauses.next, LONGEST_PAUSE);
    taken.dedup();
    assert!(taken.len() > 10, "of a random length: {taken:?}");
}
