"""A trail of the account's own, made to record what the argument says."""

import sys

import boto3

s3, cloudtrail = boto3.client("s3"), boto3.client("cloudtrail")
bucket, trail, what = "account-logs", "account", sys.argv[1]


def selects(more, starts="arn:aws:s3:::"):
    data = [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}]
    fields = [*data, {"Field": "resources.ARN", "StartsWith": [starts]}, *more]
    cloudtrail.put_event_selectors(TrailName=trail, AdvancedEventSelectors=[{"Name": "objects", "FieldSelectors": fields}])


if what == "management events":
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    cloudtrail.create_trail(Name=trail, S3BucketName=bucket, IsMultiRegionTrail=True)
    cloudtrail.start_logging(Name=trail)
elif what == "another bucket":
    selects([], "arn:aws:s3:::another/")
elif what == "writes":
    objects = [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]
    selector = {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True, "DataResources": objects}
    cloudtrail.put_event_selectors(TrailName=trail, EventSelectors=[selector])
elif what == "all but some":
    selects([{"Field": "eventName", "NotEquals": ["GetObject"]}])
elif what == "all":
    selects([])
elif what == "stopped":
    cloudtrail.stop_logging(Name=trail)
elif what == "started":
    cloudtrail.start_logging(Name=trail)
else:
    raise ValueError(what)
