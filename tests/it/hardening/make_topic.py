"""Makes a topic of the user's, unless it is there, and prints its ARN; fails if it was changed."""

import boto3

sns = boto3.client("sns")
arn = sns.create_topic(Name="on-call")["TopicArn"]
assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == []
assert sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"] == []
attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
assert "Tfbackend" not in attributes["Policy"] and not attributes.get("KmsMasterKeyId"), attributes
print(arn)
