//! The approximate monthly cost of a backend: list prices of us-east-1, without requests and
//! storage of states (cents).

/// Each KMS key (AWS KMS pricing).
pub const KEY: f64 = 1.00;
/// Each metric of an alarm (CloudWatch pricing, standard resolution).
pub const ALARM_METRIC: f64 = 0.10;
/// One read and one write capacity unit for an hour (DynamoDB pricing, provisioned).
pub const READ_UNIT_HOUR: f64 = 0.000_13;
pub const WRITE_UNIT_HOUR: f64 = 0.000_65;
pub const HOURS: f64 = 730.0;
/// Data events, each 100,000 (CloudTrail pricing): an apply is about ten.
pub const EVENTS_100K: f64 = 0.10;

#[cfg(test)]
mod tests;
