"""Asks each service for something once: the emulator loads a service when it is first called, which must not be measured."""

import boto3

boto3.client("sts").get_caller_identity()
boto3.client("kms").list_keys()
boto3.client("s3").list_buckets()
boto3.client("dynamodb").list_tables()
boto3.client("sns").list_topics()
boto3.client("iam").list_policies(Scope="Local")
boto3.client("cloudwatch").describe_alarms()
boto3.client("cloudtrail").describe_trails()
