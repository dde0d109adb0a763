"""Puts what is no state, and what is no lock, where states and locks are. `table` makes the table another's: without LockID."""

import json
import sys

import boto3

bucket, table, what = sys.argv[1:]
s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")

if what == "states":
    state = {"version": 4, "terraform_version": "1.11.4", "serial": 7, "lineage": "l", "outputs": {}}
    resource = {"mode": "managed", "type": "t", "name": "n", "provider": "p", "instances": [{"attributes": {"password": "hunter2"}}]}
    big = {**state, "outputs": {"all": {"value": "hunter2" * (50_000_000 // 7), "type": "string"}}, "resources": [resource]}
    whole = json.dumps({**state, "resources": [resource]})
    contents = {
        "big.tfstate": json.dumps(big),
        "cut.tfstate": whole[: len(whole) // 2],
        "empty.tfstate": "",
        "list.tfstate": "[]",
        "no-json.tfstate": "password = hunter2 \x1b[2J",
        "zeros.tfstate": "\0" * 100,
    }
    for name, content in contents.items():
        s3.put_object(Bucket=bucket, Key=name, Body=content)
elif what == "locks":
    s3.put_object(Bucket=bucket, Key="a.tfstate.tflock", Body='{"ID": "one", "Who": "hunter2', IfNoneMatch="*")
    s3.put_object(Bucket=bucket, Key="b.tfstate.tflock", Body=b"", IfNoneMatch="*")
    for path, info in (("c.tfstate", "no JSON \x1b[2J"), ("d.tfstate", '{"ID": 7}')):
        dynamodb.put_item(TableName=table, Item={"LockID": {"S": f"{bucket}/{path}"}, "Info": {"S": info}})
elif what == "table":
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    tags = dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=table)
    dynamodb.get_waiter("table_not_exists").wait(TableName=table)
    dynamodb.create_table(
        TableName=table,
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=tags,
    )
    dynamodb.put_item(TableName=table, Item={"Id": {"S": "somebody's"}, "Info": {"S": "{}"}})
