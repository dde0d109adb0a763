"""Lists all buckets but the account's own."""

import boto3

names = [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]]
print([name for name in names if name != "account-logs"])
