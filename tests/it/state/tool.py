"""Looks at the objects and items of a backend, and changes them behind everybody's back."""

import hashlib
import json
import sys

import boto3
from botocore.exceptions import ClientError

what, bucket, table, *rest = sys.argv[1:]
s3 = boto3.client("s3")
dynamodb = boto3.client("dynamodb")


def body(key):
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError:
        return None


def item(lock_id):
    return dynamodb.get_item(TableName=table, Key={"LockID": {"S": lock_id}}, ConsistentRead=True).get("Item")


if what == "versions":
    # The newest first: id, and serial or "deleted".
    answer = s3.list_object_versions(Bucket=bucket, Prefix=rest[0])
    found = [(v["LastModified"], v["VersionId"], v) for v in answer.get("Versions", []) if v["Key"] == rest[0]]
    found += [(m["LastModified"], m["VersionId"], None) for m in answer.get("DeleteMarkers", []) if m["Key"] == rest[0]]
    for _, version, data in sorted(found, key=lambda one: one[0], reverse=True):
        if data is None:
            print(version, "deleted")
            continue
        text = s3.get_object(Bucket=bucket, Key=rest[0], VersionId=version)["Body"].read()
        try:
            print(version, json.loads(text)["serial"])
        except (ValueError, KeyError):
            print(version, "unreadable")
elif what == "standing":
    # Serial, whether the digest is right, and which locks are held.
    text = body(rest[0])
    digest = (item(f"{bucket}/{rest[0]}-md5") or {}).get("Digest", {}).get("S")
    right = "none" if digest is None else "right" if text is not None and digest == hashlib.md5(text).hexdigest() else "wrong"
    locks = [name for name, held in [("file", body(rest[0] + ".tflock")), ("item", item(f"{bucket}/{rest[0]}"))] if held]
    print("serial", json.loads(text)["serial"] if text else None, "digest", right, "locks", ",".join(locks) or "none")
elif what == "release":
    s3.delete_object(Bucket=bucket, Key=rest[0] + ".tflock")
    dynamodb.delete_item(TableName=table, Key={"LockID": {"S": f"{bucket}/{rest[0]}"}})
elif what == "put":
    with open(rest[1], "rb") as file:
        extra = {"ServerSideEncryption": rest[2]} if len(rest) > 2 else {}
        print(s3.put_object(Bucket=bucket, Key=rest[0], Body=file.read(), **extra).get("VersionId"))
elif what == "as-root-put":
    # Past the bucket's policy.
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=bucket)
    with open(rest[1], "rb") as file:
        extra = {"ServerSideEncryption": rest[2]} if len(rest) > 2 else {}
        s3.put_object(Bucket=bucket, Key=rest[0], Body=file.read(), **extra)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
elif what == "lock":
    info = {"ID": "theirs", "Operation": "OperationTypeApply", "Info": "", "Who": "somebody@else", "Version": "1.11.4"}
    info.update({"Created": "2026-11-21T07:00:52Z", "Path": f"{bucket}/{rest[0]}"})
    text = json.dumps(info, separators=(",", ":"))
    dynamodb.put_item(TableName=table, Item={"LockID": {"S": f"{bucket}/{rest[0]}"}, "Info": {"S": text}})
elif what == "delete":
    s3.delete_object(Bucket=bucket, Key=rest[0])
elif what == "digest":
    lock_id = f"{bucket}/{rest[0]}-md5"
    if rest[1] == "none":
        dynamodb.delete_item(TableName=table, Key={"LockID": {"S": lock_id}})
    else:
        dynamodb.put_item(TableName=table, Item={"LockID": {"S": lock_id}, "Digest": {"S": rest[1]}})
elif what == "stored":
    print((item(f"{bucket}/{rest[0]}-md5") or {}).get("Digest", {}).get("S", "none"))
elif what == "fit":
    # As a repair would that takes any bytes for a state.
    fitting = hashlib.md5(body(rest[0])).hexdigest()
    dynamodb.put_item(TableName=table, Item={"LockID": {"S": f"{bucket}/{rest[0]}-md5"}, "Digest": {"S": fitting}})
elif what == "deny":
    # Whoever it is, but root, may not do this any more.
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    policy["Statement"].append({"Sid": "Denied", "Effect": "Deny", "Principal": "*", "Action": rest[0], "Resource": resources})
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
else:
    raise SystemExit(f"what is {what}?")
