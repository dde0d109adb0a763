"""What people do to a backend by hand: a lock in the table only, a copy without a key, a delete, a digest gone."""

import sys

import boto3

bucket, table, key, info = sys.argv[1:]
s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
dynamodb.put_item(TableName=table, Item={"LockID": {"S": f"{bucket}/{key}"}, "Info": {"S": info}})
# As `encrypt = true` without a key would, had the bucket no policy.
s3.delete_bucket_policy(Bucket=bucket)
body = s3.get_object(Bucket=bucket, Key=f"env:/blue/{key}")["Body"].read()
s3.put_object(Bucket=bucket, Key=f"env:/blue/{key}", Body=body + b"\n", ServerSideEncryption="AES256")
s3.delete_object(Bucket=bucket, Key=f"env:/green/{key}")
dynamodb.delete_item(TableName=table, Key={"LockID": {"S": f"{bucket}/env:/red/{key}-md5"}})
