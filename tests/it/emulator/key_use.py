"""Who may use S3 and DynamoDB, but a KMS key under some condition only, at what that key encrypts."""

import json
import sys

import boto3
from botocore.exceptions import ClientError

(bucket,) = sys.argv[1:]
s3, kms, iam, dynamodb = map(boto3.client, ["s3", "kms", "iam", "dynamodb"])
key = kms.create_key()["KeyMetadata"]["Arn"]
default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
s3.put_object(Bucket=bucket, Key="env:/a", Body=b"x")
dynamodb.create_table(
    TableName="table",
    KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
    BillingMode="PAY_PER_REQUEST",
    SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
)
iam.create_user(UserName="user")
keys = iam.create_access_key(UserName="user")["AccessKey"]
user = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"])


def attempt(call, **arguments):
    try:
        call(**arguments)
        return "done"
    except ClientError as error:
        return error.response["Error"]["Code"]


def attempts(who, condition):
    use = {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": key, "Condition": condition}
    data = {"Effect": "Allow", "Action": ["s3:*", "dynamodb:*"], "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [data, use] if condition is not None else [data]}
    iam.put_user_policy(UserName="user", PolicyName="policy", PolicyDocument=json.dumps(policy))
    objects, items = user.client("s3"), user.client("dynamodb")
    lock = {"LockID": {"S": "a"}}
    print(
        f"{who}:",
        "read", attempt(objects.get_object, Bucket=bucket, Key="env:/a"),
        "- write", attempt(objects.put_object, Bucket=bucket, Key="env:/b", Body=b"x"),
        "- item", attempt(items.put_item, TableName="table", Item=lock), attempt(items.get_item, TableName="table", Key=lock),
    )


def through(service, **context):
    named = {f"kms:EncryptionContext:aws:{name}": value for name, value in context.items()}
    return {"StringEquals": {"kms:ViaService": f"{service}.eu-west-1.amazonaws.com", **named}}


attempts("no key", None)
attempts("any use", {})
attempts("through S3", through("s3"))
attempts("through S3, for this bucket", through("s3", **{"s3:arn": f"arn:aws:s3:::{bucket}"}))
attempts("through S3, for another", through("s3", **{"s3:arn": "arn:aws:s3:::another"}))
attempts("through DynamoDB, for this table", through("dynamodb", **{"dynamodb:tableName": "table"}))
attempts("through DynamoDB, for another", through("dynamodb", **{"dynamodb:tableName": "another"}))
