"""States, locks and digests of two environments in one bucket and one table, and what is left of them."""

import json
import sys

import boto3

what, bucket = sys.argv[1:]
table = bucket.split("-000000000000")[0] + "-locks"
s3, dynamodb = map(boto3.client, ["s3", "dynamodb"])
STATE = {"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "l", "outputs": {}, "resources": []}
LOCK = json.dumps({"ID": "one", "Operation": "OperationTypeApply", "Who": "ci@runner", "Created": "2026-11-21T07:00:52Z"})
HELD = "env:/x/blue.tfstate"


def fill():
    for key in ["red.tfstate", "blue.tfstate", "env:/x/red.tfstate", "env:/x/blue.tfstate", "neither.tfstate"]:
        for serial in [1, 2]:
            s3.put_object(Bucket=bucket, Key=key, Body=json.dumps({**STATE, "serial": serial}))
        dynamodb.put_item(TableName=table, Item={"LockID": {"S": f"{bucket}/{key}-md5"}, "Digest": {"S": "0" * 32}})
    s3.put_object(Bucket=bucket, Key=HELD + ".tflock", Body=LOCK, IfNoneMatch="*")
    dynamodb.put_item(TableName=table, Item={"LockID": {"S": f"{bucket}/{HELD}"}, "Info": {"S": LOCK}})


def left():
    lines = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        lines += [f"version {one['Key']} {one['VersionId']}" for one in page.get("Versions", [])]
        lines += [f"marker {one['Key']} {one['VersionId']}" for one in page.get("DeleteMarkers", [])]
    lines += [f"item {item['LockID']['S'].split('/', 1)[1]}" for item in dynamodb.scan(TableName=table)["Items"]]
    print("".join(f"{line}\n" for line in sorted(lines)), end="")


if what == "foreign":
    dynamodb.put_item(TableName=table, Item={"LockID": {"S": "somebodys-bucket/a.tfstate-md5"}, "Digest": {"S": "0" * 32}})
elif what == "items":
    print("".join(f"item {item['LockID']['S']}\n" for item in dynamodb.scan(TableName=table)["Items"]), end="")
elif what == "fill":
    fill()
elif what == "left":
    left()
elif what == "policy":
    print(s3.get_bucket_policy(Bucket=bucket)["Policy"])
elif what == "unlock":
    s3.delete_object(Bucket=bucket, Key=HELD + ".tflock")
    dynamodb.delete_item(TableName=table, Key={"LockID": {"S": f"{bucket}/{HELD}"}})
