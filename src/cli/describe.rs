//! The name, purpose and cost of each resource of a plan.

use crate::{
    backend::aws::{
        bucket::lifecycle::LifecycleSpec, cost, lock_table::TableBilling, resources::AwsSpec,
    },
    engine::spec::Address,
    report::plan::ResourceTitle,
};

/// Returns a title for each resource, one line.
pub fn describe(_address: &Address, spec: &AwsSpec) -> ResourceTitle {
    ResourceTitle {
        title: title(spec),
        cost: cost::monthly(spec),
        note: note(spec),
    }
}

fn title(spec: &AwsSpec) -> String {
    match spec {
        AwsSpec::Key(key) => format!("KMS key {}", key.alias),
        AwsSpec::OwnKey(key) => format!("your KMS key {}", key.arn),
        AwsSpec::Rotation(rotation) => format!("new key material every {} days", rotation.days),
        AwsSpec::Bucket(bucket) => format!("S3 bucket {}", bucket.name),
        AwsSpec::PublicAccess(_) => "no public access of any kind".to_owned(),
        AwsSpec::Versioning(_) => "keeps every version".to_owned(),
        AwsSpec::Encryption(encryption) => match encryption.key {
            Some(_) => "encrypted with the key (SSE-KMS), SSE-C blocked".to_owned(),
            None => "encrypted by S3 (SSE-S3), SSE-C blocked".to_owned(),
        },
        AwsSpec::Lifecycle(lifecycle) => kept(lifecycle),
        AwsSpec::Logging(logging) => format!(
            "access logs into {}",
            logging.target.as_deref().unwrap_or("nothing")
        ),
        AwsSpec::Notifications(_) => "the topic is notified of deleted states".to_owned(),
        AwsSpec::BucketPolicy(policy) => format!(
            "bucket policy of {} statements",
            policy.document.statements.len()
        ),
        AwsSpec::LockTable(table) => match table.billing {
            TableBilling::OnDemand => format!("DynamoDB table {}, paid per request", table.name),
            TableBilling::Provisioned { read, write } => format!(
                "DynamoDB table {}, {read} read and {write} write units",
                table.name
            ),
        },
        AwsSpec::Recovery(_) => "point-in-time recovery".to_owned(),
        AwsSpec::Topic(topic) => format!("SNS topic {}", topic.name),
        AwsSpec::ExistingTopic(topic) => format!("your SNS topic {}", topic.arn),
        AwsSpec::Subscription(_) => "e-mail subscription".to_owned(),
        AwsSpec::Alarm(alarm) => alarm.description.clone(),
        AwsSpec::Trail(trail) => format!("CloudTrail trail {}", trail.name),
        AwsSpec::ExistingTrail(trail) => format!("a trail that records {}", trail.objects),
        AwsSpec::Selectors(selectors) if selectors.selectors.len() > 1 => {
            "records state objects and lock items".to_owned()
        }
        AwsSpec::Selectors(_) => "records state objects".to_owned(),
        AwsSpec::TrailLogging(_) => "records events".to_owned(),
        AwsSpec::Policy(policy) => {
            format!("IAM policy {}, for Terraform runs", policy.name)
        }
        AwsSpec::Attachment(_) => "has the policy".to_owned(),
    }
}

fn kept(lifecycle: &LifecycleSpec) -> String {
    let whole = || {
        lifecycle
            .rules
            .iter()
            .filter(|rule| rule.filter.prefix.is_empty())
    };
    let ours = |days: fn(
        &crate::backend::aws::bucket::lifecycle::rule::ObjectLifecycleRule,
    ) -> Option<u32>| { whole().find_map(days) };
    match (
        ours(|rule| rule.expiration_days),
        ours(|rule| rule.noncurrent_days),
        ours(|rule| rule.noncurrent_newest),
    ) {
        (Some(days), _, _) => format!("kept for {days} days"),
        (None, Some(days), Some(newest)) => {
            format!("replaced versions kept for {days} days, the newest {newest} forever")
        }
        _ => "lifecycle rules".to_owned(),
    }
}

fn note(spec: &AwsSpec) -> Option<String> {
    let text = match spec {
        AwsSpec::Trail(_) => format!(
            "each 100,000 reads and writes of states cost an additional ${:.2}",
            cost::EVENTS_100K
        ),
        AwsSpec::Subscription(_) => "AWS sends an e-mail with a confirmation link".to_owned(),
        _ => return None,
    };
    Some(text)
}
