//! Checks of an existing KMS key: tfbackend reads it and never changes it.

use super::catalogue as rule;
use crate::{
    backend::aws::{
        AwsProvider,
        blueprint::KEY,
        key::{get_policy, rotation},
        policy::{Effect, PolicyDocument, openings::openings},
    },
    checks::{Check, CheckResult, CheckedPlace, Verdict},
};

/// Checks rotation, access to the key and its minimum deletion window.
pub(crate) async fn checks(aws: &AwsProvider, arn: &str) -> Vec<CheckResult> {
    let request = aws.clients.kms.get_key_rotation_status().key_id(arn).send();
    let (policy, rotation) =
        tokio::join!(get_policy(aws, arn), aws.read(rotation::GET, arn, request));
    let at = |check: &'static Check, verdict: Verdict| {
        CheckResult::new(check, CheckedPlace::at(&KEY, Some(arn.to_owned())), verdict)
    };
    let rotated = match rotation {
        Ok(answer) if answer.key_rotation_enabled() => Verdict::Holds,
        Ok(_) => fails(
            "rotation is disabled",
            &format!("aws kms enable-key-rotation --key-id {arn}"),
        ),
        Err(error) => Verdict::Unreadable {
            error: error.to_string(),
        },
    };
    let mut checked = vec![at(&rule::KEY_ROTATION, rotated)];
    match policy {
        Ok(policy) => checked.extend([
            at(&rule::KEY_OPEN, opened(&policy, aws.account())),
            at(&rule::KEY_DELETION_WINDOW, window(&policy)),
        ]),
        Err(error) => checked.push(at(
            &rule::KEY_OPEN,
            Verdict::Unreadable {
                error: error.to_string(),
            },
        )),
    }
    checked
}

fn fails(found: &str, remediation: &str) -> Verdict {
    Verdict::Fails {
        found: found.to_owned(),
        remediation: remediation.to_owned(),
    }
}

fn opened(policy: &PolicyDocument, account: &str) -> Verdict {
    match &openings(policy, account)[..] {
        [] => Verdict::Holds,
        openings => fails(
            &openings.join("; "),
            "remove the statement, or restrict it to the required principals with a condition",
        ),
    }
}

/// Checks that a statement denies scheduling the deletion, in any form.
fn window(policy: &PolicyDocument) -> Verdict {
    let denies = policy.statements.iter().any(|statement| {
        let action = statement
            .rest
            .get("Action")
            .map(ToString::to_string)
            .unwrap_or_default()
            .to_lowercase();
        statement.effect == Effect::Deny
            && [
                "kms:scheduledeletion",
                "kms:schedulekeydeletion",
                "kms:schedule*",
                "kms:*",
            ]
            .iter()
            .any(|name| action.contains(name))
    });
    if denies {
        return Verdict::Holds;
    }
    let remediation = "deny kms:ScheduleKeyDeletion for all principals if \
                kms:ScheduleKeyDeletionPendingWindowInDays is less than 30";
    fails(
        "a principal that can delete the key can set a waiting period of only 7 days",
        remediation,
    )
}

#[cfg(test)]
mod tests;
