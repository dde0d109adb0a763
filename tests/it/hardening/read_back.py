"""Every setting of the environment `prod` of `acme`, one a line, as boto3 sees it."""

import json
import sys

import boto3
from botocore.exceptions import ClientError

base = "acme-tfstate-prod"
account = boto3.client("sts").get_caller_identity()["Account"]
region = boto3.Session().region_name
services = ["kms", "s3", "dynamodb", "iam", "sns", "cloudwatch", "cloudtrail"]
kms, s3, dynamodb, iam, sns, cloudwatch, cloudtrail = map(boto3.client, services)
bucket, logs = f"{base}-{account}-{region}", f"{base}-logs-{account}-{region}"
lines = []


def absent(error):
    code = error.response["Error"]["Code"]
    return "Not" in code or "NoSuch" in code or code in ("404", "NotFound")


def get(call, *path, **arguments):
    """What a call answers, or a part of it; None if there is no such thing."""
    try:
        answer = call(**arguments)
    except ClientError as error:
        if not absent(error):
            raise
        return None
    for name in path:
        answer = (answer or {}).get(name)
    return answer


def say(path, value):
    lines.append(f"{path} = {json.dumps(value, sort_keys=True)}")


def say_all(path, values):
    for name, value in sorted((values or {}).items()):
        say(f"{path}.{name}", value)


def say_policy(path, text):
    policy = json.loads(text) if isinstance(text, str) else text
    if policy is None:
        return say(path, None)
    say(f"{path} version", policy["Version"])
    for statement in policy["Statement"]:
        say(f"{path} {statement.pop('Sid')}", statement)


def tags(path, found, key="Key", value="Value"):
    say(path, {tag[key]: tag[value] for tag in found or []})


