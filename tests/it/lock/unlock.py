"""Deletes an item of the lock table, whatever it is."""

import sys

import boto3

boto3.client("dynamodb").delete_item(TableName=sys.argv[1], Key={"LockID": {"S": sys.argv[2]}})
