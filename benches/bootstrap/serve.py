"""Runs the emulator behind a network: adds time to each call and to each new connection, and writes down what was called when.

The first argument is what is added to each call, in seconds; the second what is added to the first call of a connection,
for the handshakes of TCP and TLS that a real one begins with; the third is `overlap` where every second write that
overlaps with another on its bucket is to be answered with 409, as S3 does and no emulator.

GET  /_bench/calls     the calls so far: operation, whether it writes, start, end, connection, version of HTTP
POST /_bench/forget    forgets them
"""

import asyncio
import json
import runpy
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs

from ministack import app

known = app.app
delay, handshake, overlap = float(sys.argv[1]), float(sys.argv[2]), sys.argv[3] == "overlap"
calls = []
known_connections = set()
writing = Counter()
overlaps = Counter()
READS = ("Get", "List", "Describe", "Head", "Scan", "Query", "BatchGet", "AssumeRole")
ABORTED = b"<Error><Code>OperationAborted</Code><Message>A conflicting operation is in progress</Message></Error>"


def operation(scope, headers, body):
    """The service and the operation in its own words, but for S3: its method, and which part of a bucket it is about."""
    target = headers.get(b"x-amz-target")
    if target:
        return target.decode().rpartition(".")[2]
    if b"/operation/" in scope["raw_path"]:
        return scope["raw_path"].decode().rpartition("/operation/")[2]
    action = parse_qs(body.decode(errors="replace")).get("Action")
    if action:
        return action[0]
    verb = {"GET": "Get", "HEAD": "Head", "PUT": "Put", "DELETE": "Delete"}.get(scope["method"], scope["method"])
    query = scope["query_string"].decode().split("&")[0].split("=")[0]
    return f"{verb} {'object' if scope['path'].strip('/').count('/') else 'bucket'} {query}".strip()


async def answer(send, status, body, kind=b"application/json"):
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind), (b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


async def far(scope, receive, send):
    if scope["type"] != "http":
        return await known(scope, receive, send)
    if scope["path"] == "/_bench/forget":
        calls.clear()
    if scope["path"].startswith("/_bench/"):
        return await answer(send, 200, json.dumps(calls).encode())
    start = time.monotonic()
    headers = dict(scope["headers"])
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"".join(parts)
    name = operation(scope, headers, body)
    writes = not name.startswith(READS)
    # A port of the caller's and an address of ours: no two connections at the same time have the same.
    connection = "{}:{} {}:{}".format(*scope["client"], *scope["server"])
    new = connection not in known_connections
    known_connections.add(connection)
    call = {"operation": name, "writes": writes, "start": start, "end": None, "connection": connection, "http": scope["http_version"]}
    calls.append(call)
    bucket = scope["path"].strip("/").split("/")[0] if writes and b"/s3/" in headers.get(b"authorization", b"") else None
    aborted = False
    if bucket:
        overlaps[bucket] += writing[bucket] > 0
        aborted = overlap and writing[bucket] > 0 and overlaps[bucket] % 2 == 1
        writing[bucket] += not aborted
    if delay or new and handshake:
        await asyncio.sleep(delay + handshake * new)

    read = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay():
        return read.pop() if read else await receive()

    if aborted:
        await answer(send, 409, ABORTED, b"application/xml")
    else:
        await known(scope, replay, send)
    if bucket and not aborted:
        writing[bucket] -= 1
    call["end"] = time.monotonic()


app.app = far
del sys.argv[1:4]
# With what it lacks of AWS: without that no backend is as it should be.
runpy.run_path(str(Path(__file__).parents[2] / "src" / "sandbox" / "serve.py"), run_name="__main__")
