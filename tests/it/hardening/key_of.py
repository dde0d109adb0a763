"""All that can be changed of a key, in one line."""

import json
import sys

import boto3

kms, key = boto3.client("kms"), sys.argv[1]
policy = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
rotation = kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
aliases = kms.list_aliases(KeyId=key)["Aliases"]
print(json.dumps([json.loads(policy), kms.list_resource_tags(KeyId=key)["Tags"], rotation, len(aliases)]))
