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
runner = f"arn:aws:iam::{account}:policy/{base}-runner"


def encryption():
    return s3.get_bucket_encryption(**here)["ServerSideEncryptionConfiguration"]["Rules"][0]


def encrypt(**changes):
    configuration = {"Rules": [{**encryption(), **changes}]}
    s3.put_bucket_encryption(**here, ServerSideEncryptionConfiguration=configuration)


def key_id():
    return dynamodb.describe_table(TableName=table)["Table"]["SSEDescription"]["KMSMasterKeyArn"]


def without(policy, sid):
    policy = json.loads(policy)
    kept = [statement for statement in policy["Statement"] if statement["Sid"] != sid]
    assert len(kept) == len(policy["Statement"]) - 1, sid
    return json.dumps({**policy, "Statement": kept})


def weaken_bucket(name, sid):
    s3.put_bucket_policy(Bucket=name, Policy=without(s3.get_bucket_policy(Bucket=name)["Policy"], sid))


def weaken_key():
    policy = kms.get_key_policy(KeyId=key_id(), PolicyName="default")["Policy"]
    kms.put_key_policy(KeyId=key_id(), PolicyName="default", Policy=without(policy, "TfbackendDenyShortDeletionWindow"))


def weaken_topic():
    policy = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=without(policy, "TfbackendAlarms"))


def block(**changes):
    known = s3.get_public_access_block(**here)["PublicAccessBlockConfiguration"]
    s3.put_public_access_block(**here, PublicAccessBlockConfiguration={**known, **changes})


def retag():
    tags = s3.get_bucket_tagging(**here)["TagSet"]
    changed = [{**tag, "Value": "false"} if tag["Key"] == "tfbackend:protected" else tag for tag in tags]
    s3.put_bucket_tagging(**here, Tagging={"TagSet": changed})


def forget_sooner():
    rules = s3.get_bucket_lifecycle_configuration(**here)["Rules"]
    for rule in rules:
        if rule["ID"] == "tfbackend-history":
            rule["NoncurrentVersionExpiration"] = {"NoncurrentDays": 1}
    s3.put_bucket_lifecycle_configuration(**here, LifecycleConfiguration={"Rules": rules})


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
    "one of four blocks off": lambda: block(BlockPublicPolicy=False),
    "access control lists again": lambda: s3.put_bucket_ownership_controls(
        **here, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    ),
    "another value of a tag": retag,
    "versioning suspended": lambda: s3.put_bucket_versioning(**here, VersioningConfiguration={"Status": "Suspended"}),
    "SSE-S3 by default": lambda: encrypt(ApplyServerSideEncryptionByDefault={"SSEAlgorithm": "AES256"}),
    "no bucket key": lambda: encrypt(BucketKeyEnabled=False),
    "SSE-C allowed": lambda: encrypt(BlockedEncryptionTypes={"EncryptionType": ["NONE"]}),
    "no lifecycle": lambda: s3.delete_bucket_lifecycle(**here),
    "a shorter history": forget_sooner,
    "no access logs": lambda: s3.put_bucket_logging(**here, BucketLoggingStatus={}),
    "nobody hears of deletions": lambda: s3.put_bucket_notification_configuration(**here, NotificationConfiguration={}),
    "no bucket policy": lambda: s3.delete_bucket_policy(**here),
    "a weaker bucket policy": lambda: weaken_bucket(bucket, "TfbackendDenyPlaintext"),
    "a weaker policy of the log bucket": lambda: weaken_bucket(logs, "TfbackendDenyForgingLogs"),
    "no rotation": lambda: kms.disable_key_rotation(KeyId=key_id()),
    "rotation every two years": lambda: kms.enable_key_rotation(KeyId=key_id(), RotationPeriodInDays=730),
    "a weaker key policy": weaken_key,
    "no alias": lambda: kms.delete_alias(AliasName=f"alias/{base}"),
    "no deletion protection": lambda: dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False),
    "provisioned capacity": lambda: dynamodb.update_table(
        TableName=table, BillingMode="PROVISIONED", ProvisionedThroughput=capacity
    ),
    "no point-in-time recovery": lambda: recovery(False),
    "a topic that alarms cannot reach": weaken_topic,
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
    # These change nothing.
    "versions of the policy": versions,
    "the keys": lambda: print([key["KeyArn"] for key in kms.list_keys()["Keys"]]),
}
for what in sys.argv[1:]:
    changes[what]()
if not sys.argv[1:]:
    for line in sys.stdin:
        changes[line.strip()]()
        print("done", flush=True)
