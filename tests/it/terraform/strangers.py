"""A user of another account at two buckets that allow everybody everything: ours, and one without our statements."""

import json
import sys

import boto3
from botocore.exceptions import ClientError

bucket, key = sys.argv[1:]
s3 = boto3.client("s3")
# Of account 111122223333: tests/it/support/neighbours.py.
keys = {"aws_access_key_id": "AKIASTRANGER00000000", "aws_secret_access_key": "strangersecret"}
stranger = boto3.client("s3", **keys)
assert boto3.client("sts", **keys).get_caller_identity()["Account"] == "111122223333"

s3.create_bucket(Bucket="control", CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
s3.put_object(Bucket="control", Key=key, Body=b"{}")
for name in ["control", bucket]:
    s3.delete_public_access_block(Bucket=name)
    policy = {"Version": "2012-10-17", "Statement": []}
    if name == bucket:
        policy = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])
    resources = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    policy["Statement"].append({"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": resources})
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    for what, call, more in [
        ("list", stranger.list_objects_v2, {}),
        ("read", stranger.head_object, {"Key": key}),
        ("write", stranger.put_object, {"Key": key, "Body": b"{}"}),
        ("delete", stranger.delete_object, {"Key": key}),
    ]:
        try:
            call(Bucket=name, **more)
            print("ours" if name == bucket else name, what, "done")
        except ClientError as error:
            print("ours" if name == bucket else name, what, error.response["Error"]["Code"])
