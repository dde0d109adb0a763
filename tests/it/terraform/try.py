"""Tries all that somebody with an access key may want to do to a backend, and prints what comes of it."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

bucket, table, key_arn, state, plain = sys.argv[1:]
s3, dynamodb, kms, iam = map(boto3.client, ["s3", "dynamodb", "kms", "iam"])
without_tls = boto3.client("s3", endpoint_url=plain, config=Config(s3={"addressing_style": "path"}))
here = {"Bucket": bucket}
states, lock = {**here, "Key": state}, {**here, "Key": state + ".tflock"}
other_key = "arn:aws:kms:eu-west-1:000000000000:key/00000000-0000-4000-8000-000000000000"


def attempt(what, call, *arguments, **more):
    try:
        answer = call(*arguments, **more)
        print(f"{what}: done")
        return answer
    except ClientError as error:
        code = error.response["Error"]["Code"]
        print(f"{what}: {code.removesuffix('Exception')}")


def item(call, lock_id, **more):
    return {"TableName": table, "Item" if call == "put" else "Key": {"LockID": {"S": lock_id}}, **more}


attempt("read the state", s3.get_object, **states)
attempt("write the state as Terraform does", s3.put_object, **states, Body=b"{}", ServerSideEncryption="aws:kms", SSEKMSKeyId=key_arn)
written = attempt("write the state, with no word of encryption", s3.put_object, **states, Body=b"{}")
attempt("write it with SSE-S3", s3.put_object, **states, Body=b"{}", ServerSideEncryption="AES256")
attempt("write it with another key", s3.put_object, **states, Body=b"{}", ServerSideEncryption="aws:kms", SSEKMSKeyId=other_key)
attempt("write it with a key of one's own", s3.put_object, **states, Body=b"{}", SSECustomerAlgorithm="AES256", SSECustomerKey=b"0" * 32)
attempt("begin to upload it with SSE-S3", s3.create_multipart_upload, **states, ServerSideEncryption="AES256")
print("encrypted with:", "our key" if written and written.get("SSEKMSKeyId") == key_arn else written)

attempt("take a lock", s3.put_object, **lock, Body=b"{}", IfNoneMatch="*")
attempt("take it again", s3.put_object, **lock, Body=b"{}", IfNoneMatch="*")
attempt("overwrite it", s3.put_object, **lock, Body=b"{}")
attempt("release it", s3.delete_object, **lock)

attempt("read the state without TLS", without_tls.get_object, **states)
attempt("write the state without TLS", without_tls.put_object, **states, Body=b"{}")
attempt("list the bucket without TLS", without_tls.list_objects_v2, **here)

version = written["VersionId"]
attempt("read an old version", s3.get_object, **states, VersionId=version)
attempt("list old versions", s3.list_object_versions, **here)
attempt("delete a version", s3.delete_object, **states, VersionId=version)
attempt("delete the bucket", s3.delete_bucket, **here)
attempt("delete the default state", s3.delete_object, **states)
attempt("delete a workspace's state", s3.delete_object, **here, Key="env:/none/" + state)

policy = attempt("read the bucket's policy", s3.get_bucket_policy, **here)
attempt("write the bucket's policy", s3.put_bucket_policy, **here, Policy=policy["Policy"] if policy else "{}")
attempt("read the bucket's encryption", s3.get_bucket_encryption, **here)
own, foreign = f"{bucket}/{state}", "other-bucket/terraform.tfstate"
absent = "attribute_not_exists(LockID)"
attempt("lock in the table", dynamodb.put_item, **item("put", own, ConditionExpression=absent))
attempt("lock it again", dynamodb.put_item, **item("put", own, ConditionExpression=absent))
attempt("read the lock", dynamodb.get_item, **item("get", own))
attempt("release the lock", dynamodb.delete_item, **item("delete", own))
attempt("write an item about another bucket", dynamodb.put_item, **item("put", foreign))
attempt("read an item about another bucket", dynamodb.get_item, **item("get", foreign))
attempt("delete an item about another bucket", dynamodb.delete_item, **item("delete", "other-bucket/none"))
write = {"PutRequest": {"Item": {"LockID": {"S": foreign}}}}
attempt("write one in a batch", dynamodb.batch_write_item, RequestItems={table: [write]})
attempt("scan the table", dynamodb.scan, TableName=table)
attempt("delete the table", dynamodb.delete_table, TableName=table)

data = attempt("use the key without S3", kms.generate_data_key, KeyId=key_arn, KeySpec="AES_256")
attempt("delete the key in 7 days", kms.schedule_key_deletion, KeyId=key_arn, PendingWindowInDays=7)
attempt("delete the key in 30 days", kms.schedule_key_deletion, KeyId=key_arn, PendingWindowInDays=30)
attempt("take that back", kms.cancel_key_deletion, KeyId=key_arn)
attempt("enable the key", kms.enable_key, KeyId=key_arn)
attempt("read the key's policy", kms.get_key_policy, KeyId=key_arn)
everything = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
attempt("give oneself more", iam.put_user_policy, UserName="terraform", PolicyName="more", PolicyDocument=json.dumps(everything))
attempt("suspend versioning", s3.put_bucket_versioning, **here, VersioningConfiguration={"Status": "Suspended"})
rule = {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": "none/"}, "Expiration": {"Days": 1}}
attempt("shorten the history", s3.put_bucket_lifecycle_configuration, **here, LifecycleConfiguration={"Rules": [rule]})
attempt("change the public access block", s3.delete_public_access_block, **here)
