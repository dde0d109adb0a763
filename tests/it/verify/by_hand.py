"""Makes a bucket and a table as tutorials do, with what goes wrong there; with `close`, takes the policy away that lets everyone in."""

import json
import sys

import boto3

s3, dynamodb, cloudwatch = (boto3.client(name) for name in ("s3", "dynamodb", "cloudwatch"))
if sys.argv[1:] == ["close"]:
    s3.delete_bucket_policy(Bucket="my-states")
    sys.exit()
s3.create_bucket(Bucket="my-states", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
s3.delete_public_access_block(Bucket="my-states")
anybody = {"Sid": "Read", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::my-states/*"}
s3.put_bucket_policy(Bucket="my-states", Policy=json.dumps({"Version": "2012-10-17", "Statement": [anybody]}))
dynamodb.create_table(
    TableName="my-locks",
    AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
    KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
    BillingMode="PAY_PER_REQUEST",
)
cloudwatch.put_metric_alarm(
    AlarmName="lock-conflicts",
    Namespace="AWS/DynamoDB",
    MetricName="UserErrors",
    Dimensions=[{"Name": "TableName", "Value": "my-locks"}],
    Statistic="Sum",
    Period=300,
    EvaluationPeriods=1,
    Threshold=5,
    ComparisonOperator="GreaterThanThreshold",
)
