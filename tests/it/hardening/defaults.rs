//! The defaults, with an address for the alarms and somebody to attach the policy to.

use insta::assert_snapshot;

use super::settings;
use crate::support::{emulator::Emulator, user::User};

/// The lines that begin with one of `starts`, and those that begin with none.
fn split(said: &str, starts: &[&str]) -> (String, String) {
    let (ours, rest): (Vec<&str>, Vec<&str>) = said
        .lines()
        .partition(|line| starts.iter().any(|start| line.starts_with(start)));
    (ours.join("\n"), rest.join("\n"))
}

#[tokio::test]
async fn every_setting_is_as_documented() {
    let emulator = Emulator::start().await;
    User::make(&emulator, "terraform").await;
    let said = settings(
        &emulator,
        &[
            "--alarm-email",
            "ops@example.com",
            "--attach-to",
            "user/terraform",
        ],
    );
    let (key, rest) = split(&said, &["key"]);
    assert_snapshot!(key, @r#"
    key alias = "alias/acme-tfstate-prod"
    keys in the account = 1
    key KeySpec = "SYMMETRIC_DEFAULT"
    key KeyUsage = "ENCRYPT_DECRYPT"
    key KeyState = "Enabled"
    key Origin = "AWS_KMS"
    key KeyManager = "CUSTOMER"
    key MultiRegion = false
    key Description = "Terraform state of acme, prod"
    key rotation = [true, 365]
    key tags = (ours, protected=true)
    key policy version = "2012-10-17"
    key policy TfbackendEnableIamPolicies = {"Action": "kms:*", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Resource": "*"}
    key policy TfbackendDenyShortDeletionWindow = {"Action": "kms:ScheduleKeyDeletion", "Condition": {"NumericLessThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": "30"}}, "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": "*"}
    key policy TfbackendCloudTrailEncrypt = {"Action": "kms:GenerateDataKey*", "Condition": {"StringEquals": {"aws:SourceArn": "arn:aws:cloudtrail:eu-west-1:000000000000:trail/acme-tfstate-prod"}, "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": "arn:aws:cloudtrail:*:000000000000:trail/*"}}, "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Resource": "*"}
    key policy TfbackendCloudTrailDescribe = {"Action": "kms:DescribeKey", "Condition": {"StringEquals": {"aws:SourceArn": "arn:aws:cloudtrail:eu-west-1:000000000000:trail/acme-tfstate-prod"}}, "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Resource": "*"}
    key policy TfbackendAlarmsToTopic = {"Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:acme-tfstate-prod-*"}, "StringEquals": {"aws:SourceAccount": "000000000000"}}, "Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Resource": "*"}
    key policy TfbackendBucketEventsToTopic = {"Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::(bucket)"}, "StringEquals": {"aws:SourceAccount": "000000000000"}}, "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Resource": "*"}
    "#);
    let (state_bucket, rest) = split(&rest, &["state bucket"]);
    assert_snapshot!(state_bucket, @r#"
    state bucket region = "eu-west-1"
    state bucket tags = (ours, protected=true)
    state bucket ownership = [{"ObjectOwnership": "BucketOwnerEnforced"}]
    state bucket block.BlockPublicAcls = true
    state bucket block.BlockPublicPolicy = true
    state bucket block.IgnorePublicAcls = true
    state bucket block.RestrictPublicBuckets = true
    state bucket versioning = "Enabled"
    state bucket encryption = [{"ApplyServerSideEncryptionByDefault": {"KMSMasterKeyID": "(key)", "SSEAlgorithm": "aws:kms"}, "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}, "BucketKeyEnabled": true}]
    state bucket lifecycle tfbackend-history = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}, "Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NewerNoncurrentVersions": 50, "NoncurrentDays": 90}, "Status": "Enabled"}
    state bucket lifecycle tfbackend-delete-markers = {"Expiration": {"ExpiredObjectDeleteMarker": true}, "Filter": {"Prefix": ""}, "Status": "Enabled"}
    state bucket lifecycle tfbackend-probes = {"Filter": {"Prefix": "tfbackend-probe/"}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}, "Status": "Enabled"}
    state bucket lifecycle tfbackend-probes-of-workspaces = {"Filter": {"Prefix": "env:/tfbackend-probe/"}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}, "Status": "Enabled"}
    state bucket logging = {"TargetBucket": "(logs)", "TargetPrefix": "s3/"}
    state bucket events = {"TopicConfigurations": [{"Events": ["s3:ObjectRemoved:*"], "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".tfstate"}]}}, "Id": "tfbackend-state-removed", "TopicArn": "arn:aws:sns:eu-west-1:000000000000:acme-tfstate-prod-alarms"}]}
    state bucket policy version = "2012-10-17"
    state bucket policy TfbackendDenyPlaintext = {"Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}, "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": ["arn:aws:s3:::(bucket)", "arn:aws:s3:::(bucket)/*"]}
    state bucket policy TfbackendDenyOldTls = {"Action": "s3:*", "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}, "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": ["arn:aws:s3:::(bucket)", "arn:aws:s3:::(bucket)/*"]}
    state bucket policy TfbackendDenyOtherAccounts = {"Action": "s3:*", "Condition": {"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}, "StringNotEquals": {"aws:PrincipalAccount": "000000000000"}}, "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": ["arn:aws:s3:::(bucket)", "arn:aws:s3:::(bucket)/*"]}
    state bucket policy TfbackendDenyOtherEncryption = {"Action": "s3:PutObject", "Condition": {"Null": {"s3:x-amz-server-side-encryption": "false"}, "StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}, "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": "arn:aws:s3:::(bucket)/*"}
    state bucket policy TfbackendDenyOtherKey = {"Action": "s3:PutObject", "Condition": {"ArnNotEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "(key)"}, "Null": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "false"}}, "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": "arn:aws:s3:::(bucket)/*"}
    state bucket policy TfbackendDenyCustomerKeys = {"Action": "s3:PutObject", "Condition": {"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}}, "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": "arn:aws:s3:::(bucket)/*"}
    state bucket policy TfbackendDenyOverwritingLocks = {"Action": "s3:PutObject", "Condition": {"Null": {"s3:if-none-match": "true"}}, "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": "arn:aws:s3:::(bucket)/*.tflock"}
    state bucket policy TfbackendDenyDestroyingHistory = {"Action": ["s3:DeleteBucket", "s3:DeleteObjectVersion"], "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": ["arn:aws:s3:::(bucket)", "arn:aws:s3:::(bucket)/*"]}
    "#);
    let (table, rest) = split(&rest, &["table"]);
    assert_snapshot!(table, @r#"
    table key = [[{"AttributeName": "LockID", "KeyType": "HASH"}], [{"AttributeName": "LockID", "AttributeType": "S"}]]
    table billing = "PAY_PER_REQUEST"
    table capacity = [0, 0]
    table deletion protection = true
    table encryption = {"KMSMasterKeyArn": "(key)", "SSEType": "KMS", "Status": "ENABLED"}
    table recovery = "ENABLED"
    table tags = (ours, protected=true)
    "#);
    let (runner, rest) = split(&rest, &["runner"]);
    assert_snapshot!(runner, @r#"
    runner versions = ["v1"]
    runner description = "Run Terraform on the state of acme, prod"
    runner tags = (ours, protected=true)
    runner attached to = [[], ["terraform"], []]
    runner version = "2012-10-17"
    runner TfbackendListStates = {"Action": "s3:ListBucket", "Effect": "Allow", "Resource": "arn:aws:s3:::(bucket)"}
    runner TfbackendReadAndWriteStates = {"Action": ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], "Effect": "Allow", "Resource": "arn:aws:s3:::(bucket)/*"}
    runner TfbackendDeleteWorkspaces = {"Action": "s3:DeleteObject", "Effect": "Allow", "Resource": "arn:aws:s3:::(bucket)/env:/*"}
    runner TfbackendLockItems = {"Action": ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"], "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "(bucket)/*"}, "Null": {"dynamodb:LeadingKeys": "false"}}, "Effect": "Allow", "Resource": "arn:aws:dynamodb:eu-west-1:000000000000:table/acme-tfstate-prod-locks"}
    runner TfbackendKeyForStates = {"Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Condition": {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}, "StringLike": {"kms:EncryptionContext:aws:s3:arn": ["arn:aws:s3:::(bucket)", "arn:aws:s3:::(bucket)/*"]}}, "Effect": "Allow", "Resource": "(key)"}
    runner TfbackendKeyForLocks = {"Action": "kms:Decrypt", "Condition": {"StringEquals": {"kms:EncryptionContext:aws:dynamodb:tableName": "acme-tfstate-prod-locks", "kms:ViaService": "dynamodb.eu-west-1.amazonaws.com"}}, "Effect": "Allow", "Resource": "(key)"}
    "#);
    let (topic, rest) = split(&rest, &["topic"]);
    assert_snapshot!(topic, @r#"
    topic key = "(key)"
    topic tags = (ours, protected=true)
    topic subscriptions = [["email", "ops@example.com"]]
    topic policy version = "2012-10-17"
    topic policy TfbackendAlarms = {"Action": "sns:Publish", "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:acme-tfstate-prod-*"}, "StringEquals": {"aws:SourceAccount": "000000000000"}}, "Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Resource": "arn:aws:sns:eu-west-1:000000000000:acme-tfstate-prod-alarms"}
    topic policy TfbackendBucketEvents = {"Action": "sns:Publish", "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::(bucket)"}, "StringEquals": {"aws:SourceAccount": "000000000000"}}, "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Resource": "arn:aws:sns:eu-west-1:000000000000:acme-tfstate-prod-alarms"}
    topic policy TfbackendDenyPlaintextPublish = {"Action": "sns:Publish", "Condition": {"Bool": {"aws:SecureTransport": "false"}}, "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": "arn:aws:sns:eu-west-1:000000000000:acme-tfstate-prod-alarms"}
    "#);
    let (alarms, rest) = split(&rest, &["alarm"]);
    assert_snapshot!(alarms, @r#"
    alarms = ["bucket-size", "lock-contention", "lock-errors", "lock-throttles", "object-count"]
    alarm bucket-size fires = ["GreaterThanThreshold", 10737418240.0, 1, "notBreaching"]
    alarm bucket-size tells = [true, ["arn:aws:sns:eu-west-1:000000000000:acme-tfstate-prod-alarms"]]
    alarm bucket-size m1 = {"MetricStat": {"Metric": {"Dimensions": [{"Name": "BucketName", "Value": "(bucket)"}, {"Name": "StorageType", "Value": "StandardStorage"}], "MetricName": "BucketSizeBytes", "Namespace": "AWS/S3"}, "Period": 86400, "Stat": "Average"}, "ReturnData": true}
    alarm bucket-size tags = (ours, protected=true)
    alarm lock-contention fires = ["GreaterThanThreshold", 5.0, 1, "notBreaching"]
    alarm lock-contention tells = [true, ["arn:aws:sns:eu-west-1:000000000000:acme-tfstate-prod-alarms"]]
    alarm lock-contention m1 = {"MetricStat": {"Metric": {"Dimensions": [{"Name": "TableName", "Value": "acme-tfstate-prod-locks"}], "MetricName": "ConditionalCheckFailedRequests", "Namespace": "AWS/DynamoDB"}, "Period": 300, "Stat": "Sum"}, "ReturnData": false}
    alarm lock-contention e1 = {"Expression": "FILL(m1, 0)", "ReturnData": true}
    alarm lock-contention tags = (ours, protected=true)
    alarm lock-errors fires = ["GreaterThanThreshold", 0.0, 1, "notBreaching"]
    alarm lock-errors tells = [true, ["arn:aws:sns:eu-west-1:000000000000:acme-tfstate-prod-alarms"]]
    alarm lock-errors m1 = {"MetricStat": {"Metric": {"Dimensions": [{"Name": "Operation", "Value": "PutItem"}, {"Name": "TableName", "Value": "acme-tfstate-prod-locks"}], "MetricName": "SystemErrors", "Namespace": "AWS/DynamoDB"}, "Period": 300, "Stat": "Sum"}, "ReturnData": false}
    alarm lock-errors m2 = {"MetricStat": {"Metric": {"Dimensions": [{"Name": "Operation", "Value": "GetItem"}, {"Name": "TableName", "Value": "acme-tfstate-prod-locks"}], "MetricName": "SystemErrors", "Namespace": "AWS/DynamoDB"}, "Period": 300, "Stat": "Sum"}, "ReturnData": false}
    alarm lock-errors m3 = {"MetricStat": {"Metric": {"Dimensions": [{"Name": "Operation", "Value": "DeleteItem"}, {"Name": "TableName", "Value": "acme-tfstate-prod-locks"}], "MetricName": "SystemErrors", "Namespace": "AWS/DynamoDB"}, "Period": 300, "Stat": "Sum"}, "ReturnData": false}
    alarm lock-errors e1 = {"Expression": "FILL(m1, 0) + FILL(m2, 0) + FILL(m3, 0)", "ReturnData": true}
    alarm lock-errors tags = (ours, protected=true)
    alarm lock-throttles fires = ["GreaterThanThreshold", 0.0, 1, "notBreaching"]
    alarm lock-throttles tells = [true, ["arn:aws:sns:eu-west-1:000000000000:acme-tfstate-prod-alarms"]]
    alarm lock-throttles m1 = {"MetricStat": {"Metric": {"Dimensions": [{"Name": "Operation", "Value": "PutItem"}, {"Name": "TableName", "Value": "acme-tfstate-prod-locks"}], "MetricName": "ThrottledRequests", "Namespace": "AWS/DynamoDB"}, "Period": 300, "Stat": "Sum"}, "ReturnData": false}
    alarm lock-throttles m2 = {"MetricStat": {"Metric": {"Dimensions": [{"Name": "Operation", "Value": "GetItem"}, {"Name": "TableName", "Value": "acme-tfstate-prod-locks"}], "MetricName": "ThrottledRequests", "Namespace": "AWS/DynamoDB"}, "Period": 300, "Stat": "Sum"}, "ReturnData": false}
    alarm lock-throttles m3 = {"MetricStat": {"Metric": {"Dimensions": [{"Name": "Operation", "Value": "DeleteItem"}, {"Name": "TableName", "Value": "acme-tfstate-prod-locks"}], "MetricName": "ThrottledRequests", "Namespace": "AWS/DynamoDB"}, "Period": 300, "Stat": "Sum"}, "ReturnData": false}
    alarm lock-throttles e1 = {"Expression": "FILL(m1, 0) + FILL(m2, 0) + FILL(m3, 0)", "ReturnData": true}
    alarm lock-throttles tags = (ours, protected=true)
    alarm object-count fires = ["GreaterThanThreshold", 100000.0, 1, "notBreaching"]
    alarm object-count tells = [true, ["arn:aws:sns:eu-west-1:000000000000:acme-tfstate-prod-alarms"]]
    alarm object-count m1 = {"MetricStat": {"Metric": {"Dimensions": [{"Name": "BucketName", "Value": "(bucket)"}, {"Name": "StorageType", "Value": "AllStorageTypes"}], "MetricName": "NumberOfObjects", "Namespace": "AWS/S3"}, "Period": 86400, "Stat": "Average"}, "ReturnData": true}
    alarm object-count tags = (ours, protected=true)
    "#);
    let (log_bucket, rest) = split(&rest, &["log bucket"]);
    assert_snapshot!(log_bucket, @r#"
    log bucket region = "eu-west-1"
    log bucket tags = (ours, protected=true)
    log bucket ownership = [{"ObjectOwnership": "BucketOwnerEnforced"}]
    log bucket block.BlockPublicAcls = true
    log bucket block.BlockPublicPolicy = true
    log bucket block.IgnorePublicAcls = true
    log bucket block.RestrictPublicBuckets = true
    log bucket versioning = "Enabled"
    log bucket encryption = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}, "BucketKeyEnabled": false}]
    log bucket lifecycle tfbackend-logs = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}, "Expiration": {"Days": 400}, "Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NoncurrentDays": 400}, "Status": "Enabled"}
    log bucket lifecycle tfbackend-delete-markers = {"Expiration": {"ExpiredObjectDeleteMarker": true}, "Filter": {"Prefix": ""}, "Status": "Enabled"}
    log bucket logging = null
    log bucket events = {}
    log bucket policy version = "2012-10-17"
    log bucket policy TfbackendDenyPlaintext = {"Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}, "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": ["arn:aws:s3:::(logs)", "arn:aws:s3:::(logs)/*"]}
    log bucket policy TfbackendDenyOldTls = {"Action": "s3:*", "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}, "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": ["arn:aws:s3:::(logs)", "arn:aws:s3:::(logs)/*"]}
    log bucket policy TfbackendDenyOtherAccounts = {"Action": "s3:*", "Condition": {"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}, "StringNotEquals": {"aws:PrincipalAccount": "000000000000"}}, "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": ["arn:aws:s3:::(logs)", "arn:aws:s3:::(logs)/*"]}
    log bucket policy TfbackendCloudTrailAclCheck = {"Action": "s3:GetBucketAcl", "Condition": {"StringEquals": {"aws:SourceArn": "arn:aws:cloudtrail:eu-west-1:000000000000:trail/acme-tfstate-prod"}}, "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Resource": "arn:aws:s3:::(logs)"}
    log bucket policy TfbackendCloudTrailWrite = {"Action": "s3:PutObject", "Condition": {"StringEquals": {"aws:SourceArn": "arn:aws:cloudtrail:eu-west-1:000000000000:trail/acme-tfstate-prod", "s3:x-amz-acl": "bucket-owner-full-control"}}, "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Resource": "arn:aws:s3:::(logs)/cloudtrail/AWSLogs/000000000000/*"}
    log bucket policy TfbackendS3AccessLogs = {"Action": "s3:PutObject", "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::(bucket)"}, "StringEquals": {"aws:SourceAccount": "000000000000"}}, "Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"}, "Resource": "arn:aws:s3:::(logs)/s3/*"}
    log bucket policy TfbackendDenyForgingLogs = {"Action": "s3:PutObject", "Condition": {"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}, "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": "arn:aws:s3:::(logs)/*"}
    log bucket policy TfbackendDenyDestroyingLogs = {"Action": ["s3:DeleteBucket", "s3:DeleteObjectVersion"], "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": ["arn:aws:s3:::(logs)", "arn:aws:s3:::(logs)/*"]}
    "#);
    let (trail, rest) = split(&rest, &["trail"]);
    assert_snapshot!(trail, @r#"
    trails in the account = 1
    trail IsMultiRegionTrail = true
    trail IncludeGlobalServiceEvents = true
    trail LogFileValidationEnabled = true
    trail KmsKeyId = "(key)"
    trail goes to = ["(logs)", "cloudtrail"]
    trail logs = true
    trail basic selectors = []
    trail selects State objects eventCategory = {"Equals": ["Data"]}
    trail selects State objects resources.type = {"Equals": ["AWS::S3::Object"]}
    trail selects State objects resources.ARN = {"StartsWith": ["arn:aws:s3:::(bucket)/"]}
    trail selects Lock table eventCategory = {"Equals": ["Data"]}
    trail selects Lock table resources.type = {"Equals": ["AWS::DynamoDB::Table"]}
    trail selects Lock table resources.ARN = {"Equals": ["arn:aws:dynamodb:eu-west-1:000000000000:table/acme-tfstate-prod-locks"]}
    trail tags = (ours, protected=true)
    "#);
    assert_eq!(rest, "", "nothing is left unlooked at");
}
