"""Changes settings of the environment `prod` of `acme` behind the tool's back, as the arguments say.

Without arguments, as each line of standard input says, and says `done` after each.
"""

import json
import sys

import boto3

base, account, region = "acme-tfstate-prod", "000000000000", "eu-west-1"
services = ["kms", "s3", "dynamodb", "iam", "sns", "cloudwatch", "cloudtrail"]
kms, s3, dynamodb, iam, sns, cloudwatch, cloudtrail = map(boto3.client, services)
bucket, logs, table = f"{base}-{account}-{region}", f"{base}-logs-{account}-{region}", f"{base}-locks"
here = {"Bucket": bucket}
topic = f"arn:aws:sns:{region}:{account}:{base}-alarms"
runner = f"arn:aws:iam::{account}:policy/{base}-runner-{region}"
table_arn = f"arn:aws:dynamodb:{region}:{account}:table/{table}"
trail_arn = f"arn:aws:cloudtrail:{region}:{account}:trail/{base}"
PROTECTED = "tfbackend:protected"
unprotected = [{"Key": PROTECTED, "Value": "false"}]


def encrypt(name=bucket, **changes):
    known = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [{**known, **changes}]})


def key_of_the_table():
    try:
        return dynamodb.describe_table(TableName=table)["Table"].get("SSEDescription", {}).get("KMSMasterKeyArn")
    except dynamodb.exceptions.ResourceNotFoundException:
        return None


# Before any drift; none where there is no table.
key_id = key_of_the_table()


def without(policy, sid):
    policy = json.loads(policy)
    kept = [statement for statement in policy["Statement"] if statement["Sid"] != sid]
    assert len(kept) == len(policy["Statement"]) - 1, sid
    return json.dumps({**policy, "Statement": kept})


def weaken_bucket(name, sid):
    s3.put_bucket_policy(Bucket=name, Policy=without(s3.get_bucket_policy(Bucket=name)["Policy"], sid))


def weaken_key(sid):
    policy = kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"]
    kms.put_key_policy(KeyId=key_id, PolicyName="default", Policy=without(policy, sid))


def weaken_topic(sid):
    policy = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=without(policy, sid))


def block(name, **changes):
    known = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={**known, **changes})


def another_key():
    return kms.create_key(Description="not the one")["KeyMetadata"]["Arn"]


def log_elsewhere(**changes):
    known = s3.get_bucket_logging(**here)["LoggingEnabled"]
    s3.put_bucket_logging(**here, BucketLoggingStatus={"LoggingEnabled": {**known, **changes}})


def hear_of_less():
    known = s3.get_bucket_notification_configuration(**here)["TopicConfigurations"]
    known[0]["Filter"]["Key"]["FilterRules"][0]["Value"] = ".tfstate.old"
    s3.put_bucket_notification_configuration(**here, NotificationConfiguration={"TopicConfigurations": known})


def watch_another_table():
    alarm = cloudwatch.describe_alarms(AlarmNames=[f"{base}-lock-contention"])["MetricAlarms"][0]
    metrics = alarm["Metrics"]
    metrics[0]["MetricStat"]["Metric"]["Dimensions"] = [{"Name": "TableName", "Value": "another"}]
    change_alarm("lock-contention", Metrics=metrics)


def control_by_lists(name):
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})


def suspend(name):
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})


def retag(name):
    tags = s3.get_bucket_tagging(Bucket=name)["TagSet"]
    changed = [{**tag, "Value": "false"} if tag["Key"] == PROTECTED else tag for tag in tags]
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": changed})


def change_rule(bucket, name, **changes):
    """Changes one lifecycle rule; without changes, removes it."""
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert any(rule["ID"] == f"tfbackend-{name}" for rule in rules), name
    kept = [rule for rule in rules if changes or rule["ID"] != f"tfbackend-{name}"]
    changed = [{**rule, **changes} if rule["ID"] == f"tfbackend-{name}" else rule for rule in kept]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": changed})


def change_alarm(name, **changes):
    alarm = cloudwatch.describe_alarms(AlarmNames=[f"{base}-{name}"])["MetricAlarms"][0]
    kept = ["AlarmName", "AlarmDescription", "Metrics", "ComparisonOperator", "Threshold", "EvaluationPeriods",
            "TreatMissingData", "ActionsEnabled", "AlarmActions"]
    cloudwatch.put_metric_alarm(**{**{field: alarm[field] for field in kept}, **changes})


def unsubscribe():
    for subscription in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])


