"""The versioning of a bucket; with a status, sets it first: versioning.py BUCKET [STATUS]"""

import sys

import boto3

s3 = boto3.client("s3")
bucket = sys.argv[1]
for status in sys.argv[2:]:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})
print(s3.get_bucket_versioning(Bucket=bucket)["Status"])
