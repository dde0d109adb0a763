"""Puts a state in two versions, a lock file beside it, and a workspace's state that is deleted again, into a bucket."""

import json
import sys

import boto3

bucket = sys.argv[1]
s3 = boto3.client("s3")
instance = {"attributes": {"password": "hunter2"}}
resource = {"mode": "managed", "type": "t", "name": "n", "provider": "p", "instances": [instance]}
state = {"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "l", "outputs": {}, "resources": []}
lock = {"ID": "one", "Operation": "OperationTypeApply", "Who": "ci@runner", "Created": "2026-11-21T07:00:52Z"}

key = "prod/terraform.tfstate"
s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(state))
s3.put_object(Bucket=bucket, Key=key, Body=json.dumps({**state, "serial": 2, "resources": [resource]}))
s3.put_object(Bucket=bucket, Key=key + ".tflock", Body=json.dumps(lock), IfNoneMatch="*")
s3.put_object(Bucket=bucket, Key="env:/old/terraform.tfstate", Body=json.dumps(state))
s3.delete_object(Bucket=bucket, Key="env:/old/terraform.tfstate")
