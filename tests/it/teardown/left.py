"""What is left in a bucket: versions, delete markers, uploads. `remove` takes away the policy; `gone` deletes the bucket."""

import sys

import boto3

bucket, *then = sys.argv[1:]
s3 = boto3.client("s3")
if then == ["remove"]:
    s3.delete_bucket_policy(Bucket=bucket)
versions = s3.list_object_versions(Bucket=bucket)
left = [version["Key"] for version in versions.get("Versions", [])]
print(left, len(versions.get("DeleteMarkers", [])), len(s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])))
if then == ["gone"]:
    s3.delete_bucket(Bucket=bucket)
