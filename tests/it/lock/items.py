"""The names of all items in the lock table, or `no table`; with PATH, first puts a digest there that is none of it."""

import sys

import boto3
from botocore.exceptions import ClientError

table, *stale = sys.argv[1:]
dynamodb = boto3.client("dynamodb")
for lock_id in stale:
    dynamodb.put_item(TableName=table, Item={"LockID": {"S": lock_id + "-md5"}, "Digest": {"S": "0" * 32}})
try:
    for item in sorted(item["LockID"]["S"] for item in dynamodb.scan(TableName=table)["Items"]):
        print(item)
except ClientError as error:
    print("no table" if error.response["Error"]["Code"] == "ResourceNotFoundException" else error)
