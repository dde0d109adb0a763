"""Does what Terraform would to a state: `write` two versions with the digest, `lock` it in both places, `lock-table`, `write-under-lock`."""

import hashlib
import json
import sys
import time

import boto3

what, bucket, table, *lock = sys.argv[1:]
s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
PROVIDER = 'provider["terraform.io/builtin/terraform"]'
KEY, LOCK = "terraform.tfstate", "terraform.tfstate.tflock"


def write(serial):
    lineage = "3f1d1b0e-0c6b-4a52-9d0e-5b1c1f6f2a11"
    resource = {"mode": "managed", "type": "terraform_data", "name": "one", "provider": PROVIDER}
    resource["instances"] = [{"schema_version": 0, "attributes": {"id": "one"}}]
    state = {"version": 4, "terraform_version": "1.11.4", "serial": serial, "lineage": lineage, "outputs": {}}
    # Only in the first version, so that there is something to bring back.
    state["resources"] = [resource] if serial == 1 else []
    body = json.dumps(state).encode()
    s3.put_object(Bucket=bucket, Key=KEY, Body=body)
    digest = hashlib.md5(body).hexdigest()
    dynamodb.put_item(TableName=table, Item={"LockID": {"S": f"{bucket}/{KEY}-md5"}, "Digest": {"S": digest}})


if what == "write":
    write(1)
    write(2)
elif what in ("lock", "lock-table"):
    if what == "lock":
        s3.put_object(Bucket=bucket, Key=LOCK, Body=lock[0], IfNoneMatch="*")
    dynamodb.put_item(TableName=table, Item={"LockID": {"S": f"{bucket}/{KEY}"}, "Info": {"S": lock[0]}})
else:
    # S3 says to the second when something was written.
    time.sleep(1.1)
    s3.put_object(Bucket=bucket, Key=LOCK, Body=lock[0], IfNoneMatch="*")
    write(4)
    time.sleep(1.1)
    s3.delete_object(Bucket=bucket, Key=LOCK)
