"""Puts locks of somebody's into table and bucket: KIND PATH TEXT, where KIND is `item`, `file` or `foreign`."""

import sys

import boto3

bucket, table, *locks = sys.argv[1:]
s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
for kind, path, text in zip(*[iter(locks)] * 3):
    if kind == "file":
        s3.put_object(Bucket=bucket, Key=path + ".tflock", Body=text, IfNoneMatch="*")
    else:
        owner = bucket if kind == "item" else "other-bucket"
        dynamodb.put_item(TableName=table, Item={"LockID": {"S": f"{owner}/{path}"}, "Info": {"S": text}})
