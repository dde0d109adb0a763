"""Puts states into the environment `prod` of `acme`: a good one, one under AES256 at another key, a wrong digest and an old lock."""

import hashlib
import json

import boto3

s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
bucket, table = "acme-tfstate-prod-000000000000-eu-west-1", "acme-tfstate-prod-locks"


def state(version):
    secret = {"password": {"value": "hunter2", "type": "string", "sensitive": True}}
    body = {"version": 4, "terraform_version": version, "serial": 1, "lineage": "l", "outputs": secret, "resources": []}
    return json.dumps(body).encode()


def digest(path, body):
    item = {"LockID": {"S": f"{bucket}/{path}-md5"}, "Digest": {"S": hashlib.md5(body).hexdigest()}}
    dynamodb.put_item(TableName=table, Item=item)


good, other = state("1.11.4"), state("1.9.8")
s3.put_object(Bucket=bucket, Key="terraform.tfstate", Body=good)
digest("terraform.tfstate", b"something else")
# As before the policy was there: it denies this.
policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
s3.delete_bucket_policy(Bucket=bucket)
s3.put_object(Bucket=bucket, Key="team/terraform.tfstate", Body=other, ServerSideEncryption="AES256")
s3.put_bucket_policy(Bucket=bucket, Policy=policy)
digest("team/terraform.tfstate", other)
info = {"ID": "00000000-0000-4000-8000-000000000001", "Operation": "OperationTypeApply", "Info": "", "Who": "ci@runner",
        "Version": "1.11.4", "Created": "2020-01-01T00:00:00Z", "Path": f"{bucket}/team/terraform.tfstate"}
dynamodb.put_item(TableName=table, Item={"LockID": {"S": info["Path"]}, "Info": {"S": json.dumps(info)}})
