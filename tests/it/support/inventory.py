"""Prints the name of everything in the emulator that a backend is made of, a line each."""

import boto3

found = []
found += [f"bucket {b['Name']}" for b in boto3.client("s3").list_buckets()["Buckets"]]
found += [f"table {name}" for name in boto3.client("dynamodb").list_tables()["TableNames"]]
kms = boto3.client("kms")
found += [f"key {kms.describe_key(KeyId=k['KeyId'])['KeyMetadata']['KeyState']}" for k in kms.list_keys()["Keys"]]
found += [f"{a['AliasName']}" for a in kms.list_aliases()["Aliases"] if not a["AliasName"].startswith("alias/aws/")]
found += [f"topic {t['TopicArn']}" for t in boto3.client("sns").list_topics()["Topics"]]
found += [f"alarm {a['AlarmName']}" for a in boto3.client("cloudwatch").describe_alarms()["MetricAlarms"]]
found += [f"trail {t['Name']}" for t in boto3.client("cloudtrail").describe_trails()["trailList"]]
found += [f"policy {p['PolicyName']}" for p in boto3.client("iam").list_policies(Scope="Local")["Policies"]]
print("".join(f"{line}\n" for line in sorted(found)), end="")
