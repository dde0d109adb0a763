"""What the emulator was taught: each would go unseen in a test of ours otherwise."""

import json
import sys

import boto3
from botocore.exceptions import ClientError

(bucket,) = sys.argv[1:]
s3, kms, cloudtrail, cloudwatch = map(boto3.client, ["s3", "kms", "cloudtrail", "cloudwatch"])
key, other = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))


def writes(**arguments):
    try:
        s3.put_object(Bucket=bucket, Body=b"x", **{"Key": "a", **arguments})
        return "written"
    except ClientError as error:
        return error.response["Error"]["Code"]


def denied_if(condition):
    objects = f"arn:aws:s3:::{bucket}/*"
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": objects, "Condition": condition}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))


denied_if({"Null": {"s3:if-none-match": "true"}})
print("a lock file:", writes(IfNoneMatch="*"), "- again:", writes(IfNoneMatch="*"), "- without the condition:", writes())

with_key = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
key_id = "s3:x-amz-server-side-encryption-aws-kms-key-id"
denied_if({"ArnNotEquals": {key_id: key}, "Null": {key_id: "false"}})
print("our key:", writes(**with_key), "- another:", writes(**{**with_key, "SSEKMSKeyId": other}), "- none:", writes())
default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": other}
s3.put_bucket_encryption(
    Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
)
print("another as the bucket's default:", writes())

denied_if({"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}})
print("a customer's key:", writes(SSECustomerAlgorithm="AES256", SSECustomerKey=b"0" * 32))

trail = cloudtrail.create_trail(Name="trail", S3BucketName=bucket, TagsList=[{"Key": "project", "Value": "acme"}])
print(cloudtrail.list_tags(ResourceIdList=[trail["TrailARN"]])["ResourceTagList"][0]["TagsList"])

metric = {"Namespace": "AWS/DynamoDB", "MetricName": "ConditionalCheckFailedRequests"}
metrics = [
    {"Id": "filled", "Expression": "FILL(failed, 0)", "ReturnData": True},
    {"Id": "failed", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Sum"}, "ReturnData": False},
]
cloudwatch.put_metric_alarm(
    AlarmName="alarm", EvaluationPeriods=1, Threshold=0, ComparisonOperator="GreaterThanThreshold", Metrics=metrics
)
alarm = cloudwatch.describe_alarms(AlarmNames=["alarm"])["MetricAlarms"][0]
print(alarm["Metrics"] == metrics, [field for field in ("MetricName", "Statistic", "Period", "Dimensions") if field in alarm])
