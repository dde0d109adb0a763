//! Checks of what is not part of the blueprint, read concurrently: account settings, alarms of
//! others, principals that have the policy.

use super::{alarms, catalogue as rule};
use crate::{
    backend::aws::{
        AwsProvider,
        access::{self, RunnerPolicy},
        alarm::{self, Alarm},
        error::{ApiOperation, AwsError, found},
        trail::management::{self, ManagementEvents},
    },
    checks::{Check, CheckResult, CheckedPlace, Verdict},
};

const ACCOUNT_BLOCK: ApiOperation =
    ApiOperation::allowed_by("s3:GetPublicAccessBlock", "s3:GetAccountPublicAccessBlock");
const NO_BLOCK: &[&str] = &["NoSuchPublicAccessBlockConfiguration"];

/// The resources to survey.
pub(crate) struct SurveyScope<'a> {
    pub bucket: &'a str,
    pub table: Option<&'a str>,
    /// Names of the alarms that the blueprint has already.
    pub own_alarms: Vec<&'a str>,
    /// The policy for Terraform runs, if any.
    pub policy: Option<&'a RunnerPolicy>,
}

pub(crate) async fn checks(aws: &AwsProvider, about: &SurveyScope<'_>) -> Vec<CheckResult> {
    let account = CheckedPlace::named(format!("account {}", aws.account()));
    let (block, trails, alarms, used) = tokio::join!(
        public_access(aws),
        management::is_recorded(aws),
        alarm::list(aws),
        access::attached_to_anybody(aws, about.policy)
    );
    let mut checked = vec![
        CheckResult::new(&rule::ACCOUNT_PUBLIC_ACCESS, account.clone(), of(block)),
        CheckResult::new(&rule::ACCOUNT_TRAIL, account.clone(), recorded(trails)),
    ];
    match alarms {
        Ok(alarms) => {
            let others: Vec<Alarm> = alarms
                .into_iter()
                .filter(|alarm| !about.own_alarms.contains(&&*alarm.name))
                .collect();
            // Reported even if there are no other alarms: that is not the same as unreadable ones.
            checked.push(CheckResult::new(
                &rule::ALARM_FIRES,
                account,
                Verdict::Holds,
            ));
            let arn = |alarm: &Alarm| {
                aws.arn("cloudwatch", &aws.region, &format!("alarm:{}", alarm.name))
            };
            checked.extend(alarms::checks(&others, about.bucket, about.table, &arn));
        }
        Err(error) => checked.push(unreadable(&rule::ALARM_FIRES, account, &error)),
    }
    if let Some(policy) = about.policy {
        let unattached = "it is not attached to any principal that these credentials can read";
        let remediation = "attach it with `tfbackend bootstrap --attach-to role/NAME` or in your \
                           own configuration";
        let verdict = match used {
            Ok(true) => Verdict::Holds,
            Ok(false) => Verdict::Fails {
                found: unattached.to_owned(),
                remediation: remediation.to_owned(),
            },
            Err(error) => Verdict::Unreadable {
                error: error.to_string(),
            },
        };
        checked.push(CheckResult::new(
            &rule::RUNNER_USED,
            CheckedPlace::named(policy.arn(aws)),
            verdict,
        ));
    }
    checked
}

/// `Ok(None)` if the check passes, else the finding and its fix.
type SurveyAnswer = Result<Option<(String, &'static str)>, AwsError>;

fn of(answer: SurveyAnswer) -> Verdict {
    match answer {
        Ok(None) => Verdict::Holds,
        Ok(Some((found, remediation))) => Verdict::Fails {
            found,
            remediation: remediation.to_owned(),
        },
        Err(error) => Verdict::Unreadable {
            error: error.to_string(),
        },
    }
}

fn unreadable(check: &'static Check, place: CheckedPlace, error: &AwsError) -> CheckResult {
    CheckResult::new(
        check,
        place,
        Verdict::Unreadable {
            error: error.to_string(),
        },
    )
}

/// Checks the Block Public Access settings of the account. tfbackend never changes them, because
/// they affect all buckets.
async fn public_access(aws: &AwsProvider) -> SurveyAnswer {
    const REMEDIATION: &str =
        "`aws s3control put-public-access-block`, if nothing in the account needs to be public";
    let request = aws
        .clients
        .s3control
        .get_public_access_block()
        .account_id(aws.account());
    let answer = found(
        aws.read(ACCOUNT_BLOCK, "the account", request.send()).await,
        NO_BLOCK,
    )?;
    let Some(block) = answer.and_then(|answer| answer.public_access_block_configuration) else {
        return Ok(Some((
            "no Block Public Access settings for the account".to_owned(),
            REMEDIATION,
        )));
    };
    let off: Vec<&str> = [
        ("BlockPublicAcls", block.block_public_acls),
        ("IgnorePublicAcls", block.ignore_public_acls),
        ("BlockPublicPolicy", block.block_public_policy),
        ("RestrictPublicBuckets", block.restrict_public_buckets),
    ]
    .into_iter()
    .filter(|(_, on)| *on != Some(true))
    .map(|(name, _)| name)
    .collect();
    Ok((!off.is_empty()).then(|| (format!("{} off", off.join(", ")), REMEDIATION)))
}

fn recorded(answer: Result<ManagementEvents, AwsError>) -> Verdict {
    match answer {
        Ok(ManagementEvents::Yes) => Verdict::Holds,
        Ok(ManagementEvents::No) => Verdict::Fails {
            found: "no trail that these credentials can read records them".to_owned(),
            remediation: "create a trail for the account or the organization; the first copy of \
                   management events is free"
                .to_owned(),
        },
        Ok(ManagementEvents::Untold(arn)) => Verdict::Untold {
            why: format!(
                "what {arn}, an organization trail, records cannot be determined from this account"
            ),
        },
        Err(error) => Verdict::Unreadable {
            error: error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests;
