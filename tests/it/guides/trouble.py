"""Does to a backend what the guides recover from: WHAT BUCKET [TABLE]."""

import datetime
import json
import sys

import boto3

KEY = "terraform.tfstate"
DENIED = "WritesFail"
what, bucket, *table = sys.argv[1:]
s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")


def policy():
    return json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])


if what == "lock":
    # Of a run that was stopped six hours ago, and whose lock file is gone.
    age = datetime.timedelta(hours=6, minutes=12, seconds=20)
    info = {"ID": "5e2d4b6e-7d3f-4b0c-9a51-3c1a6a2c5f10", "Operation": "OperationTypeApply", "Info": ""}
    info.update({"Who": "ci@runner-17", "Version": "1.11.4", "Path": f"{bucket}/{KEY}"})
    info["Created"] = (datetime.datetime.now(datetime.timezone.utc) - age).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = json.dumps(info, separators=(",", ":"))
    dynamodb.put_item(TableName=table[0], Item={"LockID": {"S": f"{bucket}/{KEY}"}, "Info": {"S": text}})
elif what == "damage":
    text = s3.get_object(Bucket=bucket, Key=KEY)["Body"].read()
    s3.put_object(Bucket=bucket, Key=KEY, Body=text[: len(text) // 2])
elif what == "digest":
    item = {"LockID": {"S": f"{bucket}/{KEY}-md5"}, "Digest": {"S": "0" * 32}}
    dynamodb.put_item(TableName=table[0], Item=item)
elif what == "delete":
    s3.delete_object(Bucket=bucket, Key=KEY)
elif what == "unlogged":
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
elif what == "deny":
    # Only the state: the lock can be taken and released.
    denied = policy()
    denied["Statement"].append({"Sid": DENIED, "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject"})
    denied["Statement"][-1]["Resource"] = f"arn:aws:s3:::{bucket}/{KEY}"
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(denied))
elif what == "allow":
    allowed = policy()
    allowed["Statement"] = [one for one in allowed["Statement"] if one.get("Sid") != DENIED]
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(allowed))
else:
    raise SystemExit(f"unknown: {what}")
