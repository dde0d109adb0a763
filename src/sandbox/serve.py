"""Runs the emulator, with what it lacks of AWS and a state backend depends on.

Each is what AWS's documentation says, for the emulator's pinned version. A name that it no longer
has is an error at start.
"""

import contextvars
import json
import runpy
import sys
from xml.etree import ElementTree

from ministack import app
from ministack.core import iam_actions, iam_evaluator, responses, router
from ministack.services import cloudtrail, cloudwatch, dynamodb, s3


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


def parsed(body):
    """The fields of a JSON request; none if it is no such request, which the service itself refuses."""
    try:
        data = json.loads(body or b"{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def leading_keys():
    """Which items a request names (DynamoDB Developer Guide, "IAM policy conditions for fine-grained
    access control"): the first key attribute of each."""
    known = iam_actions.dynamodb_service_context

    def context(body):
        keys = known(body)
        found = []
        for table, item in items(parsed(body)):
            schema = (dynamodb._tables.get(table) or {}).get("KeySchema", [])
            for name in (part["AttributeName"] for part in schema if part["KeyType"] == "HASH"):
                found += [str(value) for value in item.get(name, {}).values()]
        if found:
            keys["dynamodb:LeadingKeys"] = found
        return keys

    def items(data):
        for table, requests in (data.get("RequestItems") or {}).items():
            for request in requests if isinstance(requests, list) else [{"Key": key} for key in requests.get("Keys", [])]:
                request = request.get("PutRequest") or request.get("DeleteRequest") or request
                yield table, request.get("Item") or request.get("Key") or {}
        one = data.get("Item") or data.get("Key")
        if isinstance(one, dict):
            yield data.get("TableName", ""), one

    iam_actions.dynamodb_service_context = context


def deletion_window():
    """How soon a key is to be deleted (KMS Developer Guide, "AWS KMS condition keys")."""
    known = iam_actions.request_tag_context

    def context(service, action, body, params):
        keys = known(service, action, body, params)
        if action == "kms:ScheduleKeyDeletion":
            days = parsed(body).get("PendingWindowInDays")
            if days is not None:
                keys["kms:ScheduleKeyDeletionPendingWindowInDays"] = str(days)
        return keys

    iam_actions.request_tag_context = context


def key_permissions():
    """Who reads or writes what a KMS key encrypts must be allowed to use that key by way of the
    service (S3 User Guide, "Using server-side encryption with AWS KMS keys"; DynamoDB Developer
    Guide, "Authorizing use of a customer managed key")."""
    known = iam_evaluator.enforce

    def enforce(access_key, action, service, region, resource_arn="*", service_context=None):
        denied = known(access_key, action, service, region, resource_arn, service_context)
        if denied:
            return denied
        key, actions, where = use_of_key(action, resource_arn, service_context or {})
        for needed in actions if key else []:
            if not key.startswith("arn:"):
                key = f"arn:aws:kms:{region}:{responses.get_account_id()}:key/{key}"
            context = {"kms:ViaService": f"{service}.{region}.amazonaws.com"}
            context.update({f"kms:EncryptionContext:{name}": value for name, value in where.items()})
            denied = denied or known(access_key, needed, "kms", region, key, context)
        return denied

    def use_of_key(action, arn, context):
        if action in ("s3:PutObject", "s3:GetObject"):
            bucket, _, name = arn.split(":", 5)[5].partition("/")
            bucket_key = "BucketKeyEnabled>true" in (s3._bucket_encryption.get(bucket) or "")
            where = {"aws:s3:arn": arn.partition("/")[0] if bucket_key else arn}
            if action == "s3:PutObject":
                return context.get("s3:x-amz-server-side-encryption-aws-kms-key-id"), ["kms:GenerateDataKey"], where
            stored = ((s3._buckets.get(bucket) or {}).get("objects") or {}).get(name) or {}
            return s3._stored_sse_headers(stored).get("x-amz-server-side-encryption-aws-kms-key-id"), ["kms:Decrypt"], where
        if action in ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:Scan", "dynamodb:Query"):
            table = arn.rpartition("/")[2]
            sse = (dynamodb._tables.get(table) or {}).get("SSEDescription") or {}
            return sse.get("KMSMasterKeyArn"), ["kms:Decrypt"], {"aws:dynamodb:tableName": table}
        return None, [], {}

    iam_evaluator.enforce = enforce


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


def account_public_access():
    """The public access block of the whole account (S3 Control API Reference)."""
    known = app._handle_s3_control_request
    blocks = {}
    fields = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    actions = {"GET": "s3:GetAccountPublicAccessBlock"}

    async def handle(path, method, body, query_params, request_id, headers=None):
        if path != "/v20180820/configuration/publicAccessBlock":
            return await known(path, method, body, query_params, request_id, headers)
        headers = headers or {}
        action = actions.get(method, "s3:PutAccountPublicAccessBlock")
        denied = app._enforce_data_plane("s3", action, headers, query_params, request_id, resource_arn="*")
        if denied := denied or s3.s3control_account_error(headers):
            return denied
        account = responses.get_account_id()
        if method == "PUT":
            sent = {element.tag.rpartition("}")[2]: element.text for element in ElementTree.fromstring(body).iter()}
            blocks[account] = {field: sent.get(field, "false") for field in fields}
            return 201, {}, b""
        if method == "DELETE":
            blocks.pop(account, None)
            return 204, {}, b""
        if account not in blocks:
            return s3.s3control_error("NoSuchPublicAccessBlockConfiguration", "There is none.", 404)
        values = "".join(f"<{field}>{value}</{field}>" for field, value in blocks[account].items())
        xml = f'<PublicAccessBlockConfiguration xmlns="{s3.S3CONTROL_NS}">{values}</PublicAccessBlockConfiguration>'
        return 200, {"Content-Type": "application/xml"}, xml.encode()

    app._handle_s3_control_request = handle


def deletes_in_batches():
    """Each object of a DeleteObjects is decided about for itself, and what is denied is an error within
    the answer (S3 API Reference, "DeleteObjects")."""
    known_action, known_delete = iam_actions.extract_iam_action, s3._delete_objects

    def action(service, method, path, headers, body, query):
        if service == "s3" and method == "POST" and "delete" in query and len(path.strip("/").split("/")) == 1:
            return None
        return known_action(service, method, path, headers, body, query)

    def allowed(bucket, headers, key, version):
        name, arn = "s3:DeleteObjectVersion" if version else "s3:DeleteObject", f"arn:aws:s3:::{bucket}/{key}"
        context = iam_actions.s3_service_context(name, {}, f"/{bucket}/{key}", headers)
        caller, region = router.extract_access_key_id(headers), router.extract_region(headers)
        return not iam_evaluator.enforce(caller, name, "s3", region, arn, context)

    def written(element):
        # As it stands, a carriage return is read as the end of a line.
        return ElementTree.tostring(element).replace(b"\r", b"&#13;")

    def delete(bucket, body, headers=None):
        headers = headers or {}
        try:
            sent = ElementTree.fromstring(body)
        except ElementTree.ParseError:
            return known_delete(bucket, body, headers)
        tag = sent.tag.replace("Delete", "%s")
        denied = []
        for element in sent.findall(tag % "Object"):
            key, version = element.findtext(tag % "Key", ""), element.findtext(tag % "VersionId", "")
            if not allowed(bucket, headers, key, version):
                sent.remove(element)
                denied.append((key, version))
        answer = known_delete(bucket, written(sent) if denied else body, headers)
        if answer[0] != 200 or not denied:
            return answer
        result = ElementTree.fromstring(answer[2])
        tag = result.tag.replace("DeleteResult", "%s")
        for key, version in denied:
            error = ElementTree.SubElement(result, tag % "Error")
            for field, value in (("Key", key), ("VersionId", version), ("Code", "AccessDenied"), ("Message", "Access Denied")):
                if value:
                    ElementTree.SubElement(error, tag % field).text = value
        return answer[0], answer[1], written(result)

    iam_actions.extract_iam_action = action
    s3._delete_objects = delete


def encoded_names():
    """`encoding-type=url` in listings of versions and of uploads, where a name may hold what XML cannot
    (S3 API Reference, "ListObjectVersions", "ListMultipartUploads")."""
    asked = []
    known_xml = s3._xml_body
    names = ("Key", "Prefix", "Delimiter", "KeyMarker", "NextKeyMarker")

    def xml(root):
        if asked and root.tag != "Error":
            for element in root.iter():
                if element.tag in names and element.text:
                    element.text = s3._url_encode(element.text)
            s3.SubElement(root, "EncodingType").text = "url"
        return known_xml(root)

    def encoding(known):
        def listing(bucket, query):
            if s3._qp(query, "encoding-type", "") != "url":
                return known(bucket, query)
            asked.append(True)
            try:
                return known(bucket, query)
            finally:
                asked.pop()

        return listing

    s3._xml_body = xml
    s3._list_object_versions = encoding(s3._list_object_versions)
    s3._list_multipart_uploads = encoding(s3._list_multipart_uploads)


def named_resources():
    """The resource that a request names and its permission may be limited to (Service Authorization
    Reference, "Resource types" of each service)."""
    known = iam_actions.extract_resource_arn

    def arn(service, method, path, headers, body, query, region, account):
        found = known(service, method, path, headers, body, query, region, account)
        if found != "*":
            return found
        action = iam_actions.extract_iam_action(service, method, path, headers, body, query)
        if action == "kms:CreateAlias":
            return f"arn:aws:kms:{region}:{account}:{parsed(body).get('AliasName', '')}"
        if action == "iam:CreatePolicy":
            name = (iam_actions._query_param(query, "Path") or "/") + iam_actions._query_param(query, "PolicyName")
            return f"arn:aws:iam::{account}:policy{name}"
        if action in ("dynamodb:ListTagsOfResource", "sns:ListTagsForResource"):
            return iam_actions._param(body, query, "ResourceArn") or found
        if action == "cloudtrail:ListTags":
            return (parsed(body).get("ResourceIdList") or [found])[0]
        return found

    iam_actions.extract_resource_arn = arn


def permissions_beside():
    """What a call needs beside the action of its name: a table under a key uses the key on behalf of
    the caller (DynamoDB Developer Guide, "Authorizing use of a customer managed key"), an alias is
    allowed on its key as well, and a key with tags is tagged (AWS KMS permissions). And which policy
    is attached or detached (IAM User Guide, `iam:PolicyARN`)."""
    known_context, known, known_denial = iam_actions.request_tag_context, iam_evaluator.enforce, iam_actions.access_denied_response
    denied_action = contextvars.ContextVar("denied_action", default=None)
    policies = {f"iam:{verb}{kind}Policy" for verb in ("Attach", "Detach") for kind in ("Role", "User", "Group")}
    use = ("CreateGrant", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")

    def context(service, action, body, params):
        keys = known_context(service, action, body, params)
        if action in policies:
            keys["iam:PolicyARN"] = iam_actions._param(body, params, "PolicyArn")
        if action in ("dynamodb:CreateTable", "dynamodb:UpdateTable"):
            keys["sandbox:key"] = (parsed(body).get("SSESpecification") or {}).get("KMSMasterKeyId") or ""
        if action == "kms:CreateAlias":
            keys["sandbox:key"] = parsed(body).get("TargetKeyId") or ""
        return keys

    def enforce(access_key, action, service, region, resource_arn="*", service_context=None):
        denied_action.set(None)
        denied = known(access_key, action, service, region, resource_arn, service_context)
        context = service_context or {}
        keys = f"arn:aws:kms:{region}:{responses.get_account_id()}:key/"
        key = context.get("sandbox:key", "")
        key = key if key.startswith("arn:") else f"{keys}{key}" if key else ""
        more = []
        if action in ("dynamodb:CreateTable", "dynamodb:UpdateTable") and key:
            via, grant = {"kms:ViaService": f"dynamodb.{region}.amazonaws.com"}, {"kms:GrantIsForAWSResource": "true"}
            more = [(f"kms:{name}", key, {**via, **grant} if name == "CreateGrant" else via) for name in use]
        if action == "kms:CreateAlias" and key:
            more = [(action, key, {})]
        if action == "kms:CreateKey" and context.get("aws:TagKeys"):
            more = [("kms:TagResource", f"{keys}new", context)]
        for name, arn, where in more:
            if not denied and (denied := known(access_key, name, "kms", region, arn, where)):
                denied_action.set(name)
        return denied

    def denial(service, action, *args, **more):
        return known_denial(service, denied_action.get() or action, *args, **more)

    iam_actions.request_tag_context, iam_evaluator.enforce, iam_actions.access_denied_response = context, enforce, denial


condition_keys()
leading_keys()
deletion_window()
key_permissions()
named_resources()
permissions_beside()
trail_tags()
alarm_metrics()
account_public_access()
deletes_in_batches()
encoded_names()
sys.argv = ["hypercorn", *sys.argv[1:]]
runpy.run_module("hypercorn", run_name="__main__")
