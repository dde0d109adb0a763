"""How long it takes to make a backend: tfbackend, Terraform, the AWS CLI, boto3.

Each starts from nothing, on an emulator of its own behind a network of 0 and of 50 ms, and of 50 ms where each new connection
takes 100 ms more, and is measured from outside: time, calls that arrived, how many of them one after the other, connections,
and memory of all its processes. As on AWS, each service has an address of its own. What is printed are the tables of
docs/internals/benchmarks.md; `target/bench/bootstrap.json` has every number.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from common import MB, REGION, ROOT, Bars, Emulator, built, machine, measure, terraformrc, times, version  # noqa: E402

TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
VENV = TARGET / "bench-venv"
FAR, VERY_FAR = 0.05, 1
# What a new connection takes more: the handshakes of TCP and TLS, two ways there and back.
HANDSHAKE = 0.1
SERVICES = ("S3", "S3_CONTROL", "DYNAMODB", "KMS", "IAM", "STS", "SNS", "CLOUDTRAIL", "CLOUDWATCH")
LINE = ["--env", "bench", "--project", "acme", "--region", REGION, "--lock", "both", "--alarm-email", "ops@example.com"]
# `verify` finds what a plain emulator lacks: an account-wide block, a confirmed subscription.
FINDINGS = (0, 2)
HELPS = 20


def depth(calls):
    """The longest chain of calls of which each came after the one before it was answered."""
    chains = []
    for call in sorted((call for call in calls if call["end"]), key=lambda call: call["start"]):
        before = max((length for length, end in chains if end <= call["start"]), default=0)
        chains.append((before + 1, call["end"]))
    return max((length for length, _ in chains), default=0)


class Row:
    """What is measured again and again."""

    def __init__(self, name, delay, handshake):
        self.name, self.delay, self.handshake, self.seconds, self.peaks, self.calls = name, delay, handshake, [], [], []

    def add(self, emulator, command, home, codes=(0,), **more):
        emulator.ask("forget", "POST")
        took, peak = measure(command, emulator.vars(home, VENV / "bin"), more.pop("cwd", home), codes, every=0.005)
        calls = emulator.ask("calls")
        assert {call["http"] for call in calls} == {"1.1"}, "as AWS's own S3 and DynamoDB"
        connections = len({call["connection"] for call in calls})
        self.seconds.append(took)
        self.peaks.append(peak)
        self.calls.append({"calls": len(calls), "writes": sum(call["writes"] for call in calls), "deep": depth(calls), "connections": connections})

    def middle(self):
        return median(self.seconds)

    def most(self, what):
        return max(calls[what] for calls in self.calls)

    def deep(self):
        return self.most("deep")

    def document(self):
        row = {"name": self.name, "delay_ms": round(self.delay * 1000), "handshake_ms": round(self.handshake * 1000), "seconds": self.seconds, "median": self.middle()}
        return row | {"peak_bytes": max(self.peaks), "runs": self.calls}


class Far(Emulator):
    def __init__(self, delay, handshake=0, overlap="-"):
        super().__init__(HERE / "serve.py", delay, handshake, overlap)

    @staticmethod
    def address(service):
        return f"127.0.1.{SERVICES.index(service) + 1}"

    def bound(self, port):
        return super().bound(port) + [f"{self.address(service)}:{port}" for service in SERVICES]

    def vars(self, home, path=None):
        of_services = {f"AWS_ENDPOINT_URL_{service}": f"http://{self.address(service)}:{self.port}" for service in SERVICES}
        return super().vars(home, path) | of_services

    def __enter__(self):
        super().__enter__()
        with tempfile.TemporaryDirectory() as home:
            measure([sys.executable, "-I", str(HERE / "warm.py")], self.vars(home), home)
        return self


class Measured:
    def __init__(self):
        self.rows = {}
        # Of those who make many calls at once, over a network so slow that none waits by chance.
        self.deep = {}

    def row(self, name, delay, handshake=0):
        return self.rows.setdefault((name, delay, handshake), Row(name, delay, handshake))

    def table(self, delays):
        names = list(dict.fromkeys(name for name, *_ in self.rows))
        lines = ["| | " + " | ".join(f"+{delay * 1000:.0f} ms" for delay in delays) + " | calls (writes) | deep | peak memory |"]
        lines.append("| --- " * (len(delays) + 4) + "|")
        for name in names:
            rows = [self.rows.get((name, delay, 0)) for delay in delays]
            known = [row for row in rows if row]
            last = known[-1]
            deep = self.deep.get(name, last.deep())
            cells = [times(row.seconds) if row else "–" for row in rows]
            cells += [f"{last.most('calls')} ({last.most('writes')})", str(deep), f"{max(max(row.peaks) for row in known) / MB:.0f} MB"]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
        return "\n".join(lines)

    def connections_table(self):
        lines = [f"| | +{FAR * 1000:.0f} ms, +{HANDSHAKE * 1000:.0f} ms a new connection | connections | calls |", "| --- " * 4 + "|"]
        for (name, _, handshake), row in self.rows.items():
            if handshake:
                lines.append(f"| {name} | {times(row.seconds)} | {row.most('connections')} | {row.most('calls')} |")
        return "\n".join(lines)


def tfbackend(program, delay, handshake, home, measured):
    """From nothing, then with nothing to do, then whether it is as it should be."""
    with tempfile.TemporaryDirectory(dir=home) as folder, Far(delay, handshake) as emulator:
        for name, command, codes in [
            ("tfbackend bootstrap", ["bootstrap", *LINE, "--auto-approve"], (0,)),
            ("tfbackend bootstrap, nothing to do", ["bootstrap", *LINE, "--auto-approve"], (0,)),
            ("tfbackend verify", ["verify", *LINE], FINDINGS),
        ]:
            measured.row(name, delay, handshake).add(emulator, [program, *command], home, codes, cwd=folder)
    if delay == FAR and not handshake:
        with tempfile.TemporaryDirectory(dir=home) as folder, Far(delay, overlap="overlap") as emulator:
            name = "tfbackend bootstrap, 409 to every second overlapping write"
            measured.row(name, delay).add(emulator, [program, "bootstrap", *LINE, "--auto-approve"], home, cwd=folder)


def terraform(delay, handshake, home, measured):
    with tempfile.TemporaryDirectory(dir=home) as folder, Far(delay, handshake) as emulator:
        shutil.copy(HERE / "guide.tf", folder)
        quiet = "-no-color -input=false"
        both = ["sh", "-c", f"terraform init {quiet} && terraform apply -auto-approve {quiet}"]
        measured.row("terraform init and apply", delay, handshake).add(emulator, both, home, cwd=folder)
        again = ["terraform", "apply", "-auto-approve", *quiet.split()]
        measured.row("terraform apply, nothing to do", delay, handshake).add(emulator, again, home, cwd=folder)


def steps(name, command, delay, handshake, home, measured):
    with Far(delay, handshake) as emulator:
        measured.row(name, delay, handshake).add(emulator, command, home)


def critical_path(program, home):
    """In round trips, as the plan says."""
    with Far(0) as emulator:
        plan = subprocess.run(
            [program, "plan", *LINE, "--output", "json"], env=emulator.vars(home), cwd=home, capture_output=True, check=True
        )
    return json.loads(plan.stdout)["critical_path"]


def help_takes(program):
    """Without a watcher, which would take longer than that."""
    nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    started = time.monotonic()
    pid = os.posix_spawn(program, [program, "--help"], {"PATH": os.environ["PATH"]}, file_actions=nowhere)
    assert os.waitpid(pid, 0)[1] == 0
    return time.monotonic() - started


def versions(program, with_terraform):
    python = str(VENV / "bin" / "python")
    boto3 = version([python, "-I", "-c", "import boto3; print('boto3', boto3.__version__)"])
    said = [version([program, "--version"]), version([VENV / "bin" / "aws", "--version"]), boto3]
    if with_terraform:
        said.insert(1, version(["terraform", "version"]) + ", AWS provider 5.100.0")
    return said


def how_deep(program, home):
    measured = Measured()
    tfbackend(program, VERY_FAR, 0, home, measured)
    return {name: row.deep() for (name, *_), row in measured.rows.items()}


def bars(measured, path, program, helps):
    bars = Bars()
    ours = measured.row("tfbackend bootstrap", FAR)
    most = 1.25 * path["round_trips"] * FAR + 0.4
    bars.row(f"bootstrap in 1.25 × ({path['round_trips']} round trips of 50 ms) + 0.4 s", f"{ours.middle():.2f} s, at most {most:.2f} s", ours.middle() <= most)
    new = measured.row("tfbackend bootstrap", FAR, HANDSHAKE)
    most = 1.25 * (path["round_trips"] + 2) * FAR + 0.4
    what = f"with {HANDSHAKE * 1000:.0f} ms more for each new connection, in 1.25 × (({path['round_trips']} + 2) round trips of 50 ms) + 0.4 s"
    bars.row(what, f"{new.middle():.2f} s, at most {most:.2f} s", new.middle() <= most)
    deep = measured.deep["tfbackend bootstrap"]
    said = f"{path['round_trips']} as the plan says, {deep} deep"
    bars.row("critical path from nothing: at most 10 round trips", said, path["round_trips"] <= 10 and deep <= 10)
    for name, times_as_fast in [("terraform init and apply", 40), ("AWS CLI, the guides' steps", 10), ("boto3, the same calls", 2)]:
        if (name, FAR, 0) in measured.rows:
            ratio = measured.row(name, FAR).middle() / ours.middle()
            bars.row(f"{times_as_fast} times as fast as {name}", f"{ratio:.1f} times", ratio >= times_as_fast)
    for name in ("tfbackend bootstrap, nothing to do", "tfbackend verify"):
        row = measured.row(name, FAR)
        deep, writes = measured.deep[name], row.most("writes")
        bars.row(f"{name}: 3 round trips deep, no writes", f"{deep} deep, {writes} writes", deep <= 3 and writes == 0)
    bars.row("`--help` in less than 10 ms", f"{median(helps) * 1000:.1f} ms", median(helps) < 0.01)
    peak = max(max(row.peaks) for (name, *_), row in measured.rows.items() if name.startswith("tfbackend bootstrap"))
    bars.row("bootstrap in less than 40 MB", f"{peak / MB:.0f} MB", peak < 40 * MB)
    size = os.stat(program).st_size
    bars.row("stripped release binary below 20 MB", f"{size / MB:.1f} MB", size < 20 * MB)
    return bars


def main():
    parser = argparse.ArgumentParser(prog="bench.py bootstrap", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="of each (default: 5)")
    parser.add_argument("--program", help="tfbackend, if it is built already")
    parser.add_argument("--without-terraform", action="store_true", help="which takes most of the time")
    parser.add_argument("--without-cli", action="store_true", help="nor Terraform: tfbackend and boto3 alone")
    parser.add_argument("--only-far", action="store_true", help="with 50 ms only")
    args = parser.parse_args()
    program = str(Path(args.program or built()).resolve())
    delays = [FAR] if args.only_far else [0, FAR]
    networks = [(delay, 0) for delay in delays] + [(FAR, HANDSHAKE)]
    with_terraform = not (args.without_terraform or args.without_cli) and shutil.which("terraform") is not None
    if not with_terraform:
        print("without Terraform, which is not asked for or not on PATH", file=sys.stderr)
    measured = Measured()
    where, python = machine(), str(VENV / "bin" / "python")
    # Python writes down what it has compiled: it does so only once.
    subprocess.run([python, "-I", "-m", "compileall", "-q", VENV / "lib"], check=False, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as home:
        terraformrc(home)
        path = critical_path(program, home)
        helps = [help_takes(program) for _ in range(HELPS)]
        # In turn, so that what else the machine does is shared.
        for _ in range(args.runs):
            for network in networks:
                tfbackend(program, *network, home, measured)
                steps("boto3, the same calls", [python, "-I", str(HERE / "steps.py")], *network, home, measured)
                if args.without_cli:
                    continue
                steps("AWS CLI, the guides' steps", ["sh", str(HERE / "steps.sh")], *network, home, measured)
                if with_terraform:
                    terraform(*network, home, measured)
        measured.deep = how_deep(program, home)
    held = bars(measured, path, program, helps)
    said = versions(program, with_terraform)
    print(f"{where}\n{'; '.join(said)}; {args.runs} runs, median (least–most)\n")
    print(f"{measured.table(delays)}\n\n{measured.connections_table()}\n\n{held.table()}")
    document = {"machine": where, "versions": said, "critical_path": path, "deep": measured.deep, "help_seconds": helps, "bars": held.rows}
    document |= {"rows": [row.document() for row in measured.rows.values()]}
    file = TARGET / "bench" / "bootstrap.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document, indent=2) + "\n")
    print(f"\n{file}", file=sys.stderr)


main()
