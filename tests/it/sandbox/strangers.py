"""Asks the sandbox for what only its owner, or no caller, may have. Prints what each request is answered with."""

import http.client
import json
import os
import ssl
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

endpoint = os.environ["AWS_ENDPOINT_URL"]
address = urlsplit(endpoint)
context = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
owner = boto3.Session().get_credentials()
function = {"FunctionName": "f", "Runtime": "python3.11", "Handler": "f.f", "Role": "arn:aws:iam::000000000000:role/x", "Code": {}}
form = {"content-type": "application/x-www-form-urlencoded"}


def target(name):
    return {"x-amz-target": name, "content-type": "application/x-amz-json-1.1"}


# What it is, service, method, path, headers, body.
CALLS = [
    ("list buckets", "s3", "GET", "/", {}, b""),
    ("make a bucket", "s3", "PUT", "/stranger", {}, b""),
    ("make a user", "iam", "POST", "/", form, b"Action=CreateUser&UserName=stranger&Version=2010-05-08"),
    ("Lambda", "lambda", "POST", "/2015-03-31/functions", {}, json.dumps(function).encode()),
    ("Lambda, run", "lambda", "POST", "/2015-03-31/functions/f/invocations", {}, b"{}"),
    ("Lambda, signed for S3", "s3", "POST", "/2015-03-31/functions/f/invocations", {}, b"{}"),
    ("ECS", "ecs", "POST", "/", target("AmazonEC2ContainerServiceV20141113.ListClusters"), b"{}"),
    ("ECS, signed for KMS", "kms", "POST", "/", target("AmazonEC2ContainerServiceV20141113.ListClusters"), b"{}"),
    ("Step Functions", "states", "POST", "/", target("AWSStepFunctions.ListStateMachines"), b"{}"),
    ("CodeBuild", "codebuild", "POST", "/", target("CodeBuild_20161006.ListProjects"), b"{}"),
    ("Glue", "glue", "POST", "/", target("AWSGlue.GetJobs"), b"{}"),
    ("reset", "s3", "POST", "/_ministack/reset", {}, b""),
    ("configure", "s3", "POST", "/_ministack/config", {}, b'{"lambda_svc.LAMBDA_EXECUTOR": "local"}'),
    ("health", "s3", "GET", "/_ministack/health", {}, b""),
    ("LocalStack's health", "s3", "GET", "/_localstack/health", {}, b""),
    ("SES, mails", "s3", "GET", "/_aws/ses", {}, b""),
]


def send(method, path, headers, body):
    connection = http.client.HTTPSConnection(address.hostname, address.port, context=context)
    try:
        connection.putrequest(method, path, skip_host=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def signed(key, secret, call, **more):
    _, service, method, path, headers, body = call
    host = more.pop("host", address.netloc)
    request = AWSRequest(method, f"https://{host}{path}", {**headers, **more}, body)
    SigV4Auth(Credentials(key, secret), service, "eu-west-1").add_auth(request)
    return {"host": host, **dict(request.headers)}


def forged(key):
    def headers(call):
        scope = f"{key}/20261128/eu-west-1/{call[1]}/aws4_request"
        return {"host": address.netloc, **call[4], "authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"}

    return headers


CALLERS = [
    ("nobody", lambda call: {"host": address.netloc, **call[4]}),
    ("key test, forged", forged("test")),
    ("key of an account, forged", forged("000000000000")),
    ("the owner's key, forged", forged(owner.access_key)),
    ("test/test, signed", lambda call: signed("test", "test", call)),
    ("the owner's key, another secret", lambda call: signed(owner.access_key, "0" * 40, call)),
    ("an account/test, signed", lambda call: signed("000000000000", "test", call)),
]
for who, headers in CALLERS:
    answers = {send(call[2], call[3], headers(call), call[5]) for call in CALLS}
    print(f"{who}: all of {len(CALLS)} are refused" if answers <= {400, 403} else f"{who}: {answers}")


def as_owner(call, **more):
    return send(call[2], call[3], signed(owner.access_key, owner.secret_key, call, **more), call[5])


for call in CALLS:
    if call[0] not in ("make a bucket", "make a user"):
        print(f"the owner, {call[0]}: {as_owner(call)}")
first = CALLS[0]
print("from a page:", as_owner(first, origin="https://example.com"), as_owner(first, **{"sec-fetch-site": "cross-site"}))
print("by another name:", as_owner(first, host=f"example.com:{address.port}"), as_owner(first, host="127.0.0.1.example.com"))
print("by its own:", as_owner(first, host=f"localhost:{address.port}"))
query = f"/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test/20261128/eu-west-1/s3/aws4_request&X-Amz-Signature=00"
print("signed in its address:", send("GET", query, {"host": address.netloc}, b""))
print("preflight:", send("OPTIONS", "/", {"host": address.netloc, "access-control-request-method": "GET"}, b""))
print("websocket:", send("GET", "/", {"host": address.netloc, "connection": "upgrade", "upgrade": "websocket",
                                     "sec-websocket-version": "13", "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA=="}, b""))
h2 = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
h2.set_alpn_protocols(["h2", "http/1.1"])
connection = http.client.HTTPSConnection(address.hostname, address.port, context=h2)
connection.connect()
print("protocol:", connection.sock.selected_alpn_protocol())
print("buckets:", boto3.client("s3").list_buckets()["Buckets"], "users:", [user["UserName"] for user in boto3.client("iam").list_users()["Users"]])
