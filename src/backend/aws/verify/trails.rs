//! Checks of existing trails for the states, and of what they record: a selector that matches
//! nothing is accepted without an error.

use aws_sdk_cloudtrail::types::Trail;
use futures_util::{StreamExt, stream};

use super::catalogue as rule;
use crate::{
    backend::aws::{
        AwsProvider,
        error::{ApiOperation, AwsError, found},
        trail::{
            ABSENT,
            existing::{self, ExistingTrail},
            logging,
            selectors::{self, AdvancedSelector},
        },
    },
    checks::{Check, CheckResult, CheckedPlace, Verdict},
};

const DESCRIBE: ApiOperation = ApiOperation::new("cloudtrail:DescribeTrails");
const TRAILS_AT_ONCE: usize = 8;

/// A trail whose selectors name the bucket.
struct RecordingTrail {
    arn: String,
    /// The values of its selectors that name the bucket.
    values: Vec<String>,
    /// True if they cover every read and write of every object.
    whole: bool,
    logging: bool,
    validation: bool,
    encrypted: bool,
}

/// Checks every trail that records the bucket, regardless of its owner.
pub(crate) async fn checks(aws: &AwsProvider, bucket: &str) -> Vec<CheckResult> {
    let trails = match aws
        .read(
            DESCRIBE,
            "the trails of the account",
            aws.clients.cloudtrail.describe_trails().send(),
        )
        .await
    {
        Ok(answer) => answer.trail_list.unwrap_or_default(),
        // Already reported for the account.
        Err(_) => return vec![],
    };
    let objects = format!("arn:{}:s3:::{bucket}/", aws.caller.partition);
    let mut looked = stream::iter(trails)
        .map(|trail| look(aws, trail, &objects))
        .buffered(TRAILS_AT_ONCE);
    let mut checked = vec![];
    while let Some((arn, answer)) = looked.next().await {
        match answer {
            Ok(None) => {}
            Ok(Some(recorder)) => checked.extend(verdicts(&recorder)),
            Err(error) => {
                checked.push(CheckResult::new(
                    &rule::TRAIL_SELECTORS,
                    CheckedPlace::named(arn),
                    Verdict::Unreadable {
                        error: error.to_string(),
                    },
                ));
            }
        }
    }
    checked
}

async fn look(
    aws: &AwsProvider,
    trail: Trail,
    objects: &str,
) -> (String, Result<Option<RecordingTrail>, AwsError>) {
    let arn = trail.trail_arn.clone().unwrap_or_default();
    (arn.clone(), recorder(aws, trail, arn, objects).await)
}

async fn recorder(
    aws: &AwsProvider,
    trail: Trail,
    arn: String,
    objects: &str,
) -> Result<Option<RecordingTrail>, AwsError> {
    // Members of an organization cannot read the selectors of its trail.
    if existing::is_foreign(aws, &arn) {
        return Ok(None);
    }
    let client = &aws.clients.cloudtrail;
    let (selectors, status) = tokio::join!(
        aws.read(
            selectors::GET,
            &arn,
            client.get_event_selectors().trail_name(&arn).send()
        ),
        aws.read(
            logging::GET,
            &arn,
            client.get_trail_status().name(&arn).send()
        ),
    );
    let (Some(selectors), Some(status)) = (found(selectors, ABSENT)?, found(status, ABSENT)?)
    else {
        return Ok(None);
    };
    let asked = ExistingTrail::new(objects.to_owned(), None);
    let advanced: Vec<AdvancedSelector> = selectors
        .advanced_event_selectors()
        .iter()
        .map(AdvancedSelector::from_sdk)
        .collect();
    let basic = selectors.event_selectors();
    let fields = advanced
        .iter()
        .flat_map(|selector| &selector.fields)
        .flat_map(|field| field.equals.iter().chain(&field.starts_with));
    let values = basic
        .iter()
        .flat_map(|selector| selector.data_resources())
        .flat_map(|data| data.values())
        .chain(fields);
    let values: Vec<String> = values
        .filter(|value| value.starts_with(objects.trim_end_matches('/')))
        .cloned()
        .collect();
    let whole = advanced.iter().any(|selector| asked.in_advanced(selector))
        || basic.iter().any(|selector| asked.in_basic(selector));
    Ok((!values.is_empty()).then(|| RecordingTrail {
        arn,
        values,
        whole,
        logging: status.is_logging() == Some(true),
        validation: trail.log_file_validation_enabled == Some(true),
        encrypted: trail.kms_key_id.is_some_and(|key| !key.is_empty()),
    }))
}

fn verdicts(recorder: &RecordingTrail) -> Vec<CheckResult> {
    let arn = &recorder.arn;
    let check = |check: &'static Check, holds: bool, found: String, remediation: &str| {
        let verdict = if holds {
            Verdict::Holds
        } else {
            Verdict::Fails {
                found,
                remediation: remediation.to_owned(),
            }
        };
        CheckResult::new(check, CheckedPlace::named(&*recorder.arn), verdict)
    };
    vec![
        check(
            &rule::TRAIL_SELECTORS,
            recorder.whole,
            missed(&recorder.values),
            "specify the bucket ARN with a trailing slash, for reads and writes",
        ),
        check(
            &rule::TRAIL_LOGGING,
            recorder.logging,
            "logging is stopped".to_owned(),
            &format!("aws cloudtrail start-logging --name {arn}"),
        ),
        check(
            &rule::TRAIL_VALIDATION,
            recorder.validation,
            "log file validation is disabled".to_owned(),
            &format!("aws cloudtrail update-trail --name {arn} --enable-log-file-validation"),
        ),
        check(
            &rule::TRAIL_ENCRYPTION,
            recorder.encrypted,
            "its log files are not encrypted with a customer managed key".to_owned(),
            "configure a KMS key for the trail",
        ),
    ]
}

fn missed(values: &[String]) -> String {
    let one = |value: &String| match value.strip_suffix('*') {
        Some(_) => format!(
            "{value} is a prefix, not a pattern: it matches only object keys that contain the \
             asterisk, that is, none"
        ),
        None => format!("{value} does not cover all reads and writes of states"),
    };
    values.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests;
