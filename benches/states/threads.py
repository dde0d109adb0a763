"""What `tfbackend state list` says of each state, by boto3 with 64 threads."""

import json
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

s3 = boto3.client("s3", config=Config(max_pool_connections=64))


def look(listed):
    answer = s3.get_object(Bucket="bench", Key=listed["Key"])
    state = json.loads(answer["Body"].read())
    resources = sum(len(resource["instances"]) for resource in state["resources"])
    return listed["Key"], state["serial"], state["terraform_version"], resources, listed["Size"], answer.get("ServerSideEncryption")


with ThreadPoolExecutor(64) as pool:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="bench")
    rows = [row for page in pages for row in pool.map(look, page["Contents"])]
print(json.dumps(rows))
