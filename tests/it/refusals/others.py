"""Makes what others may have made under the names that environments of `acme` would take."""

import json

import boto3

account, region = "000000000000", "eu-west-1"
s3 = boto3.client("s3", region_name="us-east-1")
s3.create_bucket(Bucket=f"acme-tfstate-bucket-{account}-us-east-1")
s3.create_bucket(Bucket="acme-elsewhere", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
here = boto3.client("s3")
here.create_bucket(Bucket="acme-tfstate-theirs", CreateBucketConfiguration={"LocationConstraint": region})
tags = {"ManagedBy": "tfbackend", "tfbackend:project": "acme", "tfbackend:env": "theirs"}
here.put_bucket_tagging(Bucket="acme-tfstate-theirs", Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in tags.items()]})
boto3.client("dynamodb").create_table(
    TableName="acme-tfstate-schema-locks",
    AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("ID", "Range")],
    KeySchema=[{"AttributeName": "ID", "KeyType": "HASH"}, {"AttributeName": "Range", "KeyType": "RANGE"}],
    BillingMode="PAY_PER_REQUEST",
)
document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}
boto3.client("iam").create_policy(PolicyName="acme-tfstate-policy-runner-eu-west-1", PolicyDocument=json.dumps(document))
kms = boto3.client("kms")
key = kms.create_key()["KeyMetadata"]["KeyId"]
kms.create_alias(AliasName="alias/acme-tfstate-alias", TargetKeyId=key)
kms.update_alias(AliasName="alias/acme-tfstate-moved", TargetKeyId=key)
boto3.client("sns").create_topic(Name="acme-tfstate-topic-alarms")
