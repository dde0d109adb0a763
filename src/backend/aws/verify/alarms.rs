//! Checks that alarms can fire: many alarms in tutorials watch metrics without data.

use super::catalogue as rule;
use crate::{
    backend::aws::alarm::{Alarm, AlarmKind},
    checks::{CheckResult, CheckedPlace, Verdict},
};

/// The table metrics that have the dimension Operation besides TableName (DynamoDB metrics and
/// dimensions).
const PER_OPERATION: &[&str] = &[
    "SystemErrors",
    "ThrottledRequests",
    "SuccessfulRequestLatency",
];
/// The metrics that S3 reports of every bucket, once a day (CloudWatch metrics of S3).
const DAILY: &[&str] = &["BucketSizeBytes", "NumberOfObjects"];
const ONE_DAY: i32 = 86_400;

/// Checks all alarms that watch this bucket or table; `arn` returns the ARN of an alarm.
pub(crate) fn checks(
    alarms: &[Alarm],
    bucket: &str,
    table: Option<&str>,
    arn: &dyn Fn(&Alarm) -> String,
) -> Vec<CheckResult> {
    let mut checked = vec![];
    for alarm in alarms.iter().filter(|alarm| watches(alarm, bucket, table)) {
        let place = || CheckedPlace::named(arn(alarm));
        let never: Vec<String> = alarm
            .queries
            .iter()
            .filter_map(|query| never_fires(&query.what))
            .collect();
        checked.push(CheckResult::new(
            &rule::ALARM_FIRES,
            place(),
            fails_if(never, "watch another metric, or delete the alarm"),
        ));
        let silent = match (alarm.actions_enabled, &alarm.actions[..]) {
            (false, _) => vec!["its actions are disabled".to_owned()],
            (true, []) => vec!["it has no action for the ALARM state".to_owned()],
            (true, _) => vec![],
        };
        checked.push(CheckResult::new(
            &rule::ALARM_TELLS,
            place(),
            fails_if(
                silent,
                "set an SNS topic with subscribers as an action of the alarm",
            ),
        ));
    }
    checked
}

fn fails_if(found: Vec<String>, remediation: &str) -> Verdict {
    if found.is_empty() {
        Verdict::Holds
    } else {
        Verdict::Fails {
            found: found.join("; "),
            remediation: remediation.to_owned(),
        }
    }
}

fn watches(alarm: &Alarm, bucket: &str, table: Option<&str>) -> bool {
    alarm.queries.iter().any(|query| match &query.what {
        AlarmKind::Expression(_) => false,
        AlarmKind::Metric { dimensions, .. } => {
            let is =
                |name: &str, value: &str| dimensions.get(name).is_some_and(|found| found == value);
            is("BucketName", bucket) || table.is_some_and(|table| is("TableName", table))
        }
    })
}

/// Returns why a metric never has data, if known.
fn never_fires(what: &AlarmKind) -> Option<String> {
    let AlarmKind::Metric {
        namespace,
        name,
        dimensions,
        seconds,
        ..
    } = what
    else {
        return None;
    };
    let has = |dimension: &str| dimensions.contains_key(dimension);
    match (&**namespace, &**name) {
        ("AWS/DynamoDB", "UserErrors") if has("TableName") => Some(
            "UserErrors is counted per account and region, not per table, and excludes failed \
             conditions, which held locks cause: watch ConditionalCheckFailedRequests"
                .to_owned(),
        ),
        ("AWS/DynamoDB", name)
            if PER_OPERATION.contains(&name) && has("TableName") && !has("Operation") =>
        {
            Some(format!(
                "{name} has the dimensions TableName and Operation; with TableName alone, there \
                 is no data"
            ))
        }
        ("AWS/S3", name) if DAILY.contains(&name) && !has("StorageType") => Some(format!(
            "{name} has the dimensions BucketName and StorageType; with BucketName alone, there \
             is no data"
        )),
        ("AWS/S3", name) if DAILY.contains(&name) && *seconds < ONE_DAY => Some(format!(
            "{name} is reported once a day, and the period of the alarm is {seconds} seconds"
        )),
        ("AWS/S3", name) if !DAILY.contains(&name) && !has("FilterId") => Some(format!(
            "{name} is a request metric, which has the dimension FilterId and is only reported if \
             enabled"
        )),
        ("AWS/S3" | "AWS/DynamoDB", _) => None,
        (other, name) => Some(format!(
            "namespace {other} has no metric {name} of buckets and tables"
        )),
    }
}

#[cfg(test)]
mod tests;
