//! The alarms of a backend, and why each of them can fire.

use std::collections::BTreeMap;

use super::{Alarm, AlarmKind, MetricQuery};
use crate::backend::aws::ownership::Tags;

const GREATER: &str = "GreaterThanThreshold";
const FIVE_MINUTES: i32 = 300;
const ONE_DAY: i32 = 86_400;
const GIB: f64 = 1_073_741_824.0;

/// Failed attempts in five minutes above which a client is waiting for a lock: a waiting client
/// tries about twenty times in five minutes, a single conflict counts once.
const CONTENTION: f64 = 5.0;

/// The fields that all alarms of an environment share.
pub(crate) struct AlarmDefaults {
    /// The prefix of names.
    pub prefix: String,
    /// The ARN of the topic.
    pub topic: String,
    pub tags: Tags,
}

impl AlarmDefaults {
    /// Fires if runs wait for a state lock, or if a lock was left behind.
    ///
    /// A failed attempt is a failed condition of a `PutItem`. `UserErrors`, which tutorials use,
    /// has no table dimension and does not count these (DynamoDB metrics and dimensions).
    pub(crate) fn lock_contention(&self, table: &str) -> Alarm {
        self.table_alarm(
            "lock-contention",
            "State lock contention",
            table,
            "ConditionalCheckFailedRequests",
            &[""],
            CONTENTION,
        )
    }

    pub(crate) fn lock_throttles(&self, table: &str) -> Alarm {
        self.table_alarm(
            "lock-throttles",
            "The lock table is throttled",
            table,
            "ThrottledRequests",
            OPERATIONS,
            0.0,
        )
    }

    pub(crate) fn lock_errors(&self, table: &str) -> Alarm {
        self.table_alarm(
            "lock-errors",
            "DynamoDB fails on the lock table",
            table,
            "SystemErrors",
            OPERATIONS,
            0.0,
        )
    }

    /// Counts all versions, to detect a growing history, not one large state.
    pub(crate) fn bucket_size(&self, bucket: &str, gib: u32) -> Alarm {
        self.bucket_alarm(
            "bucket-size",
            "The state bucket is large, all versions counted",
            bucket,
            "BucketSizeBytes",
            "StandardStorage",
            f64::from(gib) * GIB,
        )
    }

    pub(crate) fn object_count(&self, bucket: &str, count: u32) -> Alarm {
        self.bucket_alarm(
            "object-count",
            "The state bucket has many objects, all versions counted",
            bucket,
            "NumberOfObjects",
            "AllStorageTypes",
            f64::from(count),
        )
    }

    /// DynamoDB reports only what is not zero, and alarms on its metrics ignore missing data: once
    /// in ALARM, they stay there forever. `FILL` adds the zeros. Two of the metrics exist per
    /// operation only.
    fn table_alarm(
        &self,
        name: &str,
        description: &str,
        table: &str,
        metric: &str,
        operations: &[&str],
        threshold: f64,
    ) -> Alarm {
        let mut queries: Vec<MetricQuery> = operations
            .iter()
            .enumerate()
            .map(|(i, operation)| {
                let mut dimensions = BTreeMap::from([("TableName".to_owned(), table.to_owned())]);
                if !operation.is_empty() {
                    dimensions.insert("Operation".to_owned(), (*operation).to_owned());
                }
                let what = AlarmKind::Metric {
                    namespace: "AWS/DynamoDB".to_owned(),
                    name: metric.to_owned(),
                    dimensions,
                    statistic: "Sum".to_owned(),
                    seconds: FIVE_MINUTES,
                };
                MetricQuery {
                    id: format!("m{}", i + 1),
                    what,
                    returned: false,
                }
            })
            .collect();
        let sum: Vec<String> = queries
            .iter()
            .map(|query| format!("FILL({}, 0)", query.id))
            .collect();
        queries.push(MetricQuery {
            id: "e1".to_owned(),
            what: AlarmKind::Expression(sum.join(" + ")),
            returned: true,
        });
        self.alarm(name, description, queries, threshold)
    }

    /// S3 reports these once a day, as an average (CloudWatch metrics of S3).
    fn bucket_alarm(
        &self,
        name: &str,
        description: &str,
        bucket: &str,
        metric: &str,
        storage: &str,
        threshold: f64,
    ) -> Alarm {
        let dimensions = BTreeMap::from([
            ("BucketName".to_owned(), bucket.to_owned()),
            ("StorageType".to_owned(), storage.to_owned()),
        ]);
        let what = AlarmKind::Metric {
            namespace: "AWS/S3".to_owned(),
            name: metric.to_owned(),
            dimensions,
            statistic: "Average".to_owned(),
            seconds: ONE_DAY,
        };
        self.alarm(
            name,
            description,
            vec![MetricQuery {
                id: "m1".to_owned(),
                what,
                returned: true,
            }],
            threshold,
        )
    }

    fn alarm(
        &self,
        name: &str,
        description: &str,
        queries: Vec<MetricQuery>,
        threshold: f64,
    ) -> Alarm {
        Alarm {
            name: format!("{}{name}", self.prefix),
            description: description.to_owned(),
            queries,
            comparison: GREATER.to_owned(),
            threshold,
            evaluation_periods: 1,
            missing_data: "notBreaching".to_owned(),
            actions_enabled: true,
            actions: vec![self.topic.clone()],
            ok_actions: vec![],
            no_data_actions: vec![],
            tags: self.tags.clone(),
        }
    }
}

/// The operations of Terraform on the table: acquire, read and release a lock.
const OPERATIONS: &[&str] = &["PutItem", "GetItem", "DeleteItem"];

#[cfg(test)]
mod tests;
