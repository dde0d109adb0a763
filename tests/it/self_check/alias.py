"""Gives the account an alias."""

import sys

import boto3

boto3.client("iam").create_account_alias(AccountAlias=sys.argv[1])