def select():
    events = [{"Field": "eventCategory", "Equals": ["Management"]}]
    selector = {"Name": "everything else", "FieldSelectors": events}
    cloudtrail.put_event_selectors(TrailName=base, AdvancedEventSelectors=[selector])


def allow_everything():
    everything = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    iam.create_policy_version(PolicyArn=runner, PolicyDocument=json.dumps(everything), SetAsDefault=True)


def versions():
    found = iam.list_policy_versions(PolicyArn=runner)["Versions"]
    print(sorted(version["VersionId"] + "*" * version["IsDefaultVersion"] for version in found))


def recovery(on):
    specification = {"PointInTimeRecoveryEnabled": on}
    dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=specification)


capacity = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
changes = {
    "no public access block": lambda: s3.delete_public_access_block(**here),
    "one of four blocks off": lambda: block(bucket, BlockPublicPolicy=False),
    "access control lists again": lambda: control_by_lists(bucket),
    "log bucket: access control lists again": lambda: control_by_lists(logs),
    "another value of a tag": lambda: retag(bucket),
    "versioning suspended": lambda: suspend(bucket),
    "log bucket: versioning suspended": lambda: suspend(logs),
    "SSE-S3 by default": lambda: encrypt(ApplyServerSideEncryptionByDefault={"SSEAlgorithm": "AES256"}),
    "no bucket key": lambda: encrypt(BucketKeyEnabled=False),
    "SSE-C allowed": lambda: encrypt(BlockedEncryptionTypes={"EncryptionType": ["NONE"]}),
    "log bucket: SSE-C allowed": lambda: encrypt(logs, BlockedEncryptionTypes={"EncryptionType": ["NONE"]}),
    "no lifecycle": lambda: s3.delete_bucket_lifecycle(**here),
    "a shorter history": lambda: change_rule(
        bucket, "history", NoncurrentVersionExpiration={"NoncurrentDays": 1, "NewerNoncurrentVersions": 50}
    ),
    "fewer versions for ever": lambda: change_rule(
        bucket, "history", NoncurrentVersionExpiration={"NoncurrentDays": 90, "NewerNoncurrentVersions": 1}
    ),
    "uploads begun are kept": lambda: change_rule(bucket, "history", AbortIncompleteMultipartUpload={"DaysAfterInitiation": 99}),
    "a rule that is switched off": lambda: change_rule(bucket, "history", Status="Disabled"),
    "delete markers are kept": lambda: change_rule(bucket, "delete-markers"),
    "a rule for delete markers that is switched off": lambda: change_rule(bucket, "delete-markers", Status="Disabled"),
    "what probes left is kept": lambda: change_rule(bucket, "probes"),
    "what probes left in workspaces is kept": lambda: change_rule(bucket, "probes-of-workspaces"),
    "what probes left is kept for long": lambda: change_rule(
        bucket, "probes", NoncurrentVersionExpiration={"NoncurrentDays": 90}
    ),
    "log bucket: uploads begun are kept": lambda: change_rule(
        logs, "logs", AbortIncompleteMultipartUpload={"DaysAfterInitiation": 99}
    ),
    "log bucket: delete markers are kept": lambda: change_rule(logs, "delete-markers"),
    "logs are kept for a day": lambda: change_rule(logs, "logs", Expiration={"Days": 1}),
    "no access logs": lambda: s3.put_bucket_logging(**here, BucketLoggingStatus={}),
    "nobody hears of deletions": lambda: s3.put_bucket_notification_configuration(**here, NotificationConfiguration={}),
    "no bucket policy": lambda: s3.delete_bucket_policy(**here),
    "a weaker bucket policy": lambda: weaken_bucket(bucket, "TfbackendDenyPlaintext"),
    "a weaker policy of the log bucket": lambda: weaken_bucket(logs, "TfbackendDenyForgingLogs"),
    "no rotation": lambda: kms.disable_key_rotation(KeyId=key_id),
    "rotation every two years": lambda: kms.enable_key_rotation(KeyId=key_id, RotationPeriodInDays=730),
    "a weaker key policy": lambda: weaken_key("TfbackendDenyShortDeletionWindow"),
    "no alias": lambda: kms.delete_alias(AliasName=f"alias/{base}"),
    "no deletion protection": lambda: dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False),
    "provisioned capacity": lambda: dynamodb.update_table(
        TableName=table, BillingMode="PROVISIONED", ProvisionedThroughput=capacity
    ),
    "no point-in-time recovery": lambda: recovery(False),
    "a topic that alarms cannot reach": lambda: weaken_topic("TfbackendAlarms"),
    "a topic without a key": lambda: sns.set_topic_attributes(
        TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue=""
    ),
    "nobody is told": unsubscribe,
    "an alarm that never fires": lambda: change_alarm("lock-contention", Threshold=1e9),
    "an alarm that tells nobody": lambda: change_alarm("bucket-size", AlarmActions=[]),
    "no alarm": lambda: cloudwatch.delete_alarms(AlarmNames=[f"{base}-lock-errors"]),
    "a trail that is stopped": lambda: cloudtrail.stop_logging(Name=base),
    "a trail that records something else": select,
    "a trail without validation": lambda: cloudtrail.update_trail(Name=base, EnableLogFileValidation=False),
    "a runner who may do everything": allow_everything,
    "a runner without the policy": lambda: iam.detach_user_policy(UserName="terraform", PolicyArn=runner),
    "SSE-KMS with another key": lambda: encrypt(
        ApplyServerSideEncryptionByDefault={"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": another_key()}
    ),
    "access logs below another prefix": lambda: log_elsewhere(TargetPrefix="elsewhere/"),
    "somebody hears of other deletions": hear_of_less,
    "the table under another key": lambda: dynamodb.update_table(
        TableName=table, SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": another_key()}
    ),
    "another tag of the key": lambda: kms.tag_resource(
        KeyId=key_id, Tags=[{"TagKey": PROTECTED, "TagValue": "false"}]
    ),
    "another tag of the log bucket": lambda: retag(logs),
    "another tag of the table": lambda: dynamodb.tag_resource(ResourceArn=table_arn, Tags=unprotected),
    "another tag of the topic": lambda: sns.tag_resource(ResourceArn=topic, Tags=unprotected),
    "another tag of the trail": lambda: cloudtrail.add_tags(ResourceId=trail_arn, TagsList=unprotected),
    "another tag of the policy": lambda: iam.tag_policy(PolicyArn=runner, Tags=unprotected),
    "another tag of an alarm": lambda: cloudwatch.tag_resource(
        ResourceARN=f"arn:aws:cloudwatch:{region}:{account}:alarm:{base}-lock-errors", Tags=unprotected
    ),
    "an alarm under another description": lambda: change_alarm("lock-errors", AlarmDescription="ignore this"),
    "an alarm the other way round": lambda: change_alarm("lock-errors", ComparisonOperator="LessThanThreshold"),
    "an alarm that waits for weeks": lambda: change_alarm("bucket-size", EvaluationPeriods=7),
    "an alarm on missing data": lambda: change_alarm("lock-errors", TreatMissingData="breaching"),
    "an alarm that is switched off": lambda: change_alarm("lock-throttles", ActionsEnabled=False),
    "an alarm on another table": watch_another_table,
    "a trail without a key": lambda: cloudtrail.update_trail(Name=base, KmsKeyId=""),
    "a trail of one region": lambda: cloudtrail.update_trail(Name=base, IsMultiRegionTrail=False),
    "a trail below another prefix": lambda: cloudtrail.update_trail(Name=base, S3KeyPrefix="elsewhere"),
    # These change nothing.
    "versions of the policy": versions,
    "the keys": lambda: print([key["KeyArn"] for key in kms.list_keys()["Keys"]]),
}
for name in ["state bucket", "log bucket"]:
    at = {"state bucket": bucket, "log bucket": logs}[name]
    for field in ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]:
        changes[f"{name}: no {field}"] = lambda at=at, field=field: block(at, **{field: False})
for at, name, weaken in [
    (bucket, "state bucket", lambda sid: weaken_bucket(bucket, sid)),
    (logs, "log bucket", lambda sid: weaken_bucket(logs, sid)),
    (topic, "topic", weaken_topic),
    (None, "key", weaken_key),
]:
    for sid in """DenyPlaintext DenyOldTls DenyOtherAccounts DenyOtherEncryption DenyOtherKey DenyCustomerKeys
            DenyOverwritingLocks DenyDestroyingHistory CloudTrailAclCheck CloudTrailWrite S3AccessLogs DenyForgingLogs
            DenyDestroyingLogs Alarms BucketEvents DenyPlaintextPublish DenyShortDeletionWindow CloudTrailEncrypt
            CloudTrailDescribe AlarmsToTopic BucketEventsToTopic""".split():
        changes[f"{name}: no {sid}"] = lambda weaken=weaken, sid=sid: weaken(f"Tfbackend{sid}")
for what in sys.argv[1:]:
    changes[what]()
if not sys.argv[1:]:
    for line in sys.stdin:
        changes[line.strip()]()
        print("done", flush=True)
