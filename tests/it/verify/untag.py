"""Takes all tags from every resource of the environment `prod` of `acme`."""

import boto3

base, account, region = "acme-tfstate-prod", "000000000000", "eu-west-1"
services = ["kms", "s3", "dynamodb", "iam", "sns", "cloudwatch", "cloudtrail"]
kms, s3, dynamodb, iam, sns, cloudwatch, cloudtrail = map(boto3.client, services)
for bucket in (f"{base}-{account}-{region}", f"{base}-logs-{account}-{region}"):
    s3.delete_bucket_tagging(Bucket=bucket)
key = kms.describe_key(KeyId=f"alias/{base}")["KeyMetadata"]["KeyId"]
kms.untag_resource(KeyId=key, TagKeys=[tag["TagKey"] for tag in kms.list_resource_tags(KeyId=key)["Tags"]])
table = dynamodb.describe_table(TableName=f"{base}-locks")["Table"]["TableArn"]
tags = dynamodb.list_tags_of_resource(ResourceArn=table)["Tags"]
dynamodb.untag_resource(ResourceArn=table, TagKeys=[tag["Key"] for tag in tags])
topic = f"arn:aws:sns:{region}:{account}:{base}-alarms"
tags = sns.list_tags_for_resource(ResourceArn=topic)["Tags"]
sns.untag_resource(ResourceArn=topic, TagKeys=[tag["Key"] for tag in tags])
for alarm in cloudwatch.describe_alarms()["MetricAlarms"]:
    tags = cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    cloudwatch.untag_resource(ResourceARN=alarm["AlarmArn"], TagKeys=[tag["Key"] for tag in tags])
trail = f"arn:aws:cloudtrail:{region}:{account}:trail/{base}"
tags = cloudtrail.list_tags(ResourceIdList=[trail])["ResourceTagList"][0]["TagsList"]
cloudtrail.remove_tags(ResourceId=trail, TagsList=tags)
policy = f"arn:aws:iam::{account}:policy/{base}-runner-{region}"
iam.untag_policy(PolicyArn=policy, TagKeys=[tag["Key"] for tag in iam.list_policy_tags(PolicyArn=policy)["Tags"]])
