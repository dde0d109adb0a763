//! Who did what, and who is told.

use super::check;
use crate::checks::{Check, CheckGroup::*, Severity::*};

pub static TOPIC: Check = check(
    "topic",
    "https://docs.aws.amazon.com/sns/latest/dg/welcome.html",
    Medium,
    Alarms,
    "there is a topic that tells people",
    "an alarm without a subscriber is not heard",
    &["CloudWatch.15"],
);
pub static TOPIC_ENCRYPTION: Check = check(
    "topic-encryption",
    "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html",
    Medium,
    Encryption,
    "messages are encrypted with a key that alarms may use",
    "with none they lie in clear; with `alias/aws/sns` alarms fail in silence",
    &["SNS.1", "CKV_AWS_26"],
);
pub static TOPIC_POLICY: Check = check(
    "topic-policy",
    "https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html",
    High,
    Alarms,
    "alarms and the bucket may publish to the topic, over TLS",
    "an alarm that may not publish fails in silence",
    &[],
);
pub static TOPIC_OPEN: Check = check(
    "topic-open",
    "https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html",
    Medium,
    Access,
    "no statement of the topic's policy lets in everybody or another account",
    "they could listen, or cry wolf",
    &["SNS.4", "CKV_AWS_169", "CKV_AWS_385"],
);
pub static TOPIC_HEARD: Check = check(
    "topic-heard",
    "https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html",
    Medium,
    Alarms,
    "a confirmed subscriber hears what the topic is told",
    "alarms are paid for and told to a topic, and from there they reach no one",
    &["CloudWatch.15"],
);
pub static SUBSCRIBED: Check = check(
    "subscribed",
    "https://docs.aws.amazon.com/sns/latest/dg/sns-create-subscribe-endpoint-to-topic.html",
    High,
    Alarms,
    "the address is subscribed to the topic",
    "no one is told",
    &[],
);
pub static CONFIRMED: Check = check(
    "subscription-confirmed",
    "https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html",
    Medium,
    Alarms,
    "the owner of the address has confirmed the subscription",
    "until then AWS sends nothing there",
    &[],
);
pub static LISTENERS: Check = check(
    "subscription-unknown",
    "https://docs.aws.amazon.com/sns/latest/dg/sns-create-subscribe-endpoint-to-topic.html",
    Low,
    Alarms,
    "only the addresses that the settings name are subscribed to the topic",
    "a subscriber learns which states are deleted, and when alarms are quiet",
    &[],
);
pub static ALARM: Check = check(
    "alarm",
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html",
    Medium,
    Alarms,
    "there is an alarm for it",
    "it is not noticed otherwise",
    &[],
);
pub static ALARM_FIRES: Check = check(
    "alarm-fires",
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html",
    High,
    Alarms,
    "the alarm can fire: metric, dimensions and threshold are right",
    "an alarm on data that never comes is always quiet",
    &[],
);
pub static ALARM_TELLS: Check = check(
    "alarm-tells",
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html",
    High,
    Alarms,
    "the alarm tells the topic when it fires",
    "an alarm without a subscriber is not heard",
    &["CloudWatch.15", "CloudWatch.17", "CKV_AWS_319"],
);
pub static TRAIL: Check = check(
    "trail",
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-create-and-update-a-trail.html",
    Medium,
    Audit,
    "a trail records who reads and writes states",
    "after an incident, which secrets were read is unknown",
    &["S3.22", "S3.23", "CIS 3.8", "CIS 3.9"],
);
pub static TRAIL_VALIDATION: Check = check(
    "trail-validation",
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-intro.html",
    Medium,
    Audit,
    "log files come with digests that prove them",
    "a log that could have been changed proves nothing",
    &["CloudTrail.4", "CIS 3.2", "CKV_AWS_36"],
);
pub static TRAIL_ENCRYPTION: Check = check(
    "trail-encryption",
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/encrypting-cloudtrail-log-files-with-aws-kms.html",
    Medium,
    Encryption,
    "log files are encrypted with the key",
    "logs name people, addresses and paths",
    &["CloudTrail.2", "CIS 3.5", "CKV_AWS_35"],
);
pub static TRAIL_REGIONS: Check = check(
    "trail-regions",
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/receive-cloudtrail-log-files-from-multiple-regions.html",
    Low,
    Audit,
    "the trail is one for all regions",
    "what was asked for from another region would be missing",
    &["CloudTrail.1", "CIS 3.1", "CKV_AWS_67"],
);
pub static TRAIL_BUCKET: Check = check(
    "trail-bucket",
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html",
    High,
    Audit,
    "the trail writes into the log bucket",
    "elsewhere, others may read, change or delete what it wrote",
    &["CloudTrail.6"],
);
pub static TRAIL_SELECTORS: Check = check(
    "trail-selectors",
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html",
    High,
    Audit,
    "the trail records reads and writes of all states and locks",
    "a selector that matches nothing looks like one that works: `bucket/*` is a prefix, not a pattern",
    &["S3.22", "S3.23", "CIS 3.8", "CIS 3.9"],
);
pub static TRAIL_LOGGING: Check = check(
    "trail-logging",
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-turning-off-logging.html",
    High,
    Audit,
    "the trail is recording, now",
    "a trail that was stopped is still there, and so scanners pass it",
    &["CloudTrail.1", "CKV_AWS_251"],
);
pub static TRAIL_DELIVERY: Check = check(
    "trail-delivery",
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html",
    High,
    Audit,
    "the last log file was delivered",
    "a trail that cannot write records nothing",
    &[],
);
pub static ACCOUNT_TRAIL: Check = check(
    "account-trail",
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/best-practices-security.html",
    Info,
    Audit,
    "a trail of the account records management events in all regions",
    "who changed the bucket's policy, or disabled the key, is recorded there and not by the trail \
     of the states",
    &["CloudTrail.1", "CIS 3.1"],
);
