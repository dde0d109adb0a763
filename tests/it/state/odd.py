"""Puts what is no state, what OpenTofu encrypted, and a state of a hostile name into a bucket."""

import json
import sys

import boto3

bucket = sys.argv[1]
s3 = boto3.client("s3")
state = {"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "l", "outputs": {}, "resources": []}
envelope = {"lineage": "l", "meta": {"key_provider.pbkdf2.x": "CANARY"}, "encrypted_data": "CANARY", "encryption_version": "v0"}

for key, body in [
    ("odd/encrypted.tfstate", json.dumps({"serial": 6, **envelope})),
    ("odd/encrypted.tfstate", json.dumps({"serial": 7, **envelope})),
    ("odd/cut.tfstate", json.dumps({**state, "outputs": {"x": {"value": "CANARY"}}})[:-20]),
    ("odd/empty.tfstate", ""),
    ("odd/text.tfstate", "CANARY"),
    ("odd/readme.md", "CANARY"),
    ("odd/\x1b]0;x\x07\u202e'${x}\n.tfstate", json.dumps(state)),
]:
    s3.put_object(Bucket=bucket, Key=key, Body=body)
