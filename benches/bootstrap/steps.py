"""The calls of steps.sh in one process, one after the other."""

import json

import boto3

s3, kms, dynamodb, cloudwatch, cloudtrail = map(boto3.client, ["s3", "kms", "dynamodb", "cloudwatch", "cloudtrail"])
account = boto3.client("sts").get_caller_identity()["Account"]
states, audit, locks, trail = f"guide-states-{account}", f"guide-audit-{account}", "guide-locks", "guide-states"


def tags(**values):
    return [{"Key": key, "Value": value} for key, value in values.items()]


key = kms.create_key(Description="Terraform states")["KeyMetadata"]["Arn"]
kms.enable_key_rotation(KeyId=key)
kms.create_alias(AliasName="alias/guide-states", TargetKeyId=key)

s3.create_bucket(Bucket=states)
s3.put_bucket_tagging(Bucket=states, Tagging={"TagSet": tags(Name="Terraform states", Environment="production", ManagedBy="hand")})
s3.put_bucket_versioning(Bucket=states, VersioningConfiguration={"Status": "Enabled"})
by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
s3.put_bucket_encryption(
    Bucket=states, ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": by_default}]}
)
blocks = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
s3.put_public_access_block(Bucket=states, PublicAccessBlockConfiguration=dict.fromkeys(blocks, True))
rule = {"ID": "old-versions", "Status": "Enabled", "Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NoncurrentDays": 90}}
s3.put_bucket_lifecycle_configuration(Bucket=states, LifecycleConfiguration={"Rules": [rule]})

dynamodb.create_table(
    TableName=locks,
    BillingMode="PAY_PER_REQUEST",
    SSESpecification={"Enabled": True},
    AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
    KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
    Tags=tags(Name="Terraform locks", Environment="production"),
)
dynamodb.get_waiter("table_exists").wait(TableName=locks)
dynamodb.update_continuous_backups(TableName=locks, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})

for name, description, metric, of in [
    ("guide-states-size", "The states take too much room", ("AWS/S3", "BucketSizeBytes", "Average", 86400, 1 << 30, 2), {"BucketName": states}),
    ("guide-lock-errors", "Too many locks are refused", ("AWS/DynamoDB", "UserErrors", "Sum", 300, 5, 1), {"TableName": locks}),
]:
    namespace, metric, statistic, period, threshold, times = metric
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        AlarmDescription=description,
        ComparisonOperator="GreaterThanThreshold",
        Namespace=namespace,
        MetricName=metric,
        Statistic=statistic,
        Period=period,
        Threshold=threshold,
        EvaluationPeriods=times,
        Dimensions=[{"Name": name, "Value": value} for name, value in of.items()],
    )

s3.create_bucket(Bucket=audit)
statement = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
statements = [
    {**statement, "Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{audit}"},
    {**statement, "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{audit}/AWSLogs/*"},
]
s3.put_bucket_policy(Bucket=audit, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
cloudtrail.create_trail(Name=trail, S3BucketName=audit, IsMultiRegionTrail=True, IncludeGlobalServiceEvents=True)
data = [{"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{states}/"]}]
selector = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": data}
cloudtrail.put_event_selectors(TrailName=trail, EventSelectors=[selector])
cloudtrail.start_logging(Name=trail)
