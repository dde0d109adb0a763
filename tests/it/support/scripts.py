"""Runs scripts one after another, each in a process of its own that has boto3 and its models already.

Reading them takes half a second each time, and the tests run hundreds of scripts. Each line of standard input is a
run: script, arguments and environment. Its answer is a line: status, standard output and standard error.
"""

import gc
import json
import os
import runpy
import sys
import tempfile

import botocore.session
import boto3

# What depends on no environment: the descriptions of the services. Credentials, endpoints and certificates do.
loader = botocore.loaders.Loader()
botocore.session.create_loader = lambda _: loader
nobody = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "eu-west-1"}
for service in ["s3", "s3control", "kms", "dynamodb", "iam", "sns", "cloudwatch", "cloudtrail", "sts"]:
    boto3.session.Session(**nobody).client(service)
# So that the children share the memory.
gc.freeze()


def run(script, args, vars):
    """In the child. Ends as Python itself would."""
    os.environ.clear()
    os.environ.update(vars)
    sys.argv = [script, *args]
    sys.stdin = open(os.devnull)
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def answer(script, args, vars):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            status = run(script, args, vars)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
        _, status = os.waitpid(child, 0)
        said = [(file.seek(0), file.read().decode(errors="replace"))[1] for file in (out, err)]
    return [os.waitstatus_to_exitcode(status), *said]


for line in sys.stdin:
    print(json.dumps(answer(*json.loads(line))), flush=True)
# At once, as nothing is left to tidy up.
os._exit(0)
