"""Makes an IAM user who may do nothing, and prints an access key of theirs."""

import sys

import boto3

iam = boto3.client("iam")
iam.create_user(UserName=sys.argv[1])
key = iam.create_access_key(UserName=sys.argv[1])["AccessKey"]
print(key["AccessKeyId"], key["SecretAccessKey"])
