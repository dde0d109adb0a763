"""Everything that there is, as one JSON document, read with boto3: nothing of tfbackend's own."""

import json

import boto3
from botocore.exceptions import ClientError

services = ["s3", "dynamodb", "kms", "cloudwatch", "cloudtrail"]
s3, dynamodb, kms, cloudwatch, cloudtrail = map(boto3.client, services)


def answer(call, field=None, default=None, **args):
    try:
        found = call(**args)
    except ClientError:
        return default
    found.pop("ResponseMetadata", None)
    return found.get(field, default) if field else found


def tags(items, key="Key", value="Value"):
    return {tag[key]: tag[value] for tag in items}


def rule(found):
    """A filter of nothing and one of no prefix both mean all objects."""
    return {**found, "Filter": found.get("Filter") or {"Prefix": ""}}


def bucket(name):
    here = {"Bucket": name}
    encryption = answer(s3.get_bucket_encryption, "ServerSideEncryptionConfiguration", {}, **here).get("Rules", [{}])[0]
    default = encryption.get("ApplyServerSideEncryptionByDefault", {})
    versioning = answer(s3.get_bucket_versioning, default={}, **here)
    ownership = answer(s3.get_bucket_ownership_controls, "OwnershipControls", {"Rules": [{}]}, **here)
    return {
        "tags": tags(answer(s3.get_bucket_tagging, "TagSet", [], **here)),
        "ownership": ownership["Rules"][0].get("ObjectOwnership"),
        "block": answer(s3.get_public_access_block, "PublicAccessBlockConfiguration", {}, **here),
        "versioning": versioning.get("Status"),
        "algorithm": default.get("SSEAlgorithm"),
        "key": default.get("KMSMasterKeyID"),
        "bucket key": encryption.get("BucketKeyEnabled", False),
        "blocked": encryption.get("BlockedEncryptionTypes", {}).get("EncryptionType", []),
        "policy": json.loads(answer(s3.get_bucket_policy, "Policy", "{}", **here)).get("Statement", []),
        "lifecycle": [rule(found) for found in answer(s3.get_bucket_lifecycle_configuration, "Rules", [], **here)],
        "logging": answer(s3.get_bucket_logging, "LoggingEnabled", **here),
        "events": answer(s3.get_bucket_notification_configuration, default={}, **here),
        "object lock": answer(s3.get_object_lock_configuration, "ObjectLockConfiguration", **here),
    }


def table(name):
    found = dynamodb.describe_table(TableName=name)["Table"]
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    sse = found.get("SSEDescription", {})
    return {
        "schema": [found["KeySchema"], found["AttributeDefinitions"]],
        "billing": found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        "protection": found.get("DeletionProtectionEnabled", False),
        "encryption": sse.get("Status"),
        "key": sse.get("KMSMasterKeyArn"),
        "recovery": backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
        "tags": tags(dynamodb.list_tags_of_resource(ResourceArn=found["TableArn"]).get("Tags", [])),
    }


def key(name):
    found = kms.describe_key(KeyId=name)["KeyMetadata"]
    return {
        "state": found["KeyState"],
        "rotation": answer(kms.get_key_rotation_status, "KeyRotationEnabled", KeyId=name),
        "policy": json.loads(kms.get_key_policy(KeyId=name, PolicyName="default")["Policy"])["Statement"],
        "tags": tags(kms.list_resource_tags(KeyId=name).get("Tags", []), "TagKey", "TagValue"),
    }


def alarm(found):
    kept = ["ActionsEnabled", "AlarmActions", "OKActions", "InsufficientDataActions"]
    found_tags = cloudwatch.list_tags_for_resource(ResourceARN=found["AlarmArn"]).get("Tags", [])
    return {**{name: found.get(name) for name in kept}, "tags": tags(found_tags)}


def trail(name):
    selectors = cloudtrail.get_event_selectors(TrailName=name)
    found = cloudtrail.get_trail(Name=name)["Trail"]
    return {
        "settings": {name: str(value) for name, value in found.items()},
        "basic": selectors.get("EventSelectors", []),
        "advanced": selectors.get("AdvancedEventSelectors", []),
        "logging": cloudtrail.get_trail_status(Name=name)["IsLogging"],
    }


customer = [name["KeyId"] for name in kms.list_keys()["Keys"]]
customer = [name for name in customer if kms.describe_key(KeyId=name)["KeyMetadata"]["KeyManager"] == "CUSTOMER"]
print(json.dumps({
    "buckets": {found["Name"]: bucket(found["Name"]) for found in s3.list_buckets()["Buckets"]},
    "tables": {name: table(name) for name in dynamodb.list_tables()["TableNames"]},
    "keys": {name: key(name) for name in customer},
    "alarms": {found["AlarmName"]: alarm(found) for found in cloudwatch.describe_alarms()["MetricAlarms"]},
    "trails": {found["Name"]: trail(found["Name"]) for found in cloudtrail.describe_trails()["trailList"]},
}))