def the_key():
    alias = next((a for a in kms.list_aliases()["Aliases"] if a["AliasName"] == f"alias/{base}"), None)
    say("key alias", alias and alias["AliasName"])
    say("keys in the account", len(kms.list_keys()["Keys"]))
    if alias is None:
        return None
    key = kms.describe_key(KeyId=alias["TargetKeyId"])["KeyMetadata"]
    for field in ["KeySpec", "KeyUsage", "KeyState", "Origin", "KeyManager", "MultiRegion", "Description"]:
        say(f"key {field}", key[field])
    rotation = kms.get_key_rotation_status(KeyId=key["KeyId"])
    say("key rotation", [rotation["KeyRotationEnabled"], rotation.get("RotationPeriodInDays")])
    tags("key tags", kms.list_resource_tags(KeyId=key["KeyId"])["Tags"], "TagKey", "TagValue")
    say_policy("key policy", kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"])
    return key["KeyId"]


def the_bucket(path, name):
    here = {"Bucket": name}
    if get(s3.head_bucket, **here) is None:
        return say(path, None)
    say(f"{path} region", get(s3.get_bucket_location, "LocationConstraint", **here))
    tags(f"{path} tags", get(s3.get_bucket_tagging, "TagSet", **here))
    say(f"{path} ownership", get(s3.get_bucket_ownership_controls, "OwnershipControls", "Rules", **here))
    say_all(f"{path} block", get(s3.get_public_access_block, "PublicAccessBlockConfiguration", **here))
    say(f"{path} versioning", get(s3.get_bucket_versioning, "Status", **here))
    encryption = get(s3.get_bucket_encryption, "ServerSideEncryptionConfiguration", "Rules", **here)
    say(f"{path} encryption", encryption)
    for rule in get(s3.get_bucket_lifecycle_configuration, "Rules", **here) or []:
        say(f"{path} lifecycle {rule.pop('ID')}", rule)
    say(f"{path} logging", get(s3.get_bucket_logging, "LoggingEnabled", **here))
    events = get(s3.get_bucket_notification_configuration, **here)
    events.pop("ResponseMetadata")
    say(f"{path} events", events)
    say_policy(f"{path} policy", get(s3.get_bucket_policy, "Policy", **here))


def the_table(name):
    table = get(dynamodb.describe_table, "Table", TableName=name)
    if table is None:
        return say("table", None)
    say("table key", [table["KeySchema"], table["AttributeDefinitions"]])
    say("table billing", table.get("BillingModeSummary", {}).get("BillingMode"))
    capacity = table.get("ProvisionedThroughput", {})
    say("table capacity", [capacity.get("ReadCapacityUnits"), capacity.get("WriteCapacityUnits")])
    say("table deletion protection", table.get("DeletionProtectionEnabled"))
    say("table encryption", table.get("SSEDescription"))
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    say("table recovery", backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"])
    tags("table tags", dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"])


def the_policy(name):
    arn = f"arn:aws:iam::{account}:policy/{name}"
    policy = get(iam.get_policy, "Policy", PolicyArn=arn)
    if policy is None:
        return say("runner", None)
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    say("runner versions", [version["VersionId"] for version in versions])
    say("runner description", policy["Description"])
    tags("runner tags", policy["Tags"])
    attached = iam.list_entities_for_policy(PolicyArn=arn)
    names = [[e[k] for e in attached[kind]] for kind, k in
             [("PolicyRoles", "RoleName"), ("PolicyUsers", "UserName"), ("PolicyGroups", "GroupName")]]
    say("runner attached to", names)
    version = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    say_policy("runner", version["Document"])


def the_topic(name):
    arn = f"arn:aws:sns:{region}:{account}:{name}"
    topic = get(sns.get_topic_attributes, "Attributes", TopicArn=arn)
    if topic is None:
        return say("topic", None)
    say("topic key", topic.get("KmsMasterKeyId"))
    tags("topic tags", sns.list_tags_for_resource(ResourceArn=arn)["Tags"])
    found = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    say("topic subscriptions", [[s["Protocol"], s["Endpoint"]] for s in found])
    say_policy("topic policy", topic["Policy"])


def the_alarms(prefix):
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
    say("alarms", [alarm["AlarmName"].removeprefix(prefix) for alarm in alarms])
    for alarm in alarms:
        name = "alarm " + alarm["AlarmName"].removeprefix(prefix)
        fires = [alarm["ComparisonOperator"], alarm["Threshold"], alarm["EvaluationPeriods"], alarm["TreatMissingData"]]
        say(f"{name} fires", fires)
        say(f"{name} tells", [alarm["ActionsEnabled"], alarm["AlarmActions"]])
        for query in alarm["Metrics"]:
            say(f"{name} {query.pop('Id')}", query)
        found = cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
        tags(f"{name} tags", found)


def the_trail(name):
    trail = get(cloudtrail.get_trail, "Trail", Name=name)
    say("trails in the account", len(cloudtrail.describe_trails()["trailList"]))
    if trail is None:
        return say("trail", None)
    for field in ["IsMultiRegionTrail", "IncludeGlobalServiceEvents", "LogFileValidationEnabled", "KmsKeyId"]:
        say(f"trail {field}", trail.get(field))
    say("trail goes to", [trail["S3BucketName"], trail.get("S3KeyPrefix")])
    say("trail logs", cloudtrail.get_trail_status(Name=name)["IsLogging"])
    selectors = cloudtrail.get_event_selectors(TrailName=name)
    say("trail basic selectors", selectors.get("EventSelectors", []))
    for selector in selectors.get("AdvancedEventSelectors", []):
        for field in selector["FieldSelectors"]:
            say(f"trail selects {selector['Name']} {field.pop('Field')}", field)
    tags("trail tags", cloudtrail.list_tags(ResourceIdList=[trail["TrailARN"]])["ResourceTagList"][0]["TagsList"])


key = the_key()
the_bucket("state bucket", bucket)
the_table(f"{base}-locks")
the_policy(f"{base}-runner-{region}")
the_topic(f"{base}-alarms")
the_alarms(f"{base}-")
the_bucket("log bucket", logs)
the_trail(base)

ours = {"ManagedBy": "tfbackend", "tfbackend:env": "prod", "tfbackend:project": "acme", "tfbackend:version": "1"}
for protected in ["true", "false"]:
    said = json.dumps({**ours, "tfbackend:protected": protected}, sort_keys=True)
    lines = [line.replace(said, f"(ours, protected={protected})") for line in lines]
arn = f"arn:aws:kms:{region}:{account}:key/{key}"
for line in lines:
    line = line.replace(arn, "(key)") if key else line
    print(line.replace(bucket, "(bucket)").replace(logs, "(logs)"))
