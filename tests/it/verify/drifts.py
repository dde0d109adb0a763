"""Changes the environment `prod` of `acme` in one way at a time, as each line of standard input says: takes back what the line
before made, and says `done`. `nothing` is a change, too.
"""

import json
import sys
from contextlib import contextmanager

import boto3

base, account, region = "acme-tfstate-prod", "000000000000", "eu-west-1"
services = ["kms", "s3", "dynamodb", "sns", "cloudtrail"]
kms, s3, dynamodb, sns, cloudtrail = map(boto3.client, services)
bucket, logs, table, alias = f"{base}-{account}-{region}", f"{base}-logs-{account}-{region}", f"{base}-locks", f"alias/{base}"
here = {"Bucket": bucket}
topic = f"arn:aws:sns:{region}:{account}:{base}-alarms"
table_arn = f"arn:aws:dynamodb:{region}:{account}:table/{table}"
THEIRS = "arn:aws:iam::444455556666:root"
key_id = kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"]


@contextmanager
def nothing():
    yield


@contextmanager
def lets_in(policy, write, action, resource):
    """Adds a statement for a principal of another account."""
    theirs = {"Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": THEIRS}, "Action": action, "Resource": resource}
    write(json.dumps({**json.loads(policy), "Statement": [*json.loads(policy)["Statement"], theirs]}))
    yield
    write(policy)


def opens_bucket(name):
    write = lambda policy: s3.put_bucket_policy(Bucket=name, Policy=policy)
    return lets_in(s3.get_bucket_policy(Bucket=name)["Policy"], write, "s3:GetObject", f"arn:aws:s3:::{name}/*")


def opens_key():
    write = lambda policy: kms.put_key_policy(KeyId=key_id, PolicyName="default", Policy=policy)
    return lets_in(kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"], write, "kms:Decrypt", "*")


def opens_topic():
    write = lambda policy: sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    return lets_in(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"], write, "sns:Subscribe", topic)


@contextmanager
def opens_table():
    theirs = {"Effect": "Allow", "Principal": {"AWS": THEIRS}, "Action": "dynamodb:*", "Resource": table_arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [theirs]})
    dynamodb.put_resource_policy(ResourceArn=table_arn, Policy=policy)
    yield
    dynamodb.delete_resource_policy(ResourceArn=table_arn)


@contextmanager
def replicates():
    copy = {"ID": "copy", "Status": "Enabled", "Priority": 1, "Filter": {}, "DeleteMarkerReplication": {"Status": "Disabled"}}
    copy["Destination"] = {"Bucket": "arn:aws:s3:::theirs", "Account": "444455556666"}
    role = f"arn:aws:iam::{account}:role/replication"
    s3.put_bucket_replication(**here, ReplicationConfiguration={"Role": role, "Rules": [copy]})
    yield
    s3.delete_bucket_replication(**here)


@contextmanager
def is_a_website():
    s3.put_bucket_website(**here, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    yield
    s3.delete_bucket_website(**here)


@contextmanager
def answers_pages():
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
    s3.put_bucket_cors(**here, CORSConfiguration={"CORSRules": [rule]})
    yield
    s3.delete_bucket_cors(**here)


@contextmanager
def accelerates():
    s3.put_bucket_accelerate_configuration(**here, AccelerateConfiguration={"Status": "Enabled"})
    yield
    s3.put_bucket_accelerate_configuration(**here, AccelerateConfiguration={"Status": "Suspended"})


@contextmanager
def has_a_rule(**theirs):
    rules = s3.get_bucket_lifecycle_configuration(**here)["Rules"]
    theirs = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": ""}, **theirs}
    s3.put_bucket_lifecycle_configuration(**here, LifecycleConfiguration={"Rules": [*rules, theirs]})
    yield
    s3.put_bucket_lifecycle_configuration(**here, LifecycleConfiguration={"Rules": rules})


@contextmanager
def has_no_tags():
    tags = s3.get_bucket_tagging(**here)["TagSet"]
    s3.delete_bucket_tagging(**here)
    yield
    s3.put_bucket_tagging(**here, Tagging={"TagSet": tags})


@contextmanager
def is_granted():
    granted = kms.create_grant(KeyId=key_id, GranteePrincipal="arn:aws:iam::444455556666:role/theirs", Operations=["Decrypt"])
    yield
    kms.revoke_grant(KeyId=key_id, GrantId=granted["GrantId"])


@contextmanager
def is_disabled():
    kms.disable_key(KeyId=key_id)
    yield
    kms.enable_key(KeyId=key_id)


@contextmanager
def is_to_be_deleted():
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=30)
    yield
    kms.cancel_key_deletion(KeyId=key_id)
    kms.enable_key(KeyId=key_id)


@contextmanager
def alias_leads_elsewhere():
    other = kms.create_key(Description="not the one")["KeyMetadata"]["KeyId"]
    kms.update_alias(AliasName=alias, TargetKeyId=other)
    yield
    kms.update_alias(AliasName=alias, TargetKeyId=key_id)


@contextmanager
def items_expire():
    attribute = {"AttributeName": "Expires"}
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={"Enabled": True, **attribute})
    yield
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={"Enabled": False, **attribute})


@contextmanager
def others_listen():
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="others@example.org")
    yield
    for one in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
        if one["Endpoint"] == "others@example.org":
            sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])


@contextmanager
def records_no_objects():
    known = cloudtrail.get_event_selectors(TrailName=base)["AdvancedEventSelectors"]
    nothing = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}
    cloudtrail.put_event_selectors(TrailName=base, EventSelectors=[nothing])
    yield
    cloudtrail.put_event_selectors(TrailName=base, AdvancedEventSelectors=known)


changes = {
    "nothing": nothing,
    "state bucket: another account reads": lambda: opens_bucket(bucket),
    "log bucket: another account reads": lambda: opens_bucket(logs),
    "states are replicated to another account": replicates,
    "a website": is_a_website,
    "pages of all sites": answers_pages,
    "transfer acceleration": accelerates,
    "states expire": lambda: has_a_rule(Expiration={"Days": 1}),
    "replaced versions expire": lambda: has_a_rule(NoncurrentVersionExpiration={"NoncurrentDays": 1}),
    "no tags": has_no_tags,
    "key: another account decrypts": opens_key,
    "a grant to another account": is_granted,
    "the key is disabled": is_disabled,
    "the key is to be deleted": is_to_be_deleted,
    "the alias of another key": alias_leads_elsewhere,
    "table: another account locks": opens_table,
    "locks expire": items_expire,
    "topic: another account subscribes": opens_topic,
    "others hear of alarms": others_listen,
    "a trail without selectors": records_no_objects,
}
last = nothing()
last.__enter__()
for line in sys.stdin:
    last.__exit__(None, None, None)
    last = changes[line.strip()]()
    last.__enter__()
    print("done", flush=True)
