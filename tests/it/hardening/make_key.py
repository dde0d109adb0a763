"""Makes a key of the user's, with a policy that lets AWS services use it or KMS's own; prints its ARN and settings."""

import json
import subprocess
import sys

import boto3

kms = boto3.client("kms")
key = kms.create_key(Tags=[{"TagKey": "Team", "TagValue": "security"}])["KeyMetadata"]["Arn"]
if sys.argv[1] == "services":
    root = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "kms:*", "Resource": "*"}
    names = [f"{name}.amazonaws.com" for name in ("cloudtrail", "cloudwatch", "s3")]
    use = {"Effect": "Allow", "Principal": {"Service": names}, "Action": ["kms:GenerateDataKey*", "kms:Decrypt"], "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [root, use]}
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))
settings = [sys.executable, "-I", __file__.replace("make_key.py", "key_of.py"), key]
print(key, subprocess.run(settings, check=True, capture_output=True, text=True).stdout.strip())
