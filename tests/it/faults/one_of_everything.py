"""Prints all that there is in the emulator, as far as a cut-off bootstrap could have left it twice or by half."""

import boto3

s3, dynamodb, kms, iam, sns = map(boto3.client, ["s3", "dynamodb", "kms", "iam", "sns"])
cloudwatch, cloudtrail = map(boto3.client, ["cloudwatch", "cloudtrail"])

for key in kms.list_keys()["Keys"]:
    known = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
    aliases = [alias["AliasName"] for alias in kms.list_aliases(KeyId=key["KeyId"])["Aliases"]]
    rotates = kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"]
    print("key", known["KeyState"], aliases, "rotates" if rotates else "")
for bucket in s3.list_buckets()["Buckets"]:
    print("bucket", bucket["Name"])
for table in dynamodb.list_tables()["TableNames"]:
    print("table", table)
for policy in iam.list_policies(Scope="Local")["Policies"]:
    versions = iam.list_policy_versions(PolicyArn=policy["Arn"])["Versions"]
    print("policy", policy["PolicyName"], len(versions), "version, attached", policy["AttachmentCount"])
for topic in sns.list_topics()["Topics"]:
    subscriptions = sns.list_subscriptions_by_topic(TopicArn=topic["TopicArn"])["Subscriptions"]
    print("topic", topic["TopicArn"], [subscription["Endpoint"] for subscription in subscriptions])
for alarm in cloudwatch.describe_alarms()["MetricAlarms"]:
    print("alarm", alarm["AlarmName"])
for trail in cloudtrail.describe_trails()["trailList"]:
    print("trail", trail["Name"], "logs" if cloudtrail.get_trail_status(Name=trail["TrailARN"])["IsLogging"] else "")
