"""Lets a user do what a policy says."""

import sys

import boto3

boto3.client("iam").put_user_policy(UserName=sys.argv[1], PolicyName="tried", PolicyDocument=sys.argv[2])
