"""The runner policy of `prod` of `acme`: `list` names all, `rename` gives that of eu-west-1 the name that an older version gave it."""

import json
import sys

import boto3

iam = boto3.client("iam")
account, end = "000000000000", "acme-tfstate-prod-runner"


def arn(name):
    return f"arn:aws:iam::{account}:policy/{name}"


def rename():
    now = arn(f"{end}-eu-west-1")
    policy = iam.get_policy(PolicyArn=now)["Policy"]
    document = iam.get_policy_version(PolicyArn=now, VersionId=policy["DefaultVersionId"])["PolicyVersion"]["Document"]
    tags = iam.list_policy_tags(PolicyArn=now)["Tags"]
    iam.create_policy(PolicyName=end, PolicyDocument=json.dumps(document), Description=policy["Description"], Tags=tags)
    for user in iam.list_entities_for_policy(PolicyArn=now)["PolicyUsers"]:
        iam.detach_user_policy(UserName=user["UserName"], PolicyArn=now)
        iam.attach_user_policy(UserName=user["UserName"], PolicyArn=arn(end))
    iam.delete_policy(PolicyArn=now)


def list_():
    for policy in sorted(iam.list_policies(Scope="Local")["Policies"], key=lambda policy: policy["PolicyName"]):
        version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])["PolicyVersion"]["Document"]
        bucket = next(statement["Resource"] for statement in version["Statement"] if statement["Action"] == "s3:ListBucket")
        print(policy["PolicyName"], bucket, policy["AttachmentCount"])


rename() if sys.argv[1] == "rename" else list_()
