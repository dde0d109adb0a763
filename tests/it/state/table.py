"""Makes a table for locks in a region."""

import sys

import boto3

name, region = sys.argv[1:]
boto3.client("dynamodb", region_name=region).create_table(
    TableName=name,
    KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
    BillingMode="PAY_PER_REQUEST",
)
