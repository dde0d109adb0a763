"""Empties a bucket and removes it, faster than somebody else who is at it."""

import sys

import boto3

bucket = sys.argv[1]
s3 = boto3.client("s3")
s3.delete_bucket_policy(Bucket=bucket)
while found := (page := s3.list_object_versions(Bucket=bucket)).get("Versions", []) + page.get("DeleteMarkers", []):
    # One by one what XML cannot say.
    for version in [version for version in found if not version["Key"].isprintable()]:
        s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
    objects = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in found if version["Key"].isprintable()]
    if objects:
        s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
s3.delete_bucket(Bucket=bucket)
