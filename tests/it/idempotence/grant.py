"""Lets the user `bootstrapper` do what the policy says and no more."""

import sys

import boto3

boto3.client("iam").put_user_policy(UserName="bootstrapper", PolicyName="documented", PolicyDocument=sys.argv[1])
