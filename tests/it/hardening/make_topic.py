"""Makes a topic of the user's, unless it is there, and prints its ARN; fails if it was changed.

With the argument `s3`, its policy lets S3 publish."""

import json
import sys

import boto3

sns = boto3.client("sns")
arn = sns.create_topic(Name="on-call")["TopicArn"]
if sys.argv[1:] == ["s3"]:
    allow = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == []
assert sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"] == []
attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
assert "Tfbackend" not in attributes["Policy"] and not attributes.get("KmsMasterKeyId"), attributes
print(arn)
