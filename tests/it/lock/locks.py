"""Puts locks of somebody's into table and bucket: KIND PATH TEXT, where KIND is `item`, `file`, `foreign` or `bare`.

An item that is `bare` has no text as its `Info`: none at all, or what TEXT is in DynamoDB's JSON.
"""

import json
import sys

import boto3

bucket, table, *locks = sys.argv[1:]
s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
for kind, path, text in zip(*[iter(locks)] * 3):
    if kind == "file":
        s3.put_object(Bucket=bucket, Key=path + ".tflock", Body=text, IfNoneMatch="*")
    elif kind == "bare":
        info = {"Info": json.loads(text)} if text else {}
        dynamodb.put_item(TableName=table, Item={"LockID": {"S": f"{bucket}/{path}"}, **info})
    else:
        owner = bucket if kind == "item" else "other-bucket"
        dynamodb.put_item(TableName=table, Item={"LockID": {"S": f"{owner}/{path}"}, "Info": {"S": text}})
