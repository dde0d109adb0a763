//! Alarms that look right and never fire.

use std::collections::BTreeMap;

use super::*;
use crate::backend::aws::{
    alarm::{MetricQuery, catalogue::AlarmDefaults},
    ownership::Tags,
};

const TABLE: &str = "locks";
const BUCKET: &str = "states";

fn common() -> AlarmDefaults {
    AlarmDefaults {
        prefix: "acme-".to_owned(),
        topic: "arn:aws:sns:eu-west-1:111122223333:t".to_owned(),
        tags: Tags::new(),
    }
}

fn on(namespace: &str, name: &str, dimensions: &[(&str, &str)], seconds: i32) -> Alarm {
    let what = AlarmKind::Metric {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        dimensions: dimensions
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        statistic: "Sum".to_owned(),
        seconds,
    };
    Alarm {
        queries: vec![MetricQuery {
            id: "m1".to_owned(),
            what,
            returned: true,
        }],
        ..common().lock_contention(TABLE)
    }
}

fn found(alarm: &Alarm) -> Vec<String> {
    let checked = checks(std::slice::from_ref(alarm), BUCKET, Some(TABLE), &|alarm| {
        alarm.name.clone()
    });
    let fails = |one: &CheckResult| match &one.verdict {
        Verdict::Fails { found, .. } => Some(format!("{}: {found}", one.check.id)),
        Verdict::Holds
        | Verdict::Unreadable { .. }
        | Verdict::Untold { .. }
        | Verdict::FailsWith { .. } => None,
    };
    checked.iter().filter_map(fails).collect()
}

#[test]
fn ours_can_fire() {
    for alarm in [
        common().lock_contention(TABLE),
        common().lock_throttles(TABLE),
        common().lock_errors(TABLE),
        common().bucket_size(BUCKET, 1),
        common().object_count(BUCKET, 1),
    ] {
        assert_eq!(found(&alarm), Vec::<String>::new(), "{}", alarm.name);
    }
}

#[test]
fn those_of_tutorials_cannot() {
    let table: &[(&str, &str)] = &[("TableName", TABLE)];
    let bucket: &[(&str, &str)] = &[("BucketName", BUCKET)];
    let daily: &[(&str, &str)] = &[("BucketName", BUCKET), ("StorageType", "AllStorageTypes")];
    let all = [
        on("AWS/DynamoDB", "UserErrors", table, 300),
        on("AWS/DynamoDB", "SystemErrors", table, 300),
        on("AWS/S3", "NumberOfObjects", bucket, 86_400),
        on("AWS/S3", "NumberOfObjects", daily, 300),
        on("AWS/S3", "4xxErrors", bucket, 300),
        on("AWS/Dynamo", "ConditionalCheckFailedRequests", table, 300),
    ];
    let lines: Vec<String> = all.iter().flat_map(found).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    alarm-fires: UserErrors is counted per account and region, not per table, and excludes failed conditions, which held locks cause: watch ConditionalCheckFailedRequests
    alarm-fires: SystemErrors has the dimensions TableName and Operation; with TableName alone, there is no data
    alarm-fires: NumberOfObjects has the dimensions BucketName and StorageType; with BucketName alone, there is no data
    alarm-fires: NumberOfObjects is reported once a day, and the period of the alarm is 300 seconds
    alarm-fires: 4xxErrors is a request metric, which has the dimension FilterId and is only reported if enabled
    alarm-fires: namespace AWS/Dynamo has no metric ConditionalCheckFailedRequests of buckets and tables
    ");
    for good in [
        on("AWS/DynamoDB", "ConditionalCheckFailedRequests", table, 300),
        on("AWS/DynamoDB", "ReadThrottleEvents", table, 300),
        on(
            "AWS/DynamoDB",
            "SystemErrors",
            &[("TableName", TABLE), ("Operation", "PutItem")],
            300,
        ),
        on("AWS/S3", "NumberOfObjects", daily, 86_400),
        on(
            "AWS/S3",
            "4xxErrors",
            &[("BucketName", BUCKET), ("FilterId", "all")],
            300,
        ),
    ] {
        assert_eq!(found(&good), Vec::<String>::new(), "{:?}", good.queries);
    }
}

#[test]
fn nobody_is_told() {
    let silent = Alarm {
        actions: vec![],
        ..common().lock_contention(TABLE)
    };
    assert_eq!(
        found(&silent),
        ["alarm-tells: it has no action for the ALARM state"]
    );
    let off = Alarm {
        actions_enabled: false,
        ..common().lock_contention(TABLE)
    };
    assert_eq!(found(&off), ["alarm-tells: its actions are disabled"]);
}

#[test]
fn alarms_of_others_are_none_of_ours() {
    let elsewhere = on(
        "AWS/DynamoDB",
        "UserErrors",
        &[("TableName", "orders")],
        300,
    );
    assert!(
        checks(&[elsewhere], BUCKET, Some(TABLE), &|alarm| alarm
            .name
            .clone())
        .is_empty()
    );
    let no_table = on("AWS/DynamoDB", "UserErrors", &[("TableName", TABLE)], 300);
    assert!(checks(&[no_table], BUCKET, None, &|alarm| alarm.name.clone()).is_empty());
}
