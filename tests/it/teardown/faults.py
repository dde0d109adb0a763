"""Fills a state bucket with what a teardown may trip over, and denies the deletion of one version; `allow` denies no more."""

import json
import sys

import boto3

bucket, what = sys.argv[1:]
s3 = boto3.client("s3")
SID = "OneMayNotGo"

policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
others = [statement for statement in policy["Statement"] if statement.get("Sid") != SID]
deny = {
    "Sid": SID,
    "Effect": "Deny",
    "Principal": {"AWS": "*"},
    "Action": "s3:DeleteObjectVersion",
    "Resource": f"arn:aws:s3:::{bucket}/denied.tfstate",
}
s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({**policy, "Statement": others + [deny] * (what == "fill")}))

if what == "fill":
    hostile = ["a\nb", "a\r\nb", "a//b", "a\x01b", "a b+c%20d", "<&>\"'${x}%{y}", "\x1b[2J", "a\u202eb", "é" * 512, "é" * 508]
    for name in hostile + ["denied.tfstate"]:
        s3.put_object(Bucket=bucket, Key=name, Body=b"no state")
    marked = [{"Key": f"old/{n % 9}"} for n in range(989)]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": marked, "Quiet": True})
