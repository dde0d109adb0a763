"""Puts a backend into a state that a test wants it to be in, or prints all versions of all that is in the bucket."""

import json
import sys

import boto3

what, *rest, bucket = sys.argv[1:]
env = bucket.split("-")[2]
table, key = f"acme-tfstate-{env}-locks", "terraform.tfstate"
s3, dynamodb, iam = map(boto3.client, ["s3", "dynamodb", "iam"])
LOCK = json.dumps({"ID": "one", "Operation": "OperationTypeApply", "Who": "ci@runner", "Created": "2026-11-21T07:00:52Z"})
SID = "TfbackendDenyDestroyingHistory"


def tag(value):
    tags = [t for t in s3.get_bucket_tagging(Bucket=bucket)["TagSet"] if t["Key"] != "tfbackend:protected"]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [*tags, {"Key": "tfbackend:protected", "Value": value}]})


def policy(protected):
    document = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    others = [s for s in document["Statement"] if s.get("Sid") != SID]
    arn = f"arn:aws:s3:::{bucket}"
    deny = {
        "Sid": SID,
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": ["s3:DeleteBucket", "s3:DeleteObjectVersion"],
        "Resource": [arn, f"{arn}/*"],
    }
    document["Statement"] = [*others, deny] if protected else others
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))


def protection(level, on):
    if level == "tag":
        tag("true" if on else "false")
    elif level == "table":
        dynamodb.update_table(TableName=table, DeletionProtectionEnabled=on)
    else:
        policy(on)


def state(contents):
    instance = {"attributes": {"password": "hunter2"}}
    resource = {"mode": "managed", "type": "t", "name": "n", "provider": "p", "instances": [instance]}
    base = {"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "l", "outputs": {}, "resources": []}
    bodies = {
        "empty": json.dumps(base),
        "in-use": json.dumps({**base, "resources": [resource]}),
        "encrypted": json.dumps({"serial": 1, "lineage": "l", "meta": {}, "encrypted_data": "x", "encryption_version": "v0"}),
        "garbage": "{",
        "nothing": "",
    }
    s3.put_object(Bucket=bucket, Key=key, Body=bodies[contents])


def lock(place, held):
    body = LOCK if not place.startswith("broken") else "{"
    if place.endswith("item"):
        name = {"LockID": {"S": f"{bucket}/{'other.tfstate' if place.startswith('other') else key}"}}
        if held:
            dynamodb.put_item(TableName=table, Item={**name, "Info": {"S": body}})
        else:
            dynamodb.delete_item(TableName=table, Key=name)
    elif place == "other":
        if held:
            s3.put_object(Bucket=bucket, Key="other.tfstate.tflock", Body=LOCK, IfNoneMatch="*")
        else:
            s3.delete_object(Bucket=bucket, Key="other.tfstate.tflock")
    elif held:
        s3.put_object(Bucket=bucket, Key=key + ".tflock", Body=body, IfNoneMatch="*")
    else:
        s3.delete_object(Bucket=bucket, Key=key + ".tflock")


def attach(user):
    arn = next(p["Arn"] for p in iam.list_policies(Scope="Local")["Policies"])
    iam.create_user(UserName=user)
    iam.attach_user_policy(UserName=user, PolicyArn=arn)


def everything():
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    for page in pages:
        for kind in ["Versions", "DeleteMarkers"]:
            for one in page.get(kind, []):
                print(kind, one["Key"], one["VersionId"])
    print(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    for item in dynamodb.scan(TableName=table)["Items"]:
        print(json.dumps(item, sort_keys=True))
    print([s3.get_bucket_tagging(Bucket=bucket)["TagSet"], dynamodb.describe_table(TableName=table)["Table"]["DeletionProtectionEnabled"]])
    print([p["AttachmentCount"] for p in iam.list_policies(Scope="Local")["Policies"]])


def current():
    for one in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        print(one["Key"], s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read().decode())


if what == "now":
    print(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    print(json.dumps(dynamodb.scan(TableName=table)["Items"], sort_keys=True))
    current()
    sys.exit()
everything()
if what == "all":
    sys.exit()
if what in ["protect", "unprotect"]:
    protection(rest[0], what == "protect")
elif what == "state":
    state(rest[0])
elif what in ["lock", "unlock"]:
    lock(rest[0], what == "lock")
elif what == "attach":
    attach(rest[0])
elif what == "untag":
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "team", "Value": "shop"}]})
else:
    sys.exit(f"unknown: {what}")
print("----")
everything()
