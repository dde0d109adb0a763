"""Makes a bucket and a table as a team has them that wrote its backend by hand years ago, or changes what they grant.

    make BUCKET TABLE      with versions, and nothing else
    acl BUCKET             its access control list lets S3's log delivery in
    private BUCKET         and no longer does
    public BUCKET          its policy lets everybody read
    guarded BUCKET         and no longer does
"""

import json
import sys

import boto3

s3, dynamodb = map(boto3.client, ["s3", "dynamodb"])
what, bucket, *more = sys.argv[1:]
if what == "make":
    place = {"LocationConstraint": s3.meta.region_name}
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=place, ObjectOwnership="ObjectWriter")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for table in more:
        dynamodb.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
elif what == "acl":
    s3.put_bucket_acl(Bucket=bucket, ACL="log-delivery-write")
elif what == "private":
    s3.put_bucket_acl(Bucket=bucket, ACL="private")
elif what == "public":
    s3.delete_public_access_block(Bucket=bucket)
    allow = {"Sid": "Site", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
elif what == "guarded":
    s3.delete_bucket_policy(Bucket=bucket)
