"""What most scripts do: list a page, delete it, until nothing is left."""

import sys

import boto3

bucket = sys.argv[1]
s3 = boto3.client("s3")
while True:
    # From the start: a marker that was just deleted is not everywhere a place to go on from.
    page = s3.list_object_versions(Bucket=bucket)
    found = page.get("Versions", []) + page.get("DeleteMarkers", [])
    if not found:
        break
    objects = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in found]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    assert not answer.get("Errors"), answer["Errors"][0]
