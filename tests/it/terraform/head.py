"""How objects are encrypted, and in how many parts they were uploaded: a line for each key."""

import sys

import boto3
from botocore.exceptions import ClientError

bucket, *keys = sys.argv[1:]
s3 = boto3.client("s3")
for key in keys:
    try:
        head = s3.head_object(Bucket=bucket, Key=key)
        parts = head["ETag"].strip('"').partition("-")[2] or "1"
        print(key, head["ServerSideEncryption"], head.get("SSEKMSKeyId"), parts, "parts", head["ContentLength"] > 5_000_000)
    except ClientError as error:
        print(key, error.response["Error"]["Code"])
