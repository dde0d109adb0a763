"""Makes what a story is about: states, locks, and changes behind the tool's back."""

import hashlib
import json
import sys

import boto3

bucket = "acme-tfstate-prod-000000000000-eu-west-1"
table = "acme-tfstate-prod-locks"
s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")


def resource(name, **attributes):
    provider = 'provider["registry.terraform.io/hashicorp/aws"]'
    instance = {"schema_version": 0, "attributes": attributes}
    return {"mode": "managed", "type": "aws_instance", "name": name, "provider": provider, "instances": [instance]}


def state(serial, lineage, resources, outputs=()):
    values = {name: {"value": "hunter2", "type": "string"} for name in outputs}
    document = {"version": 4, "terraform_version": "1.11.4", "serial": serial, "lineage": lineage}
    return json.dumps({**document, "outputs": values, "resources": resources, "check_results": None}, indent=2)


def put(key, body):
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
    digest(key, hashlib.md5(body.encode()).hexdigest())


def digest(key, value):
    try:
        item = {"LockID": {"S": f"{bucket}/{key}-md5"}, "Digest": {"S": value}}
        dynamodb.put_item(TableName=table, Item=item)
    except dynamodb.exceptions.ResourceNotFoundException:
        pass


def states():
    old = [resource("web", id="i-1", tags="a"), resource("old", id="i-2")]
    put("terraform.tfstate", state(1, "lineage-of-prod", old))
    new = [resource("web", id="i-1", tags="b"), resource("new", id="i-3")]
    put("terraform.tfstate", state(2, "lineage-of-prod", new, ["url"]))
    put("env:/blue/terraform.tfstate", state(7, "lineage-of-blue", [resource("web", id="i-4")]))
    put("env:/empty/terraform.tfstate", state(3, "lineage-of-empty", []))


def locks():
    for number, path in enumerate(["terraform.tfstate", "env:/blue/terraform.tfstate"], 1):
        lock_id = f"00000000-0000-0000-0000-00000000000{number}"
        info = {"ID": lock_id, "Operation": "OperationTypeApply", "Info": "", "Who": "ci@runner", "Version": "1.11.4"}
        info = {**info, "Created": "2026-01-02T03:04:05.678Z", "Path": f"{bucket}/{path}"}
        text = json.dumps(info)
        s3.put_object(Bucket=bucket, Key=path + ".tflock", Body=text, IfNoneMatch="*")
        if number == 1:
            item = {"LockID": {"S": f"{bucket}/{path}"}, "Info": {"S": text}}
            dynamodb.put_item(TableName=table, Item=item)


def drift():
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    open_to_all = {"BlockPublicAcls": False, "IgnorePublicAcls": True, "BlockPublicPolicy": True}
    settings = {**open_to_all, "RestrictPublicBuckets": True}
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=settings)
    s3.delete_bucket_policy(Bucket=bucket)


def damage():
    digest("terraform.tfstate", "0" * 32)
    put("env:/torn/terraform.tfstate", '{"version": 4,')


def delete():
    s3.delete_object(Bucket=bucket, Key="terraform.tfstate")


def foreign():
    """A bucket as a tutorial makes it."""
    where = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="tutorial-states", CreateBucketConfiguration=where)
    body = state(1, "lineage-of-theirs", [resource("web", id="i-9")])
    s3.put_object(Bucket="tutorial-states", Key="terraform.tfstate", Body=body)


for what in sys.argv[1:]:
    globals()[what]()
