"""What the tests of `verify --probe` do to a backend and see of it, as the arguments say."""

import json
import sys

import boto3

base, account, region = "acme-tfstate-prod", "000000000000", "eu-west-1"
bucket, table = f"{base}-{account}-{region}", f"{base}-locks"
s3, dynamodb, iam = map(boto3.client, ["s3", "dynamodb", "iam"])


def left():
    """Everything that is in the bucket and in the table, a line each."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for kind in ("Versions", "DeleteMarkers"):
            for version in page.get(kind, []):
                print("current" if version["IsLatest"] and kind == "Versions" else "version" if kind == "Versions" else "marker", version["Key"])
    if table in dynamodb.list_tables()["TableNames"]:
        for item in dynamodb.scan(TableName=table)["Items"]:
            print("item", item["LockID"]["S"])


def without(sid):
    """Takes a statement out of the bucket's policy."""
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    kept = [statement for statement in policy["Statement"] if statement["Sid"] != sid]
    assert len(kept) == len(policy["Statement"]) - 1, sid
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({**policy, "Statement": kept}))


def role(name, *policies):
    """A role that everybody of the account may take on, with the runner policy; or with these statements beside it."""
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
    iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::{account}:policy/{base}-runner-{region}")
    for number, statement in enumerate(policies):
        policy = {"Version": "2012-10-17", "Statement": [json.loads(statement)]}
        iam.put_role_policy(RoleName=name, PolicyName=f"more{number}", PolicyDocument=json.dumps(policy))


def plant(*keys):
    """Objects of these names."""
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"{}", **({"IfNoneMatch": "*"} if key.endswith(".tflock") else {}))


def lock(*paths):
    for path in paths:
        info = json.dumps({"ID": "x", "Operation": "o", "Info": "", "Who": "w", "Version": "1", "Created": "2026-01-01T00:00:00Z", "Path": path})
        dynamodb.put_item(TableName=table, Item={"LockID": {"S": f"{bucket}/{path}"}, "Info": {"S": info}})


def default_encryption(algorithm):
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}, "BucketKeyEnabled": False}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})


{f.__name__: f for f in (left, without, role, plant, lock, default_encryption)}[sys.argv[1]](*sys.argv[2:])
