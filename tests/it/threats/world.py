"""Makes what a test of the threats needs in the environment `dev` of `acme`, as the arguments say."""

import hashlib
import json
import sys

import boto3

what, *rest = sys.argv[1:]
base, account, region = "acme-tfstate-dev", "000000000000", "eu-west-1"
bucket, table = f"{base}-{account}-{region}", f"{base}-locks"
s3, dynamodb, iam, sns, sts, trail = map(boto3.client, ["s3", "dynamodb", "iam", "sns", "sts", "cloudtrail"])


def session():
    """Credentials with a token, all of them made up by the emulator a moment ago."""
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="admin", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
    all_of_it = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="admin", PolicyName="all", PolicyDocument=json.dumps(all_of_it))
    keys = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/admin", RoleSessionName="test")["Credentials"]
    print(json.dumps([keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]]))


def states():
    """A state in two versions, with its digest, and under a lock by both mechanisms."""
    key = "terraform.tfstate"
    for serial in (1, 2):
        instance = {"attributes": {"id": str(serial)}}
        resource = {"mode": "managed", "type": "terraform_data", "name": "n", "provider": "p", "instances": [instance]}
        state = {"version": 4, "terraform_version": "1.11.4", "serial": serial, "lineage": "l", "outputs": {}, "resources": [resource]}
        body = json.dumps(state).encode()
        s3.put_object(Bucket=bucket, Key=key, Body=body)
        dynamodb.put_item(TableName=table, Item={"LockID": {"S": f"{bucket}/{key}-md5"}, "Digest": {"S": hashlib.md5(body).hexdigest()}})
    info = {"ID": "00000000-0000-4000-8000-000000000001", "Operation": "OperationTypeApply", "Info": "", "Who": "ci@runner",
            "Version": "1.11.4", "Created": "2026-01-01T00:00:00Z", "Path": f"{bucket}/{key}"}
    s3.put_object(Bucket=bucket, Key=key + ".tflock", Body=json.dumps(info), IfNoneMatch="*")
    dynamodb.put_item(TableName=table, Item={"LockID": {"S": info["Path"]}, "Info": {"S": json.dumps(info)}})


def audit(how):
    """What somebody does who does not want to be seen, or wants to hear."""
    topic = f"arn:aws:sns:{region}:{account}:{base}-alarms"
    arn = f"arn:aws:cloudtrail:{region}:{account}:trail/{base}"
    match how:
        case "listen":
            sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="mallory@example.org")
        case "leave":
            for one in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
                sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
        case "stop":
            trail.stop_logging(Name=arn)
        case "start":
            trail.start_logging(Name=arn)
        case "blind":
            trail.put_event_selectors(TrailName=arn, EventSelectors=[{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}])


{"session": session, "states": states, "audit": audit}[what](*rest)
