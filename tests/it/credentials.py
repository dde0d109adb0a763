"""Makes the role `admin`, which may do everything, and is only for those who know its external ID."""

import json

import boto3

iam = boto3.client("iam")
condition = {"StringEquals": {"sts:ExternalId": "acme-1"}}
trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole", "Condition": condition}
policy = {"Effect": "Allow", "Action": "*", "Resource": "*"}
iam.create_role(RoleName="admin", Path="/teams/", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
iam.put_role_policy(RoleName="admin", PolicyName="all", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [policy]}))
