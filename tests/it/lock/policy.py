"""The statements about locks in the policy NAME; `disown` and `own` first change whose it is."""

import sys

import boto3

name, *change = sys.argv[1:]
iam = boto3.client("iam")
arn = f"arn:aws:iam::{boto3.client('sts').get_caller_identity()['Account']}:policy/{name}"
if change == ["disown"]:
    iam.untag_policy(PolicyArn=arn, TagKeys=["ManagedBy"])
elif change == ["own"]:
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "ManagedBy", "Value": "tfbackend"}])
version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
sids = [statement.get("Sid", "").removeprefix("Tfbackend") for statement in document["Statement"]]
print(*sorted(sid for sid in sids if sid in ["ReleaseLockFiles", "LockItems", "KeyForLocks"]))
