"""Another first run of `prod` of `acme`: `made` has made its key, `named` has named another one; each prints the key."""

import sys

import boto3

tags = {"ManagedBy": "tfbackend", "tfbackend:project": "acme", "tfbackend:env": "prod", "tfbackend:protected": "true", "tfbackend:version": "1"}
kms = boto3.client("kms")
key = kms.create_key(Tags=[{"TagKey": key, "TagValue": value} for key, value in tags.items()])["KeyMetadata"]["Arn"]
if sys.argv[1] == "named":
    kms.create_alias(AliasName="alias/acme-tfstate-prod", TargetKeyId=key)
print(key)
