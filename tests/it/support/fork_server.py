"""Runs the Python programs of the tests, each in a process of its own that has imported most of what it needs.

The imports take half a second each time, and the tests start hundreds of emulators and scripts. Standard input is a
socket that listens. Each connection is one run: its first line says what to run, the answer is the id of the process
and, once that has ended, its status, standard output and standard error. The process ends when the other end of the
connection does, however that comes about.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
import traceback
import types

# Whoever starts it waits for no more than this.
if os.fork():
    os._exit(0)
# Not ended with a test. In the session of the tests still, as Linux shares the processor out among sessions.
os.setpgid(0, 0)

folder, record, owner = sys.argv[1:]


@atexit.register
def clean_up():
    with contextlib.suppress(FileNotFoundError):
        os.remove(record)
    shutil.rmtree(folder)


import botocore.session
import boto3
from ministack.core import iam_actions, responses

# What depends on no environment. The emulator itself reads variables while it is imported, and starts a thread.
for name in [
    "argparse", "asyncio", "concurrent.futures.thread", "csv", "dataclasses", "decimal", "defusedxml.ElementTree", "email.utils",
    "hypercorn.config", "ipaddress", "logging.config", "logging.handlers", "runpy", "unicodedata", "urllib.request", "uvicorn",
    "uvicorn.lifespan.on", "uvicorn.protocols.http.httptools_impl", "uvloop", "wsgiref.handlers", "xml.etree.ElementTree",
    "xml.sax.saxutils",
]:  # fmt: skip
    importlib.import_module(name)

# The descriptions of the services depend on no environment either. Credentials, endpoints and certificates do.
loader = botocore.loaders.Loader()
botocore.session.create_loader = lambda _: loader
unused = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "eu-west-1"}
for service in ["s3", "s3control", "kms", "dynamodb", "iam", "sns", "sqs", "cloudwatch", "cloudtrail", "sts"]:
    boto3.session.Session(**unused).client(service)

# The same descriptions, as the emulator reads them.
for service in ["s3", "kms", "dynamodb", "iam", "sns", "sqs", "monitoring", "cloudtrail", "sts"]:
    responses._service_model(service)
    iam_actions._tag_operations(service)

# The emulator reads variables while it is imported: of those that are not each emulator's own, the first one's are taken, and
# one that has others imports it anew. Threads that it starts are started in each process.
OWN = {"GATEWAY_PORT", "MINISTACK_SSL_CERT", "MINISTACK_SSL_KEY", "SANDBOX_ACCESS_KEY_ID", "SANDBOX_SECRET_ACCESS_KEY"}
UNKNOWN = "not known yet: "
EMULATOR = ["s3", "kms", "dynamodb", "iam", "sns", "sqs", "cloudwatch", "cloudtrail", "sts"]
emulator_vars, emulator_threads = None, []


def shared(vars):
    return {name: value for name, value in vars.items() if name not in OWN}


def preload_emulator(vars):
    global emulator_vars
    emulator_vars = shared(vars)
    before, start = dict(os.environ), threading.Thread.start
    os.environ.clear()
    os.environ.update(emulator_vars, **{name: UNKNOWN + name for name in OWN})
    threading.Thread.start = emulator_threads.append
    try:
        app = importlib.import_module("ministack.app")
        for service in EMULATOR:
            app._get_module(service)
    finally:
        threading.Thread.start = start
        os.environ.clear()
        os.environ.update(before)
    gc.collect()
    gc.freeze()


def complete_emulator(vars):
    """In a process of its own: with what differs from emulator to emulator."""
    modules = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "ministack"}
    if shared(vars) != emulator_vars:
        for name in modules:
            del sys.modules[name]
        return
    for module in modules.values():
        for name, value in list(vars_of(module).items()):
            if isinstance(value, str) and UNKNOWN in value:
                for own in OWN & vars.keys():
                    value = value.replace(UNKNOWN + own, vars[own])
                assert UNKNOWN not in value, f"{module.__name__}.{name}"
                setattr(module, name, value)
    for thread in emulator_threads:
        thread.start()


vars_of = vars

listener = socket.socket(fileno=os.dup(0))
os.dup2(os.open(os.devnull, os.O_RDWR), 0)
# By the id of the process: its connection, and its output, if that is asked for.
running = {}

woken, wake = socket.socketpair()
wake.setblocking(False)
signal.set_wakeup_fd(wake.fileno())
signal.signal(signal.SIGCHLD, lambda *_: None)

compiled = functools.lru_cache(maxsize=None)(compile)


def start(connection):
    connection.settimeout(30)
    asked = json.loads(connection.makefile().readline())
    code = compiled(asked["text"], asked["name"], "exec")
    if "ministack.app:app" in asked["args"] and emulator_vars is None:
        preload_emulator(asked["vars"])
    # Not in the default folder: the children are to look for theirs.
    output = [] if asked["log"] else [tempfile.TemporaryFile(dir=folder) for _ in range(2)]
    pid = os.fork()
    if pid == 0:
        become(asked, code, connection, output)
    running[pid] = connection, output
    connection.sendall(f"{pid}\n".encode())


def become(asked, code, connection, output):
    """Runs a program, and ends as Python itself would."""
    status = 1
    try:
        # It lives for seconds: what it leaves behind is not worth looking for.
        gc.disable()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for other in [listener, woken, wake, *(other for other, _ in running.values())]:
            other.close()
        out, err = output or [open(asked["log"], "ab")] * 2
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        connection.settimeout(None)
        threading.Thread(target=end_with, args=[connection], daemon=True).start()
        os.chdir(asked["dir"])
        os.environ.clear()
        os.environ.update(asked["vars"])
        if "ministack.app:app" in asked["args"]:
            complete_emulator(asked["vars"])
        sys.argv = [asked["name"], *asked["args"]]
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        main.__file__ = asked["name"]
        exec(code, main.__dict__)
        status = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def end_with(connection):
    """Waits until the other end is gone."""
    try:
        connection.recv(1)
    finally:
        os._exit(1)


def reap():
    for pid in list(running):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if not ended:
            continue
        connection, output = running.pop(pid)
        said = [(file.seek(0), file.read().decode(errors="replace"))[1] for file in output]
        with connection, contextlib.suppress(ConnectionError, TimeoutError):
            connection.sendall(f"{json.dumps([os.waitstatus_to_exitcode(status), *said])}\n".encode())


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


# So that the children share the memory.
gc.collect()
gc.freeze()
while running or is_alive(int(owner)):
    ready, _, _ = select.select([listener, woken], [], [], 1)
    if woken in ready:
        woken.recv(1000)
    reap()
    if listener in ready:
        try:
            start(listener.accept()[0])
        except Exception:
            traceback.print_exc()
clean_up()
# At once, without Python's own tidying up.
os._exit(0)
