"""Decides which requests reach the emulator, and takes away what could run a program.

Every user of this machine can connect to the port, and so can a page in a browser. A request is let in only if it is
signed with an access key of this sandbox, for one of the services below, and names this machine as its host. The
emulator has about 100 services more, a root user whose signature it does not check, and control calls that take no
credentials; none of them can be reached.

This is the first part of the program; serve.py is the second.
"""

import logging
import os
import re
import sys
import uuid
from urllib.parse import parse_qs, quote

# What the emulator keeps is for its owner only.
os.umask(0o077)

# By the name in the scope of a signature. SQS receives what a bucket or a topic sends.
SERVICES = {"s3", "kms", "dynamodb", "iam", "sts", "sns", "monitoring", "cloudtrail", "sqs"}
PROGRAMS = {
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "os.system",
    "pty.spawn",
    "subprocess.Popen",
}
HOST = re.compile(r"(127\.0\.0\.1|localhost)(:[0-9]{1,5})?")
SCOPE = re.compile(r"AWS4-HMAC-SHA256 Credential=([A-Za-z0-9]+)/[0-9]{8}/[a-z0-9-]+/([a-z0-9-]+)/aws4_request,")
ADMIN = "admin"
EVERYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


def no_programs(event, _):
    """An audit hook, which cannot be removed: no executor of the emulator starts anything, however it is reached."""
    if event in PROGRAMS:
        raise PermissionError(f"the sandbox runs no programs ({event})")


sys.addaudithook(no_programs)

from hypercorn.config import Config
from ministack import app
from ministack.core import iam_evaluator, persistence, responses, router
from ministack.services import iam, sts

# It says so of each write.
logging.getLogger("persistence").setLevel(logging.WARNING)

# An HTTP/2 connection ends after 1,000 requests, and what is under way on it waits for its time limit.
Config.alpn_protocols = ["http/1.1"]

# The emulator's root is a caller without a key, with the key `test`, or with any account's number as its key.
iam_evaluator.is_root_access_key = sts.is_root_access_key = lambda _: False

for name in [name for name in app.SERVICE_HANDLERS if name not in SERVICES]:
    del app.SERVICE_HANDLERS[name]


async def nothing(*_, **__):
    """In the place of what answers by path or host alone: control calls, function URLs, load balancers and the like."""


async def s3_control(method, path, headers, body, query_params, request_id, **_):
    return await app._handle_s3_control_request(path, method, body, query_params, request_id, headers)


app._handle_pre_body_request = app._handle_post_body_shortcuts = nothing
app._handle_special_data_plane_request = s3_control


def make_admin():
    """The user who works in the sandbox, with the access key that is in the sandbox's folder."""
    key, secret = os.environ["SANDBOX_ACCESS_KEY_ID"], os.environ["SANDBOX_SECRET_ACCESS_KEY"]
    if ADMIN not in iam._users:
        iam._create_user({"UserName": ADMIN})
    iam._put_user_policy({"UserName": ADMIN, "PolicyName": "everything", "PolicyDocument": EVERYTHING})
    made = iam._access_keys.get(key) or {"CreateDate": iam._now(), "Status": "Active"}
    iam._access_keys[key] = {**made, "UserName": ADMIN, "AccessKeyId": key, "SecretAccessKey": secret}


def merged(raw):
    """As the emulator reads headers."""
    headers = {}
    for name, value in raw:
        name, value = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def refused(scope, headers, query):
    """Why a request is not looked at any further, or None."""
    # Not of AWS's form, so that it is not taken for an answer of IAM.
    if scope["http_version"] not in ("1.0", "1.1"):
        return "The sandbox speaks HTTP/1.1."
    if not HOST.fullmatch(headers.get("host", "")):
        return "The sandbox is reached as 127.0.0.1 or localhost."
    if "origin" in headers or any(name.startswith("sec-fetch-") for name in headers):
        return "The sandbox is not for web pages."
    if scope["path"].startswith("/_"):
        return "The sandbox has no control calls."
    scoped = SCOPE.match(headers.get("authorization", ""))
    if not scoped or {"X-Amz-Algorithm", "X-Amz-Credential", "AWSAccessKeyId"} & query.keys():
        return "The sandbox takes requests only that are signed with an Authorization header."
    detected = router.detect_service(scope["method"], scope["path"], headers, query)
    if not {scoped[2], detected} <= SERVICES:
        return f"The sandbox has the services {', '.join(sorted(SERVICES))} only."
    return None


async def whole_body(receive):
    """None if the client is gone before its end."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


async def unauthenticated(key, scope, query, receive):
    """The body of a request, and why its signature does not hold, if it does not."""
    account = iam_evaluator.find_iam_access_key_account(key)
    if not account and key not in sts._sessions:
        # Its body is not read.
        return b"", iam_evaluator.AuthError(**vars(iam_evaluator._unknown_access_key()))
    raw_path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1")
    body = await whole_body(receive)
    if body is None:
        return None, None
    iam_evaluator.pin_signed_request(scope["method"], raw_path, query, scope["headers"])
    iam_evaluator.pin_signed_body(body)
    checked = iam_evaluator.authenticate(key, account or responses.get_account_id())
    if isinstance(checked, iam_evaluator.ResolvedCredential):
        return body, None
    return body, checked or iam_evaluator.AuthError(**vars(iam_evaluator._unknown_access_key()))


async def answer_refusal(send, service, headers, error):
    status, answered, body = app._credential_failure(service, "", str(uuid.uuid4()), error, headers)
    raw = [(name.lower().encode(), str(value).encode()) for name, value in answered.items()]
    raw.append((b"content-length", str(len(body)).encode()))
    send = app._with_date_header(send)
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def writes(method, service, headers, body):
    """Whether a request may change what is kept: by its method, or by the name of its operation."""
    if service == "s3":
        return method not in ("GET", "HEAD")
    named = headers.get("x-amz-target", "").rpartition(".")[2] or parse_qs(body.decode("utf-8", "replace")).get("Action", [""])[0]
    return not named.startswith(("Describe", "Get", "List", "Lookup"))


def keep(service):
    """Saves what a service has. The emulator does so at its end only, which a machine that goes down does not grant it."""
    state_key = {"monitoring": "cloudwatch"}.get(service, service)
    get_state = app._build_persistence_save_dict().get(state_key)
    if get_state:
        persistence.save_state(state_key, get_state())


def guard(known):
    async def started(send, message):
        if message["type"] == "lifespan.startup.complete":
            make_admin()
        await send(message)

    async def guarded(scope, receive, send):
        if scope["type"] == "lifespan":
            return await known(scope, receive, lambda message: started(send, message))
        if scope["type"] != "http":
            await receive()
            return await send({"type": "websocket.close", "code": 1008})
        headers = merged(scope["headers"])
        query = parse_qs(scope.get("query_string", b"").decode("utf-8", "replace"), keep_blank_values=True)
        if message := refused(scope, headers, query):
            return await answer_refusal(send, "s3", headers, iam_evaluator.AuthError("AccessDenied", message))
        key, service = SCOPE.match(headers["authorization"]).groups()
        body, error = await unauthenticated(key, scope, query, receive)
        if error:
            return await answer_refusal(send, service, headers, error)
        if body is None:
            return None
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def again():
            return messages.pop() if messages else await receive()

        if not persistence.PERSIST_STATE or not writes(scope["method"], service, headers, body):
            return await known(scope, again, send)

        async def kept(message):
            if message["type"] == "http.response.start":
                keep(service)
            await send(message)

        return await known(scope, again, kept)

    return guarded


app.app = guard(app.app)
