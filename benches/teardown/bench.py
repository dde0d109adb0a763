"""How long it takes to empty a bucket: tfbackend, a loop of boto3's, Terraform's `force_destroy`.

Each starts from the same bucket of an emulator of its own that is as slow as S3, and is measured from outside: time,
calls that arrived, and memory of all its processes. What is printed is a table for docs/benchmarks.md.
"""

import argparse
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from datetime import datetime, timezone
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
LISTING, BATCH = 0.15, 0.6
VERSIONS, MARKERS, NAMES = 20_000, 2_000, 200
MANY = (180_000, 20_000, 200)
PER_PAGE = 1000
MIB = 1 << 20

TERRAFORM = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "5.100.0" }
  }
}
provider "aws" {
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}
resource "aws_s3_bucket" "bench" {
  bucket        = "bench"
  force_destroy = true
}
"""


class Emulator:
    """Ended when left."""

    def __enter__(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        vars = {"PATH": os.environ["PATH"], "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
        vars |= {"DOCKER_HOST": "unix:///nonexistent", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0", "LOG_LEVEL": "ERROR"}
        command = [sys.executable, "-I", HERE / "serve.py", str(LISTING), str(BATCH)]
        command += ["ministack.app:app", "--workers", "0", "--bind", f"127.0.0.1:{port}"]
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, env=vars, cwd=tempfile.gettempdir(), stdout=self.log, stderr=self.log)
        for _ in range(600):
            try:
                self.ask("calls")
                return self
            except urllib.error.URLError:
                time.sleep(0.1)
        raise SystemExit("the emulator does not start")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def ask(self, what, method="GET"):
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/_bench/{what}", method=method), timeout=300) as answer:
            return json.load(answer)

    def fill(self, versions, markers, names):
        self.ask(f"fill?versions={versions}&markers={markers}&names={names}", "POST")

    def vars(self, home):
        vars = {"PATH": os.environ["PATH"], "HOME": str(home), "AWS_ENDPOINT_URL": self.url, "AWS_EC2_METADATA_DISABLED": "true"}
        vars |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1", "CHECKPOINT_DISABLE": "1"}
        return vars | {"AWS_DEFAULT_REGION": "us-east-1", "TF_CLI_CONFIG_FILE": str(Path(home) / "terraformrc")}


def memory(session):
    """Resident memory of all processes of a session."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            total += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return total


def measure(command, vars, cwd):
    started = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, env=vars, cwd=cwd, stdout=output, stderr=output, start_new_session=True)
        peak, ended = [0], threading.Event()

        def watch():
            while not ended.wait(0.02):
                peak[0] = max(peak[0], memory(process.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        code = process.wait()
        took = time.monotonic() - started
        ended.set()
        watcher.join()
        output.seek(0)
        said = output.read().decode(errors="replace")
    if code != 0:
        raise SystemExit(f"{command} ended with {code}:\n{said}")
    return took, peak[0]


class Terraform:
    """A bucket in a state, made once; what is measured is its end."""

    def __init__(self, home):
        self.dir = Path(home) / "terraform"
        self.dir.mkdir()
        (self.dir / "main.tf").write_text(TERRAFORM)
        mirror = os.environ.get("TFBACKEND_TF_MIRROR")
        source = f'filesystem_mirror {{\n path = "{mirror}"\n}}\n direct {{\n exclude = ["registry.terraform.io/*/*"]\n}}'
        rc = f"provider_installation {{\n {source}\n}}\n" if mirror else ""
        (Path(home) / "terraformrc").write_text(rc)
        with Emulator() as emulator:
            for command in (["init"], ["apply", "-auto-approve"]):
                measure(["terraform", *command, "-no-color", "-input=false"], emulator.vars(home), self.dir)
        self.state = (self.dir / "terraform.tfstate").read_text()

    def command(self):
        (self.dir / "terraform.tfstate").write_text(self.state)
        return ["terraform", "destroy", "-auto-approve", "-no-color", "-input=false"]


def run(command, home, size, cwd):
    with Emulator() as emulator:
        emulator.fill(*size)
        took, peak = measure(command, emulator.vars(home), cwd)
        return took, emulator.ask("calls"), peak


def built():
    """The program that empties, built if need be."""
    command = ["cargo", "bench", "--locked", "--bench", "empty", "--no-run", "--message-format=json-render-diagnostics"]
    output = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    artifacts = (json.loads(line) for line in output.splitlines())
    return next(a["executable"] for a in artifacts if a.get("target", {}).get("name") == "empty" and a.get("executable"))


def row(name, runs):
    seconds = sorted(took for took, _, _ in runs)
    calls = runs[0][1]
    peak = max(peak for _, _, peak in runs)
    counted = ", ".join(f"{calls[kind]} {kind}" for kind in ("listings", "batches", "others") if calls.get(kind))
    middle = statistics.median(seconds)
    times = f"{middle:.1f} s ({seconds[0]:.1f}–{seconds[-1]:.1f}, {len(runs)} run{'s' * (len(runs) > 1)})"
    print(f"| {name} | {times} | {counted} | {peak / MIB:.0f} MiB |", flush=True)
    return middle, calls["listings"] + calls["batches"], peak


def bar(name, value, holds):
    print(f"| {name} | {value} | {'holds' if holds else '**does not hold**'} |")


def version(command):
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    return (said.stdout or said.stderr).splitlines()[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="of each (default: 5)")
    parser.add_argument("--program", help="what empties the bucket that it is told, if it is built already")
    parser.add_argument("--without-terraform", action="store_true")
    args = parser.parse_args()
    program = args.program or built()
    size = (VERSIONS, MARKERS, NAMES)
    with tempfile.TemporaryDirectory() as home:
        runs = lambda command, cwd=home: [run(command(), home, size, cwd) for _ in range(args.runs)]
        print(f"{datetime.now(timezone.utc):%Y-%m-%d}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.platform()}")
        print(f"{VERSIONS + MARKERS} entries over {NAMES} names, +{LISTING * 1000:.0f} ms a listing, +{BATCH * 1000:.0f} ms a batch\n")
        print("| | time: median (least–most) | calls | peak memory |\n| --- | --- | --- | --- |")
        ours, calls, peak = row("tfbackend", runs(lambda: [program, "bench"]))
        loop, _, _ = row("boto3: list a page, delete it", runs(lambda: [sys.executable, "-I", str(HERE / "loop.py"), "bench"]))
        theirs = None
        if not args.without_terraform and shutil.which("terraform"):
            terraform = Terraform(home)
            theirs, _, _ = row("terraform destroy, `force_destroy`", runs(terraform.command, terraform.dir))
        _, _, many = row(f"tfbackend, {sum(MANY[:2])} entries", [run([program, "bench"], home, MANY, home)])
    pages = -(-(VERSIONS + MARKERS) // PER_PAGE)
    print("\n| at least | measured | |\n| --- | --- | --- |")
    bar("2.5 times as fast as boto3", f"{loop / ours:.1f} times", loop >= 2.5 * ours)
    if theirs:
        bar("4 times as fast as Terraform", f"{theirs / ours:.1f} times", theirs >= 4 * ours)
    bar(f"no more listings and batches than {pages} + {pages} and 5 %", calls, calls <= 2 * pages * 1.05)
    bar("below 64 MiB", f"{peak / MIB:.0f} MiB", peak < 64 * MIB)
    bar("flat: ten times as much in a tenth more memory", f"{many / peak:.2f} times", many < 1.1 * peak)


main()
