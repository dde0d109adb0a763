"""Makes a table that locks could be in."""

import sys

import boto3

schema = {"KeySchema": [{"AttributeName": "LockID", "KeyType": "HASH"}],
          "AttributeDefinitions": [{"AttributeName": "LockID", "AttributeType": "S"}]}
boto3.client("dynamodb").create_table(TableName=sys.argv[1], BillingMode="PAY_PER_REQUEST", **schema)
