# Runs the emulator for the tests. A sandbox runs it with Hypercorn, which takes more of a processor than the emulator itself.
import argparse
import asyncio
import functools
import socket

import uvloop
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# The guard has checked the signature. With what that found, the emulator does not check it again.
app.pin_signed_request = lambda *_: None
# The same policies decide about each request.
parsed_document = functools.lru_cache(maxsize=None)(iam_evaluator.parse_policy_document)
known_parse = iam_evaluator.parse_policy_document
iam_evaluator.parse_policy_document = lambda document: (parsed_document if isinstance(document, str) else known_parse)(document)


def arguments():
    """Those of Hypercorn."""
    parser = argparse.ArgumentParser()
    parser.add_argument("app")
    for name in ("workers", "keep-alive", "graceful-timeout", "bind", "insecure-bind", "certfile", "keyfile"):
        parser.add_argument(f"--{name}", required=True)
    return parser.parse_args()


def listener(address):
    host, port = address.split(":")
    return socket.create_server((host, int(port)), backlog=100)


class Gathered:
    """A connection on which the head and the body of a response leave in one piece, as from AWS.

    When they came apart, on a busy machine, Terraform's DynamoDB client was seen to repeat calls that had been answered, and Terraform
    was refused by the lock that it had just taken. In one piece, none was repeated in two traced runs.
    """

    def __init__(self, transport, loop):
        self.transport, self.loop, self.parts = transport, loop, []

    def write(self, data):
        if not self.parts:
            self.loop.call_soon(self.flush)
        self.parts.append(data)

    def flush(self):
        if self.parts:
            self.transport.write(b"".join(self.parts))
            self.parts.clear()

    def close(self):
        self.flush()
        self.transport.close()

    def __getattr__(self, name):
        return getattr(self.transport, name)


class Protocol(HttpToolsProtocol):
    def connection_made(self, transport):
        super().connection_made(Gathered(transport, self.loop))


def server(args, **more):
    config = uvicorn.Config(
        app.app, http=Protocol, ws="none", log_config=None, access_log=False, proxy_headers=False, server_header=False,
        date_header=False, timeout_keep_alive=int(args.keep_alive), **more,
    )  # fmt: skip
    config.load()
    if config.ssl:
        # Each run of the program is a new client, and resumes no session.
        config.ssl.num_tickets = 0
    return uvicorn.Server(config)


async def serve(args):
    with_tls = server(args, lifespan="on", ssl_certfile=args.certfile, ssl_keyfile=args.keyfile)
    plain = server(args, lifespan="off")
    await asyncio.gather(with_tls.serve([listener(args.bind)]), plain.serve([listener(args.insecure_bind)]))


uvloop.run(serve(arguments()))
