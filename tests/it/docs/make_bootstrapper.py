"""Makes an IAM user who may do what the policy allows and no more, and prints an access key of theirs."""

import sys

import boto3

iam = boto3.client("iam")
iam.create_user(UserName="bootstrapper")
iam.put_user_policy(UserName="bootstrapper", PolicyName="documented", PolicyDocument=sys.argv[1])
key = iam.create_access_key(UserName="bootstrapper")["AccessKey"]
print(key["AccessKeyId"], key["SecretAccessKey"])
