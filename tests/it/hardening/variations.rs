//! What each option changes of the defaults, and nothing else.

use insta::assert_snapshot;

use super::{run, settings};
use crate::support::{backend::said, emulator::Emulator};

/// The lines that are gone, and those that are new.
async fn changed_by(args: &[&str]) -> String {
    let (plain, changed) = tokio::join!(Emulator::start(), Emulator::start());
    difference(&settings(&plain, &[]), &settings(&changed, args))
}

fn difference(before: &str, after: &str) -> String {
    let gone = before
        .lines()
        .filter(|line| !after.lines().any(|other| other == *line))
        .map(|line| format!("- {line}"));
    let new = after
        .lines()
        .filter(|line| !before.lines().any(|other| other == *line))
        .map(|line| format!("+ {line}"));
    gone.chain(new).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn an_ephemeral_environment_can_be_taken_down() {
    assert_snapshot!(changed_by(&["--ephemeral"]).await, @r#"
    - key tags = (ours, protected=true)
    - state bucket tags = (ours, protected=true)
    - state bucket policy TfbackendDenyDestroyingHistory = {"Action": ["s3:DeleteBucket", "s3:DeleteObjectVersion"], "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": ["arn:aws:s3:::(bucket)", "arn:aws:s3:::(bucket)/*"]}
    - table deletion protection = true
    - table tags = (ours, protected=true)
    - runner tags = (ours, protected=true)
    - topic tags = (ours, protected=true)
    - alarm bucket-size tags = (ours, protected=true)
    - alarm lock-contention tags = (ours, protected=true)
    - alarm lock-errors tags = (ours, protected=true)
    - alarm lock-throttles tags = (ours, protected=true)
    - alarm object-count tags = (ours, protected=true)
    - log bucket tags = (ours, protected=true)
    - log bucket policy TfbackendDenyDestroyingLogs = {"Action": ["s3:DeleteBucket", "s3:DeleteObjectVersion"], "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": ["arn:aws:s3:::(logs)", "arn:aws:s3:::(logs)/*"]}
    - trail tags = (ours, protected=true)
    + key tags = (ours, protected=false)
    + state bucket tags = (ours, protected=false)
    + table deletion protection = false
    + table tags = (ours, protected=false)
    + runner tags = (ours, protected=false)
    + topic tags = (ours, protected=false)
    + alarm bucket-size tags = (ours, protected=false)
    + alarm lock-contention tags = (ours, protected=false)
    + alarm lock-errors tags = (ours, protected=false)
    + alarm lock-throttles tags = (ours, protected=false)
    + alarm object-count tags = (ours, protected=false)
    + log bucket tags = (ours, protected=false)
    + trail tags = (ours, protected=false)
    "#);
}

#[tokio::test]
async fn lock_files_need_no_table() {
    assert_snapshot!(changed_by(&["--lock", "s3"]).await, @r#"
    - table key = [[{"AttributeName": "LockID", "KeyType": "HASH"}], [{"AttributeName": "LockID", "AttributeType": "S"}]]
    - table billing = "PAY_PER_REQUEST"
    - table capacity = [0, 0]
    - table deletion protection = true
    - table encryption = {"KMSMasterKeyArn": "(key)", "SSEType": "KMS", "Status": "ENABLED"}
    - table recovery = "ENABLED"
    - table tags = (ours, protected=true)
    - runner TfbackendLockItems = {"Action": ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"], "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "(bucket)/*"}, "Null": {"dynamodb:LeadingKeys": "false"}}, "Effect": "Allow", "Resource": "arn:aws:dynamodb:eu-west-1:000000000000:table/acme-tfstate-prod-locks"}
    - runner TfbackendKeyForLocks = {"Action": "kms:Decrypt", "Condition": {"StringEquals": {"kms:EncryptionContext:aws:dynamodb:tableName": "acme-tfstate-prod-locks", "kms:ViaService": "dynamodb.eu-west-1.amazonaws.com"}}, "Effect": "Allow", "Resource": "(key)"}
    - alarms = ["bucket-size", "lock-contention", "lock-errors", "lock-throttles", "object-count"]
    - alarm lock-contention fires = ["GreaterThanThreshold", 5.0, 1, "notBreaching"]
    - alarm lock-contention tells = [true, ["arn:aws:sns:eu-west-1:000000000000:acme-tfstate-prod-alarms"]]
    - alarm lock-contention m1 = {"MetricStat": {"Metric": {"Dimensions": [{"Name": "TableName", "Value": "acme-tfstate-prod-locks"}], "MetricName": "ConditionalCheckFailedRequests", "Namespace": "AWS/DynamoDB"}, "Period": 300, "Stat": "Sum"}, "ReturnData": false}
    - alarm lock-contention e1 = {"Expression": "FILL(m1, 0)", "ReturnData": true}
    - alarm lock-contention tags = (ours, protected=true)
    - alarm lock-errors fires = ["GreaterThanThreshold", 0.0, 1, "notBreaching"]
    - alarm lock-errors tells = [true, ["arn:aws:sns:eu-west-1:000000000000:acme-tfstate-prod-alarms"]]
    - alarm lock-errors m1 = {"MetricStat": {"Metric": {"Dimensions": [{"Name": "Operation", "Value": "PutItem"}, {"Name": "TableName", "Value": "acme-tfstate-prod-locks"}], "MetricName": "SystemErrors", "Namespace": "AWS/DynamoDB"}, "Period": 300, "Stat": "Sum"}, "ReturnData": false}
    - alarm lock-errors m2 = {"MetricStat": {"Metric": {"Dimensions": [{"Name": "Operation", "Value": "GetItem"}, {"Name": "TableName", "Value": "acme-tfstate-prod-locks"}], "MetricName": "SystemErrors", "Namespace": "AWS/DynamoDB"}, "Period": 300, "Stat": "Sum"}, "ReturnData": false}
    - alarm lock-errors m3 = {"MetricStat": {"Metric": {"Dimensions": [{"Name": "Operation", "Value": "DeleteItem"}, {"Name": "TableName", "Value": "acme-tfstate-prod-locks"}], "MetricName": "SystemErrors", "Namespace": "AWS/DynamoDB"}, "Period": 300, "Stat": "Sum"}, "ReturnData": false}
    - alarm lock-errors e1 = {"Expression": "FILL(m1, 0) + FILL(m2, 0) + FILL(m3, 0)", "ReturnData": true}
    - alarm lock-errors tags = (ours, protected=true)
    - alarm lock-throttles fires = ["GreaterThanThreshold", 0.0, 1, "notBreaching"]
    - alarm lock-throttles tells = [true, ["arn:aws:sns:eu-west-1:000000000000:acme-tfstate-prod-alarms"]]
    - alarm lock-throttles m1 = {"MetricStat": {"Metric": {"Dimensions": [{"Name": "Operation", "Value": "PutItem"}, {"Name": "TableName", "Value": "acme-tfstate-prod-locks"}], "MetricName": "ThrottledRequests", "Namespace": "AWS/DynamoDB"}, "Period": 300, "Stat": "Sum"}, "ReturnData": false}
    - alarm lock-throttles m2 = {"MetricStat": {"Metric": {"Dimensions": [{"Name": "Operation", "Value": "GetItem"}, {"Name": "TableName", "Value": "acme-tfstate-prod-locks"}], "MetricName": "ThrottledRequests", "Namespace": "AWS/DynamoDB"}, "Period": 300, "Stat": "Sum"}, "ReturnData": false}
    - alarm lock-throttles m3 = {"MetricStat": {"Metric": {"Dimensions": [{"Name": "Operation", "Value": "DeleteItem"}, {"Name": "TableName", "Value": "acme-tfstate-prod-locks"}], "MetricName": "ThrottledRequests", "Namespace": "AWS/DynamoDB"}, "Period": 300, "Stat": "Sum"}, "ReturnData": false}
    - alarm lock-throttles e1 = {"Expression": "FILL(m1, 0) + FILL(m2, 0) + FILL(m3, 0)", "ReturnData": true}
    - alarm lock-throttles tags = (ours, protected=true)
    - trail selects Lock table eventCategory = {"Equals": ["Data"]}
    - trail selects Lock table resources.type = {"Equals": ["AWS::DynamoDB::Table"]}
    - trail selects Lock table resources.ARN = {"Equals": ["arn:aws:dynamodb:eu-west-1:000000000000:table/acme-tfstate-prod-locks"]}
    + table = null
    + runner TfbackendReleaseLockFiles = {"Action": "s3:DeleteObject", "Effect": "Allow", "Resource": "arn:aws:s3:::(bucket)/*.tflock"}
    + alarms = ["bucket-size", "object-count"]
    "#);
}

#[tokio::test]
async fn provisioned_capacity() {
    let args = [
        "--billing",
        "provisioned",
        "--read-capacity",
        "2",
        "--write-capacity",
        "3",
        "--table-recovery=false",
    ];
    assert_snapshot!(changed_by(&args).await, @r#"
    - table billing = "PAY_PER_REQUEST"
    - table capacity = [0, 0]
    - table recovery = "ENABLED"
    - table tags = (ours, protected=true)
    + table billing = "PROVISIONED"
    + table capacity = [2, 3]
    + table recovery = "DISABLED"
    + table tags = {"ManagedBy": "tfbackend", "tfbackend:env": "prod", "tfbackend:project": "acme", "tfbackend:protected": "true", "tfbackend:table-recovery": "false", "tfbackend:version": "1"}
    "#);
}

#[tokio::test]
async fn what_is_left_out_is_not_made() {
    let emulator = Emulator::start().await;
    let left_out = [
        "--trail",
        "off",
        "--alarms=false",
        "--access-logs=false",
        "--policy=false",
        "--lock",
        "s3",
        "--encryption",
        "sse-s3",
    ];
    assert_snapshot!(settings(&emulator, &left_out), @r#"
    key alias = null
    keys in the account = 0
    state bucket region = "eu-west-1"
    state bucket tags = {"ManagedBy": "tfbackend", "tfbackend:access-logs": "false", "tfbackend:env": "prod", "tfbackend:project": "acme", "tfbackend:protected": "true", "tfbackend:trail": "false", "tfbackend:version": "1"}
    state bucket ownership = [{"ObjectOwnership": "BucketOwnerEnforced"}]
    state bucket block.BlockPublicAcls = true
    state bucket block.BlockPublicPolicy = true
    state bucket block.IgnorePublicAcls = true
    state bucket block.RestrictPublicBuckets = true
    state bucket versioning = "Enabled"
    state bucket encryption = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}, "BucketKeyEnabled": false}]
    state bucket lifecycle tfbackend-history = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}, "Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NewerNoncurrentVersions": 50, "NoncurrentDays": 90}, "Status": "Enabled"}
    state bucket lifecycle tfbackend-delete-markers = {"Expiration": {"ExpiredObjectDeleteMarker": true}, "Filter": {"Prefix": ""}, "Status": "Enabled"}
    state bucket lifecycle tfbackend-probes = {"Filter": {"Prefix": "tfbackend-probe/"}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}, "Status": "Enabled"}
    state bucket lifecycle tfbackend-probes-of-workspaces = {"Filter": {"Prefix": "env:/tfbackend-probe/"}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}, "Status": "Enabled"}
    state bucket logging = null
    state bucket events = {}
    state bucket policy version = "2012-10-17"
    state bucket policy TfbackendDenyPlaintext = {"Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}, "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": ["arn:aws:s3:::(bucket)", "arn:aws:s3:::(bucket)/*"]}
    state bucket policy TfbackendDenyOldTls = {"Action": "s3:*", "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}, "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": ["arn:aws:s3:::(bucket)", "arn:aws:s3:::(bucket)/*"]}
    state bucket policy TfbackendDenyOtherAccounts = {"Action": "s3:*", "Condition": {"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}, "StringNotEquals": {"aws:PrincipalAccount": "000000000000"}}, "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": ["arn:aws:s3:::(bucket)", "arn:aws:s3:::(bucket)/*"]}
    state bucket policy TfbackendDenyOtherEncryption = {"Action": "s3:PutObject", "Condition": {"Null": {"s3:x-amz-server-side-encryption": "false"}, "StringNotEquals": {"s3:x-amz-server-side-encryption": "AES256"}}, "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": "arn:aws:s3:::(bucket)/*"}
    state bucket policy TfbackendDenyCustomerKeys = {"Action": "s3:PutObject", "Condition": {"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}}, "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": "arn:aws:s3:::(bucket)/*"}
    state bucket policy TfbackendDenyOverwritingLocks = {"Action": "s3:PutObject", "Condition": {"Null": {"s3:if-none-match": "true"}}, "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": "arn:aws:s3:::(bucket)/*.tflock"}
    state bucket policy TfbackendDenyDestroyingHistory = {"Action": ["s3:DeleteBucket", "s3:DeleteObjectVersion"], "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": ["arn:aws:s3:::(bucket)", "arn:aws:s3:::(bucket)/*"]}
    table = null
    runner = null
    topic = null
    alarms = []
    log bucket = null
    trails in the account = 0
    trail = null
    "#);
}

#[tokio::test]
async fn numbers_of_ones_own() {
    let args = [
        "--noncurrent-days",
        "30",
        "--keep-versions",
        "7",
        "--rotation-days",
        "180",
        "--log-days",
        "800",
    ];
    let more = [
        "--alarm-bucket-size",
        "1",
        "--alarm-object-count",
        "50",
        "--tag",
        "Team=platform",
        "--key",
        "app/state.json",
    ];
    let changed = changed_by(&[&args[..], &more].concat()).await;
    let (tags, others): (Vec<&str>, Vec<&str>) =
        changed.lines().partition(|line| line.contains("tags = "));
    assert!(
        tags.iter()
            .filter(|line| line.starts_with('+'))
            .all(|line| line.contains(r#""Team": "platform""#)),
        "{tags:?}"
    );
    assert_eq!(
        tags.len(),
        2 * 12,
        "the key, two buckets, table, policy, topic, five alarms, trail: {tags:#?}"
    );
    assert_snapshot!(others.join("\n"), @r#"
    - key rotation = [true, 365]
    - state bucket lifecycle tfbackend-history = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}, "Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NewerNoncurrentVersions": 50, "NoncurrentDays": 90}, "Status": "Enabled"}
    - state bucket events = {"TopicConfigurations": [{"Events": ["s3:ObjectRemoved:*"], "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".tfstate"}]}}, "Id": "tfbackend-state-removed", "TopicArn": "arn:aws:sns:eu-west-1:000000000000:acme-tfstate-prod-alarms"}]}
    - alarm bucket-size fires = ["GreaterThanThreshold", 10737418240.0, 1, "notBreaching"]
    - alarm object-count fires = ["GreaterThanThreshold", 100000.0, 1, "notBreaching"]
    - log bucket lifecycle tfbackend-logs = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}, "Expiration": {"Days": 400}, "Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NoncurrentDays": 400}, "Status": "Enabled"}
    + key rotation = [true, 180]
    + state bucket lifecycle tfbackend-history = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}, "Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NewerNoncurrentVersions": 7, "NoncurrentDays": 30}, "Status": "Enabled"}
    + state bucket events = {"TopicConfigurations": [{"Events": ["s3:ObjectRemoved:*"], "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".tfstate"}]}}, "Id": "tfbackend-state-removed", "TopicArn": "arn:aws:sns:eu-west-1:000000000000:acme-tfstate-prod-alarms"}, {"Events": ["s3:ObjectRemoved:*"], "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": "state.json"}]}}, "Id": "tfbackend-own-state-removed", "TopicArn": "arn:aws:sns:eu-west-1:000000000000:acme-tfstate-prod-alarms"}]}
    + alarm bucket-size fires = ["GreaterThanThreshold", 1073741824.0, 1, "notBreaching"]
    + alarm object-count fires = ["GreaterThanThreshold", 50.0, 1, "notBreaching"]
    + log bucket lifecycle tfbackend-logs = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}, "Expiration": {"Days": 800}, "Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NoncurrentDays": 800}, "Status": "Enabled"}
    "#);
}

/// Its policy, tags and rotation stay as they are.
#[tokio::test]
async fn a_key_of_ones_own_is_used_and_left_alone() {
    let emulator = Emulator::start().await;
    let make = |policy: &str| {
        emulator
            .python("tests/it/hardening/make_key.py", &[policy])
            .trim()
            .to_owned()
    };

    let (key, before) = make("services")
        .split_once(' ')
        .map(|(arn, rest)| (arn.to_owned(), rest.to_owned()))
        .expect("a key");
    let made = settings(&emulator, &["--kms-key", &key]);
    let with_key: Vec<&str> = made
        .lines()
        .filter(|line| line.contains(&key) && !line.starts_with("runner Tfbackend"))
        .collect();
    assert_snapshot!(with_key.join("\n").replace(&key, "(their key)"), @r#"
    state bucket encryption = [{"ApplyServerSideEncryptionByDefault": {"KMSMasterKeyID": "(their key)", "SSEAlgorithm": "aws:kms"}, "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}, "BucketKeyEnabled": true}]
    state bucket policy TfbackendDenyOtherKey = {"Action": "s3:PutObject", "Condition": {"ArnNotEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "(their key)"}, "Null": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "false"}}, "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": "arn:aws:s3:::(bucket)/*"}
    table encryption = {"KMSMasterKeyArn": "(their key)", "SSEType": "KMS", "Status": "ENABLED"}
    topic key = "(their key)"
    trail KmsKeyId = "(their key)"
    "#);
    assert!(
        made.contains("key alias = null\nkeys in the account = 1\n"),
        "{made}"
    );
    assert_eq!(
        emulator
            .python("tests/it/hardening/key_of.py", &[&key])
            .trim(),
        before
    );

    // What the services need is said before anything is made.
    let other = Emulator::start().await;
    let key = other.python("tests/it/hardening/make_key.py", &["default"]);
    let output = run(
        &other,
        &["--kms-key", key.split_once(' ').expect("a key").0],
    );
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(
        said(&output).contains("cloudtrail.amazonaws.com kms:GenerateDataKey"),
        "{}",
        said(&output)
    );
    assert_eq!(
        other.python("tests/it/hardening/buckets.py", &[]),
        "[]\n",
        "nothing was made"
    );
}

#[tokio::test]
async fn a_topic_of_ones_own_is_told_and_left_alone() {
    let emulator = Emulator::start().await;
    let topic = emulator
        .python("tests/it/hardening/make_topic.py", &[])
        .trim()
        .to_owned();
    let output = run(
        &emulator,
        &["--alarm-topic", &topic, "--lock", "s3", "--trail", "off"],
    );
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let words = said(&output)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        words.contains("the topic policy does not allow s3.amazonaws.com to publish"),
        "{words}"
    );
    assert_eq!(
        emulator.python("tests/it/hardening/buckets.py", &[]),
        "[]\n",
        "nothing was made"
    );

    emulator.python("tests/it/hardening/make_topic.py", &["s3"]);
    let made = settings(
        &emulator,
        &["--alarm-topic", &topic, "--lock", "s3", "--trail", "off"],
    );
    let told: Vec<&str> = made
        .lines()
        .filter(|line| line.contains("topic") || line.contains("tells") || line.contains("events"))
        .collect();
    assert_snapshot!(told.join("\n"), @r#"
    state bucket events = {"TopicConfigurations": [{"Events": ["s3:ObjectRemoved:*"], "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".tfstate"}]}}, "Id": "tfbackend-state-removed", "TopicArn": "arn:aws:sns:eu-west-1:000000000000:on-call"}]}
    topic = null
    alarm bucket-size tells = [true, ["arn:aws:sns:eu-west-1:000000000000:on-call"]]
    alarm object-count tells = [true, ["arn:aws:sns:eu-west-1:000000000000:on-call"]]
    log bucket events = {}
    "#);
    assert_eq!(
        emulator
            .python("tests/it/hardening/make_topic.py", &[])
            .trim(),
        topic,
        "and is as it was made"
    );
}

#[tokio::test]
async fn a_trail_of_the_account_must_record_the_states() {
    let emulator = Emulator::start().await;
    let refused = |what: &str| {
        let output = run(&emulator, &["--trail", "existing"]);
        assert_eq!(output.status.code(), Some(3), "{what}: {}", said(&output));
        let words = said(&output)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(
            words.contains("no trail that these credentials can read records the data events"),
            "{}",
            said(&output)
        );
        assert_eq!(
            emulator.python("tests/it/hardening/buckets.py", &[]),
            "[]\n",
            "nothing was made"
        );
    };
    let trail = |what: &str| emulator.python("tests/it/hardening/account_trail.py", &[what]);
    refused("there is none");
    trail("management events");
    refused("it records management events only");
    trail("another bucket");
    refused("it records another bucket");
    trail("writes");
    refused("it records writes only");
    trail("all but some");
    refused("it leaves some out");
    trail("all");
    trail("stopped");
    refused("it is stopped");
    trail("started");
    let made = settings(&emulator, &["--trail", "existing"]);
    let about: Vec<&str> = made
        .lines()
        .filter(|line| line.starts_with("trail") || line.contains("CloudTrail"))
        .collect();
    assert_snapshot!(about.join("\n"), @r"
    trails in the account = 1
    trail = null
    ");
}
