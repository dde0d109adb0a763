"""Puts a backend before a stage of `lock migrate` (`table` or `both`), and prints what is in its table, and which rights to lock
runs have: BUCKET TABLE POLICY [STAGE]."""

import hashlib
import json
import sys

import boto3
from botocore.exceptions import ClientError

bucket, table, policy, *stage = sys.argv[1:]
s3, dynamodb, iam = boto3.client("s3"), boto3.client("dynamodb"), boto3.client("iam")
KEY, SINCE = "terraform.tfstate", "tfbackend:lock-files-since"


def arn():
    return dynamodb.describe_table(TableName=table)["Table"]["TableArn"]


def digest(key, value):
    dynamodb.put_item(TableName=table, Item={"LockID": {"S": f"{bucket}/{key}-md5"}, "Digest": {"S": value}})


if stage:
    base = {"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "l", "outputs": {}, "resources": []}
    body = json.dumps(base).encode()
    # Under a lock file, as Terraform does.
    s3.put_object(Bucket=bucket, Key=KEY + ".tflock", Body=b"{}", IfNoneMatch="*")
    s3.put_object(Bucket=bucket, Key=KEY, Body=body)
    s3.delete_object(Bucket=bucket, Key=KEY + ".tflock")
    digest(KEY, hashlib.md5(body).hexdigest())
if stage == ["table"]:
    dynamodb.untag_resource(ResourceArn=arn(), TagKeys=[SINCE])
    # Of a state that was written over, and of one that is gone.
    s3.put_object(Bucket=bucket, Key="other.tfstate", Body=body)
    digest("other.tfstate", "0" * 32)
    digest("gone.tfstate", "0" * 32)
elif stage == ["both"]:
    dynamodb.tag_resource(ResourceArn=arn(), Tags=[{"Key": SINCE, "Value": "2020-01-01T00:00:00Z"}])
    s3.delete_object(Bucket=bucket, Key="other.tfstate")
try:
    for item in sorted(item["LockID"]["S"] for item in dynamodb.scan(TableName=table)["Items"]):
        print(item)
    print("since" if SINCE in [tag["Key"] for tag in dynamodb.list_tags_of_resource(ResourceArn=arn())["Tags"]] else "not since")
except ClientError as error:
    print("no table" if error.response["Error"]["Code"] == "ResourceNotFoundException" else error)
account = boto3.client("sts").get_caller_identity()["Account"]
arn_of_policy = f"arn:aws:iam::{account}:policy/{policy}"
version = iam.get_policy(PolicyArn=arn_of_policy)["Policy"]["DefaultVersionId"]
document = iam.get_policy_version(PolicyArn=arn_of_policy, VersionId=version)["PolicyVersion"]["Document"]
sids = [statement.get("Sid", "").removeprefix("Tfbackend") for statement in document["Statement"]]
print("rights", *sorted(sid for sid in sids if sid in ["ReleaseLockFiles", "LockItems"]))
