"""An item in the lock table that is about no state of the bucket."""

import sys

import boto3

boto3.client("dynamodb").put_item(TableName=sys.argv[1], Item={"LockID": {"S": "other-bucket/terraform.tfstate"}})
