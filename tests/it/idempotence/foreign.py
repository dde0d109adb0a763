"""Adds what others may write beside ours, removes ours and leaves that, or shows what is there."""

import json
import sys

import boto3

base, account, region = "acme-tfstate-prod", "000000000000", "eu-west-1"
kms, s3, dynamodb, sns, sqs, cloudwatch = map(boto3.client, ["kms", "s3", "dynamodb", "sns", "sqs", "cloudwatch"])
bucket, logs, table = f"{base}-{account}-{region}", f"{base}-logs-{account}-{region}", f"{base}-locks"
here = {"Bucket": bucket}
topic = f"arn:aws:sns:{region}:{account}:{base}-alarms"
on_call = f"arn:aws:sns:{region}:{account}:on-call"
alias = f"alias/{base}"
alarm = f"{base}-object-count"


def statement(resource):
    return {"Sid": "Auditors", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, **resource}


def key_id():
    return kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"]


def documents():
    """Every policy that is shared: how it is read and written, and what somebody adds to it."""
    for name in (bucket, logs):
        yield (
            f"policy of {'the log bucket' if name == logs else 'the bucket'}",
            lambda name=name: s3.get_bucket_policy(Bucket=name)["Policy"],
            lambda text, name=name: s3.put_bucket_policy(Bucket=name, Policy=text),
            statement({"Action": "s3:GetBucketTagging", "Resource": f"arn:aws:s3:::{name}"}),
        )
    yield (
        "policy of the key",
        lambda: kms.get_key_policy(KeyId=key_id(), PolicyName="default")["Policy"],
        lambda text: kms.put_key_policy(KeyId=key_id(), PolicyName="default", Policy=text),
        statement({"Action": "kms:DescribeKey", "Resource": "*"}),
    )
    yield (
        "policy of the topic",
        lambda: sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"],
        lambda text: sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=text),
        statement({"Action": "sns:GetTopicAttributes", "Resource": topic}),
    )


def rules():
    return s3.get_bucket_lifecycle_configuration(**here)["Rules"]


def events():
    found = s3.get_bucket_notification_configuration(**here)
    return {kind: found[kind] for kind in found if kind.endswith(("Configurations", "Configuration"))}


def tags():
    return {
        "bucket": s3.get_bucket_tagging(**here)["TagSet"],
        "key": [{"Key": t["TagKey"], "Value": t["TagValue"]} for t in kms.list_resource_tags(KeyId=key_id())["Tags"]],
        "table": dynamodb.list_tags_of_resource(ResourceArn=table_arn())["Tags"],
        "topic": sns.list_tags_for_resource(ResourceArn=topic)["Tags"],
    }


def table_arn():
    return f"arn:aws:dynamodb:{region}:{account}:table/{table}"


def set_tags(name, value):
    tag = {"Key": name, "Value": value}
    others = [other for other in tags()["bucket"] if other["Key"] != name]
    s3.put_bucket_tagging(**here, Tagging={"TagSet": [*others, tag]})
    kms.tag_resource(KeyId=key_id(), Tags=[{"TagKey": name, "TagValue": value}])
    dynamodb.tag_resource(ResourceArn=table_arn(), Tags=[tag])
    sns.tag_resource(ResourceArn=topic, Tags=[tag])


def change_alarm(**changes):
    known = cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]
    kept = ["AlarmName", "AlarmDescription", "Metrics", "ComparisonOperator", "Threshold", "EvaluationPeriods",
            "TreatMissingData", "ActionsEnabled", "AlarmActions"]
    cloudwatch.put_metric_alarm(**{**{field: known[field] for field in kept}, **changes})


def add():
    for _, read, write, theirs in documents():
        policy = json.loads(read())
        write(json.dumps({**policy, "Statement": [theirs, *policy["Statement"]]}))
    archive = {"ID": "archive", "Status": "Enabled", "Filter": {"And": {"Prefix": "old/", "Tags": [{"Key": "a", "Value": "b"}]}},
               "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}],
               "NoncurrentVersionTransitions": [{"NoncurrentDays": 40, "StorageClass": "STANDARD_IA", "NewerNoncurrentVersions": 3}]}
    s3.put_bucket_lifecycle_configuration(**here, LifecycleConfiguration={"Rules": [*rules(), archive]})
    queue = sqs.create_queue(QueueName="changes")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    name = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "old/"}]}}
    theirs = {"Id": "changes", "QueueArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": name}
    all_events = {**events(), "QueueConfigurations": [theirs], "EventBridgeConfiguration": {}}
    s3.put_bucket_notification_configuration(**here, NotificationConfiguration=all_events)
    set_tags("CostCenter", "4711")
    sns.create_topic(Name="on-call")
    change_alarm(AlarmActions=[topic, on_call])


def remove_ours():
    for _, read, write, _ in documents():
        policy = json.loads(read())
        # The key keeps the statement without which nobody could repair it.
        kept = [s for s in policy["Statement"] if s["Sid"] in ("Auditors", "TfbackendEnableIamPolicies")]
        write(json.dumps({**policy, "Statement": kept}))
    theirs = [rule for rule in rules() if not rule["ID"].startswith("tfbackend-")]
    s3.put_bucket_lifecycle_configuration(**here, LifecycleConfiguration={"Rules": theirs})
    kept = {kind: value for kind, value in events().items() if kind != "TopicConfigurations"}
    s3.put_bucket_notification_configuration(**here, NotificationConfiguration=kept)
    set_tags("tfbackend:protected", "no")
    change_alarm(AlarmActions=[on_call])


def show():
    for name, read, _, theirs in documents():
        policy = json.loads(read())
        print(name, "- theirs:", theirs in policy["Statement"], "- ours:", len(policy["Statement"]) - 1)
    for rule in rules():
        print("rule", json.dumps(rule, sort_keys=True))
    for kind, value in sorted(events().items()):
        print(kind, json.dumps(value, sort_keys=True))
    for name, found in tags().items():
        found = {tag["Key"]: tag["Value"] for tag in found}
        print("tags of", name, found.get("CostCenter"), found.get("tfbackend:protected"), len(found))
    actions = cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]["AlarmActions"]
    print("alarm tells", [arn.rpartition(":")[2] for arn in actions])


{"add": add, "remove ours": remove_ours, "show": show}[sys.argv[1]]()
