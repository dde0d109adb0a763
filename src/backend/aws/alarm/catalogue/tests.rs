//! The alarms as they are, and that each of them can fire.

use insta::assert_snapshot;

use super::*;

fn all() -> Vec<Alarm> {
    let common = AlarmDefaults {
        prefix: "acme-".to_owned(),
        topic: "arn:topic".to_owned(),
        tags: Tags::new(),
    };
    vec![
        common.lock_contention("locks"),
        common.lock_throttles("locks"),
        common.lock_errors("locks"),
        common.bucket_size("states", 10),
        common.object_count("states", 1000),
    ]
}

#[test]
fn what_is_watched() {
    let line = |alarm: &Alarm| {
        let queries: Vec<String> = alarm
            .queries
            .iter()
            .map(|query| match &query.what {
                AlarmKind::Expression(expression) => format!("  {} = {expression}", query.id),
                AlarmKind::Metric {
                    namespace,
                    name,
                    dimensions,
                    statistic,
                    seconds,
                } => {
                    let dimensions: Vec<_> = dimensions
                        .iter()
                        .map(|(name, value)| format!("{name}={value}"))
                        .collect();
                    format!(
                        "  {} = {statistic} {namespace} {name} {} each {seconds} s",
                        query.id,
                        dimensions.join(" ")
                    )
                }
            })
            .collect();
        format!(
            "{} > {}\n{}",
            alarm.name,
            alarm.threshold,
            queries.join("\n")
        )
    };
    let lines: Vec<_> = all().iter().map(line).collect();
    assert_snapshot!(lines.join("\n"), @"
    acme-lock-contention > 5
      m1 = Sum AWS/DynamoDB ConditionalCheckFailedRequests TableName=locks each 300 s
      e1 = FILL(m1, 0)
    acme-lock-throttles > 0
      m1 = Sum AWS/DynamoDB ThrottledRequests Operation=PutItem TableName=locks each 300 s
      m2 = Sum AWS/DynamoDB ThrottledRequests Operation=GetItem TableName=locks each 300 s
      m3 = Sum AWS/DynamoDB ThrottledRequests Operation=DeleteItem TableName=locks each 300 s
      e1 = FILL(m1, 0) + FILL(m2, 0) + FILL(m3, 0)
    acme-lock-errors > 0
      m1 = Sum AWS/DynamoDB SystemErrors Operation=PutItem TableName=locks each 300 s
      m2 = Sum AWS/DynamoDB SystemErrors Operation=GetItem TableName=locks each 300 s
      m3 = Sum AWS/DynamoDB SystemErrors Operation=DeleteItem TableName=locks each 300 s
      e1 = FILL(m1, 0) + FILL(m2, 0) + FILL(m3, 0)
    acme-bucket-size > 10737418240
      m1 = Average AWS/S3 BucketSizeBytes BucketName=states StorageType=StandardStorage each 86400 s
    acme-object-count > 1000
      m1 = Average AWS/S3 NumberOfObjects BucketName=states StorageType=AllStorageTypes each 86400 s
    ");
}

#[test]
fn each_can_fire_and_comes_back() {
    for alarm in all() {
        assert!(
            alarm.actions_enabled && alarm.actions == ["arn:topic"],
            "{}",
            alarm.name
        );
        assert_eq!(alarm.missing_data, "notBreaching", "{}", alarm.name);
        assert_eq!(
            alarm.queries.iter().filter(|query| query.returned).count(),
            1,
            "{}: one is compared",
            alarm.name
        );
        assert!(
            alarm.queries.len() <= 10,
            "{}: CloudWatch takes ten metrics",
            alarm.name
        );
        let metrics: Vec<&str> = alarm
            .queries
            .iter()
            .filter_map(|query| match &query.what {
                AlarmKind::Metric { name, .. } => Some(&**name),
                AlarmKind::Expression(_) => None,
            })
            .collect();
        assert!(
            !metrics.contains(&"UserErrors"),
            "{}: has no table dimension",
            alarm.name
        );
        let expression = alarm.queries.iter().find_map(|query| match &query.what {
            AlarmKind::Expression(expression) => Some(expression),
            AlarmKind::Metric { .. } => None,
        });
        // Every metric of DynamoDB that is summed gets its zeros.
        if let Some(expression) = expression {
            assert_eq!(
                expression.matches("FILL(").count(),
                metrics.len(),
                "{}",
                alarm.name
            );
        }
    }
}
