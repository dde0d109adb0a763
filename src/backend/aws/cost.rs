//! The approximate monthly cost of a backend: list prices of us-east-1, without requests and
//! storage of states (cents).

use super::{alarm::AlarmKind, lock_table::TableBilling, resources::AwsSpec};

/// Each KMS key (AWS KMS pricing).
pub const KEY: f64 = 1.00;
/// Each metric of an alarm (CloudWatch pricing, standard resolution).
const ALARM_METRIC: f64 = 0.10;
/// One read and one write capacity unit for an hour (DynamoDB pricing, provisioned).
const READ_UNIT_HOUR: f64 = 0.000_13;
const WRITE_UNIT_HOUR: f64 = 0.000_65;
const HOURS: f64 = 730.0;
/// Data events, each 100,000 (CloudTrail pricing): an apply is about ten.
pub const EVENTS_100K: f64 = 0.10;

/// Returns the monthly cost of an idle resource in US dollars; `None` if free.
pub fn monthly(spec: &AwsSpec) -> Option<f64> {
    let dollars = match spec {
        AwsSpec::Key(_) => KEY,
        AwsSpec::Alarm(alarm) => {
            let metrics = alarm
                .queries
                .iter()
                .filter(|query| matches!(query.what, AlarmKind::Metric { .. }))
                .count();
            ALARM_METRIC * f64::from(u32::try_from(metrics).unwrap_or(u32::MAX))
        }
        AwsSpec::LockTable(table) => match table.billing {
            TableBilling::OnDemand => 0.0,
            TableBilling::Provisioned { read, write } => {
                let units = |count: i64| f64::from(i32::try_from(count).unwrap_or(i32::MAX));
                (units(read) * READ_UNIT_HOUR + units(write) * WRITE_UNIT_HOUR) * HOURS
            }
        },
        _ => 0.0,
    };
    (dollars > 0.0).then_some(dollars)
}

#[cfg(test)]
mod tests;
