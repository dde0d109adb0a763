"""Makes a bucket with versions, delete markers, unfinished uploads and names that break things, and says how many.
One version may not be deleted: its name is in the bucket policy."""

import json
import sys

import boto3

(bucket,) = sys.argv[1:]
s3 = boto3.client("s3")
s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
s3.put_object(Bucket=bucket, Key="before.tfstate", Body=b"before there were versions")
s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

states = [f"env:/w{n}/a.tfstate" for n in range(10)]
hostile = ["a\nb", "a\r\nb", "a//b", "a\x01b", "a b+c%20d", "<&>\"'${x}%{y}", "\x1b[2J", "a\u202eb", "é" * 512, "a\x7f\x85\u2028b"]
for turn in range(3):
    for name in states * 4 + hostile:
        s3.put_object(Bucket=bucket, Key=name, Body=b"state")
    # Without a version each makes a delete marker, also of the same name once more.
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": name} for name in states * 80], "Quiet": True})
for name in states:
    s3.create_multipart_upload(Bucket=bucket, Key=name)
    s3.put_object(Bucket=bucket, Key=name, Body=b"state")
s3.put_object(Bucket=bucket, Key="kept.tfstate", Body=b"kept")
deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObjectVersion", "Resource": f"arn:aws:s3:::{bucket}/kept*"}
s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
print(2 + 3 * (40 + len(hostile)) + 10, 3 * 800, 10)
