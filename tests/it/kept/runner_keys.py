"""Prints the keys that the runner policy of `prod` allows for states, a line each."""

import boto3

iam = boto3.client("iam")
arn = "arn:aws:iam::000000000000:policy/acme-tfstate-prod-runner-eu-west-1"
version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
keys = next(statement["Resource"] for statement in document["Statement"] if statement["Sid"] == "TfbackendKeyForStates")
for key in keys if isinstance(keys, list) else [keys]:
    print(key)
