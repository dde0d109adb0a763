"""Lets another account read the bucket, by a statement more in its policy, or by one with these fields; with `no`, takes that away
again."""

import json
import sys

import boto3

bucket, *fields = sys.argv[1:]
s3 = boto3.client("s3")
policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
principal = {"AWS": "arn:aws:iam::444455556666:root"}
partner = {"Sid": "Partner", "Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
others = [statement for statement in policy["Statement"] if statement["Sid"] != "Partner"]
no = fields == ["no"]
policy["Statement"] = others if no else [*others, {**partner, **json.loads(*fields or ["{}"])}]
s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
