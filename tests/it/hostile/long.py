"""Puts a state, a lock file and a digest of ten megabytes into the environment `dev` of `acme`."""

import json

import boto3

bucket, table = "acme-tfstate-dev-000000000000-eu-west-1", "acme-tfstate-dev-locks"
s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
long = "x" * (10 << 20)
resource = {"mode": "managed", "type": "t", "name": "n", "provider": "p", "instances": [{"attributes": {"data": long}}]}
state = {"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "l", "outputs": {}, "resources": [resource]}
s3.put_object(Bucket=bucket, Key="terraform.tfstate", Body=json.dumps(state))
s3.put_object(Bucket=bucket, Key="terraform.tfstate.tflock", Body=json.dumps({"ID": long, "Who": long}), IfNoneMatch="*")
# As much as DynamoDB takes.
info = json.dumps({"ID": "x" * 190_000, "Who": "y" * 190_000})
dynamodb.put_item(TableName=table, Item={"LockID": {"S": f"{bucket}/terraform.tfstate"}, "Info": {"S": info}})
