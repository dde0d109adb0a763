"""The locks that are held, in the bucket and in the table, with the operation that holds each."""

import json
import sys

import boto3
from botocore.exceptions import ClientError

bucket, table = sys.argv[1:]
s3 = boto3.client("s3")
for found in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
    if found["Key"].endswith(".tflock"):
        print("file", found["Key"], json.load(s3.get_object(Bucket=bucket, Key=found["Key"])["Body"])["Operation"])
try:
    for item in boto3.client("dynamodb").scan(TableName=table)["Items"]:
        # The other items are the digests of states.
        if "Info" in item:
            print("item", item["LockID"]["S"], json.loads(item["Info"]["S"])["Operation"])
except ClientError as error:
    if error.response["Error"]["Code"] != "ResourceNotFoundException":
        raise
