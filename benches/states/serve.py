"""S3 with one bucket of states, and STS, as far as listing states needs them: answers fast, and then waits.

No emulator answers some thousand calls a second, which is what is measured here. It speaks HTTP/1.1 on asyncio alone.

Arguments: port, states, seconds before each answer, resources in each state.

GET  /_bench/calls     how many calls there were, by kind, and how many connections
"""

import asyncio
import base64
import hashlib
import json
import sys
from collections import Counter
from urllib.parse import parse_qs, urlsplit

port, count, delay, resources = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
PER_PAGE = 1000
calls = Counter()


def state(n):
    """As Terraform writes it."""
    attributes = {"id": f"i-{n:017x}", "arn": f"arn:aws:ec2:us-east-1:000000000000:instance/i-{n:017x}", "tags": {"Name": f"web-{n}"}}
    instances = [{"schema_version": 1, "attributes": attributes, "sensitive_attributes": []}]
    of = {"mode": "managed", "type": "aws_instance", "provider": 'provider["registry.terraform.io/hashicorp/aws"]', "instances": instances}
    made = [{**of, "name": f"web{at}"} for at in range(resources)]
    whole = {"version": 4, "terraform_version": "1.11.4", "serial": n, "lineage": f"00000000-0000-4000-8000-{n:012}", "outputs": {}}
    return json.dumps({**whole, "resources": made, "check_results": None}, indent=2).encode()


STATES = [state(n) for n in range(count)]
KEYS = [f"env:/w{n:05}/terraform.tfstate" for n in range(count)]
NUMBERS = {f"/bench/{key}": n for n, key in enumerate(KEYS)}
WHEN = "2026-11-29T00:00:00.000Z"
CALLER = (
    b"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::000000000000:user/me</Arn><UserId>ME</UserId>"
    b"<Account>000000000000</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)


def page(query):
    first = int(query.get("continuation-token", ["0"])[0])
    prefix = query.get("prefix", [""])[0]
    if prefix and not KEYS[0].startswith(prefix):
        return b"<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>0</KeyCount></ListBucketResult>"
    last = min(first + PER_PAGE, count)
    more = "true" if last < count else "false"
    parts = [f"<ListBucketResult><Name>bench</Name><IsTruncated>{more}</IsTruncated><KeyCount>{last - first}</KeyCount>"]
    if last < count:
        parts.append(f"<NextContinuationToken>{last}</NextContinuationToken>")
    for n in range(first, last):
        parts.append(f"<Contents><Key>{KEYS[n]}</Key><LastModified>{WHEN}</LastModified><ETag>&quot;{n:032x}&quot;</ETag>")
        parts.append(f"<Size>{len(STATES[n])}</Size><StorageClass>STANDARD</StorageClass></Contents>")
    return "".join([*parts, "</ListBucketResult>"]).encode()


def answer(method, target, host):
    """Status, further headers and body."""
    url = urlsplit(target)
    query = parse_qs(url.query, keep_blank_values=True)
    path = url.path.replace("%3A", ":")
    if method == "POST":
        calls["sts"] += 1
        return 200, "content-type: text/xml\r\n", CALLER
    if path in NUMBERS:
        calls["states"] += 1
        body = STATES[NUMBERS[path]]
        md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
        headers = f"x-amz-server-side-encryption: AES256\r\nx-amz-version-id: v1\r\ncontent-md5: {md5}\r\netag: \"0\"\r\n"
        return 200, headers + "last-modified: Sun, 29 Nov 2026 00:00:00 GMT\r\n", body
    if "list-type" in query:
        calls["listings"] += 1
        return 200, "content-type: application/xml\r\n", page(query)
    calls["others"] += 1
    if "location" in query:
        return 200, "content-type: application/xml\r\n", b"<LocationConstraint/>"
    if method == "HEAD":
        return 200, "x-amz-bucket-region: us-east-1\r\n", b""
    return 404, "content-type: application/xml\r\n", b"<Error><Code>NoSuchConfiguration</Code><Message>None</Message></Error>"


class Connection(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.read, self.loop = transport, b"", asyncio.get_running_loop()

    def data_received(self, data):
        self.read += data
        while b"\r\n\r\n" in self.read:
            head, rest = self.read.split(b"\r\n\r\n", 1)
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            length = int(headers.get("content-length", 0))
            if len(rest) < length:
                return
            self.read = rest[length:]
            method, target, _ = first.split(" ")
            if target.startswith("/_bench/"):
                body = json.dumps(calls).encode()
                self.send(200, "", body)
                continue
            # A connection counts with its first call.
            calls["connections"] += not getattr(self, "used", False)
            self.used = True
            status, more, body = answer(method, target, headers.get("host", ""))
            self.loop.call_later(delay, self.send, status, more, body if method != "HEAD" else b"")

    def send(self, status, more, body):
        if not self.transport.is_closing():
            self.transport.write(f"HTTP/1.1 {status} x\r\n{more}content-length: {len(body)}\r\n\r\n".encode() + body)


async def main():
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=256)
    await server.serve_forever()


asyncio.run(main())
