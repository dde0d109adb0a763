"""Deletes every lock file of a bucket."""

import sys

import boto3

bucket = sys.argv[1]
s3 = boto3.client("s3")
for one in s3.list_objects_v2(Bucket=bucket)["Contents"]:
    if one["Key"].endswith(".tflock"):
        s3.delete_object(Bucket=bucket, Key=one["Key"])
