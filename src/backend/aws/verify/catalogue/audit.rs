//! Rules for audit logs and notifications.

use super::check;
use crate::checks::{Check, CheckGroup::*, Severity::*};

pub(crate) static TOPIC: Check = check(
    "topic",
    "https://docs.aws.amazon.com/sns/latest/dg/welcome.html",
    Medium,
    Alarms,
    "an SNS topic receives the alarms",
    "an alarm without a subscriber does not notify you",
    &["CloudWatch.15"],
);
pub(crate) static TOPIC_ENCRYPTION: Check = check(
    "topic-encryption",
    "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html",
    Medium,
    Encryption,
    "messages are encrypted with a key that alarms may use",
    "without a key, messages are stored in plain text; with `alias/aws/sns`, alarms fail silently",
    &["SNS.1", "CKV_AWS_26"],
);
pub(crate) static TOPIC_POLICY: Check = check(
    "topic-policy",
    "https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html",
    High,
    Alarms,
    "alarms and the bucket may publish to the topic, over TLS",
    "an alarm without permission to publish fails silently",
    &[],
);
pub(crate) static TOPIC_OPEN: Check = check(
    "topic-open",
    "https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html",
    Medium,
    Access,
    "no statement of the topic policy allows public or cross-account access",
    "other principals could subscribe to the alarms or publish false ones",
    &["SNS.4", "CKV_AWS_169", "CKV_AWS_385"],
);
pub(crate) static TOPIC_HEARD: Check = check(
    "topic-heard",
    "https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html",
    Medium,
    Alarms,
    "the topic has a confirmed subscriber",
    "without a subscriber, alarms cost money and do not notify you",
    &["CloudWatch.15"],
);
pub(crate) static SUBSCRIBED: Check = check(
    "subscribed",
    "https://docs.aws.amazon.com/sns/latest/dg/sns-create-subscribe-endpoint-to-topic.html",
    High,
    Alarms,
    "the email address is subscribed to the topic",
    "without the subscription, alarms do not notify you",
    &[],
);
pub(crate) static CONFIRMED: Check = check(
    "subscription-confirmed",
    "https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html",
    Medium,
    Alarms,
    "the owner of the address has confirmed the subscription",
    "until then AWS sends nothing there",
    &[],
);
pub(crate) static LISTENERS: Check = check(
    "subscription-unknown",
    "https://docs.aws.amazon.com/sns/latest/dg/sns-create-subscribe-endpoint-to-topic.html",
    Low,
    Alarms,
    "only the addresses in the settings are subscribed to the topic",
    "a subscriber learns which states are deleted and which alarms fire",
    &[],
);
pub(crate) static ALARM: Check = check(
    "alarm",
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html",
    Medium,
    Alarms,
    "the alarm exists",
    "without the alarm, the problem is not noticed",
    &[],
);
pub(crate) static ALARM_FIRES: Check = check(
    "alarm-fires",
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html",
    High,
    Alarms,
    "the alarm can fire: metric, dimensions and threshold are correct",
    "an alarm on a metric without data never fires",
    &[],
);
pub(crate) static ALARM_TELLS: Check = check(
    "alarm-tells",
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html",
    High,
    Alarms,
    "the alarm notifies the topic when it fires",
    "an alarm without a subscriber does not notify you",
    &["CloudWatch.15", "CloudWatch.17", "CKV_AWS_319"],
);
pub(crate) static TRAIL: Check = check(
    "trail",
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-create-and-update-a-trail.html",
    Medium,
    Audit,
    "a trail records who reads and writes states",
    "without data events, it is unknown after an incident which secrets were read",
    &["S3.22", "S3.23", "CIS 3.8", "CIS 3.9"],
);
pub(crate) static TRAIL_VALIDATION: Check = check(
    "trail-validation",
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-intro.html",
    Medium,
    Audit,
    "log file validation is enabled",
    "without digests, a changed log file cannot be detected",
    &["CloudTrail.4", "CIS 3.2", "CKV_AWS_36"],
);
pub(crate) static TRAIL_ENCRYPTION: Check = check(
    "trail-encryption",
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/encrypting-cloudtrail-log-files-with-aws-kms.html",
    Medium,
    Encryption,
    "log files are encrypted with the KMS key",
    "log files contain user names, IP addresses and object keys",
    &["CloudTrail.2", "CIS 3.5", "CKV_AWS_35"],
);
pub(crate) static TRAIL_REGIONS: Check = check(
    "trail-regions",
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/receive-cloudtrail-log-files-from-multiple-regions.html",
    Low,
    Audit,
    "the trail is a multi-region trail",
    "requests to other regions would not be recorded",
    &["CloudTrail.1", "CIS 3.1", "CKV_AWS_67"],
);
pub(crate) static TRAIL_BUCKET: Check = check(
    "trail-bucket",
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html",
    High,
    Audit,
    "the trail writes into the log bucket",
    "in another bucket, other principals may read, change or delete the log files",
    &["CloudTrail.6"],
);
pub(crate) static TRAIL_SELECTORS: Check = check(
    "trail-selectors",
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html",
    High,
    Audit,
    "the trail records reads and writes of all states and locks",
    "a selector that matches nothing is accepted without an error: `bucket/*` is a prefix, not a pattern",
    &["S3.22", "S3.23", "CIS 3.8", "CIS 3.9"],
);
pub(crate) static TRAIL_LOGGING: Check = check(
    "trail-logging",
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-turning-off-logging.html",
    High,
    Audit,
    "the trail is logging",
    "a stopped trail still exists, so that scanners do not report it",
    &["CloudTrail.1", "CKV_AWS_251"],
);
pub(crate) static TRAIL_DELIVERY: Check = check(
    "trail-delivery",
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html",
    High,
    Audit,
    "the last log file was delivered",
    "a trail that cannot write to its bucket records nothing",
    &[],
);
pub(crate) static ACCOUNT_TRAIL: Check = check(
    "account-trail",
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/best-practices-security.html",
    Info,
    Audit,
    "an account trail records management events in all regions",
    "changes of the bucket policy or the key are recorded by the account trail, not by the data \
     event trail",
    &["CloudTrail.1", "CIS 3.1"],
);
