"""Shared by the benchmarks: an emulator with configurable latency, a process measured from outside, tables."""

import json
import os
import platform
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

ROOT = Path(__file__).parent.parent
REGION = "us-east-1"
MB, MIB = 1_000_000, 1 << 20


class Emulator:
    """An emulator run by `script` with `args`, stopped at the end of the `with` block."""

    def __init__(self, script, *args):
        self.script, self.args = script, args

    def command(self, port):
        command = [sys.executable, "-I", self.script, *map(str, self.args)]
        return command + ["ministack.app:app", "--workers", "0", *(word for at in self.bound(port) for word in ("--bind", at))]

    def bound(self, port):
        """Addresses that it listens on."""
        return [f"127.0.0.1:{port}"]

    def __enter__(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.port, self.url = port, f"http://127.0.0.1:{port}"
        vars = {"PATH": os.environ["PATH"], "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
        vars |= {"DOCKER_HOST": "unix:///nonexistent", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0", "LOG_LEVEL": "ERROR"}
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(self.command(port), env=vars, cwd=tempfile.gettempdir(), stdout=self.log, stderr=self.log)
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

    def vars(self, home, path=None):
        """`path` comes before the folders that are looked through for programs."""
        vars = {"PATH": f"{path}:{os.environ['PATH']}" if path else os.environ["PATH"], "HOME": str(home)}
        vars |= {"AWS_ENDPOINT_URL": self.url, "AWS_EC2_METADATA_DISABLED": "true", "CHECKPOINT_DISABLE": "1"}
        vars |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
        return vars | {"TF_CLI_CONFIG_FILE": str(Path(home) / "terraformrc"), "AWS_PAGER": ""}


def terraformrc(home):
    """Providers from a mirror, if there is one."""
    mirror = os.environ.get("TFBACKEND_TF_MIRROR")
    source = f'filesystem_mirror {{\n path = "{mirror}"\n}}\n direct {{\n exclude = ["registry.terraform.io/*/*"]\n}}'
    (Path(home) / "terraformrc").write_text(f"provider_installation {{\n {source}\n}}\n" if mirror else "")


def memory(session):
    """Resident memory of all processes of a session, and the most that its first one ever had."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            total += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    try:
        lines = Path(f"/proc/{session}/status").read_text().splitlines()
    except OSError:
        return total
    most = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")]
    return max([total, *most])


def measure(command, vars, cwd, codes=(0,), every=0.02):
    """Duration and peak memory of a command; ends the benchmark if the command fails."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, env=vars, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        peak, ended = [0], threading.Event()

        def watch():
            while not ended.wait(every):
                peak[0] = max(peak[0], memory(process.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        code = process.wait()
        took = time.monotonic() - started
        ended.set()
        watcher.join()
        output.seek(0)
        said = output.read().decode(errors="replace")
    if code not in codes:
        raise SystemExit(f"{command} ended with {code}:\n{said}")
    return took, peak[0]


def times(seconds):
    """The median, the minimum and the maximum."""
    seconds = sorted(seconds)
    middle = statistics.median(seconds)
    digits = 1 if middle >= 10 else 2
    return f"{middle:.{digits}f} s ({seconds[0]:.{digits}f}–{seconds[-1]:.{digits}f})"


def machine():
    return f"{datetime.now(timezone.utc):%Y-%m-%d}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.platform()}"


def built():
    """The release binary, built if need be."""
    command = ["cargo", "build", "--locked", "--release", "--message-format=json-render-diagnostics"]
    output = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    artifacts = (json.loads(line) for line in output.splitlines())
    return next(a["executable"] for a in artifacts if a.get("executable") and a["target"]["name"] == "tfbackend")


def version(command, vars=None):
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=vars)
    return (said.stdout or said.stderr).splitlines()[0]


class Bars:
    """Targets, and whether each is met."""

    def __init__(self):
        self.rows = []

    def row(self, what, measured, holds):
        self.rows.append({"bar": what, "measured": str(measured), "holds": bool(holds)})

    def table(self):
        lines = ["| target | measured | |", "| --- | --- | --- |"]
        for row in self.rows:
            lines.append(f"| {row['bar']} | {row['measured']} | {'met' if row['holds'] else '**not met**'} |")
        return "\n".join(lines)
