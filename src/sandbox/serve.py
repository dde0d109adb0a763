"""Runs the emulator, with what it lacks of AWS and a state backend depends on.

Each is what AWS's documentation says, for the emulator's pinned version. A name that it no longer
has is an error at start.
"""

import runpy
import sys

from ministack.core import iam_actions
from ministack.services import cloudtrail, cloudwatch, s3


def condition_keys():
    """Condition keys of a write by which bucket policies decide (Service Authorization Reference,
    "Condition keys for Amazon S3"). The KMS key is the one that will be used, which may be the
    bucket's default (S3 User Guide, "Bucket policy examples", SSE-KMS)."""
    known = iam_actions._s3_object_context

    def context(action, query, path, headers):
        keys = known(action, query, path, headers)
        bucket, _, key = path.lstrip("/").partition("/")
        if action != "s3:PutObject" or not key:
            return keys
        upload = s3._multipart_uploads.get(iam_actions._query_param(query, "uploadId"))
        sent = upload.get("preserved_headers", {}) if upload else headers
        for header in ("x-amz-server-side-encryption-aws-kms-key-id", "x-amz-server-side-encryption-customer-algorithm"):
            if sent.get(header):
                keys[f"s3:{header}"] = sent[header]
        if not sent.get("x-amz-server-side-encryption") and not sent.get("x-amz-server-side-encryption-customer-algorithm"):
            default = s3._bucket_default_sse_headers(bucket).get("x-amz-server-side-encryption-aws-kms-key-id")
            if default:
                keys.setdefault("s3:x-amz-server-side-encryption-aws-kms-key-id", default)
        for header in ("if-match", "if-none-match"):
            if headers.get(header):
                keys[f"s3:{header}"] = headers[header]
        return keys

    iam_actions._s3_object_context = context


def trail_tags():
    """CreateTrail takes tags (CloudTrail API Reference)."""
    known = cloudtrail._DISPATCH["CreateTrail"]

    def create(body):
        answer = known(body)
        if answer[0] == 200 and body.get("TagsList"):
            tags = {tag["Key"]: tag.get("Value", "") for tag in body["TagsList"]}
            cloudtrail._trail_tags[cloudtrail._trail_arn(body["Name"].strip())] = tags
        return answer

    cloudtrail._DISPATCH["CreateTrail"] = create


def alarm_metrics():
    """An alarm on a metric math expression is described with it, and without a metric of its own
    (CloudWatch API Reference, MetricAlarm)."""
    known = cloudwatch._put_metric_alarm

    def put(params, data, is_cbor, is_json=False):
        answer = known(params, data, is_cbor, is_json)
        metrics = (data or {}).get("Metrics")
        if answer[0] == 200 and metrics:
            alarm = cloudwatch._alarms[data["AlarmName"]]
            for field in ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Unit", "Dimensions"):
                alarm.pop(field, None)
            alarm["Metrics"] = metrics
        return answer

    cloudwatch._put_metric_alarm = put


condition_keys()
trail_tags()
alarm_metrics()
sys.argv = ["hypercorn", *sys.argv[1:]]
runpy.run_module("hypercorn", run_name="__main__")
