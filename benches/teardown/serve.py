"""Runs the emulator as slow as S3, and counts what it is asked for.

POST /_bench/fill?versions=N&markers=M&names=K  fills the bucket `bench`, without a call for each version
GET  /_bench/calls                              how many calls there were since it was filled
"""

import asyncio
import json
import runpy
import sys
from collections import Counter
from urllib.parse import parse_qs

from ministack import app
from ministack.core.responses import new_uuid
from ministack.services import s3

BUCKET = "bench"
known = app.app
calls = Counter()
listing, batch = float(sys.argv[1]), float(sys.argv[2])


def fill(versions, markers, names):
    if BUCKET not in s3._buckets:
        s3._create_bucket(BUCKET, b"")
    enabled = b'<VersioningConfiguration xmlns="%s"><Status>Enabled</Status></VersioningConfiguration>'
    s3._put_bucket_versioning(BUCKET, enabled % s3.S3_NS.encode())
    all_of_them = versions + markers
    for n in range(names):
        name = f"env:/workspace-{n:05}/network/terraform.tfstate"
        s3._put_object(BUCKET, name, b"x" * 64, {})
        history = s3._object_versions[(BUCKET, name)]
        (current,) = history
        # The oldest first; the current one stays the last.
        count = all_of_them // names - 1
        of_these = markers // names
        for at in range(count):
            older = {**current, "version_id": new_uuid(), "is_latest": False}
            if at * of_these // count != (at + 1) * of_these // count:
                older = {key: older[key] for key in ("version_id", "last_modified", "is_latest")}
                older.update(etag="", size=0, is_delete_marker=True)
            history.insert(len(history) - 1, older)


async def slow(scope, receive, send):
    if scope["type"] != "http":
        return await known(scope, receive, send)
    query = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
    if scope["path"].startswith("/_bench/"):
        if scope["path"] == "/_bench/fill":
            fill(*(int(query[name][0]) for name in ("versions", "markers", "names")))
            calls.clear()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        return await send({"type": "http.response.body", "body": json.dumps(calls).encode()})
    if scope["method"] == "GET" and {"versions", "list-type", "uploads"} & query.keys():
        calls["listings"] += 1
        await asyncio.sleep(listing)
    elif scope["method"] == "POST" and "delete" in query:
        calls["batches"] += 1
        await asyncio.sleep(batch)
    elif not scope["path"].startswith("/_ministack/"):
        calls["others"] += 1
    await known(scope, receive, send)


app.app = slow
sys.argv = ["hypercorn", *sys.argv[3:]]
runpy.run_module("hypercorn", run_name="__main__")
